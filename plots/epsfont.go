package plots

import (
	"bytes"
	"fmt"

	"golang.org/x/image/font/sfnt"
	"gonum.org/v1/plot/font"
)

// fontPrefix marks the name of a font of which only some letters are there, as PDF wants it.
const fontPrefix = "AURALA+"

// epsFont is a font in a PostScript file, with the letters that are used.
type epsFont struct {
	name string
	face font.Face
	used [256]bool // codes of ISO 8859-1
}

func (e *epsFont) use(code byte) { e.used[code] = true }

// write defines the font, as of type 42: TrueType in PostScript.
func (e *epsFont) write(b *bytes.Buffer) error {
	var buffer sfnt.Buffer
	var source bytes.Buffer
	if _, err := e.face.Face.WriteSourceTo(&buffer, &source); err != nil {
		return fmt.Errorf("font %s: %w", e.name, err)
	}
	glyphs, codes := []uint16{0}, []byte{0} // the first is what is shown for a missing letter
	for code, used := range e.used {
		if !used {
			continue
		}
		glyph, err := e.face.Face.GlyphIndex(&buffer, rune(code))
		if err != nil {
			return fmt.Errorf("font %s: %w", e.name, err)
		}
		if glyph != 0 {
			glyphs, codes = append(glyphs, uint16(glyph)), append(codes, byte(code))
		}
	}
	data, err := subset(source.Bytes(), glyphs)
	if err != nil {
		return fmt.Errorf("font %s: %w", e.name, err)
	}
	fmt.Fprintf(b, "%%%%BeginResource: font %s\n12 dict begin\n/FontName /%s def\n/FontType 42 def\n/PaintType 0 def\n/FontMatrix [1 0 0 1 0 0] def\n", e.name, e.name)
	b.WriteString("/FontBBox [-1 -0.5 2 1.5] def\n/Encoding 256 array 0 1 255 { 1 index exch /.notdef put } for\n")
	names := make([]string, len(glyphs))
	for i := range glyphs {
		if i == 0 {
			continue
		}
		// The names of the font tell a reader of the file what letters it shows.
		if names[i], err = e.face.Face.GlyphName(&buffer, sfnt.GlyphIndex(glyphs[i])); err != nil || names[i] == "" {
			names[i] = fmt.Sprintf("c%d", codes[i])
		}
		fmt.Fprintf(b, "dup %d /%s put\n", codes[i], names[i])
	}
	fmt.Fprintf(b, "def\n/CharStrings %d dict dup begin\n/.notdef 0 def\n", len(glyphs))
	for i := 1; i < len(glyphs); i++ {
		fmt.Fprintf(b, "/%s %d def\n", names[i], i)
	}
	b.WriteString("end def\n/sfnts [<\n")
	for from := 0; from < len(data); from += 38 {
		fmt.Fprintf(b, "%X\n", data[from:min(from+38, len(data))])
	}
	b.WriteString("00>] def\nFontName currentdict end definefont pop\n%%EndResource\n") // 00: the interpreter leaves out the last byte of an odd number
	return nil
}

package plots

import (
	"bytes"
	"compress/zlib"
	"encoding/ascii85"
	"fmt"
	"image"
	"image/color"
	"io"
	"math"
	"strconv"

	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
)

// epsCanvas writes Encapsulated PostScript. The one of gonum/plot (vgeps) has a first line that interpreters refuse, the time in
// its head, no fonts, and no images. Text is written as the outlines of its letters, each defined once, so that it looks
// the same everywhere and no font is missing.
type epsCanvas struct {
	w, h   vg.Length
	glyphs bytes.Buffer            // definitions of letters
	known  map[sfnt.GlyphIndex]int // size of what is defined; letters without an outline are 0
	body   bytes.Buffer
	state  epsState
	stack  []epsState
}

// epsState is what PostScript draws with.
type epsState struct {
	colour color.NRGBA
	width  vg.Length
	dashes string
}

func newEPS(w, h vg.Length) *epsCanvas {
	c := &epsCanvas{w: w, h: h, known: map[sfnt.GlyphIndex]int{}}
	vg.Initialize(c)
	return c
}

// decimal writes a number with up to three digits behind the point: a thousandth of a point is nowhere seen. There is no
// exponent, which neither TeX nor a reader of figures expects.
func decimal(v float64) string {
	if !finite(v) {
		return "0"
	}
	s := trimZeros(strconv.FormatFloat(v, 'f', 3, 64))
	if s == "-0" {
		return "0"
	}
	return s
}

func (c *epsCanvas) put(operator string, numbers ...float64) {
	for _, v := range numbers {
		c.body.WriteString(decimal(v))
		c.body.WriteByte(' ')
	}
	c.body.WriteString(operator)
	c.body.WriteByte('\n')
}

// Size implements vg.CanvasSizer.
func (c *epsCanvas) Size() (w, h vg.Length) { return c.w, c.h }

// SetLineWidth implements vg.Canvas.
func (c *epsCanvas) SetLineWidth(w vg.Length) {
	if w != c.state.width {
		c.state.width = w
		c.put("setlinewidth", float64(w))
	}
}

// SetLineDash implements vg.Canvas.
func (c *epsCanvas) SetLineDash(pattern []vg.Length, offset vg.Length) {
	text := "["
	for _, d := range pattern {
		text += decimal(float64(d)) + " "
	}
	text += "] " + decimal(float64(offset))
	if text != c.state.dashes {
		c.state.dashes = text
		c.put(text + " setdash")
	}
}

// SetColor implements vg.Canvas. PostScript has no transparency; the colours of figures have none.
func (c *epsCanvas) SetColor(colour color.Color) {
	if colour == nil {
		colour = color.Black
	}
	rgb := color.NRGBAModel.Convert(colour).(color.NRGBA)
	if rgb != c.state.colour {
		c.state.colour = rgb
		c.put("setrgbcolor", float64(rgb.R)/255, float64(rgb.G)/255, float64(rgb.B)/255)
	}
}

// Rotate implements vg.Canvas.
func (c *epsCanvas) Rotate(radians float64) { c.put("rotate", radians*180/math.Pi) }

// Translate implements vg.Canvas.
func (c *epsCanvas) Translate(by vg.Point) { c.put("translate", float64(by.X), float64(by.Y)) }

// Scale implements vg.Canvas.
func (c *epsCanvas) Scale(x, y float64) { c.put("scale", x, y) }

// Push implements vg.Canvas.
func (c *epsCanvas) Push() {
	c.stack = append(c.stack, c.state)
	c.put("gsave")
}

// Pop implements vg.Canvas.
func (c *epsCanvas) Pop() {
	c.state, c.stack = c.stack[len(c.stack)-1], c.stack[:len(c.stack)-1]
	c.put("grestore")
}

// Stroke implements vg.Canvas.
func (c *epsCanvas) Stroke(path vg.Path) {
	if c.state.width > 0 {
		c.trace(path)
		c.put("s")
	}
}

// Fill implements vg.Canvas.
func (c *epsCanvas) Fill(path vg.Path) {
	c.trace(path)
	c.put("f")
}

func (c *epsCanvas) trace(path vg.Path) {
	c.put("n")
	for _, p := range path {
		x, y := float64(p.Pos.X), float64(p.Pos.Y)
		switch p.Type {
		case vg.MoveComp:
			c.put("m", x, y)
		case vg.LineComp:
			c.put("l", x, y)
		case vg.ArcComp:
			operator := "arc"
			if p.Angle < 0 {
				operator = "arcn"
			}
			c.put(operator, x, y, float64(p.Radius), p.Start*180/math.Pi, (p.Start+p.Angle)*180/math.Pi)
		case vg.CurveComp:
			first, second := p.Control[0], p.Control[len(p.Control)-1]
			c.put("c", float64(first.X), float64(first.Y), float64(second.X), float64(second.Y), x, y)
		case vg.CloseComp:
			c.put("h")
		}
	}
}

// FillString implements vg.Canvas.
func (c *epsCanvas) FillString(f font.Face, at vg.Point, text string) {
	var buffer sfnt.Buffer
	unit := float64(f.Font.Size) / float64(f.Face.UnitsPerEm())
	c.put("gsave")
	c.put("translate", float64(at.X), float64(at.Y))
	c.body.WriteString(strconv.FormatFloat(unit, 'f', 8, 64) + " dup scale\n")
	for i, r := range text {
		glyph, err := f.Face.GlyphIndex(&buffer, r)
		if err != nil {
			continue
		}
		if c.define(&buffer, f.Face, glyph) {
			c.put("g"+strconv.Itoa(int(glyph)), float64(f.Width(text[:i]))/unit)
		}
	}
	c.put("grestore")
}

// define writes the outline of a letter, in the units of its font, as a procedure that takes its horizontal place. It
// returns false for letters without an outline, such as the space.
func (c *epsCanvas) define(buffer *sfnt.Buffer, f *sfnt.Font, glyph sfnt.GlyphIndex) bool {
	if size, ok := c.known[glyph]; ok {
		return size > 0
	}
	segments, err := f.LoadGlyph(buffer, glyph, fixed.Int26_6(f.UnitsPerEm())<<6, nil)
	c.known[glyph] = len(segments)
	if err != nil || len(segments) == 0 {
		return false
	}
	fmt.Fprintf(&c.glyphs, "/g%d { gsave 0 translate n\n", glyph)
	var x, y float64
	for i, s := range segments {
		var at [6]float64
		for j, p := range s.Args {
			at[2*j], at[2*j+1] = float64(p.X)/64, -float64(p.Y)/64
		}
		switch s.Op {
		case sfnt.SegmentOpMoveTo:
			if i > 0 {
				c.glyphs.WriteString("h ")
			}
			x, y = at[0], at[1]
			fmt.Fprintf(&c.glyphs, "%s %s m\n", decimal(x), decimal(y))
		case sfnt.SegmentOpLineTo:
			x, y = at[0], at[1]
			fmt.Fprintf(&c.glyphs, "%s %s l\n", decimal(x), decimal(y))
		case sfnt.SegmentOpQuadTo: // a parabola as the cubic that equals it
			x1, y1, x2, y2 := x+(at[0]-x)*2/3, y+(at[1]-y)*2/3, at[2]+(at[0]-at[2])*2/3, at[3]+(at[1]-at[3])*2/3
			x, y = at[2], at[3]
			fmt.Fprintf(&c.glyphs, "%.0f %.0f %.0f %.0f %s %s c\n", x1, y1, x2, y2, decimal(x), decimal(y))
		case sfnt.SegmentOpCubeTo:
			x, y = at[4], at[5]
			fmt.Fprintf(&c.glyphs, "%s %s %s %s %s %s c\n", decimal(at[0]), decimal(at[1]), decimal(at[2]), decimal(at[3]), decimal(x), decimal(y))
		}
	}
	c.glyphs.WriteString("h f grestore } bind def\n")
	return true
}

// DrawImage implements vg.Canvas.
func (c *epsCanvas) DrawImage(r vg.Rectangle, m image.Image) {
	size := m.Bounds().Size()
	c.put("gsave")
	c.put("translate", float64(r.Min.X), float64(r.Min.Y))
	c.put("scale", float64(r.Max.X-r.Min.X), float64(r.Max.Y-r.Min.Y))
	fmt.Fprintf(&c.body, "/DeviceRGB setcolorspace\n<< /ImageType 1 /Width %d /Height %d /BitsPerComponent 8 /Decode [0 1 0 1 0 1]\n"+
		"/ImageMatrix [%d 0 0 %d 0 %d] /DataSource currentfile /ASCII85Decode filter /FlateDecode filter >> image\n", size.X, size.Y, size.X, -size.Y, size.Y)
	var packed bytes.Buffer
	z := zlib.NewWriter(&packed) // writing to a buffer cannot fail
	row := make([]byte, 3*size.X)
	for y := range size.Y {
		for x := range size.X {
			p := color.NRGBAModel.Convert(m.At(m.Bounds().Min.X+x, m.Bounds().Min.Y+y)).(color.NRGBA)
			row[3*x], row[3*x+1], row[3*x+2] = p.R, p.G, p.B
		}
		z.Write(row)
	}
	z.Close()
	text := make([]byte, ascii85.MaxEncodedLen(packed.Len()))
	text = text[:ascii85.Encode(text, packed.Bytes())]
	for len(text) > 0 {
		n := min(76, len(text))
		c.body.WriteByte(' ') // so that no line begins with %%, which would be a comment to some programs
		c.body.Write(text[:n])
		c.body.WriteByte('\n')
		text = text[n:]
	}
	c.put("~>")
	c.put("grestore")
}

// WriteTo implements io.WriterTo.
func (c *epsCanvas) WriteTo(w io.Writer) (int64, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%%!PS-Adobe-3.0 EPSF-3.0\n%%%%Creator: aural\n%%%%BoundingBox: 0 0 %.0f %.0f\n%%%%HiResBoundingBox: 0 0 %s %s\n",
		math.Ceil(float64(c.w)), math.Ceil(float64(c.h)), decimal(float64(c.w)), decimal(float64(c.h)))
	b.WriteString("%%LanguageLevel: 3\n%%DocumentData: Clean7Bit\n%%EndComments\n%%BeginProlog\n200 dict begin\n")
	for _, o := range []string{"n newpath", "m moveto", "l lineto", "c curveto", "h closepath", "s stroke", "f fill"} {
		b.WriteString("/" + o[:1] + " /" + o[2:] + " load def\n")
	}
	b.Write(c.glyphs.Bytes())
	b.WriteString("%%EndProlog\ngsave\n")
	b.Write(c.body.Bytes())
	b.WriteString("grestore\nend\nshowpage\n%%EOF\n")
	return b.WriteTo(w)
}

package plots

import (
	"bytes"
	"fmt"
	"image"
	"io"
	"path/filepath"
	"strings"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgpdf"
	"gonum.org/v1/plot/vg/vgsvg"
)

// canvas is a surface that can be written to a file.
type canvas interface {
	vg.CanvasSizer
	io.WriterTo
}

var (
	_ canvas = pdfCanvas{}
	_ canvas = svgCanvas{}
	_ canvas = vgimg.PngCanvas{}
	_ canvas = (*epsCanvas)(nil)
	_ canvas = (*texCanvas)(nil)
)

// Formats returns the extensions of the files that Render can write.
func Formats() []string { return []string{".svg", ".pdf", ".png", ".eps", ".tex"} }

// newCanvas returns a canvas of the format that the extension of path says.
func newCanvas(path string, w, h vg.Length, dpi float64) (canvas, error) {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".svg":
		return svgCanvas{vgsvg.New(w, h)}, nil
	case ".pdf":
		return pdfCanvas{vgpdf.New(w, h), map[int]bool{}}, nil
	case ".png":
		return vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(w, h), vgimg.UseDPI(int(dpi)))}, nil
	case ".eps":
		return newEPS(w, h), nil
	case ".tex":
		return newTeX(strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)), w, h), nil
	}
	formats := Formats()
	return nil, fmt.Errorf("unknown format %q: use %s or %s", filepath.Ext(path), strings.Join(formats[:len(formats)-1], ", "), formats[len(formats)-1])
}

// svgCanvas names fonts of the same widths for those who do not have Liberation Sans.
type svgCanvas struct{ *vgsvg.Canvas }

// FillString implements vg.Canvas. XML has no control characters.
func (c svgCanvas) FillString(f font.Face, at vg.Point, s string) {
	c.Canvas.FillString(f, at, strings.Map(func(r rune) rune {
		if r < ' ' || r == 0xFFFE || r == 0xFFFF {
			return '?'
		}
		return r
	}, s))
}

// WriteTo implements io.WriterTo.
func (c svgCanvas) WriteTo(w io.Writer) (int64, error) {
	var b bytes.Buffer
	if _, err := c.Canvas.WriteTo(&b); err != nil {
		return 0, err
	}
	n, err := strings.NewReplacer(
		"font-family:Liberation Sans;", "font-family:'Liberation Sans',Arial,Helvetica,sans-serif;",
		"data:image/jpg;", "data:image/png;", // vgsvg embeds PNG under this name
		"<image x=", `<image preserveAspectRatio="none" x=`,
	).WriteString(w, b.String())
	return int64(n), err
}

// The library behind vgpdf writes the time, and its tables in the order of a map, unless these defaults are changed; vgpdf
// gives no access to the document.
func init() {
	fpdf.SetDefaultCatalogSort(true)
	fpdf.SetDefaultCreationDate(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC))
	fpdf.SetDefaultModificationDate(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC))
}

// pdfCanvas takes text beyond ASCII, and writes images in their order.
type pdfCanvas struct {
	*vgpdf.Canvas
	widths map[int]bool // of images, in pixels
}

// DrawImage implements vg.Canvas. The library sorts images by their widths and leaves those of one width in the order of a
// map: an image whose width is taken gets its last column twice.
func (c pdfCanvas) DrawImage(r vg.Rectangle, m image.Image) {
	size := m.Bounds().Size()
	wide := size.X
	for c.widths[wide] {
		wide++
	}
	c.widths[wide] = true
	if p, ok := m.(*image.Paletted); ok && wide > size.X {
		wider := image.NewPaletted(image.Rect(0, 0, wide, size.Y), p.Palette)
		for y := range size.Y {
			row := p.Pix[y*p.Stride : y*p.Stride+size.X]
			out := wider.Pix[y*wider.Stride : (y+1)*wider.Stride]
			for x := copy(out, row); x < wide; x++ {
				out[x] = row[size.X-1]
			}
		}
		m = wider
	}
	c.Canvas.DrawImage(r, m)
}

// FillString implements vg.Canvas. The fonts of vgpdf are encoded in code page 1252, which equals Unicode from U+00A0 to
// U+00FF; other letters become question marks.
func (c pdfCanvas) FillString(f font.Face, at vg.Point, s string) {
	var b strings.Builder
	for _, r := range latin1(s) {
		b.WriteByte(byte(r))
	}
	c.Canvas.FillString(f, at, b.String())
}

// latin1 replaces what is not in ISO 8859-1 by question marks, also control characters.
func latin1(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= ' ' && r < 0x7F || r >= 0xA0 && r <= 0xFF {
			return r
		}
		return '?'
	}, s)
}

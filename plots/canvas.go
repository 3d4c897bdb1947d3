package plots

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"strings"

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
)

func newCanvas(ext string, w, h vg.Length, dpi float64) (canvas, error) {
	switch ext {
	case ".svg":
		return svgCanvas{vgsvg.New(w, h)}, nil
	case ".pdf":
		return pdfCanvas{vgpdf.New(w, h)}, nil
	case ".png":
		if dpi == 0 {
			dpi = 200
		}
		return vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(w, h), vgimg.UseDPI(int(dpi)))}, nil
	}
	return nil, fmt.Errorf("unknown format %q: use .svg, .pdf or .png", ext)
}

// svgCanvas names fonts of the same widths for those who do not have Liberation Sans.
type svgCanvas struct{ *vgsvg.Canvas }

// WriteTo implements io.WriterTo.
func (c svgCanvas) WriteTo(w io.Writer) (int64, error) {
	var b bytes.Buffer
	if _, err := c.Canvas.WriteTo(&b); err != nil {
		return 0, err
	}
	out := strings.ReplaceAll(b.String(), "font-family:Liberation Sans;", "font-family:'Liberation Sans',Arial,Helvetica,sans-serif;")
	n, err := io.WriteString(w, out)
	return int64(n), err
}

// pdfCanvas writes no dates and takes text beyond ASCII.
type pdfCanvas struct{ *vgpdf.Canvas }

// FillString implements vg.Canvas. The fonts of vgpdf are encoded in code page 1252, which equals Unicode from U+00A0 to
// U+00FF; other letters become question marks.
func (c pdfCanvas) FillString(f font.Face, at vg.Point, s string) {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r < 0x80 || 0xA0 <= r && r <= 0xFF:
			b.WriteByte(byte(r))
		default:
			b.WriteByte('?')
		}
	}
	c.Canvas.FillString(f, at, b.String())
}

// WriteTo implements io.WriterTo. The library stamps the time into two strings of fixed length and gives no access to
// them; a fixed date of the same length keeps the offsets of the file right.
func (c pdfCanvas) WriteTo(w io.Writer) (int64, error) {
	var b bytes.Buffer
	if _, err := c.Canvas.WriteTo(&b); err != nil {
		return 0, err
	}
	dates := regexp.MustCompile(`/(CreationDate|ModDate) \(D:\d{14}\)`)
	n, err := w.Write(dates.ReplaceAll(b.Bytes(), []byte("/$1 (D:20000101000000)")))
	return int64(n), err
}

package plots

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"
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
		return pdfCanvas{vgpdf.New(w, h)}, nil
	case ".png":
		if dpi == 0 {
			dpi = 200
		}
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

// WriteTo implements io.WriterTo.
func (c svgCanvas) WriteTo(w io.Writer) (int64, error) {
	var b bytes.Buffer
	if _, err := c.Canvas.WriteTo(&b); err != nil {
		return 0, err
	}
	n, err := strings.NewReplacer(
		"font-family:Liberation Sans;", "font-family:'Liberation Sans',Arial,Helvetica,sans-serif;",
		"data:image/jpg;", "data:image/png;", // vgsvg embeds PNG under this name
	).WriteString(w, b.String())
	return int64(n), err
}

// pdfCanvas writes no dates and takes text beyond ASCII.
type pdfCanvas struct{ *vgpdf.Canvas }

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

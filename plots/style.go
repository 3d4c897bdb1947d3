package plots

import (
	"cmp"
	"image/color"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Sizes of text in points, when the labels of axes have 9. One face serves everything: bold and italic faces would be
// further fonts in a PDF, which its writer stores in an order that changes from run to run.
const (
	titleSize  = 11
	labelSize  = 9
	tickSize   = 8
	legendSize = 8.5
	noteSize   = 7.5
)

// lineWidth is that of a curve, rawWidth that of many points as they were measured, in points.
const (
	lineWidth = 1.3
	rawWidth  = 0.7
)

// style is how a figure is drawn: colours, and the sizes of text and lines.
type style struct {
	palette
	scale  float64 // of text
	width  float64 // of lines
	legend Legend
	title  bool
	dpi    float64 // that heat maps are painted for
}

func (o Options) style() style {
	return style{
		palette: o.Theme.palette(),
		scale:   cmp.Or(o.FontSize, labelSize) / labelSize,
		width:   cmp.Or(o.LineWidth, lineWidth) / lineWidth,
		legend:  o.Legend,
		title:   !o.WithoutTitle,
		dpi:     rasterDPI,
	}
}

// points is a size of text, or of the room that text takes.
func (s style) points(size float64) vg.Length { return vg.Points(size * s.scale) }

// line is the width of a line.
func (s style) line(width float64) vg.Length { return vg.Points(width * s.width) }

func (s style) font(size float64) font.Font {
	return font.Font{Typeface: "Liberation", Variant: "Sans", Size: s.points(size)}
}

func (s style) text(size float64) text.Style {
	return text.Style{Font: s.font(size), Handler: plot.DefaultTextHandler, YAlign: draw.YTop}
}

// write writes one line of text whose top is at the point.
func (s style) write(c draw.Canvas, size float64, colour color.Color, at vg.Point, side draw.XAlignment, line string) {
	t := s.text(size)
	t.Color, t.XAlign = colour, side
	c.FillText(t, at, strings.ReplaceAll(line, "\n", " "))
}

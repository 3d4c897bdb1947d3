package plots

import (
	"image/color"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// outline is a border around cells of a heat map: from and to on its horizontal axis, in one row.
type outline struct {
	from, to float64
	row      int
}

// over draws what lies on a heat map: lines, borders of cells and dots. They have a light core and dark edges or the reverse, so that they are seen on any colour.
func (h *HeatMap) over(c draw.Canvas, tx, ty func(float64) vg.Length, s style) {
	white, black := color.NRGBA{0xFF, 0xFF, 0xFF, 0xFF}, color.NRGBA{0, 0, 0, 0xFF}
	for _, x := range h.rules {
		if at := tx(x); c.ContainsX(at) {
			c.StrokeLine2(draw.LineStyle{Color: color.NRGBA{0xB0, 0xB0, 0xB0, 0xFF}, Width: s.line(0.4), Dashes: []vg.Length{1.5, 1.5}}, at, c.Min.Y, at, c.Max.Y)
		}
	}
	for _, o := range h.outlined {
		top, bottom := ty(float64(o.row)), ty(float64(o.row+1))
		corners := []vg.Point{{X: tx(o.from), Y: bottom}, {X: tx(o.to), Y: bottom}, {X: tx(o.to), Y: top}, {X: tx(o.from), Y: top}, {X: tx(o.from), Y: bottom}}
		c.StrokeLines(draw.LineStyle{Color: s.outlineColour(), Width: s.line(0.9)}, c.ClipLinesXY(corners)...)
	}
	for i, d := range h.dots {
		p := vg.Point{X: tx(d[0]), Y: ty(d[1])}
		radius := s.line(1.3)
		if i == h.chosen {
			radius = s.line(3.5)
		}
		c.DrawGlyph(draw.GlyphStyle{Color: black, Radius: radius + s.line(0.5), Shape: draw.CircleGlyph{}}, p)
		c.DrawGlyph(draw.GlyphStyle{Color: white, Radius: radius, Shape: draw.CircleGlyph{}}, p)
	}
}

// outlineColour is no colour of the ramp, and stands out from its dark and its bright end.
func (style) outlineColour() color.NRGBA { return color.NRGBA{0xE0, 0x5A, 0x3A, 0xFF} }

package plots

import (
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// fill draws the area of a band, in pieces where it has gaps.
func (d data) fill(c draw.Canvas, g *plot.Plot, b ViewBand) {
	x := newPlaces(c, g, b.X)
	_, ty := g.Transforms(&c)
	floor := math.Inf(-1)
	if _, ok := g.Y.Scale.(plot.LogScale); ok {
		floor = g.Y.Min // a mean less a deviation may be negative
	}
	for _, piece := range x.pieces(b.Low, b.High) {
		outline := make([]vg.Point, 0, 2*len(piece))
		for _, p := range piece {
			outline = append(outline, at(x.at(p.x), ty(max(p.high, floor))))
		}
		for _, p := range slices.Backward(piece) {
			outline = append(outline, at(x.at(p.x), ty(max(p.low, floor))))
		}
		if len(piece) > 1 {
			c.FillPolygon(d.style.area(b.Colour), c.ClipPolygonXY(outline))
		}
	}
}

// borders draws the lines at the low and the high side of a band.
func (d data) borders(c draw.Canvas, g *plot.Plot, b ViewBand) {
	border := draw.LineStyle{Color: d.style.edge(b.Colour), Width: d.style.line(0.5)}
	for _, side := range [][]float64{b.Low, b.High} {
		d.strokes(c, g, &curve{x: b.X, raw: side}, side, border)
	}
}

// bandPoint is a place of a band.
type bandPoint struct{ x, low, high float64 }

// pieces thins a band: each column has one place, with the extremes of what it holds. A gap ends a piece.
func (p *places) pieces(low, high []float64) (pieces [][]bandPoint) {
	var piece []bandPoint
	column := 0
	end := func() {
		if len(piece) > 0 {
			pieces = append(pieces, piece)
		}
		piece = nil
	}
	for i, x := range p.x {
		if !finite(x) || !finite(low[i]) || !finite(high[i]) {
			end()
			continue
		}
		at, n := p.column(x), len(piece)
		if n == 0 || at != column {
			piece, column = append(piece, bandPoint{x, low[i], high[i]}), at
			continue
		}
		piece[n-1].low, piece[n-1].high = min(piece[n-1].low, low[i]), max(piece[n-1].high, high[i])
	}
	end()
	return pieces
}

// marks draws the vertical lines, with their labels beside them.
func (d data) marks(c draw.Canvas, g *plot.Plot) {
	tx, _ := g.Transforms(&c)
	for _, m := range d.panel.marks {
		if !(m.X >= g.X.Min && m.X <= g.X.Max) {
			continue
		}
		x := tx(m.X)
		c.StrokeLine2(draw.LineStyle{Color: d.style.muted, Width: d.style.line(0.6)}, x, c.Min.Y, x, c.Max.Y)
		if m.Label == "" {
			continue
		}
		side, at := draw.XLeft, vg.Point{X: x + 2, Y: c.Max.Y - 2}
		if x > c.Center().X {
			side, at.X = draw.XRight, x-2
		}
		d.style.write(c, noteSize, d.style.muted, at, side, m.Label)
	}
}

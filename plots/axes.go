package plots

import (
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
)

// Sizes of text, in points. One face serves everything: bold and italic faces would be further fonts in a PDF, which
// its writer stores in an order that changes from run to run.
const (
	titleSize  = 11
	labelSize  = 9
	tickSize   = 8
	legendSize = 8.5
	noteSize   = 7.5
)

func sans(size float64) font.Font {
	return font.Font{Typeface: "Liberation", Variant: "Sans", Size: vg.Points(size)}
}

// limits returns the range of the finite values that are drawn, with the reference lines that the axis must hold.
func (p *panel) limits() (x0, x1, y0, y1 float64) {
	x0, y0 = math.Inf(1), math.Inf(1)
	x1, y1 = math.Inf(-1), math.Inf(-1)
	for _, c := range p.curves {
		for i, x := range c.x {
			if !finite(x) {
				continue
			}
			x0, x1 = min(x0, x), max(x1, x)
			if v := c.raw[i]; finite(v) && !p.stack {
				y0, y1 = min(y0, v), max(y1, v)
			}
		}
	}
	if p.stack {
		y0 = 0
		for _, v := range p.tops(x0, x1)[len(p.curves)-1] {
			if finite(v) {
				y1 = max(y1, v)
			}
		}
	}
	for _, b := range p.boxes {
		x0, x1 = min(x0, b.left), max(x1, b.right)
		y0, y1 = min(y0, b.height), max(y1, b.height)
	}
	for _, l := range p.lines {
		if l.wide {
			y0, y1 = min(y0, l.value), max(y1, l.value)
		}
	}
	return x0, x1, y0, y1
}

// axes makes the gonum plot of a panel: axes, ticks and the data, for a canvas of the given size.
func (p *panel) axes(size vg.Point, labelX string, colours palette) *plot.Plot {
	g := plot.New()
	g.BackgroundColor = nil // the figure paints it once
	x0, x1, y0, y1 := p.limits()
	switch {
	case !(x1 > x0):
		x0, x1 = widen(x0, x1)
	case x0 > 0 && x0 < x1/10:
		x0 = 0 // a run begins at zero, though its first record is a little later
	}
	// Beyond these bounds the arithmetic of an axis overflows; what is beyond is clipped.
	y0, y1 = max(y0, -1e300), min(y1, 1e300)
	logarithmic := p.log && y0 > 1e-300 && y1/y0 > 30
	switch {
	case p.empty():
		x0, x1, y0, y1 = 0, 1, 0, 1
	case logarithmic:
		y0, y1 = y0/1.15, y1*1.15
		g.Y.Scale = plot.LogScale{}
	case y1 > y0 || p.zero && y1 > 0:
		if p.zero && y0 >= 0 {
			y0 = 0
		}
		margin := (y1 - y0) * 0.05
		y1 += margin
		if y0 != 0 || !p.zero {
			y0 -= margin
		}
	default:
		y0, y1 = widen(y0, y1)
	}
	g.X.Min, g.X.Max, g.Y.Min, g.Y.Max = x0, x1, y0, y1
	g.X.Label.Text, g.Y.Label.Text = labelX, p.unit
	g.X.Tick.Marker = linearTicks{want: min(6, max(2, int(size.X/60))), big: true}
	g.Y.Tick.Marker = linearTicks{want: min(6, max(2, int(size.Y/30)))}
	if logarithmic {
		g.Y.Tick.Marker = logTicks{}
	}
	if p.names != nil {
		g.X.Tick.Marker = plot.ConstantTicks(p.names)
	}
	for _, a := range []*plot.Axis{&g.X, &g.Y} {
		a.Padding = 0
		a.LineStyle.Color, a.LineStyle.Width = colours.muted, vg.Points(0.6)
		a.Tick.LineStyle.Color, a.Tick.LineStyle.Width, a.Tick.Length = colours.muted, vg.Points(0.6), vg.Points(3)
		a.Tick.Label.Font, a.Tick.Label.Color = sans(tickSize), colours.text
		a.Label.TextStyle.Font, a.Label.TextStyle.Color = sans(labelSize), colours.text
		a.Label.Padding = vg.Points(2)
	}
	if longest, room := g.Y.Label.TextStyle.Width(p.unit), size.Y-35; longest > room {
		g.Y.Label.TextStyle.Font = sans(labelSize * float64(room/longest))
	}
	if p.empty() {
		g.X.Tick.Marker, g.Y.Tick.Marker = plot.ConstantTicks(nil), plot.ConstantTicks(nil)
	}
	g.Add(data{p, colours})
	return g
}

// widen gives an axis to a single value, or to none.
func widen(lo, hi float64) (float64, float64) {
	if !finite(lo) || !finite(hi) {
		return 0, 1
	}
	margin := max(math.Abs(lo)*0.1, 1e-3)
	if lo == math.Trunc(lo) && math.Abs(lo) < 1e9 {
		margin = max(margin, 1)
	}
	return lo - margin, hi + margin
}

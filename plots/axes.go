package plots

import (
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
)

// axes makes the gonum plot of a panel: axes, ticks and the data, for a canvas of the given size.
func (p *panel) axes(size vg.Point, labelX string, s style) *plot.Plot {
	g := plot.New()
	g.BackgroundColor = nil // the figure paints it once
	g.X.Label.Text, g.Y.Label.Text = labelX, p.unit
	if p.labelX != "" {
		g.X.Label.Text = p.labelX
	}
	if !s.title && p.title != "" { // the axis has to say what it is
		g.Y.Label.Text = p.title
		if p.unit != "" {
			g.Y.Label.Text += " (" + p.unit + ")"
		}
	}
	wantX := min(6, max(2, int(float64(size.X)/60/s.scale)))
	wantY := min(6, max(2, int(float64(size.Y)/27/s.scale)))
	switch {
	case p.empty():
		g.X.Min, g.X.Max, g.Y.Min, g.Y.Max = 0, 1, 0, 1
		g.X.Tick.Marker, g.Y.Tick.Marker = plot.ConstantTicks(nil), plot.ConstantTicks(nil)
	case p.heat != nil:
		p.heat.axes(g, wantX, size, s)
	case p.audio != nil:
		p.audio.axes(g, wantX, size, s)
	default:
		p.ranges(g)
		g.X.Tick.Marker = linearTicks{want: wantX, big: true}
		g.Y.Tick.Marker = linearTicks{want: wantY}
		if p.clock {
			g.X.Tick.Marker = clockTicks{want: wantX}
		}
		if _, ok := g.X.Scale.(plot.LogScale); ok {
			g.X.Tick.Marker = logTicks{big: true}
		}
		if _, ok := g.Y.Scale.(plot.LogScale); ok {
			g.Y.Tick.Marker = logTicks{}
		}
		if p.names != nil {
			g.X.Tick.Marker = plot.ConstantTicks(p.names)
		}
	}
	for _, a := range []*plot.Axis{&g.X, &g.Y} {
		a.Padding = 0
		a.LineStyle.Color, a.LineStyle.Width = s.muted, vg.Points(0.6)
		a.Tick.LineStyle.Color, a.Tick.LineStyle.Width, a.Tick.Length = s.muted, vg.Points(0.6), vg.Points(3)
		a.Tick.Label.Font, a.Tick.Label.Color = s.font(tickSize), s.palette.text
		a.Label.TextStyle.Font, a.Label.TextStyle.Color = s.font(labelSize), s.palette.text
		a.Label.Padding = s.points(2)
	}
	if longest, room := g.Y.Label.TextStyle.Width(g.Y.Label.Text), size.Y-s.points(35); longest > room && room > 0 {
		g.Y.Label.TextStyle.Font = s.font(labelSize * float64(room/longest))
	}
	g.Add(data{p, s})
	return g
}

// ranges sets the ends and the scales of the axes of curves and bars.
func (p *panel) ranges(g *plot.Plot) {
	x0, x1, y0, y1 := p.limits()
	wide := !p.x.set() || math.IsNaN(p.x[0])
	switch {
	case !(x1 > x0):
		x0, x1 = widen(x0, x1)
	case wide && !p.logX && x0 > 0 && x0 < x1/10:
		x0 = 0 // a run begins at zero, though its first record is a little later
	}
	if p.logX && x0 > 0 && p.boxes == nil {
		g.X.Scale = plot.LogScale{}
	}
	// Beyond these bounds the arithmetic of an axis overflows; what is beyond is clipped.
	y0, y1 = max(y0, -1e300), min(y1, 1e300)
	logarithmic := p.boxes == nil && y0 > 1e-300 && y1 >= y0 && (p.always || p.log && y1/y0 > 30)
	switch {
	case logarithmic:
		y0, y1 = y0/1.15, y1*1.15
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
	y0, y1 = p.y.over(y0, y1)
	if !(y1 > y0) { // one end was asked for, and all data are beyond it
		if math.IsNaN(p.y[0]) {
			y0 = y1 - max(1, math.Abs(y1))
		} else {
			y1 = y0 + max(1, math.Abs(y0))
		}
	}
	if logarithmic && y0 > 0 {
		g.Y.Scale = plot.LogScale{}
	}
	g.X.Min, g.X.Max, g.Y.Min, g.Y.Max = x0, x1, y0, y1
}

// widen gives an axis to a single value, or to none.
func widen(lo, hi float64) (float64, float64) {
	if !finite(lo) || !finite(hi) {
		return 0, 1
	}
	if lo > hi { // the limits asked for are beyond the data
		return lo, lo + max(1, math.Abs(lo))
	}
	margin := max(math.Abs(lo)*0.1, 1e-3)
	if lo == math.Trunc(lo) && math.Abs(lo) < 1e9 {
		margin = max(margin, 1)
	}
	return lo - margin, hi + margin
}

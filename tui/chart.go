package tui

import (
	"math"

	"aural/runlog"
)

// The columns beside a plot: labels of the y axis with its line, and the letters of the curves.
const (
	labelWidth  = 6
	letterWidth = 1
)

// plotted is a curve brought to the dot columns of a plot.
type plotted struct {
	curve
	slots  []slot // what is drawn in full: smoothed, or as logged
	raw    []slot // as logged, when slots are smoothed; else nil
	points int
	last   float64 // of slots; NaN when they hold nothing
}

// plot is a chart while it is drawn.
type plot struct {
	chart
	key       int // the key that enlarges it
	area      rect
	inner     rect // where the curves are
	factor    float64
	unit      string
	x, y      scale
	curves    []plotted
	power     int     // of ten, by which the labels of the y axis are divided
	reference float64 // NaN: not drawn
}

// drawChart draws a chart into area. It needs some 12 x 4 cells; in less it shows what fits.
func (m *model) drawChart(c *canvas, area rect, ch chart, key int, x scale) {
	p := plot{chart: ch, key: key, area: area, x: x}
	p.inner = rect{area.x + labelWidth, area.y + 1, max(area.w-labelWidth-letterWidth, 0), max(area.h-2, 0)}
	p.factor, p.unit = m.unitOf(ch.metric)
	raster := newRaster(c.terminal.ascii, p.inner.w, p.inner.h)
	p.plotCurves(m, raster.width())
	b, empty := p.bounds(m)
	p.y = newScale(b, m.view.log)
	p.power = p.y.power()
	p.drawTitle(c, m)
	if p.inner.w < 1 || p.inner.h < 1 {
		return
	}
	if !b.some {
		text := empty
		if m.loading {
			text = "loading"
		}
		c.text(p.inner.x, p.inner.y+p.inner.h/2, p.inner.w, text, faint)
		return
	}
	p.drawAxes(c, m)
	p.drawRaster(raster)
	for y := range p.inner.h {
		for x := range p.inner.w {
			if r, s := raster.glyph(x, y); r != ' ' {
				c.set(p.inner.x+x, p.inner.y+y, r, s)
			}
		}
	}
	p.drawMarks(c, raster)
	p.drawLetters(c)
}

// unitOf returns the unit in which a metric is drawn, and the factor from the logged value to it.
func (m *model) unitOf(metric string) (factor float64, unit string) {
	match, err := runlog.Lookup(metric)
	switch {
	case err != nil:
		return 1, ""
	case match.Metric.Nats && m.view.bits:
		return runlog.BitsPerNat, "bits"
	case match.Metric.Unit == "share":
		return 100, "%"
	}
	return 1, match.Metric.Unit
}

// plotCurves brings the curves that have points to n dot columns.
func (p *plot) plotCurves(m *model, n int) {
	for _, c := range p.chart.curves {
		s := m.data[c.series]
		if s == nil || len(s.steps) == 0 {
			continue
		}
		shown := &s.raw
		out := plotted{curve: c, points: len(s.steps), last: math.NaN()}
		if m.view.smooth > 0 && c.raw != plain {
			out.raw = s.slots(shown, m.axis(), p.x, n, p.factor, m.view.log)
			shown = &s.smooth
		}
		out.slots = s.slots(shown, m.axis(), p.x, n, p.factor, m.view.log)
		for _, s := range out.slots {
			if s.n > 0 {
				out.last = s.last
			}
		}
		p.curves = append(p.curves, out)
	}
}

// bounds returns the range of what is to be drawn, and what to say when that is nothing.
func (p *plot) bounds(m *model) (b bounds, empty string) {
	empty = "no data yet"
	for _, c := range p.curves {
		for _, slots := range [][]slot{c.slots, c.raw} {
			for _, s := range slots {
				switch {
				case s.n > 0:
					b.add(s.low, m.view.log)
					b.add(s.high, m.view.log)
				case s.hidden:
					empty = "nothing above 0"
				case s.broken && empty == "no data yet":
					empty = "not finite"
				}
			}
		}
	}
	p.reference = math.NaN()
	v, ok := m.data[p.chart.reference].last()
	if v *= p.factor; ok && b.some && (!p.inside || b.low <= v && v <= b.high) {
		p.reference = v
		b.add(v, m.view.log)
	}
	return b, empty
}

// drawRaster draws the curves as dots.
func (p *plot) drawRaster(r *raster) {
	row := func(v float64) int { return r.height() - 1 - p.y.dot(v, r.height()) }
	if v := p.reference; !math.IsNaN(v) && !math.IsInf(v, 0) && (!p.y.log || v > 0) {
		for x := 0; x < r.width(); x += 2 {
			r.span(x, row(v), row(v), referenceLayer, baseline)
		}
	}
	for _, c := range p.curves {
		if c.raw != nil {
			r.curve(c.raw, row, rawLayer, c.curve.raw)
		}
	}
	for _, c := range p.curves {
		r.curve(c.slots, row, curveLayer, c.style)
	}
}

// drawMarks puts circles on points that lie apart, and marks what curves cannot show: 'x' at the top for values that
// are not finite, 'v' at the bottom for those that a logarithmic axis has no place for.
func (p *plot) drawMarks(c *canvas, r *raster) {
	put := func(slot, y int, glyph rune, s style) {
		c.set(p.inner.x+slot/r.dx, p.inner.y+y, c.terminal.character(glyph), s)
	}
	for _, curve := range p.curves {
		for x, s := range curve.slots {
			if s.n > 0 && 2*curve.points <= p.inner.w {
				put(x, (r.height()-1-p.y.dot(s.last, r.height()))/r.dy, '○', curve.style)
			}
		}
	}
	for _, curve := range p.curves {
		for x, s := range curve.slots {
			if s.broken {
				put(x, 0, '×', bad)
			}
			if s.hidden {
				put(x, p.inner.h-1, '▾', warning)
			}
		}
	}
}

// drawLetters writes the first letter of each curve beside its last point.
func (p *plot) drawLetters(c *canvas) {
	taken := make(map[int]bool)
	for _, curve := range p.curves {
		if math.IsNaN(curve.last) {
			continue
		}
		row := p.inner.h - 1 - p.y.dot(curve.last, p.inner.h)
		for d := 0; taken[row] && d < p.inner.h; d++ {
			row = (row + 1) % p.inner.h
		}
		taken[row] = true
		c.set(p.inner.x+p.inner.w, p.inner.y+row, rune(curve.label[0]), curve.style)
	}
}

package chart

import (
	"math"
	"slices"
	"sort"

	"aural/tui/screen"
)

// quantiles returns the range of the extremes of dot columns without outliers: those more than half of the range from the 1st
// to the 99th percentile beside it. Columns count and not points: a spike is a column or two whatever the length of the run.
func quantiles(slots []slot) (low, high float64) {
	lows, highs := make([]float64, len(slots)), make([]float64, len(slots))
	for i, s := range slots {
		lows[i], highs[i] = s.low, s.high
	}
	slices.Sort(lows)
	slices.Sort(highs)
	n := len(slots) - 1
	first, last := lows[int(math.Ceil(0.01*float64(n)))], highs[int(math.Floor(0.99*float64(n)))]
	margin := (last/2 - first/2)
	from, to := sort.SearchFloat64s(lows, first-margin), sort.Search(len(highs), func(i int) bool { return highs[i] > last+margin })
	return lows[min(from, n)], highs[max(to-1, 0)]
}

// holds reports whether v lies on the scale.
func (s Scale) holds(v float64) bool {
	return !math.IsNaN(v) && v >= s.Low && v <= s.High && (!s.Log || v > 0)
}

// row returns the dot row of v counted from the bottom of n. Values outside of the scale lie outside of the rows, so that
// what is zoomed away is not drawn at the edge.
func (s Scale) row(v float64, n int) int {
	f := s.At(v)
	switch {
	case math.IsNaN(f):
		return s.Dot(v, n)
	case f < 0 && !s.holds(v):
		return -1
	case f > 1 && !s.holds(v):
		return n
	}
	return s.Dot(v, n)
}

// drawMarks puts circles on points that lie apart, and marks what curves cannot show: '×' at the top for values that
// are not finite, '▾' at the bottom for those that a logarithmic axis has no place for, arrows for what is cut off.
func (p *plot) drawMarks(c *screen.Canvas, r *raster) {
	put := func(slot, y int, glyph rune, s screen.Style) {
		c.Set(p.inner.X+slot/r.dx, p.inner.Y+y, c.Terminal.Character(glyph), s)
	}
	for _, curve := range p.curves {
		for x, s := range curve.slots {
			if s.n > 0 && 2*curve.points <= p.inner.W && p.y.holds(s.last) {
				put(x, (r.height()-1-p.y.Dot(s.last, r.height()))/r.dy, '○', curve.Style)
			}
		}
	}
	for _, curve := range p.curves {
		for x, s := range curve.slots {
			if s.n > 0 && s.high > p.y.High && !p.Outliers {
				put(x, 0, '↑', curve.Style)
			}
			if s.n > 0 && s.low < p.y.Low && !p.Outliers {
				put(x, p.inner.H-1, '↓', curve.Style)
			}
			if s.broken {
				put(x, 0, '×', screen.Bad)
			}
			if s.hidden {
				put(x, p.inner.H-1, '▾', screen.Warning)
			}
		}
	}
}

// drawLetters writes the mark of each curve beside its last point.
func (p *plot) drawLetters(c *screen.Canvas) {
	taken := make(map[int]bool)
	for _, curve := range p.curves {
		if math.IsNaN(curve.last) {
			continue
		}
		row := p.inner.H - 1 - p.y.Dot(curve.last, p.inner.H)
		for d := 0; taken[row] && d < p.inner.H; d++ {
			row = (row + 1) % p.inner.H
		}
		taken[row] = true
		c.Set(p.inner.X+p.inner.W, p.inner.Y+row, c.Terminal.Character(curve.mark()), curve.Style)
	}
}

func (c Curve) mark() rune {
	if c.Mark != 0 {
		return c.Mark
	}
	for _, r := range c.Label {
		return r
	}
	return '·'
}

// drawCursor draws a vertical line, and a circle on each curve at its point nearest to it.
func (p *plot) drawCursor(c *screen.Canvas) {
	if math.IsNaN(p.Cursor) || !p.X.holds(p.Cursor) {
		return
	}
	x := p.inner.X + p.X.Dot(p.Cursor, p.inner.W)
	for y := range p.inner.H {
		c.Restyle(screen.Rect{X: x, Y: p.inner.Y + y, W: 1, H: 1}, func(s screen.Style) screen.Style { return s | screen.Selected })
	}
	if c.Terminal.Colors == screen.NoStyle { // nothing shows a reversed blank
		for y := range p.inner.H {
			c.Set(x, p.inner.Y+y, c.Terminal.Character('│'), screen.Plain)
		}
	}
}

// read returns what a curve shows at the cursor, or last.
func (p *plot) read(c Curve) (v float64, ok bool) {
	if !math.IsNaN(p.Cursor) {
		i := c.Series.Nearest(c.Axis, p.Cursor)
		if i < 0 {
			return 0, false
		}
		if c.Raw == screen.Plain {
			return c.Series.Raw.list[i], true
		}
		return c.Series.Value(i), true
	}
	return c.Series.Last()
}

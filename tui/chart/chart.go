package chart

import (
	"math"

	"aural/tui/screen"
)

// The columns beside a plot: labels of the y axis with its line, and the letters of the curves.
const (
	LabelWidth  = 6
	letterWidth = 1
)

// Curve is a series in a chart.
type Curve struct {
	Label  string // its first letter, or Mark, stands at its right end
	Mark   rune   // 0 takes the first letter of Label
	Series *Series
	Axis   Axis
	Style  screen.Style
	Raw    screen.Style // of the unsmoothed values, drawn behind the smoothed ones; Plain draws the series as logged
	Dash   int          // 0 is solid; 1 to 3 are dashes, used where there are no colours
	Gap    float64      // points farther apart on the axis are not joined; 0 joins all
}

// Reference is a level to compare curves with.
type Reference struct {
	Label  string
	Value  float64
	Inside bool // drawn only where it is within the range of the curves
}

// Band is a range to compare curves with, given at rising places of the axis and linear between them.
type Band struct {
	Label        string
	X, Low, High []float64
}

// Chart is a picture of some series over a common y axis.
type Chart struct {
	Key    string // what enlarges it, written before the title
	Title  string
	Unit   string
	Factor float64 // from logged values to Unit; 0 is 1. References and bands are given in logged values too
	Curves []Curve
	Lines  []Reference
	Band   *Band

	X        Scale
	XUnit    string
	XWhole   bool                   // there are no fractions on the x axis
	XText    func(v float64) string // how places on the x axis are written; nil is as numbers
	Y        *Scale                 // fixed y axis; nil takes the range of what is drawn
	LogY     bool
	Outliers bool    // leave room for outliers too; without, the y axis shows the 1st to the 99th percentile
	Cursor   float64 // place on the x axis; NaN for none
	NoLast   bool    // the last values say nothing: the title names the curves alone, unless there is a cursor
	Focused  bool
	Empty    string // what to say instead of "no data yet"
}

// NewChart returns a chart without a cursor that shows all values.
func NewChart(title string) Chart {
	return Chart{Title: title, Outliers: true, Cursor: math.NaN()}
}

// Inner is where the curves are, in the area of a chart.
func Inner(area screen.Rect) screen.Rect {
	return screen.Rect{X: area.X + LabelWidth, Y: area.Y + 1, W: max(area.W-LabelWidth-letterWidth, 0), H: max(area.H-2, 0)}
}

// plotted is a curve brought to the dot columns of a plot.
type plotted struct {
	Curve
	slots         []slot // what is drawn in full: smoothed, or as logged
	raw           []slot // as logged, when slots are smoothed; else nil
	before, after edge
	points        int
	last          float64 // of slots; NaN when they hold nothing
}

// plot is a chart while it is drawn.
type plot struct {
	Chart
	area, inner screen.Rect
	y           Scale
	curves      []plotted
	power       int // of ten, by which the labels of the y axis are divided
}

// Draw draws the chart into area and returns the scale of its y axis. It needs some 12 x 4 cells; in less it shows what fits.
func (ch Chart) Draw(c *screen.Canvas, area screen.Rect) Scale {
	if ch.Factor == 0 {
		ch.Factor = 1
	}
	p := plot{Chart: ch, area: area, inner: Inner(area)}
	raster := newRaster(c.Terminal.ASCII, p.inner.W, p.inner.H)
	p.plotCurves(raster.width())
	b, empty := p.bounds()
	if p.Y != nil {
		p.y = *p.Y
	} else {
		p.y = NewScale(b, p.LogY)
	}
	p.power = p.y.power()
	p.drawTitle(c)
	if p.inner.W < 1 || p.inner.H < 1 {
		return p.y
	}
	if !b.Some {
		if p.Empty != "" {
			empty = p.Empty
		}
		c.Text(p.inner.X, p.inner.Y+p.inner.H/2, p.inner.W, empty, screen.Faint)
		return p.y
	}
	p.drawAxes(c)
	p.drawRaster(raster)
	for y := range p.inner.H {
		for x := range p.inner.W {
			if r, s := raster.glyph(x, y); r != ' ' {
				c.Set(p.inner.X+x, p.inner.Y+y, r, s)
			}
		}
	}
	p.drawMarks(c, raster)
	p.drawLetters(c)
	p.drawCursor(c)
	return p.y
}

// plotCurves brings the curves that have points to n dot columns.
func (p *plot) plotCurves(n int) {
	for _, c := range p.Curves {
		s := c.Series
		if s.Len() == 0 {
			continue
		}
		shown := &s.Raw
		out := plotted{Curve: c, points: s.Len(), last: math.NaN()}
		if s.Smoothing() > 0 && c.Raw != screen.Plain {
			out.raw, _, _ = s.slots(shown, c.Axis, p.X, n, p.Factor, p.logarithmic())
			shown = &s.Smooth
		}
		out.slots, out.before, out.after = s.slots(shown, c.Axis, p.X, n, p.Factor, p.logarithmic())
		for _, s := range out.slots {
			if s.n > 0 {
				out.last = s.last
			}
		}
		p.curves = append(p.curves, out)
	}
}

func (p *plot) logarithmic() bool {
	if p.Y != nil {
		return p.Y.Log
	}
	return p.LogY
}

// bounds returns the range of what is to be drawn, and what to say when that is nothing.
func (p *plot) bounds() (b Bounds, empty string) {
	empty = "no data yet"
	var all []slot
	for _, c := range p.curves {
		for _, slots := range [][]slot{c.slots, c.raw} {
			for _, s := range slots {
				switch {
				case s.n > 0:
					all = append(all, s)
				case s.hidden:
					empty = "nothing above 0"
				case s.broken && empty == "no data yet":
					empty = "not finite"
				}
			}
		}
		for _, e := range []edge{c.before, c.after} {
			if e.ok && len(all) == 0 && c.before.ok && c.after.ok { // zoomed in between two points
				b.Add(e.y, p.logarithmic())
			}
		}
	}
	low, high := limits(all, p.Outliers)
	b.Add(low, p.logarithmic())
	b.Add(high, p.logarithmic())
	if !b.Some {
		return b, empty
	}
	for _, l := range p.Lines {
		if !l.Inside {
			b.Add(l.Value*p.Factor, p.logarithmic())
		}
	}
	return b, empty
}

// limits returns the least and the largest value of slots; without outliers those that 98 % of the dot columns lie between.
func limits(slots []slot, outliers bool) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	if !outliers && len(slots) >= 20 {
		return quantiles(slots)
	}
	for _, s := range slots {
		low, high = math.Min(low, s.low), math.Max(high, s.high)
	}
	return low, high
}

// drawRaster draws bands, references and curves as dots.
func (p *plot) drawRaster(r *raster) {
	row := func(v float64) int { return r.height() - 1 - p.y.row(v, r.height()) }
	p.drawBand(r, row)
	for _, l := range p.Lines {
		if v := l.Value * p.Factor; p.y.holds(v) {
			for x := 0; x < r.width(); x += 2 {
				r.span(x, row(v), row(v), referenceLayer, screen.Baseline)
			}
		}
	}
	for _, c := range p.curves {
		if c.raw != nil {
			r.curve(c.raw, row, rawLayer, c.Raw, 0)
		}
	}
	for _, c := range p.curves {
		r.gap = r.width()
		if c.Gap > 0 && p.X.High > p.X.Low {
			r.gap = int(math.Ceil(math.Min(c.Gap/(p.X.High-p.X.Low), 1) * float64(r.width())))
		}
		r.curve(c.slots, row, curveLayer, c.Style, c.Dash)
		p.drawEdges(r, c, row)
	}
}

// drawEdges draws the ends of a curve that lead to points beside the visible range.
func (p *plot) drawEdges(r *raster, c plotted, row func(float64) int) {
	first, last := -1, -1
	for x, s := range c.slots {
		if s.n > 0 && first < 0 {
			first = x
		}
		if s.n > 0 {
			last = x
		}
	}
	r.dash = c.Dash
	defer func() { r.dash = 0 }()
	at := func(x float64) int { return p.X.dotWithin(x, r.width(), 20) } // the dot column, which may lie outside
	switch {
	case first < 0 && c.before.ok && c.after.ok && !anyBroken(c.slots):
		r.join(at(c.before.x), row(c.before.y), max(at(c.after.x), at(c.before.x)+1), row(c.after.y), curveLayer, c.Style)
	case first >= 0:
		if c.before.ok && !anyBroken(c.slots[:first+1]) && at(c.before.x) < first {
			r.join(at(c.before.x), row(c.before.y), first, row(c.slots[first].first), curveLayer, c.Style)
		}
		if c.after.ok && !anyBroken(c.slots[last:]) && at(c.after.x) > last {
			r.join(last, row(c.slots[last].last), at(c.after.x), row(c.after.y), curveLayer, c.Style)
		}
	}
}

func anyBroken(slots []slot) bool {
	for _, s := range slots {
		if s.broken {
			return true
		}
	}
	return false
}

// drawBand draws a reference band as a light pattern of dots behind everything.
func (p *plot) drawBand(r *raster, row func(float64) int) {
	if p.Band == nil {
		return
	}
	for x := range r.width() {
		low, high, ok := p.Band.at(p.X.Value(float64(x) / math.Max(float64(r.width()-1), 1)))
		if !ok || p.logarithmic() && low <= 0 {
			continue
		}
		top, bottom := row(high*p.Factor), row(low*p.Factor)
		for y := max(top, 0); y <= min(bottom, r.height()-1); y++ {
			if (x+y)%4 == 0 && y%2 == 0 || y == top && top >= 0 && x%2 == 0 || y == bottom && bottom < r.height() && x%2 == 0 {
				r.span(x, y, y, bandLayer, screen.Band)
			}
		}
	}
}

// at returns the band at a place of the axis.
func (b *Band) at(x float64) (low, high float64, ok bool) {
	for i := 1; i < len(b.X); i++ {
		if x >= b.X[i-1] && x <= b.X[i] && b.X[i] > b.X[i-1] {
			f := (x - b.X[i-1]) / (b.X[i] - b.X[i-1])
			return b.Low[i-1] + f*(b.Low[i]-b.Low[i-1]), b.High[i-1] + f*(b.High[i]-b.High[i-1]), true
		}
	}
	return 0, 0, false
}

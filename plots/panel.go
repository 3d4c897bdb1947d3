package plots

import (
	"math"

	"gonum.org/v1/plot"
)

// A figure is a list of panels; a panel is a pair of axes with what is drawn in it. This is the part of a figure that
// does not depend on how it is drawn.

// panel is one pair of axes.
type panel struct {
	title  string
	labelX string // of the horizontal axis; "" is that of the figure
	unit   string // of the vertical axis
	wants  []want // what it would like to show
	curves []curve
	bands  []ViewBand
	lines  []level
	marks  []ViewMark
	boxes  []box       // bars instead of curves
	names  []plot.Tick // of the bars; nil for numbers
	heat   *HeatMap    // instead of curves
	audio  *audioPanel // instead of curves
	stack  bool        // curves are areas on top of each other, from the first up
	zero   bool        // the axis begins at zero
	log    bool        // logarithmic when the values are positive and span more than a factor of 30
	always bool        // log also when they span less
	logX   bool
	clock  bool // the horizontal axis is time: seconds since 1970, UTC
	x, y   Limits
}

// curve is one series as it is drawn.
type curve struct {
	label     string
	series    string // as in the log: "train/loss"
	run       string
	steps     []int64
	x         []float64 // in the unit of the horizontal axis
	raw       []float64
	smooth    []float64 // nil when the curve is drawn as measured
	low, high []float64 // around the mean of a group; nil for none
	colour    int       // index into the palette
	dash      int       // index into the dashes
	points    bool      // few points: each is marked
	exact     bool      // see want
	wider     float64   // points added to the width of the line
}

// drawn returns the values of the main line.
func (c *curve) drawn() []float64 {
	if c.smooth != nil {
		return c.smooth
	}
	return c.raw
}

// level is a horizontal line to compare curves with.
type level struct {
	label string
	value float64
	wide  bool // the axis is made to hold it; otherwise it is drawn only where the data are near
}

// empty reports whether there is nothing finite to draw.
func (p *panel) empty() bool {
	for _, c := range p.curves {
		for i, v := range c.raw {
			if finite(v) && finite(c.x[i]) {
				return false
			}
		}
	}
	return len(p.boxes) == 0 && (p.heat == nil || p.heat.empty()) && (p.audio == nil || p.audio.empty())
}

// limits returns the range of the finite values that are drawn, with the reference lines that the axis must hold. The
// vertical range is that of what the horizontal one shows.
func (p *panel) limits() (x0, x1, y0, y1 float64) {
	x0, y0 = math.Inf(1), math.Inf(1)
	x1, y1 = math.Inf(-1), math.Inf(-1)
	for _, c := range p.curves {
		for _, x := range c.x {
			if finite(x) && (x > 1e-300 || !p.logX) {
				x0, x1 = min(x0, x), max(x1, x)
			}
		}
	}
	for _, b := range p.boxes {
		x0, x1 = min(x0, b.left), max(x1, b.right)
		y0, y1 = min(y0, b.height), max(y1, b.height)
	}
	x0, x1 = p.x.over(x0, x1)
	hold := func(x, y []float64) {
		for i, v := range y {
			if finite(v) && x[i] >= x0 && x[i] <= x1 && (v > 0 || !p.always) {
				y0, y1 = min(y0, v), max(y1, v)
			}
		}
	}
	switch {
	case p.stack:
		y0 = 0
		for _, v := range p.tops(x0, x1)[len(p.curves)-1] {
			if finite(v) {
				y1 = max(y1, v)
			}
		}
	default:
		for _, c := range p.curves {
			hold(c.x, c.raw)
			if c.low != nil {
				hold(c.x, c.low)
				hold(c.x, c.high)
			}
		}
		for _, b := range p.bands {
			hold(b.X, b.Low)
			hold(b.X, b.High)
		}
	}
	for _, l := range p.lines {
		if l.wide {
			y0, y1 = min(y0, l.value), max(y1, l.value)
		}
	}
	return x0, x1, y0, y1
}

// over returns the range lo to hi with the ends that l gives.
func (l Limits) over(lo, hi float64) (float64, float64) {
	if l.set() {
		if !math.IsNaN(l[0]) {
			lo = l[0]
		}
		if !math.IsNaN(l[1]) {
			hi = l[1]
		}
	}
	return lo, hi
}

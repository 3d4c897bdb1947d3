package plots

import "gonum.org/v1/plot"

// A figure is a list of panels; a panel is a pair of axes with what is drawn in it. This is the part of a figure that
// does not depend on how it is drawn.

// panel is one pair of axes.
type panel struct {
	title  string
	unit   string // of the vertical axis
	wants  []want // what it would like to show
	curves []curve
	lines  []reference
	boxes  []box       // bars instead of curves
	names  []plot.Tick // of the bars; nil for numbers
	stack  bool        // curves are areas on top of each other, from the first up
	zero   bool        // the axis begins at zero
	log    bool        // logarithmic when the values are positive and span more than a factor of 30
}

// curve is one series as it is drawn.
type curve struct {
	label  string
	series string // as in the log: "train/loss"
	run    string
	steps  []int64
	x      []float64 // in the unit of the horizontal axis
	raw    []float64
	smooth []float64 // nil when the curve is drawn as measured
	colour int       // index into the palette
	dash   int       // index into the dashes
	points bool      // few points: each is marked
	exact  bool      // see want
	wider  float64   // points added to the width of the line
}

// drawn returns the values of the main line.
func (c *curve) drawn() []float64 {
	if c.smooth != nil {
		return c.smooth
	}
	return c.raw
}

// reference is a horizontal line to compare curves with.
type reference struct {
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
	return len(p.boxes) == 0
}

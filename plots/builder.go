package plots

import (
	"fmt"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"aural/runlog"
)

// want is a series that a panel would like to show.
type want struct {
	series string // with its kind: "train/loss"
	label  string
	colour int  // in a figure of one run; see palette
	exact  bool // a schedule or a mean, so there is nothing to smooth
}

// compare is a metric that carries a constant to compare with.
type compare struct {
	metric string
	label  string
}

// run is a run in a figure.
type run struct {
	label string
	log   *runlog.Reader
}

// builder makes panels of the series of its runs.
type builder struct {
	runs    []run
	options Options
	perX    float64 // what one unit of the horizontal axis is, in updates, hours or seconds
	labelX  string
}

// newBuilder names the runs and chooses the horizontal axis.
func newBuilder(readers []*runlog.Reader, o Options) (*builder, error) {
	b := &builder{options: o, perX: 1, labelX: "update"}
	names := map[string]int{}
	for _, r := range readers {
		names[runlog.RunName(r.Dir())]++
	}
	for _, r := range readers {
		label := runlog.RunName(r.Dir())
		if names[label] > 1 {
			label = filepath.Base(filepath.Clean(r.Dir()))
		}
		b.runs = append(b.runs, run{label, r})
	}
	switch o.X {
	case Hours:
		b.labelX = "audio seen (h)"
		for _, r := range b.runs {
			if steps, _ := r.log.Series(hoursSeen); len(steps) == 0 {
				return nil, fmt.Errorf("plots: run %s has not recorded %s: choose updates or time as the x axis", r.label, hoursSeen)
			}
		}
	case Time:
		longest := 0.0
		for _, r := range b.runs {
			for _, name := range r.log.Names() {
				e := r.log.Elapsed(name)
				longest = max(longest, e[len(e)-1])
			}
		}
		unit := "s"
		for _, u := range []struct {
			name    string
			seconds float64
		}{{"min", 60}, {"h", 3600}, {"days", 86400}} {
			if longest >= 2*u.seconds {
				unit, b.perX = u.name, u.seconds
			}
		}
		b.labelX = "training time (" + unit + ")"
	}
	return b, nil
}

const hoursSeen = runlog.Train + "/hours_seen"

// panel makes a panel of what the runs have of the wanted series. metric gives the unit.
//
// Validation is dashed. With one run, each wanted series has a colour; with several runs, each run has one, and further
// series differ in their dashes.
func (b *builder) panel(title, metric string, wants []want, lines ...compare) panel {
	p := panel{title: title, wants: wants, unit: b.unit(metric)}
	for i, w := range wants {
		kind, name, _ := strings.Cut(w.series, "/")
		for j, r := range b.runs {
			steps, values := r.log.Series(w.series)
			if len(steps) == 0 {
				continue
			}
			c := curve{label: w.label, series: w.series, run: r.label, steps: steps, x: b.x(r, w.series, steps), raw: b.convert(name, values)}
			c.colour, c.exact = w.colour, w.exact
			c.points = len(steps) <= fewPoints
			if kind == runlog.Valid {
				c.dash = 1
			} else if b.options.Smoothing > 0 && !w.exact {
				c.smooth = smooth(c.raw, b.options.Smoothing)
			}
			if len(b.runs) > 1 {
				c.colour, c.dash = j, i
				if w.exact {
					above := float64(len(b.runs) - 1 - j)
					c.wider = above * min(1.1, 4/float64(len(b.runs)-1))
				}
			}
			p.curves = append(p.curves, c)
		}
	}
	for _, l := range lines {
		p.lines = append(p.lines, b.constants(l)...)
	}
	return p
}

// fewPoints is up to how many points a curve shows each of them.
const fewPoints = 40

// constants returns the line of a metric that carries a constant: its last value in any run, or one line a value when
// the runs differ.
func (b *builder) constants(c compare) []reference {
	var lines []reference
	for _, r := range b.runs {
		for _, kind := range []string{runlog.Train, runlog.Valid} {
			_, v, ok := r.log.Last(kind + "/" + c.metric)
			if !ok || !finite(v) {
				continue
			}
			v = b.convert(c.metric, []float64{v})[0]
			// The log holds means over updates, so one constant may come back with different last bits; what reads the same is the same line.
			label := fmt.Sprintf("%s = %s", c.label, short(v))
			if !slices.ContainsFunc(lines, func(l reference) bool { return l.label == label }) {
				lines = append(lines, reference{label: label, value: v, wide: true})
			}
		}
	}
	return lines
}

// convert returns values of a metric in the units of the figure. It does not change its argument.
func (b *builder) convert(metric string, values []float64) []float64 {
	if !b.inBits(metric) {
		return values
	}
	return scaled(values, runlog.BitsPerNat)
}

// scaled returns factor times values, nil for nil.
func scaled(values []float64, factor float64) []float64 {
	if values == nil {
		return nil
	}
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = v * factor
	}
	return out
}

func (b *builder) inBits(metric string) bool {
	m, err := runlog.Lookup(metric)
	return err == nil && m.Metric.Nats && b.options.Units == Bits
}

// unit names the unit of a metric as it is drawn.
func (b *builder) unit(metric string) string {
	if b.inBits(metric) {
		return "bits"
	}
	m, err := runlog.Lookup(metric)
	if err != nil {
		return ""
	}
	return m.Metric.Unit
}

// x places the points of a series on the horizontal axis.
func (b *builder) x(r run, series string, steps []int64) []float64 {
	x := make([]float64, len(steps))
	switch b.options.X {
	case Updates:
		for i, s := range steps {
			x[i] = float64(s)
		}
	case Hours:
		at, hours := r.log.Series(hoursSeen)
		for i, s := range steps {
			x[i] = interpolate(at, hours, s)
		}
	case Time:
		for i, e := range r.log.Elapsed(series) {
			x[i] = e / b.perX
		}
	}
	return x
}

// interpolate returns the value at step of the series (steps, values), linear between its points. Before the first point
// it is on the line from zero, behind the last one it stays.
func interpolate(steps []int64, values []float64, step int64) float64 {
	i := sort.Search(len(steps), func(i int) bool { return steps[i] >= step })
	if i == len(steps) {
		return values[i-1]
	}
	s0, v0 := int64(0), 0.0
	if i > 0 {
		s0, v0 = steps[i-1], values[i-1]
	}
	if steps[i] == s0 {
		return values[i]
	}
	return v0 + (values[i]-v0)*float64(step-s0)/float64(steps[i]-s0)
}

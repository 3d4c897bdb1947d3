package plots

import (
	"fmt"
	"path/filepath"
	"slices"
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
	log   runlog.Curves
}

// set is what is drawn as one curve: a run, or a group of runs.
type set struct {
	label string
	runs  []run
}

// builder makes panels of the series of its runs.
type builder struct {
	runs    []run
	sets    []set
	options Options
	perX    float64 // what one unit of the horizontal axis is, in updates, hours or seconds
	labelX  string
	begins  map[string][]begin // by directory, for the Clock axis
}

// newBuilder names the runs, groups them and chooses the horizontal axis.
func newBuilder(logs []runlog.Curves, o Options) (*builder, error) {
	b := &builder{options: o, perX: 1}
	dirs := make([]string, len(logs))
	for i, l := range logs {
		dirs[i] = l.Dir()
	}
	for i, label := range RunLabels(dirs) {
		b.runs = append(b.runs, run{label, logs[i]})
	}
	if o.Groups != nil && len(o.Groups) != len(logs) {
		return nil, fmt.Errorf("plots: %d groups for %d runs: each run has one, or none has", len(o.Groups), len(logs))
	}
	b.group()
	return b, b.chooseX()
}

// RunLabels names runs by their directories: by the name of the run, and where that is not enough by more of the path.
func RunLabels(dirs []string) []string {
	labels := make([]string, len(dirs))
	for i, naming := range []func(dir string) string{
		runlog.RunName,
		func(dir string) string { return filepath.Base(filepath.Clean(dir)) },
		filepath.Clean,
	} {
		count := map[string]int{}
		for _, l := range labels {
			count[l]++
		}
		for k, dir := range dirs {
			if i == 0 || count[labels[k]] > 1 {
				labels[k] = naming(dir)
			}
		}
	}
	return labels
}

// panel makes a panel of what the runs have of the wanted series. metric gives the unit.
//
// Validation is dashed. With one run, each wanted series has a colour; with several runs, each run has one, and further
// series differ in their dashes.
func (b *builder) panel(title, metric string, wants []want, lines ...compare) panel {
	p := panel{title: title, wants: wants, unit: b.unit(metric)}
	for i, w := range wants {
		for j, s := range b.sets {
			c, ok := b.mean(s, w)
			if !ok {
				continue
			}
			c.points = len(c.steps) <= fewPoints
			if strings.HasPrefix(w.series, runlog.Valid+"/") {
				c.dash = 1
			}
			if len(b.sets) > 1 {
				c.colour, c.dash = j, i
				if w.exact {
					above := float64(len(b.sets) - 1 - j)
					c.wider = above * min(1.1, 4/float64(len(b.sets)-1))
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

// curve makes the curve of a wanted series of one run. ok is false when the run has not recorded it.
func (b *builder) curve(r run, w want) (c curve, ok bool) {
	kind, name, _ := strings.Cut(w.series, "/")
	steps, values := r.log.Series(w.series)
	if len(steps) == 0 {
		return curve{}, false
	}
	c = curve{label: w.label, series: w.series, run: r.label, steps: steps, x: b.x(r, w.series, steps), raw: b.convert(name, values)}
	c.colour, c.exact = w.colour, w.exact
	if kind != runlog.Valid && b.options.Smoothing > 0 && !w.exact {
		c.smooth = smooth(c.raw, b.options.Smoothing)
	}
	return c, true
}

// finish applies what the options say about every panel.
func (b *builder) finish(p *panel) {
	if len(p.curves) == 0 {
		return
	}
	o := b.options
	p.x, p.clock = o.XLimits, o.X == Clock
	p.logX = o.LogX && !p.stack
	if !p.stack {
		p.y = o.YLimits
		p.log, p.always = p.log || o.LogY, o.LogY
	}
}

// fewPoints is up to how many points a curve shows each of them.
const fewPoints = 40

// constants returns the line of a metric that carries a constant: its last value in any run, or one line a value when
// the runs differ.
func (b *builder) constants(c compare) []level {
	var lines []level
	for _, r := range b.runs {
		for _, kind := range []string{runlog.Train, runlog.Valid} {
			_, v, ok := r.log.Last(kind + "/" + c.metric)
			if !ok || !finite(v) {
				continue
			}
			v = b.convert(c.metric, []float64{v})[0]
			// The log holds means over updates, so one constant may come back with different last bits; what reads the same is the same line.
			label := fmt.Sprintf("%s = %s", c.label, short(v))
			if !slices.ContainsFunc(lines, func(l level) bool { return l.label == label }) {
				lines = append(lines, level{label: label, value: v, wide: true})
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

package plots

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"aural/runlog"
)

// Table compares runs: one row a run or group of runs.
type Table struct {
	Header []string
	Rows   [][]Cell
}

// Cell is a value of a table: a number with its deviation over the runs of a group, or text.
type Cell struct {
	Text      string  // when Number is false
	Number    bool    // Value counts; NaN is a value that was not recorded
	Value     float64 // of one run, or the mean of a group
	Deviation float64 // standard deviation of a sample; 0 for one run
	digits    int     // significant, 0 for all digits of a whole number
}

// tableMetrics are compared when the options name none, as far as a run has them.
var tableMetrics = []string{"contrastive_loss", "accuracy", "code_perplexity", "prob_perplexity", "ctc_loss", "wer", "wer_lm", "cer"}

// tableSmoothing is the weight of the past in training values when the options give none: a single batch says little.
const tableSmoothing = 0.9

// Compare makes the table of runs: how far each went, what its metrics came to and were at best, and where the recipes
// differ. recipes holds the settings of each run by their dotted names, nil for a run without, or is nil. A metric is that of validation where any
// run has one, as measured, and otherwise that of training, smoothed; the best is by the direction in which the metric
// improves. Metrics, Smoothing, Units and Groups of the options count; a group has the means and deviations of its runs.
func Compare(logs []runlog.Curves, recipes []map[string]string, o Options) (Table, error) {
	if o.Smoothing == 0 {
		o.Smoothing = tableSmoothing
	}
	if err := o.check(); err != nil {
		return Table{}, err
	}
	if len(logs) == 0 {
		return Table{}, fmt.Errorf("plots: table: no run to compare")
	}
	if recipes != nil && len(recipes) != len(logs) {
		return Table{}, fmt.Errorf("plots: table: %d recipes for %d runs: each run has one, or none has", len(recipes), len(logs))
	}
	o.X = Updates
	b, err := newBuilder(logs, o)
	if err != nil {
		return Table{}, err
	}
	columns := []column{
		{name: "updates", value: func(r run) float64 { return b.progress(r).updates }},
		{name: "audio seen (h)", digits: 4, value: func(r run) float64 { return b.progress(r).hours }},
		{name: "training time (h)", digits: 3, value: func(r run) float64 { return b.progress(r).time }},
	}
	metrics, named := o.Metrics, true
	if len(metrics) == 0 {
		metrics, named = tableMetrics, false
	}
	for _, name := range metrics {
		list, err := b.metricColumns(name)
		if err != nil && named {
			return Table{}, err
		}
		columns = append(columns, list...)
	}
	settings := differing(recipes)
	var t Table
	t.Header = append(t.Header, "run")
	for _, c := range columns {
		t.Header = append(t.Header, c.name)
	}
	t.Header = append(t.Header, settings...)
	at := map[string]int{} // of a run in the lists
	for i, r := range b.runs {
		at[r.label] = i
	}
	for _, s := range b.sets {
		row := []Cell{{Text: s.label}}
		for _, c := range columns {
			row = append(row, c.cell(s))
		}
		for _, name := range settings {
			var values []string
			for _, r := range s.runs {
				if v := recipes[at[r.label]][name]; !slices.Contains(values, v) {
					values = append(values, v)
				}
			}
			row = append(row, Cell{Text: strings.Join(values, ", ")})
		}
		t.Rows = append(t.Rows, row)
	}
	return t, nil
}

// column is a column of numbers.
type column struct {
	name   string
	digits int
	value  func(r run) float64
}

func (c column) cell(s set) Cell {
	var values []float64
	for _, r := range s.runs {
		if v := c.value(r); finite(v) {
			values = append(values, v)
		}
	}
	cell := Cell{Number: true, Value: average(values), digits: c.digits} // NaN of none
	if len(values) > 1 {
		low, high := around(values, Deviation)
		cell.Deviation = (high - low) / 2
	}
	return cell
}

// progress is how far a run went.
type progress struct{ updates, hours, time float64 }

func (b *builder) progress(r run) progress {
	p := progress{hours: math.NaN()}
	for _, name := range r.log.Names() {
		if step, _, ok := r.log.Last(name); ok {
			p.updates = max(p.updates, float64(step))
		}
		if e := r.log.Elapsed(name); len(e) > 0 {
			p.time = max(p.time, e[len(e)-1]/3600)
		}
	}
	if _, hours, ok := r.log.Last(hoursSeen); ok {
		p.hours = hours
	}
	return p
}

// metricColumns are the last and the best value of a metric. There are none when no run has it.
func (b *builder) metricColumns(name string) ([]column, error) {
	known, err := runlog.Lookup(name)
	series, better := name, runlog.Neither
	if err == nil {
		kind := known.Kind
		known.Kind = ""
		name, better = known.Name(), known.Metric.Better
		for _, k := range []string{runlog.Valid, runlog.Train} {
			if kind == "" && b.recorded(k+"/"+name) {
				kind = k
			}
		}
		series = kind + "/" + name
	}
	if !b.recorded(series) {
		if err == nil {
			err = fmt.Errorf("plots: table: %w: no run has %s", ErrNoData, name)
		}
		return nil, err
	}
	title := strings.ReplaceAll(strings.ReplaceAll(series, "_", " "), "/", " ") // valid contrastive loss
	if unit := b.unit(name); unit == "nats" || unit == "bits" {
		title += " (" + unit + ")"
	}
	values := func(r run) []float64 {
		c, ok := b.curve(r, want{series: series})
		if !ok {
			return nil
		}
		return slices.DeleteFunc(slices.Clone(c.drawn()), func(v float64) bool { return !finite(v) })
	}
	list := []column{{title, 4, func(r run) float64 {
		if v := values(r); len(v) > 0 {
			return v[len(v)-1]
		}
		return math.NaN()
	}}}
	best := map[runlog.Direction]func([]float64) float64{runlog.Up: slices.Max[[]float64], runlog.Down: slices.Min[[]float64]}[better]
	if best != nil {
		list = append(list, column{"best " + title, 4, func(r run) float64 {
			if v := values(r); len(v) > 0 {
				return best(v)
			}
			return math.NaN()
		}})
	}
	return list, nil
}

// recorded reports whether any run has a series.
func (b *builder) recorded(series string) bool {
	return slices.ContainsFunc(b.runs, func(r run) bool {
		steps, _ := r.log.Series(series)
		return len(steps) > 0
	})
}

// differing returns the names of the settings that are not the same in all recipes, sorted. Runs without a recipe do not
// count.
func differing(recipes []map[string]string) []string {
	recipes = slices.DeleteFunc(slices.Clone(recipes), func(r map[string]string) bool { return r == nil })
	names := map[string]bool{}
	for _, r := range recipes {
		for name := range r {
			names[name] = true
		}
	}
	return slices.DeleteFunc(slices.Sorted(maps.Keys(names)), func(name string) bool {
		return !slices.ContainsFunc(recipes, func(r map[string]string) bool {
			a, in := r[name]
			first, inFirst := recipes[0][name]
			return a != first || in != inFirst
		})
	})
}

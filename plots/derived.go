package plots

import (
	"slices"

	"aural/runlog"
)

// The series that are made of batch snapshots where the log has none of their names.
const (
	positiveCosine = runlog.Train + "/positive_cosine"
	negativeCosine = runlog.Train + "/negative_cosine"
)

// derived is a log with the series that its snapshots give.
type derived struct {
	runlog.Curves
	steps  map[string][]int64
	values map[string][]float64
}

// derive adds what the batch snapshots of a log tell about similarities: the means over the masked frames of the row that each
// holds. A log without snapshots, or with such series of its own, is returned as it is.
func derive(log runlog.Curves) runlog.Curves {
	from, ok := log.(snapshots)
	if steps, _ := log.Series(positiveCosine); !ok || len(steps) > 0 {
		return log
	}
	d := derived{log, map[string][]int64{}, map[string][]float64{}}
	for _, s := range from.Snapshots(runlog.BatchSnapshot) {
		for name, of := range map[string]func(runlog.MaskedFrame) float32{
			positiveCosine: func(m runlog.MaskedFrame) float32 { return m.Positive },
			negativeCosine: func(m runlog.MaskedFrame) float32 { return m.BestNegative },
		} {
			sum, n := 0.0, 0
			for _, m := range s.Batch.Masked {
				if v := float64(of(m)); finite(v) {
					sum, n = sum+v, n+1
				}
			}
			if n > 0 {
				d.steps[name], d.values[name] = append(d.steps[name], s.Step), append(d.values[name], sum/float64(n))
			}
		}
	}
	if len(d.steps) == 0 {
		return log
	}
	return d
}

// Names implements runlog.Curves.
func (d derived) Names() []string {
	names := slices.Clone(d.Curves.Names())
	for name := range d.steps {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Series implements runlog.Curves.
func (d derived) Series(name string) ([]int64, []float64) {
	if steps := d.steps[name]; steps != nil {
		return steps, d.values[name]
	}
	return d.Curves.Series(name)
}

// Elapsed implements runlog.Curves.
func (d derived) Elapsed(name string) []float64 {
	steps := d.steps[name]
	if steps == nil {
		return d.Curves.Elapsed(name)
	}
	elapsed := make([]float64, len(steps))
	for i, s := range steps {
		elapsed[i] = trained(d.Curves, s)
	}
	return elapsed
}

// Last implements runlog.Curves.
func (d derived) Last(name string) (step int64, value float64, ok bool) {
	if n := len(d.steps[name]); n > 0 {
		return d.steps[name][n-1], d.values[name][n-1], true
	}
	return d.Curves.Last(name)
}

// derived returns the builder with such logs.
func (b *builder) derived() *builder {
	out := *b
	out.runs, out.sets = nil, nil
	for _, r := range b.runs {
		out.runs = append(out.runs, run{r.label, derive(r.log)})
	}
	out.group()
	return &out
}

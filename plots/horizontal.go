package plots

import (
	"fmt"
	"sort"
	"time"

	"aural/runlog"
)

// The series that give the horizontal axis other units than updates.
const (
	hoursSeen  = runlog.Train + "/hours_seen"
	epochsSeen = runlog.Train + "/epoch"
)

// chooseX names the horizontal axis and finds its unit.
func (b *builder) chooseX() error {
	b.labelX = "update"
	needs := func(series string) error {
		for _, r := range b.runs {
			if steps, _ := r.log.Series(series); len(steps) == 0 {
				return fmt.Errorf("plots: run %s has not recorded %s: choose updates or time as the x axis", r.label, series)
			}
		}
		return nil
	}
	switch b.options.X {
	case Hours:
		b.labelX = "audio seen (h)"
		return needs(hoursSeen)
	case Epochs:
		b.labelX = "epoch"
		if err := needs(epochsSeen); err != nil {
			return err
		}
		for _, r := range b.runs {
			if _, values := epochs(r.log); len(values) == 0 {
				return fmt.Errorf("plots: run %s has not finished its first epoch: choose updates or time as the x axis", r.label)
			}
		}
	case Time:
		longest := 0.0
		for _, r := range b.runs {
			for _, name := range r.log.Names() {
				if e := r.log.Elapsed(name); len(e) > 0 {
					longest = max(longest, e[len(e)-1])
				}
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
	case Clock:
		b.labelX = "time (UTC)"
		b.begins = map[string][]begin{}
		for _, r := range b.runs {
			list := begins(r.log)
			if len(list) == 0 {
				return fmt.Errorf("plots: run %s does not tell when it began: choose updates or training time as the x axis", r.label)
			}
			b.begins[r.log.Dir()] = list
		}
	}
	return nil
}

// x places the points of a series on the horizontal axis.
func (b *builder) x(r run, series string, steps []int64) []float64 {
	x := make([]float64, len(steps))
	var at []int64
	var seen []float64
	switch b.options.X {
	case Updates:
		for i, s := range steps {
			x[i] = float64(s)
		}
	case Hours:
		at, seen = r.log.Series(hoursSeen)
	case Epochs:
		at, seen = epochs(r.log)
	case Time:
		for i, e := range r.log.Elapsed(series) {
			x[i] = e / b.perX
		}
	case Clock:
		for i, e := range r.log.Elapsed(series) {
			x[i] = clock(b.begins[r.log.Dir()], steps[i], e)
		}
	}
	if at != nil {
		for i, s := range steps {
			x[i] = interpolate(at, seen, s)
		}
	}
	return x
}

// epochs returns the steps at which the passes over the data began, and their numbers. A log holds whole epochs; between
// their beginnings the axis is linear, and in the last one, whose end is not known, it goes on at the mean rate. Both
// are empty before the first pass is over.
func epochs(log runlog.Curves) (steps []int64, values []float64) {
	at, number := log.Series(epochsSeen)
	for i, v := range number {
		if finite(v) && v > 0 && at[i] > 0 && (len(values) == 0 || v > values[len(values)-1]) {
			steps, values = append(steps, at[i]), append(values, v)
		}
	}
	if n := len(steps); n > 0 && at[len(at)-1] > steps[n-1] {
		last := at[len(at)-1]
		steps, values = append(steps, last), append(values, values[n-1]*float64(last)/float64(steps[n-1]))
	}
	return steps, values
}

// begin is when a process began to train.
type begin struct {
	step int64
	at   float64 // seconds since 1970
	done float64 // seconds of training before
}

// begins returns when the processes of a run began, whose work was kept.
func begins(log runlog.Curves) []begin {
	r, ok := log.(interface{ Events() []runlog.Event })
	if !ok {
		return nil
	}
	var list []begin
	for _, e := range r.Events() {
		if e.Kind != runlog.Started && e.Kind != runlog.Resumed {
			continue
		}
		for len(list) > 0 && e.Step < list[len(list)-1].step {
			list = list[:len(list)-1] // what it did was done again
		}
		list = append(list, begin{step: e.Step, at: float64(e.Time.UnixNano()) / float64(time.Second)})
	}
	for i := range list[min(1, len(list)):] {
		list[i+1].done = trained(log, list[i+1].step)
	}
	return list
}

// trained returns the seconds of training up to a step.
func trained(log runlog.Curves, step int64) (seconds float64) {
	for _, name := range log.Names() {
		steps, _ := log.Series(name)
		if n := sort.Search(len(steps), func(i int) bool { return steps[i] > step }); n > 0 {
			seconds = max(seconds, log.Elapsed(name)[n-1])
		}
	}
	return seconds
}

// clock returns when a point was recorded, in seconds since 1970: it is of the last process that began before its step.
func clock(begins []begin, step int64, elapsed float64) float64 {
	at := begins[0]
	for _, b := range begins[1:] {
		if b.step < step || b.step == step && b.done < elapsed {
			at = b
		}
	}
	return at.at + elapsed - at.done
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

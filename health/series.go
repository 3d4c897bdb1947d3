package health

import (
	"math"
	"slices"
	"sort"
)

// series are points in the order of their updates.
type series struct {
	steps  []int64
	values []float64
}

func (s series) len() int { return len(s.steps) }

// thin bounds the work on long logs: of the points before the last recentKept ones it keeps every second, fourth … one, so that at most historyKept are left.
// Which ones stays the same until the log has doubled.
func (s series) thin() series {
	old := len(s.steps) - recentKept
	if old <= historyKept {
		return s
	}
	stride := 2
	for old/stride > historyKept {
		stride *= 2
	}
	n := old/stride + 1 + recentKept
	out := series{make([]int64, 0, n), make([]float64, 0, n)}
	for i := 0; i < old; i += stride {
		out.steps, out.values = append(out.steps, s.steps[i]), append(out.values, s.values[i])
	}
	return series{append(out.steps, s.steps[old:]...), append(out.values, s.values[old:]...)}
}

const (
	recentKept  = 1024
	historyKept = 2048
)

// from returns the points at and after a step.
func (s series) from(step int64) series {
	i := sort.Search(len(s.steps), func(i int) bool { return s.steps[i] >= step })
	return series{s.steps[i:], s.values[i:]}
}

// until returns the points before a step.
func (s series) until(step int64) series {
	i := sort.Search(len(s.steps), func(i int) bool { return s.steps[i] >= step })
	return series{s.steps[:i], s.values[:i]}
}

// last returns the last n points.
func (s series) last(n int) series {
	i := max(0, len(s.steps)-n)
	return series{s.steps[i:], s.values[i:]}
}

// recent returns the points that a verdict on the present goes by: those of the last updates, at least recentRecords of them
// if there are so many, and at most a bounded number.
func (s series) recent() series {
	n := len(s.steps)
	if n == 0 {
		return s
	}
	window := s.from(s.steps[n-1] - int64(recentUpdates.Value) + 1)
	if window.len() < int(recentRecords.Value) {
		return s.last(int(recentRecords.Value))
	}
	return window.last(recentAtMost)
}

// recentAtMost bounds the work on logs with a record for each update.
const recentAtMost = 400

// end returns the last value that is not NaN. ok is false when there is none.
func (s series) end() (value float64, ok bool) {
	for _, v := range slices.Backward(s.values) {
		if !math.IsNaN(v) {
			return v, true
		}
	}
	return math.NaN(), false
}

// median of the values that are not NaN; NaN without any. An even number has the lower of its two middle values.
func (s series) median() float64 {
	sorted := make([]float64, 0, len(s.values))
	for _, v := range s.values {
		if !math.IsNaN(v) {
			sorted = append(sorted, v)
		}
	}
	if len(sorted) == 0 {
		return math.NaN()
	}
	slices.Sort(sorted)
	return sorted[(len(sorted)-1)/2]
}

// sample returns at most n points, evenly spaced.
func (s series) sample(n int) series {
	if s.len() <= n {
		return s
	}
	out := series{make([]int64, n), make([]float64, n)}
	for i := range n {
		k := i * s.len() / n
		out.steps[i], out.values[i] = s.steps[k], s.values[k]
	}
	return out
}

// blocks sums the history up: means over runs of points of equal number, at most blockCount of them, each of at least
// blockRecords points. Values that are not finite are left out. Steps are those of the last points of the blocks; a rest at
// the end that fills no block is left out.
func (s series) blocks() series {
	size := max(blockRecords, (s.len()+blockCount-1)/blockCount)
	var out series
	for i := 0; i+size <= s.len(); i += size {
		sum, n := 0.0, 0
		for _, v := range s.values[i : i+size] {
			if !math.IsNaN(v) && !math.IsInf(v, 0) {
				sum += v
				n++
			}
		}
		if n > 0 {
			out.steps, out.values = append(out.steps, s.steps[i+size-1]), append(out.values, sum/float64(n))
		}
	}
	return out
}

const (
	blockRecords = 5
	blockCount   = 200
)

// max returns the largest value and its step. ok is false without points.
func (s series) max() (step int64, value float64, ok bool) {
	for i, v := range s.values {
		if !ok || v > value {
			step, value, ok = s.steps[i], v, true
		}
	}
	return step, value, ok
}

// min returns the smallest value and its step. ok is false without points.
func (s series) min() (step int64, value float64, ok bool) {
	for i, v := range s.values {
		if !ok || v < value {
			step, value, ok = s.steps[i], v, true
		}
	}
	return step, value, ok
}

// since returns the step of the first point of the last run of points for which hold is true, passing over single points in it for
// which it is not. It is the last step when there is no such point.
func (s series) since(hold func(v float64) bool) int64 {
	n := len(s.steps)
	if n == 0 {
		return 0
	}
	step, missed, found := s.steps[n-1], 0, false
	for i := n - 1; i >= 0; i-- {
		if hold(s.values[i]) {
			step, missed, found = s.steps[i], 0, true
		} else if missed++; found && missed > 1 {
			break
		}
	}
	return step
}

// join returns points of a series that are computed from those of several, at the steps that all of them have.
func join(f func(v []float64) float64, in ...series) series {
	var out series
	at := make([]int, len(in))
	v := make([]float64, len(in))
	if len(in) == 0 {
		return out
	}
	out.steps, out.values = make([]int64, 0, in[0].len()), make([]float64, 0, in[0].len())
scan:
	for i, step := range in[0].steps {
		for k := range in {
			for at[k] < in[k].len() && in[k].steps[at[k]] < step {
				at[k]++
			}
			if at[k] == in[k].len() {
				return out
			}
			if in[k].steps[at[k]] != step {
				continue scan
			}
			v[k] = in[k].values[at[k]]
		}
		v[0] = in[0].values[i]
		out.steps, out.values = append(out.steps, step), append(out.values, f(v))
	}
	return out
}

package tui

import (
	"math"
	"sort"
)

// series is the model's copy of a series of the log. Steps do not decrease.
type series struct {
	steps  []int64
	raw    values
	smooth values  // the moving average; empty when the series is not smoothed
	mean   average // its state behind the last point
}

// change brings a series up to date: the first keep points stay, what followed them is replaced.
type change struct {
	name   string
	keep   int
	steps  []int64
	values []float64
}

// apply makes a change.
func (s *series) apply(c change) {
	keep := min(c.keep, len(s.steps))
	taken := keep < len(s.steps)
	s.steps = append(s.steps[:keep], c.steps...)
	s.raw.replace(keep, c.values)
	if taken {
		s.smoothen(s.mean.weight) // the state of the average behind keep is not known any more
	}
	s.smoothOn()
}

// smoothen begins the moving average anew with another weight of the past; 0 ends it.
func (s *series) smoothen(weight float64) {
	s.mean = newAverage(weight)
	s.smooth.replace(0, nil)
	s.smoothOn()
}

// smoothOn extends the moving average to all points.
func (s *series) smoothOn() {
	if s.mean.weight == 0 {
		return
	}
	have := len(s.smooth.list)
	next := make([]float64, 0, len(s.raw.list)-have)
	for _, v := range s.raw.list[have:] {
		next = append(next, s.mean.next(v))
	}
	s.smooth.replace(have, next)
}

// last returns the last value; ok is false when there is none, also for a nil series.
func (s *series) last() (v float64, ok bool) {
	if s == nil || len(s.steps) == 0 {
		return 0, false
	}
	return s.raw.list[len(s.steps)-1], true
}

// average is an exponential moving average without the bias towards zero of its beginning, as TensorBoard smooths
// curves: a_n = w a_(n-1) + (1-w) v_n, shown as a_n / (1-w^n) (Kingma and Ba 2015, section 3). Values that are not finite pass
// through and are not remembered.
type average struct {
	weight  float64 // w, of the past
	sum     float64 // a_n
	missing float64 // w^n
}

func newAverage(weight float64) average { return average{weight: weight, missing: 1} }

func (a *average) next(v float64) float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return v
	}
	a.sum = a.weight*a.sum + (1-a.weight)*v
	a.missing *= a.weight
	return a.sum / (1 - a.missing)
}

// axis says where on the x axis a step is.
type axis struct {
	hours *series // hours of audio seen by step; nil when x counts updates
}

// at returns x of a step. Hours between two records are interpolated; before the first one they grow from 0 at step 0,
// behind the last one they stand still.
func (a axis) at(step int64) float64 {
	if a.hours == nil {
		return float64(step)
	}
	steps, hours := a.hours.steps, a.hours.raw.list
	i := sort.Search(len(steps), func(i int) bool { return steps[i] > step })
	if i == len(steps) {
		return hours[i-1]
	}
	from, at := int64(0), 0.0
	if i > 0 {
		from, at = steps[i-1], hours[i-1]
	}
	return at + (hours[i]-at)*float64(step-from)/float64(steps[i]-from)
}

// slots gathers the points of s, whose values are v (raw or smooth), in n dot columns of the scale x.
func (s *series) slots(v *values, a axis, x scale, n int, factor float64, log bool) []slot {
	out := make([]slot, n)
	from := 0
	for k := range out {
		points := sort.Search(len(s.steps)-from, func(i int) bool { return x.dot(a.at(s.steps[from+i]), n) > k })
		out[k] = v.slot(from, from+points, factor, log)
		from += points
	}
	return out
}

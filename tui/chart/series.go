package chart

import (
	"math"
	"sort"
)

// Series is a series of a log. Steps do not decrease, nor does Elapsed, the seconds of training at each point.
type Series struct {
	Steps   []int64
	Elapsed []float64
	Raw     Values
	Smooth  Values  // the moving average; empty when the series is not smoothed
	mean    average // its state behind the last point
}

// Change brings a series up to date: the first Keep points stay, what followed them is replaced.
type Change struct {
	Name    string
	Keep    int
	Steps   []int64
	Values  []float64
	Elapsed []float64 // as long as Steps; nil stands for zeros
}

// Apply makes a change.
func (s *Series) Apply(c Change) {
	keep := min(c.Keep, len(s.Steps))
	taken := keep < len(s.Steps)
	s.Steps = append(s.Steps[:keep], c.Steps...)
	s.Elapsed = append(s.Elapsed[:keep], c.Elapsed...)
	for len(s.Elapsed) < len(s.Steps) {
		s.Elapsed = append(s.Elapsed, 0)
	}
	s.Raw.replace(keep, c.Values)
	if taken {
		s.Smoothen(s.mean.weight) // the state of the average behind keep is not known any more
	}
	s.smoothOn()
}

// Smoothen makes the moving average anew with another weight of the past, from 0 (none) to below 1. It takes time in
// proportion to the length of the series, so it belongs to the handling of keys, not to drawing.
func (s *Series) Smoothen(weight float64) {
	s.mean = newAverage(weight)
	s.Smooth.replace(0, nil)
	s.smoothOn()
}

// Smoothing is the weight of the past in the moving average.
func (s *Series) Smoothing() float64 { return s.mean.weight }

// smoothOn extends the moving average to all points.
func (s *Series) smoothOn() {
	if s.mean.weight == 0 {
		return
	}
	have := len(s.Smooth.list)
	next := make([]float64, 0, len(s.Raw.list)-have)
	for _, v := range s.Raw.list[have:] {
		next = append(next, s.mean.next(v))
	}
	s.Smooth.replace(have, next)
}

// Len is the number of points, 0 for a nil series.
func (s *Series) Len() int {
	if s == nil {
		return 0
	}
	return len(s.Steps)
}

// Last returns the last value; ok is false when there is none, also for a nil series.
func (s *Series) Last() (v float64, ok bool) {
	if s.Len() == 0 {
		return 0, false
	}
	return s.Raw.list[len(s.Steps)-1], true
}

// Value returns the value of point i, smoothed when the series is.
func (s *Series) Value(i int) float64 {
	if s.mean.weight > 0 {
		return s.Smooth.list[i]
	}
	return s.Raw.list[i]
}

// Nearest returns the point whose place on the axis is nearest to x, -1 when there is none.
func (s *Series) Nearest(a Axis, x float64) int {
	if s.Len() == 0 || math.IsNaN(x) {
		return -1
	}
	i := sort.Search(len(s.Steps), func(i int) bool { return a.At(s, i) >= x })
	if i == len(s.Steps) || i > 0 && x-a.At(s, i-1) < a.At(s, i)-x {
		i--
	}
	return i
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

// slots gathers the points of s, whose values are v (raw or smooth), in n dot columns of the scale x. Points outside of the
// scale are left out, but for the nearest on each side, which are returned apart, so that a curve runs to the edges.
func (s *Series) slots(v *Values, a Axis, x Scale, n int, factor float64, log bool) (in []slot, before, after edge) {
	in = make([]slot, n)
	from := sort.Search(len(s.Steps), func(i int) bool { return a.At(s, i) >= x.Low })
	end := from + sort.Search(len(s.Steps)-from, func(i int) bool { return a.At(s, from+i) > x.High })
	before, after = s.edge(v, a, from-1, factor, log), s.edge(v, a, end, factor, log)
	for k := range in {
		points := sort.Search(end-from, func(i int) bool { return x.Dot(a.At(s, from+i), n) > k })
		in[k] = v.slot(from, from+points, factor, log)
		from += points
	}
	return in, before, after
}

// edge is a point beside the visible range.
type edge struct {
	x, y float64
	ok   bool
}

func (s *Series) edge(v *Values, a Axis, i int, factor float64, log bool) edge {
	if i < 0 || i >= len(s.Steps) {
		return edge{}
	}
	var one slot
	x, y := a.At(s, i), v.list[i]*factor
	return edge{x, y, one.take(y, log) && !math.IsNaN(x)}
}

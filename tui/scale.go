package tui

import "math"

// scale maps values to 0 (bottom or left) ... 1 (top or right).
type scale struct {
	low, high float64
	log       bool
}

// bounds collects the range of values that an axis must show.
type bounds struct {
	low, high float64
	some      bool
}

// add takes v unless it cannot be shown.
func (b *bounds) add(v float64, log bool) {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0) || log && v <= 0:
	case !b.some:
		b.low, b.high, b.some = v, v, true
	default:
		b.low, b.high = math.Min(b.low, v), math.Max(b.high, v)
	}
}

// newScale makes a scale of the bounds. Equal ones are spread, so that a constant curve runs in the middle.
func newScale(b bounds, log bool) scale {
	s := scale{b.low, b.high, log}
	if s.low == s.high {
		switch {
		case log:
			s.low, s.high = s.low/2, s.high*2
		case s.low == 0:
			s.low, s.high = -1, 1
		default:
			d := math.Abs(s.low) / 10
			s.low, s.high = s.low-d, s.high+d
		}
	}
	s.high = math.Min(s.high, math.MaxFloat64)
	s.low = math.Max(s.low, -math.MaxFloat64)
	if log {
		s.low = math.Max(s.low, math.SmallestNonzeroFloat64)
	}
	return s
}

// at returns the place of v. Halves are subtracted so that the widest ranges do not overflow.
func (s scale) at(v float64) float64 {
	if s.log {
		return (math.Log(v) - math.Log(s.low)) / (math.Log(s.high) - math.Log(s.low))
	}
	return (v/2 - s.low/2) / (s.high/2 - s.low/2)
}

// dot returns the dot of v among n. Values outside the scale are put at its ends.
func (s scale) dot(v float64, n int) int {
	f := s.at(v)
	if math.IsNaN(f) {
		f = 0.5 // the ends of the scale are too close for float64
	}
	return int(math.Round(math.Min(math.Max(f, 0), 1) * float64(n-1)))
}

// power returns the power of ten to divide labels by, where they would be long otherwise; 0 for none.
func (s scale) power() int {
	most := math.Max(math.Abs(s.low), math.Abs(s.high))
	if s.log || most >= 0.01 && most < 1e5 {
		return 0
	}
	return int(math.Floor(math.Log10(most)))
}

// ticks returns up to n round values on the scale, rising: multiples of 1, 2 or 5 times a power of ten. A logarithmic
// scale of two decades or more has powers of ten.
func (s scale) ticks(n int) []float64 {
	if n < 1 {
		return nil
	}
	if s.log {
		if t := s.decades(n); len(t) >= 2 {
			return t
		}
	}
	span := s.high/2 - s.low/2
	step := math.Pow(10, math.Floor(math.Log10(2*(span/float64(n)))))
	for _, factor := range []float64{1, 2, 5, 10, 20, 50} {
		first := math.Ceil(s.low/(step*factor) - 1e-9)
		count := math.Floor(s.high/(step*factor)+1e-9) - first + 1
		if !(count <= float64(n)) {
			continue
		}
		var t []float64
		for i := range int(count) {
			t = append(t, (first+float64(i))*step*factor)
		}
		return t
	}
	return nil
}

// decades returns up to n powers of ten, evenly spaced.
func (s scale) decades(n int) []float64 {
	first, last := int(math.Ceil(math.Log10(s.low)-1e-9)), int(math.Floor(math.Log10(s.high)+1e-9))
	var t []float64
	for e := first; e <= last; e += max(1, (last-first+n)/n) {
		t = append(t, math.Pow(10, float64(e)))
	}
	return t
}

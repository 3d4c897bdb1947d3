package chart

import "math"

// Scale maps values to 0 (bottom or left) ... 1 (top or right).
type Scale struct {
	Low, High float64
	Log       bool
}

// Bounds collects the range of values that an axis must show.
type Bounds struct {
	Low, High float64
	Some      bool
}

// Add takes v unless it cannot be shown.
func (b *Bounds) Add(v float64, log bool) {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0) || log && v <= 0:
	case !b.Some:
		b.Low, b.High, b.Some = v, v, true
	default:
		b.Low, b.High = math.Min(b.Low, v), math.Max(b.High, v)
	}
}

// NewScale makes a scale of the bounds. Equal ones, or all but equal ones that only rounding can have made different, are
// spread, so that a constant curve runs in the middle.
func NewScale(b Bounds, log bool) Scale {
	s := Scale{b.Low, b.High, log}
	if s.High-s.Low <= 1e-10*math.Max(math.Abs(s.Low), math.Abs(s.High)) {
		switch {
		case log:
			s.Low, s.High = s.Low/2, s.High*2
		case s.Low == 0:
			s.Low, s.High = -1, 1
		default:
			d := math.Max(math.Abs(s.Low)/10, math.SmallestNonzeroFloat64)
			s.Low, s.High = s.Low-d, s.High+d
		}
	}
	s.High = math.Min(s.High, math.MaxFloat64)
	s.Low = math.Max(s.Low, -math.MaxFloat64)
	if log {
		s.Low = math.Max(s.Low, math.SmallestNonzeroFloat64)
	}
	return s
}

// At returns the place of v. Halves are subtracted so that the widest ranges do not overflow.
func (s Scale) At(v float64) float64 {
	if s.Log {
		return (math.Log(v) - math.Log(s.Low)) / (math.Log(s.High) - math.Log(s.Low))
	}
	return (v/2 - s.Low/2) / (s.High/2 - s.Low/2)
}

// Dot returns the dot of v among n. Values outside the scale are put at its ends.
func (s Scale) Dot(v float64, n int) int { return s.dotWithin(v, n, 0) }

// dotWithin returns the dot of v among n. Values outside the scale are put up to beyond widths of it beside its ends.
func (s Scale) dotWithin(v float64, n int, beyond float64) int {
	f := s.At(v)
	if math.IsNaN(f) {
		f = 0.5 // the ends of the scale are too close for float64
	}
	return int(math.Round(min(max(f, -beyond), 1+beyond) * float64(n-1)))
}

// power returns the power of ten to divide labels by, where they would be long otherwise; 0 for none.
func (s Scale) power() int {
	most := math.Max(math.Abs(s.Low), math.Abs(s.High))
	if s.Log || most >= 0.01 && most < 1e5 {
		return 0
	}
	return int(math.Floor(math.Log10(most)))
}

// Ticks returns up to n round values on the scale, rising: multiples of 1, 2 or 5 times a power of ten. A logarithmic
// scale of two decades or more has powers of ten.
func (s Scale) Ticks(n int) []float64 {
	if n < 1 {
		return nil
	}
	if s.Log {
		if t := s.decades(n); len(t) >= 2 {
			return t
		}
	}
	span := s.High/2 - s.Low/2
	step := math.Pow(10, math.Floor(math.Log10(2*(span/float64(n)))))
	for _, factor := range []float64{1, 2, 5, 10, 20, 50} {
		first := math.Ceil(s.Low/(step*factor) - 1e-9)
		count := math.Floor(s.High/(step*factor)+1e-9) - first + 1
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
func (s Scale) decades(n int) []float64 {
	first, last := int(math.Ceil(math.Log10(s.Low)-1e-9)), int(math.Floor(math.Log10(s.High)+1e-9))
	var t []float64
	for e := first; e <= last; e += max(1, (last-first+n)/n) {
		t = append(t, math.Pow(10, float64(e)))
	}
	return t
}

// Zoom returns the part of the scale whose width is factor times as large, with the place x at the same distance from the
// ends. It works in the logarithm on logarithmic scales.
func (s Scale) Zoom(x, factor float64) Scale {
	from, to := s.ends()
	if s.Log {
		x = math.Log(x)
	}
	return s.with(x-(x-from)*factor, x+(to-x)*factor)
}

// Pan moves the scale by a share of its width.
func (s Scale) Pan(share float64) Scale {
	from, to := s.ends()
	d := (to - from) * share
	return s.with(from+d, to+d)
}

func (s Scale) ends() (from, to float64) {
	if s.Log {
		return math.Log(s.Low), math.Log(s.High)
	}
	return s.Low, s.High
}

func (s Scale) with(from, to float64) Scale {
	if s.Log {
		from, to = math.Exp(from), math.Exp(to)
	}
	if out := (Scale{from, to, s.Log}); out.Low < out.High && !math.IsInf(out.High-out.Low, 0) && (!s.Log || out.Low > 0) {
		return out
	}
	return s
}

// Value returns the value at the place f from 0 (low) to 1.
func (s Scale) Value(f float64) float64 {
	from, to := s.ends()
	v := from + f*(to-from)
	if s.Log {
		return math.Exp(v)
	}
	return v
}

// Within limits the scale to another one and keeps its width where possible.
func (s Scale) Within(all Scale) Scale {
	if s.High-s.Low >= all.High-all.Low {
		return Scale{all.Low, all.High, s.Log}
	}
	if s.Low < all.Low {
		return Scale{all.Low, all.Low + (s.High - s.Low), s.Log}
	}
	if s.High > all.High {
		return Scale{all.High - (s.High - s.Low), all.High, s.Log}
	}
	return s
}

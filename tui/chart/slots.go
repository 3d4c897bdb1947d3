package chart

import "math"

// slot gathers the points of a curve that fall in one dot column.
type slot struct {
	first, last, low, high float64
	n                      int  // finite points
	broken                 bool // a point that is not finite lies here or, when n is 0, between its neighbours
	hidden                 bool // a point lies here that a logarithmic axis cannot show
}

// add takes the point y, which is finite.
func (s *slot) add(y float64) {
	if s.n == 0 {
		s.first, s.low, s.high = y, y, y
	}
	s.n++
	s.last = y
	// math.Min would take half of the time of a frame for cases that do not occur here.
	if y < s.low {
		s.low = y
	}
	if y > s.high {
		s.high = y
	}
}

// take adds y, or notes why it cannot be drawn.
func (s *slot) take(y float64, log bool) bool {
	switch {
	case y-y != 0: // NaN or infinite
		s.broken = true
	case log && y <= 0:
		s.hidden = true
	default:
		s.add(y)
		return true
	}
	return false
}

// merge adds the points of b, which follow those of s.
func (s *slot) merge(b slot) {
	if b.n > 0 {
		if s.n == 0 {
			s.first, s.low, s.high = b.first, b.low, b.high
		}
		s.n += b.n
		s.last, s.low, s.high = b.last, math.Min(s.low, b.low), math.Max(s.high, b.high)
	}
	s.broken = s.broken || b.broken
}

// blockSize is the number of points that are summed up ahead of drawing; the rest of a dot column, at most two blocks, is read
// point by point. 32 is near the least of both for 100,000 to a million points, and costs 2 bytes a point.
const blockSize = 32

// Values are the values of a series, with the slots of its whole blocks.
type Values struct {
	list   []float64
	blocks []slot
}

// replace keeps the first Values and puts others behind them.
func (v *Values) replace(keep int, others []float64) {
	v.list = append(v.list[:keep], others...)
	v.blocks = v.blocks[:keep/blockSize]
	for from := len(v.blocks) * blockSize; from+blockSize <= len(v.list); from += blockSize {
		var b slot
		for _, y := range v.list[from : from+blockSize] {
			b.take(y, false)
		}
		v.blocks = append(v.blocks, b)
	}
}

// slot gathers the values [from, to), multiplied by factor, which is positive.
func (v *Values) slot(from, to int, factor float64, log bool) slot {
	var s slot
	for from < to {
		if from%blockSize == 0 && from+blockSize <= to {
			b := v.blocks[from/blockSize]
			b.first, b.last, b.low, b.high = b.first*factor, b.last*factor, b.low*factor, b.high*factor
			// Single Values are needed where some of them cannot be drawn.
			if (!log || b.low > 0) && !math.IsInf(b.low, 0) && !math.IsInf(b.high, 0) {
				s.merge(b)
				from += blockSize
				continue
			}
		}
		s.take(v.list[from]*factor, log)
		from++
	}
	return s
}

// List returns all values. The slice must not be changed and is valid until the series changes.
func (v *Values) List() []float64 { return v.list }

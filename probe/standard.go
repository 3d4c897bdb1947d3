package probe

import "math"

// Standard brings features to zero mean and unit variance, as those of the vectors that it was made from have then. A feature that does not vary becomes 0.
type Standard struct {
	Mean, Scale []float64 // (Dim): x is replaced by (x - Mean)·Scale
}

// constantShare is below which share of its largest magnitude a feature's standard deviation is rounding and not variation.
const constantShare = 1e-6

// Standardise measures N vectors (N,dim) in two passes.
func Standardise(x []float32, dim int) Standard {
	s := Standard{Mean: make([]float64, dim), Scale: make([]float64, dim)}
	n := float64(len(x) / dim)
	most := make([]float64, dim)
	for i, v := range x {
		d := i % dim
		s.Mean[d] += float64(v)
		most[d] = max(most[d], math.Abs(float64(v)))
	}
	for d := range s.Mean {
		s.Mean[d] /= n
	}
	for i, v := range x {
		d := i % dim
		c := float64(v) - s.Mean[d]
		s.Scale[d] += c * c
	}
	for d, squares := range s.Scale {
		deviation := math.Sqrt(squares / n)
		s.Scale[d] = 0
		if deviation > constantShare*most[d] {
			s.Scale[d] = 1 / deviation
		}
	}
	return s
}

// Apply writes the standardised x to dst.
func (s Standard) Apply(dst []float64, x []float32) {
	for i, v := range x {
		dst[i] = (float64(v) - s.Mean[i]) * s.Scale[i]
	}
}

// Mean writes the mean over time of frames (T,len(dst)) to dst; of no frames it is 0.
func Mean(dst, frames []float32) {
	n := float64(len(frames) / len(dst))
	sums := make([]float64, len(dst))
	for i, v := range frames {
		sums[i%len(dst)] += float64(v)
	}
	for d, s := range sums {
		dst[d] = float32(s / max(n, 1))
	}
}

package rng

import "math"

// Stream draws one number after another from the element stream of (seed, step, site). It is a small value: make one
// where it is needed, and do not share it between goroutines.
type Stream struct {
	seed, step uint64
	site       uint32
	next       int
	words      [4]uint32
}

// At returns the stream of (seed, step, site), at its beginning.
func At(seed, step uint64, site uint32) *Stream { return &Stream{seed: seed, step: step, site: site} }

// Reset makes s the stream of (seed, step, site), at its beginning.
func (s *Stream) Reset(seed, step uint64, site uint32) {
	*s = Stream{seed: seed, step: step, site: site}
}

// Uint32 returns the next word.
func (s *Stream) Uint32() uint32 {
	if s.next&3 == 0 {
		s.words = Block(s.seed, s.step, s.site, uint32(s.next>>2))
	}
	w := s.words[s.next&3]
	s.next++
	return w
}

// Uint64 returns the next two words as one number.
func (s *Stream) Uint64() uint64 { return uint64(s.Uint32()) | uint64(s.Uint32())<<32 }

// Float64 returns a number in [0,1) with 53 random bits.
func (s *Stream) Float64() float64 { return float64(s.Uint64()>>11) * (1.0 / (1 << 53)) }

// IntN returns an integer in [0,n), without modulo bias (Lemire 2019). It panics when n <= 0 or n > 2^32.
func (s *Stream) IntN(n int) int {
	if n <= 0 || uint64(n) > 1<<32 {
		panic("rng: IntN needs 0 < n <= 2^32")
	}
	bound := uint64(n)
	for {
		m := uint64(s.Uint32()) * bound
		if low := m & 0xFFFFFFFF; low >= bound || low >= (1<<32)%bound {
			return int(m >> 32)
		}
	}
}

// NormFloat64 returns a normal deviate with mean 0 and standard deviation 1 (Box and Muller 1958).
func (s *Stream) NormFloat64() float64 {
	r := math.Sqrt(-2 * math.Log(1-s.Float64()))
	return r * math.Cos(2*math.Pi*s.Float64())
}

// Shuffle permutes n things uniformly by calling swap (Fisher and Yates).
func (s *Stream) Shuffle(n int, swap func(i, j int)) {
	for i := n - 1; i > 0; i-- {
		swap(i, s.IntN(i+1))
	}
}

// Sample fills dst with different integers from [0,n) in random order (Floyd's method followed by a shuffle). It looks through dst for
// repeats, so it is meant for small samples; it does not allocate. It panics when len(dst) > n.
func (s *Stream) Sample(dst []int, n int) {
	k := len(dst)
	if k > n {
		panic("rng: Sample needs at most n places")
	}
	for i := range k {
		j := n - k + i
		v := s.IntN(j + 1)
		for _, taken := range dst[:i] {
			if taken == v {
				v = j
				break
			}
		}
		dst[i] = v
	}
	for i := k - 1; i > 0; i-- {
		j := s.IntN(i + 1)
		dst[i], dst[j] = dst[j], dst[i]
	}
}

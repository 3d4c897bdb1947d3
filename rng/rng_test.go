package rng

import (
	"math"
	"testing"
)

// The known answers of the Random123 distribution (kat_vectors, philox4x32 10 rounds).
func TestPhiloxKnownAnswers(t *testing.T) {
	const f = 0xffffffff
	for _, c := range []struct {
		key [2]uint32
		ctr [4]uint32
		out [4]uint32
	}{
		{[2]uint32{}, [4]uint32{}, [4]uint32{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
		{[2]uint32{f, f}, [4]uint32{f, f, f, f}, [4]uint32{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
		{[2]uint32{0xa4093822, 0x299f31d0}, [4]uint32{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
			[4]uint32{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
	} {
		if got := Philox(c.key, c.ctr); got != c.out {
			t.Errorf("Philox(%x, %x) = %x, want %x", c.key, c.ctr, got, c.out)
		}
	}
}

func TestStreamIsTheElementStream(t *testing.T) {
	s := At(7, 1<<40+3, 11)
	for e := range 100 {
		if got, want := s.Uint32(), Word(7, 1<<40+3, 11, e); got != want {
			t.Fatalf("draw %d = %#x, want %#x", e, got, want)
		}
	}
}

func TestStreamsDiffer(t *testing.T) {
	base := Word(1, 2, 3, 4)
	for _, w := range []uint32{Word(2, 2, 3, 4), Word(1, 3, 3, 4), Word(1, 2, 4, 4), Word(1, 2, 3, 5), Word(1|1<<32, 2, 3, 4), Word(1, 2|1<<32, 3, 4)} {
		if w == base {
			t.Error("two different keys gave the same word")
		}
	}
}

func TestUnitIsOpen(t *testing.T) {
	for _, w := range []uint32{0, 1, 511, 1 << 31, math.MaxUint32} {
		if u := Unit(w); u <= 0 || u >= 1 {
			t.Errorf("Unit(%#x) = %v, outside (0,1)", w, u)
		}
	}
}

// chiSquare of uniform counts has k-1 degrees of freedom: mean k-1, standard deviation sqrt(2(k-1)).
func chiSquare(counts []int, n int) float64 {
	want, x := float64(n)/float64(len(counts)), 0.0
	for _, c := range counts {
		d := float64(c) - want
		x += d * d / want
	}
	return x
}

func TestIntNIsUniform(t *testing.T) {
	for _, k := range []int{1, 2, 3, 7, 100} {
		s, counts, n := At(5, uint64(k), 0), make([]int, k), 100000
		for range n {
			counts[s.IntN(k)]++
		}
		if x, d := chiSquare(counts, n), float64(k-1); x > d+5*math.Sqrt(2*d)+1e-9 {
			t.Errorf("IntN(%d): chi square %.1f with %v degrees of freedom", k, x, d)
		}
	}
}

func TestNormalMoments(t *testing.T) {
	s, n := At(1, 1, 1), 200000
	var m1, m2, m4 float64
	for range n {
		x := s.NormFloat64()
		m1, m2, m4 = m1+x, m2+x*x, m4+x*x*x*x
	}
	N := float64(n)
	if math.Abs(m1/N) > 0.01 || math.Abs(m2/N-1) > 0.015 || math.Abs(m4/N-3) > 0.1 {
		t.Errorf("moments 1, 2, 4 = %.4f, %.4f, %.4f; want 0, 1, 3", m1/N, m2/N, m4/N)
	}
}

func TestSampleIsDistinctAndUniform(t *testing.T) {
	const n, k, rounds = 10, 4, 20000
	s, counts, draw := At(9, 0, 2), make([]int, n), make([]int, k)
	for range rounds {
		seen := map[int]bool{}
		s.Sample(draw, n)
		for _, v := range draw {
			if v < 0 || v >= n || seen[v] {
				t.Fatalf("Sample gave %d twice or outside [0,%d)", v, n)
			}
			seen[v] = true
			counts[v]++
		}
	}
	if x := chiSquare(counts, rounds*k); x > 9+5*math.Sqrt(18) {
		t.Errorf("Sample: chi square %.1f with 9 degrees of freedom", x)
	}
}

func BenchmarkBlock(b *testing.B) {
	b.SetBytes(16)
	for i := range b.N {
		_ = Block(1, 2, 3, uint32(i))
	}
}

package cpu

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"aural/rng"
)

// window is memory with 20 values of a mark before and after the n values in the middle.
func window[T float32 | float64](n int, mark T) (all, middle []T) {
	all = make([]T, n+40)
	for i := range all {
		all[i] = mark
	}
	return all, all[20 : 20+n]
}

// intact fails when a mark has changed.
func intact[T float32 | float64](t *testing.T, what string, all []T, mark T) {
	t.Helper()
	for i, v := range all {
		if (i < 20 || i >= len(all)-20) && v != mark {
			t.Fatalf("%s: wrote at %d of %d values", what, i-20, len(all)-40)
		}
	}
}

// guardedMatrix has rows of random values between NaNs, and a list of some of them, the first and the last included.
func guardedMatrix(rows, width, list int) (m []float32, index []int32) {
	_, m = window(rows*width, float32(math.NaN()))
	copy(m, random(rows*width))
	index = make([]int32, list)
	for i := range index {
		index[i] = int32(rng.Block(1, 2, 3, uint32(i))[0] % uint32(rows))
	}
	if list > 1 {
		index[0], index[list-1] = int32(rows-1), 0
	}
	return m, index
}

func TestGatheredRows(t *testing.T) {
	tables(t, func(t *testing.T, v *vectors) {
		for _, width := range lengths() {
			for _, list := range []int{0, 1, 2, 3, 4, 5, 7, 8, 9, 101} {
				if width == 0 || width > 130 && list > 9 {
					continue
				}
				what := fmt.Sprintf("%d rows of %d", list, width)
				m, index := guardedMatrix(7, width, list)
				_, x := window(width, float32(math.NaN()))
				copy(x, random(width+1))
				all, out := window(list, -7.0)
				v.gatherDots(out, x, m, index)
				intact(t, what, all, -7)
				for j, i := range index {
					row := m[int(i)*width:][:width]
					if want := dot64(x, row); !(math.Abs(out[j]-want) <= 1e-14*float64(width+1)) {
						t.Fatalf("%s: product %d is %v, want %v", what, j, out[j], want)
					}
					var alone [1]float64
					if v.gatherDots(alone[:], x, m, index[j:j+1]); alone[0] != out[j] {
						t.Fatalf("%s: product %d is %v, alone %v", what, j, out[j], alone[0])
					}
				}
				sums, y := window(width, 3.0)
				want, weights := make([]float64, width), make([]float64, list)
				for j := range weights {
					weights[j] = float64(random(list)[j])
				}
				for k := range want {
					want[k] = 3
					for j, i := range index {
						want[k] += weights[j] * float64(m[int(i)*width+k])
					}
				}
				v.addGathered(y, weights, m, index)
				intact(t, what, sums, 3)
				for k := range y {
					if !(math.Abs(y[k]-want[k]) <= 1e-14*float64(list+1)) {
						t.Fatalf("%s: sum %d is %v, want %v", what, k, y[k], want[k])
					}
				}
			}
		}
	})
}

// One NaN must reach the products and sums that it belongs to, and no others.
func TestGatheredNaN(t *testing.T) {
	tables(t, func(t *testing.T, v *vectors) {
		for _, bad := range []float32{float32(math.NaN()), float32(math.Inf(1))} {
			for at := range 37 {
				m, index := guardedMatrix(6, 37, 6)
				copy(index, []int32{0, 1, 2, 3, 4, 5})
				m[3*37+at] = bad
				x, out := random(37), make([]float64, 6)
				v.gatherDots(out, x, m, index)
				y := make([]float64, 37)
				v.addGathered(y, []float64{1, 1, 1, 1, 1, 1}, m, index)
				for j := range out {
					if finite := math.Abs(out[j]) < 1e9; finite == (j == 3) {
						t.Fatalf("%v at %d: product %d is %v", bad, at, j, out[j])
					}
				}
				for k := range y {
					if finite := math.Abs(y[k]) < 1e9; finite == (k == at) {
						t.Fatalf("%v at %d: sum %d is %v", bad, at, k, y[k])
					}
				}
			}
		}
	})
}

// Assembly trusts the list, so that an index outside must not get there.
func TestGatheredIndexIsChecked(t *testing.T) {
	panics := func(f func()) (message string) {
		defer func() { message = fmt.Sprint(recover()) }()
		f()
		return
	}
	tables(t, func(t *testing.T, v *vectors) {
		for _, bad := range []int32{-1, 5, math.MaxInt32, math.MinInt32} {
			m, index := random(5*9+8), []int32{0, 4, bad, 1}
			out, x, y := make([]float64, 4), random(9), make([]float64, 9)
			want := fmt.Sprintf("index 2 of a list is row %d of a matrix of 5 rows", bad)
			for _, got := range []string{panics(func() { v.gatherDots(out, x, m, index) }), panics(func() { v.addGathered(y, out, m, index) })} {
				if !strings.Contains(got, want) {
					t.Errorf("row %d: %s", bad, got)
				}
			}
		}
		m, index := random(45), []int32{0, 4}
		if got := panics(func() { v.gatherDots(make([]float64, 1), random(9), m, index) }); got == "<nil>" {
			t.Error("room for one product of two is accepted")
		}
		if got := panics(func() { v.addGathered(make([]float64, 9), make([]float64, 1), m, index) }); got == "<nil>" {
			t.Error("one weight for two rows is accepted")
		}
	})
}

func TestExpSum64(t *testing.T) {
	tables(t, func(t *testing.T, v *vectors) {
		for n := range 70 {
			all, y := window(n, -7.0)
			_, x := window(n, math.NaN())
			want := 0.0
			for i := range x {
				x[i] = float64(random(n)[i]) * float64(i)
				want += math.Exp(1.3*x[i] - 0.7)
			}
			sum := v.expSum64(y, x, 1.3, 0.7)
			intact(t, fmt.Sprint(n, " values"), all, -7)
			for i := range x {
				if e := math.Exp(1.3*x[i] - 0.7); !(math.Abs(y[i]-e) <= 1e-13*e) { // the argument may be rounded, up to 100
					t.Fatalf("%d values: [%d] is exp(%v) = %v, want %v", n, i, x[i], y[i], e)
				}
			}
			if !(math.Abs(sum-want) <= 1e-13*want) {
				t.Fatalf("sum of %d is %v, want %v", n, sum, want)
			}
		}
		var x []float64
		for a := -708.0; a < 709; a += 1.0 / 64 {
			x = append(x, a)
		}
		y := make([]float64, len(x))
		v.expSum64(y, x, 1, 0)
		for i, a := range x {
			if want := math.Exp(a); !(math.Abs(y[i]-want) <= 1e-15*want) {
				t.Fatalf("exp(%v) is %v, want %v: off by %.2g", a, y[i], want, y[i]/want-1)
			}
		}
		inf, nan := math.Inf(1), math.NaN()
		special := []float64{-inf, -1e300, -750, 709, 710, 1e300, inf, nan, 0, nan, -inf}
		out := make([]float64, len(special))
		if sum := v.expSum64(out, special, 1, 0); sum == sum {
			t.Errorf("sum with NaN is %v", sum)
		}
		for i, want := range []float64{0, 0, 0, math.Exp(709), inf, inf, inf, nan, 1, nan, 0} {
			if got := out[i]; got != want && !(math.Abs(got/want-1) < 1e-15) && !(want != want && got != got) {
				t.Errorf("exp(%v) is %v, want %v", special[i], got, want)
			}
		}
	})
}

// All 2²³ values that the noise can have, against float64.
func TestGumbel(t *testing.T) {
	const block = 1 << 15
	words, zero, z := make([]uint32, block), make([]float32, block), make([]float32, block)
	var want [block]float64
	for first := 0; first < 1<<23; first += block {
		for i := range words {
			words[i] = uint32(first+i)<<9 | uint32(i)&511 // the low bits do not matter
			want[i] = -math.Log(-math.Log(float64(rng.Unit(words[i]))))
		}
		for _, c := range candidates() {
			if len(c.missing) > 0 {
				continue
			}
			c.table().vec.gumbel(z, zero, words)
			for i, w := range want {
				if e := math.Abs(float64(z[i])-w) / max(1, math.Abs(w)); !(e < 2.5e-7) {
					t.Fatalf("%s: word %#x gives %v, want %v: off by %.2g", c.name, words[i], z[i], w, e)
				}
			}
		}
	}
}

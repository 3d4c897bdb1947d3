package testkit

import (
	"math"
	"slices"
	"testing"
)

// cubic has the gradient 3x² - 2·(its neighbour to the right).
func cubic(x []float64) float64 {
	s := 0.0
	for i, v := range x {
		s += v*v*v - 2*v*x[(i+1)%len(x)]
	}
	return s
}

func cubicGrad(x []float64) []float64 {
	g, n := make([]float64, len(x)), len(x)
	for i, v := range x {
		g[i] = 3*v*v - 2*x[(i+1)%n] - 2*x[(i+n-1)%n]
	}
	return g
}

func TestGradCheck(t *testing.T) {
	x := []float64{0.3, -1.2, 0, 2}
	was := slices.Clone(x)
	good := cubicGrad(x)
	tol := Tol{Abs: 1e-9, Rel: 1e-9}
	if err := gradCheck(cubic, x, good, nil, 1e-5, tol); err != nil {
		t.Error(err)
	}
	if !slices.Equal(x, was) {
		t.Errorf("the point was changed from %v to %v", was, x)
	}
	bad := slices.Clone(good)
	bad[2] += 1e-7
	judge(func(t testing.TB) { GradCheck(t, "cubic", cubic, x, bad, nil, 1e-5, tol) }).mustFail(t, "cubic: gradient against central differences with step 1e-05: 1 of 4 elements differ; worst is [2]")
	judge(func(t testing.TB) { GradCheck(t, "cubic", cubic, x, bad, []int{0, 2}, 1e-5, tol) }).mustFail(t, "worst is [2]")
	if err := gradCheck(cubic, x, bad, []int{0, 1, 3}, 1e-5, tol); err != nil {
		t.Errorf("the wrong element was not sampled: %v", err)
	}
}

func TestGradCheckRefusesToProveNothing(t *testing.T) {
	x, g := []float64{1, 2}, []float64{0, 0}
	zero := func([]float64) float64 { return 0 }
	for _, c := range []struct {
		name    string
		f       func([]float64) float64
		x, grad []float64
		samples []int
		h       float64
	}{
		{"no samples", zero, x, g, []int{}, 1e-5},
		{"no elements", zero, nil, nil, nil, 1e-5},
		{"lengths", zero, x, g[:1], nil, 1e-5},
		{"outside", zero, x, g, []int{2}, 1e-5},
		{"negative", zero, x, g, []int{-1}, 1e-5},
		{"no step", zero, x, g, nil, 0},
		{"NaN step", zero, x, g, nil, math.NaN()},
		{"step lost in rounding", zero, []float64{1e17, 0}, g, nil, 1e-5},
		{"NaN function", func([]float64) float64 { return math.NaN() }, x, g, nil, 1e-5},
	} {
		if err := gradCheck(c.f, c.x, c.grad, c.samples, c.h, Tol{Abs: 1}); err == nil {
			t.Errorf("%s: passed", c.name)
		}
	}
}

func TestSample(t *testing.T) {
	for _, c := range []struct {
		n, k int
		want []int
	}{
		{0, 3, []int{}}, {5, 0, []int{}}, {5, -1, []int{}}, {5, 1, []int{2}}, {3, 9, []int{0, 1, 2}}, {10, 2, []int{0, 9}}, {10, 4, []int{0, 3, 6, 9}},
	} {
		if got := Sample(c.n, c.k); !slices.Equal(got, c.want) {
			t.Errorf("Sample(%d, %d) = %v, want %v", c.n, c.k, got, c.want)
		}
	}
}

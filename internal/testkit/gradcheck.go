package testkit

import (
	"fmt"
	"testing"
)

// GradCheck holds the gradient grad of f at x against central differences (f(x+h)-f(x-h))/2h at the elements named by
// samples (nil: all of them), and fails the test where they are not within tol.
//
// In float64 the difference quotient errs by about h²·|f”'|/6 from truncation and 1e-16·|f|/h from rounding; with f and
// x near 1 the best h is about 1e-5, which leaves 1e-10. f may keep a reference to its argument: x is changed in place
// around each call and put back.
func GradCheck(t testing.TB, what string, f func(x []float64) float64, x, grad []float64, samples []int, h float64, tol Tol) {
	t.Helper()
	if err := gradCheck(f, x, grad, samples, h, tol); err != nil {
		t.Errorf("%s: %v", what, err)
	}
}

func gradCheck(f func(x []float64) float64, x, grad []float64, samples []int, h float64, tol Tol) error {
	if len(x) != len(grad) {
		return fmt.Errorf("testkit: gradient has %d elements, the point has %d", len(grad), len(x))
	}
	if samples == nil {
		samples = Sample(len(x), len(x))
	}
	if len(samples) == 0 {
		return fmt.Errorf("testkit: gradient check of no elements (point has %d)", len(x))
	}
	if !(h > 0) {
		return fmt.Errorf("testkit: gradient check with step %g; it must be positive", h)
	}
	analytic, numeric := make([]float64, len(samples)), make([]float64, len(samples))
	for i, k := range samples {
		if k < 0 || k >= len(x) {
			return fmt.Errorf("testkit: sample %d is outside a point of %d elements", k, len(x))
		}
		analytic[i], numeric[i] = grad[k], centralDifference(f, x, k, h)
	}
	d, err := Compare(analytic, numeric, tol)
	if err != nil {
		return err
	}
	if !d.OK() {
		d.Worst = samples[d.Worst]
		return fmt.Errorf("gradient against central differences with step %g: %v", h, d)
	}
	return nil
}

// centralDifference divides by the distance that x[k] really moved, not by 2h: for |x| above 1 the two differ by
// rounding, by more than the error of the method.
func centralDifference(f func(x []float64) float64, x []float64, k int, h float64) float64 {
	x0 := x[k]
	defer func() { x[k] = x0 }()
	x[k] = x0 + h
	hi, up := x[k], f(x)
	x[k] = x0 - h
	lo, down := x[k], f(x)
	return (up - down) / (hi - lo) // 0/0, which is close to nothing, when h vanishes beside x[k]
}

// Sample names about k of n elements, evenly spread and always with the first and the last, in rising order: what a
// gradient check of a large tensor looks at. All n are named when k >= n.
func Sample(n, k int) []int {
	k = min(k, n)
	if k <= 0 {
		return []int{}
	}
	if k == 1 {
		return []int{n / 2}
	}
	out := make([]int, k)
	for i := range out {
		out[i] = i * (n - 1) / (k - 1)
	}
	return out
}

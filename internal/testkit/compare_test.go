package testkit

import (
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"
)

var (
	inf       = math.Inf(1)
	nan       = math.NaN()
	tiny      = math.SmallestNonzeroFloat64
	biggest   = math.MaxFloat64
	halfULP   = math.Nextafter(1, 2) - 1
	minusZero = math.Copysign(0, -1)
)

func TestCompareOneElement(t *testing.T) {
	for _, c := range []struct {
		name      string
		got, want float64
		tol       Tol
		ok        bool
	}{
		{"equal", 1, 1, Tol{}, true},
		{"no tolerance", 1, math.Nextafter(1, 2), Tol{}, false},
		{"on the absolute edge", 1, 1.25, Tol{Abs: 0.25}, true},
		{"past the absolute edge", 1, 1.25, Tol{Abs: math.Nextafter(0.25, 0)}, false},
		{"on the relative edge, of the larger", 8, 10, Tol{Rel: 0.2}, true},
		{"relative is symmetric", 10, 8, Tol{Rel: 0.2}, true},
		{"past the relative edge", 8, 10.1, Tol{Rel: 0.2}, false},
		{"both add up", 8, 10.9, Tol{Abs: 1, Rel: 0.2}, true},
		{"sign counts", 1, -1, Tol{Rel: 0.5}, false},
		{"zero and minus zero", 0, minusZero, Tol{}, true},
		{"zero against small, relative only", 0, 1e-12, Tol{Rel: 0.5}, false},
		{"zero against small, absolute", 0, 1e-12, Tol{Abs: 1e-9}, true},
		{"subnormals differ", tiny, 2 * tiny, Tol{}, false},
		{"subnormals within relative tolerance that underflows", tiny, 2 * tiny, Tol{Rel: 1e-3}, false},
		{"subnormals within absolute tolerance", tiny, 2 * tiny, Tol{Abs: tiny}, true},
		{"difference overflows", biggest, -biggest, Tol{Rel: 1}, false},
		{"infinities", inf, inf, Tol{}, true},
		{"infinities of two signs", inf, -inf, Tol{Abs: 1, Rel: 1}, false},
		{"infinity against a number", inf, biggest, Tol{Rel: 1e-3}, false},
		{"number against infinity", 0, inf, Tol{Abs: 1, Rel: 0.5}, false},
		{"infinite tolerance does not excuse infinity", inf, 0, Tol{Abs: inf}, false},
		{"NaN", nan, nan, Tol{Abs: inf, Rel: 1}, false},
		{"NaN when asked", nan, nan, Tol{NaN: true}, true},
		{"NaN against a number", nan, 1, Tol{Abs: inf, NaN: true}, false},
		{"number against NaN", 1, nan, Tol{Abs: inf, NaN: true}, false},
		{"NaN against infinity", nan, inf, Tol{Abs: inf, NaN: true}, false},
		{"NaN tolerance", 1, 2, Tol{Abs: nan}, false},
	} {
		d, err := Compare([]float64{c.got}, []float64{c.want}, c.tol)
		if err != nil || d.OK() != c.ok {
			t.Errorf("%s: %v (error %v), want close = %v", c.name, d, err, c.ok)
		}
	}
}

func TestCompareAcrossPrecisions(t *testing.T) {
	got, want := []float32{1.0 / 3, float32(math.Inf(-1)), math.SmallestNonzeroFloat32}, []float64{1.0 / 3, -inf, 0x1p-149}
	if d, err := Compare(got, want, Tol{Rel: 0x1p-24}); err != nil || !d.OK() {
		t.Errorf("rounding to float32 costs half a unit in the last place at most: %v, %v", d, err)
	}
	if d, _ := Compare(got, want, Tol{Rel: 1e-9}); d.OK() || d.Worst != 0 || d.Bad != 1 {
		t.Errorf("float32 third against float64 third at 1e-9: %v", d)
	}
}

func TestCompareReportsTheWorst(t *testing.T) {
	d, err := Compare([]float64{1, 100, 3, 4}, []float64{1.1, 101, 3, 4.4}, Tol{Abs: 0.2})
	if err != nil {
		t.Fatal(err)
	}
	if d.Total != 4 || d.Bad != 2 || d.Worst != 1 || d.Got != 100 || d.Want != 101 || math.Abs(d.Used-5) > 8*halfULP {
		t.Errorf("got %+v", d)
	}
	for _, part := range []string{"2 of 4", "[1]", "100", "101", "uses 5 "} {
		if !strings.Contains(d.String(), part) {
			t.Errorf("report %q does not say %q", d, part)
		}
	}
	if d, _ := Compare([]float64{1, 2}, []float64{1, 2}, Tol{}); d.Used != 0 || d.Got != 1 {
		t.Errorf("equal slices: %+v", d)
	}
	if d, _ := Compare([]float64{0, nan, 5}, []float64{0, 1, 6}, Tol{Abs: 10}); d.Worst != 1 || !math.IsInf(d.Used, 1) {
		t.Errorf("NaN is worse than any number: %+v", d)
	}
}

// verdict stands in for the test that a function of this package may fail or skip.
type verdict struct {
	testing.TB
	failed, skipped bool
	text            string
}

func judge(f func(t testing.TB)) *verdict {
	v := &verdict{}
	done := make(chan struct{})
	go func() { // Fatal and Skip leave through Goexit
		defer close(done)
		f(v)
	}()
	<-done
	return v
}

func (v *verdict) Helper() {}

func (v *verdict) Errorf(format string, args ...any) {
	v.failed, v.text = true, v.text+fmt.Sprintf(format, args...)
}

func (v *verdict) Fatal(args ...any) {
	v.Errorf("%v", args)
	runtime.Goexit()
}

func (v *verdict) Skipf(format string, args ...any) {
	v.skipped, v.text = true, fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func (v *verdict) mustFail(t *testing.T, with string) {
	t.Helper()
	if !v.failed || !strings.Contains(v.text, with) {
		t.Errorf("failed = %v with %q, want a failure that says %q", v.failed, v.text, with)
	}
}

func TestClose(t *testing.T) {
	judge(func(t testing.TB) { Close(t, "logits", []float32{1}, []float64{2}, Tol{}) }).mustFail(t, "logits: 1 of 1")
	judge(func(t testing.TB) { Close(t, "logits", []float32{1}, []float32{1, 2}, Tol{}) }).mustFail(t, "got 1 elements, want 2")
	judge(func(t testing.TB) { Close(t, "logits", []float32{}, []float32{}, Tol{}) }).mustFail(t, "nothing to compare")
	if v := judge(func(t testing.TB) { Close(t, "logits", []float32{1}, []float32{1}, Tol{}) }); v.failed {
		t.Errorf("equal slices failed: %s", v.text)
	}
}

func TestMaxRelErr(t *testing.T) {
	for _, c := range []struct {
		name      string
		got, want []float64
		err       float64
	}{
		{"equal", []float64{1, 0}, []float64{1, minusZero}, 0},
		{"small element judged by the largest", []float64{100, 0.5}, []float64{100, 0}, 0.005},
		{"all zero", []float64{0}, []float64{0}, 0},
		{"want zero", []float64{tiny}, []float64{0}, inf},
		{"lengths", []float64{1}, []float64{1, 2}, inf},
		{"empty", nil, nil, inf},
		{"NaN", []float64{nan}, []float64{1}, inf},
		{"NaN in both", []float64{nan}, []float64{nan}, inf},
		{"equal infinities", []float64{inf, 1}, []float64{inf, 1}, inf},
		{"infinite want hides nothing", []float64{1, 1}, []float64{inf, 1}, inf},
		{"subnormal", []float64{3 * tiny}, []float64{2 * tiny}, 0.5},
	} {
		if err := MaxRelErr(c.got, c.want); err != c.err {
			t.Errorf("%s: %v, want %v", c.name, err, c.err)
		}
	}
}

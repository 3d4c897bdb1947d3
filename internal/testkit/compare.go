// Package testkit is what the tests of aural share: one comparison of numbers, golden files, finite differences and the
// way to the shared recordings. Only tests import it.
//
// There is one comparer because a wrong one makes every test that uses it green: it has its own tests on signed zero,
// infinities, NaN, subnormal numbers and slices of different lengths.
package testkit

import (
	"fmt"
	"math"
	"testing"
)

// Float is a real number of either precision.
type Float interface{ ~float32 | ~float64 }

// Tol is how far two numbers may be apart: |a-b| <= Abs + Rel*max(|a|,|b|).
//
// Rel bounds the error where numbers are large, Abs where they should cancel to zero. The zero Tol asks for equality,
// in which -0 equals 0.
type Tol struct {
	Abs, Rel float64
	NaN      bool // NaN equals NaN; without it NaN equals nothing
}

// Diff is the outcome of comparing two slices element by element.
type Diff struct {
	Total, Bad int
	Worst      int     // index of the element that used most of its budget
	Got, Want  float64 // the two values there
	Used       float64 // |Got-Want| as a fraction of what Tol allows; +Inf when there is no budget to divide by
}

// OK says whether something was compared and all of it was close.
func (d Diff) OK() bool { return d.Total > 0 && d.Bad == 0 }

func (d Diff) String() string {
	return fmt.Sprintf("%d of %d elements differ; worst is [%d]: got %.9g, want %.9g, which uses %.3g of the tolerance",
		d.Bad, d.Total, d.Worst, d.Got, d.Want, d.Used)
}

// Compare measures got against want, which must be equally long. Both are compared in float64, so float32 results can
// be held against float64 golden numbers.
func Compare[G, W Float](got []G, want []W, tol Tol) (Diff, error) {
	if len(got) != len(want) {
		return Diff{}, fmt.Errorf("testkit: got %d elements, want %d", len(got), len(want))
	}
	d := Diff{Total: len(got), Used: -1}
	for i := range got {
		a, b := float64(got[i]), float64(want[i])
		used := tol.used(a, b)
		if used > 1 {
			d.Bad++
		}
		if used > d.Used {
			d.Worst, d.Got, d.Want, d.Used = i, a, b, used
		}
	}
	return d, nil
}

// used is |a-b| as a fraction of the allowance; above 1 means too far.
func (tol Tol) used(a, b float64) float64 {
	switch {
	case a == b: // equal infinities too, whose difference would be NaN
		return 0
	case math.IsNaN(a) && math.IsNaN(b) && tol.NaN:
		return 0
	case math.IsNaN(a) || math.IsNaN(b) || math.IsInf(a, 0) || math.IsInf(b, 0):
		return math.Inf(1) // an infinite operand would make the allowance infinite and everything close to it
	}
	diff, allow := math.Abs(a-b), tol.Abs+tol.Rel*max(math.Abs(a), math.Abs(b))
	switch {
	case math.IsNaN(allow):
		return math.Inf(1)
	case diff <= allow:
		return diff / allow // allow > 0, because diff > 0: a and b differ, and subtraction underflows gradually
	}
	return max(diff/allow, math.Nextafter(1, 2)) // the quotient may round to 1
}

// Close fails the test unless every element of got is within tol of the one of want. It fails as well for different
// lengths and when there is nothing to compare, because a loop over no cases proves nothing.
func Close[G, W Float](t testing.TB, what string, got []G, want []W, tol Tol) {
	t.Helper()
	d, err := Compare(got, want, tol)
	switch {
	case err != nil:
		t.Errorf("%s: %v", what, err)
	case d.Total == 0:
		t.Errorf("%s: nothing to compare: both slices are empty", what)
	case !d.OK():
		t.Errorf("%s: %v", what, d)
	}
}

// MaxRelErr is the norm-wise relative error max|got-want| / max|want|, the measure for results whose elements cancel
// (gradients, logits), where small elements carry the rounding of large ones.
//
// It is +Inf, so that no bound accepts it, for different lengths, nothing to compare, a number that is not finite on
// either side, and a got that differs from an all-zero want.
func MaxRelErr[G, W Float](got []G, want []W) float64 {
	if len(got) != len(want) || len(got) == 0 {
		return math.Inf(1)
	}
	var diff, norm float64
	for i := range got {
		a, b := float64(got[i]), float64(want[i])
		if math.IsNaN(a-b) || math.IsInf(a, 0) || math.IsInf(b, 0) {
			return math.Inf(1)
		}
		diff, norm = max(diff, math.Abs(a-b)), max(norm, math.Abs(b))
	}
	if diff == 0 {
		return 0
	}
	return diff / norm
}

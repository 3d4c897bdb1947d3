package kerneltest

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"aural/internal/testkit"
	"aural/kernels"
)

// The numbers of the gradient checks: with inputs near 1 a step of 1e-5 leaves an error near 1e-9 in float64.
const (
	gradientStep  = 1e-5
	gradientError = 1e-6
)

// CheckGradients holds the gradient calls of the table, on kernels/ref in float64, against central differences of Σ dy·y.
func CheckGradients(t *testing.T) {
	checked := 0
	for _, c := range Cases() {
		if c.NoGradient != "" {
			continue
		}
		t.Run(c.fullName(), func(t *testing.T) {
			n, err := c.checkGradient(t)
			if err != nil {
				t.Error(err)
			}
			checked += n
		})
	}
	if checked == 0 && !t.Failed() {
		t.Error("no gradient was checked")
	}
	t.Logf("%d gradients agree with central differences", checked)
}

// checkGradient checks all gradients of a case and returns how many there were.
func (c Case) checkGradient(t testing.TB) (int, error) {
	if c.Backward == nil {
		return 0, errors.New("states neither gradients nor a reason for having none")
	}
	fwd := c.forward().promoted()
	out, err := reference(fwd)
	if err != nil {
		return 0, err
	}
	dy := c.outputGradient(out[0].Desc)
	gradients := c.Backward(fwd.In, out, dy)
	if err := c.covered(fwd, gradients); err != nil {
		return 0, err
	}
	checked := 0
	for _, g := range gradients {
		grads := g.In[:1]
		if g.Op != nil {
			if grads, err = reference(Call{Op: g.Op, In: g.In, Step: c.Step}); err != nil {
				return checked, err
			}
		}
		for o, input := range g.Of {
			x := floats(fwd.In[input])
			if len(x) == 0 {
				continue
			}
			call := fwd
			if op, ok := c.StraightThrough[input]; ok {
				call.Op = op
			}
			run, y, err := compileReference(call)
			if err != nil {
				return checked, err
			}
			loss := func([]float64) float64 { // x is the memory of the input
				run()
				sum := 0.0
				for i, v := range floats(y[0]) {
					sum += floats(dy)[i] * v
				}
				return sum
			}
			testkit.GradCheck(t, fmt.Sprintf("gradient of input %d", input), loss, x, floats(grads[o]),
				testkit.Sample(len(x), c.samples(fwd, y)), gradientStep, testkit.Tol{Abs: gradientError, Rel: gradientError})
			checked++
		}
	}
	return checked, nil
}

// covered is an error unless every floating point input has exactly one gradient or is a constant.
func (c Case) covered(fwd Call, gradients []Gradient) error {
	var have []int
	for _, g := range gradients {
		have = append(have, g.Of...)
	}
	have = append(have, c.Constants...)
	slices.Sort(have)
	var want []int
	for i, b := range fwd.In {
		if b.DType.IsFloat() {
			want = append(want, i)
		}
	}
	if !slices.Equal(have, want) {
		return fmt.Errorf("inputs %v have gradients or are constants, but %v are floating point", have, want)
	}
	return nil
}

// samples is how many elements of an input to vary: as many as are cheap.
func (c Case) samples(fwd Call, out []kernels.Buffer) int {
	const budget = 5e6 // floating point operations
	cost := float64(c.Op.FLOPs(descs(fwd.In), descs(out)) + 100)
	return int(min(24, max(3, budget/cost)))
}

package kerneltest

import (
	"errors"
	"slices"
	"testing"

	"aural/kernels"
	"aural/kernels/ref"
)

// wrongGELU is the reference with one op off by a little.
type wrongGELU struct{ kernels.Backend }

func (w wrongGELU) Compile(op kernels.Op, in, out []kernels.Desc) (kernels.Kernel, error) {
	k, err := w.Backend.Compile(op, in, out)
	switch op.(type) {
	case kernels.GELU:
		run := k.Run
		k.Run = func(s *kernels.Step, in, out []kernels.Buffer, scratch []byte) {
			run(s, in, out, scratch)
			out[0].F32()[0] += 0.01
		}
	case kernels.Cast:
		return k, kernels.ErrUnsupported
	}
	return k, err
}

func TestCheck(t *testing.T) {
	ops := map[string]Result{}
	few := func(op kernels.Op, _ []kernels.Desc) bool {
		return slices.Contains([]string{"gelu", "cast", "layer_norm"}, op.Name())
	}
	for r := range Check(wrongGELU{ref.New()}, Only(few)) {
		if _, again := ops[r.Op]; again {
			t.Errorf("%s twice", r.Op)
		}
		ops[r.Op] = r
	}
	if r := ops["gelu"]; r.Err == nil || r.Used < 1 {
		t.Errorf("a wrong op: %+v", r)
	}
	if r := ops["cast"]; r.Refused == 0 {
		t.Errorf("an op that is refused: %+v", r)
	}
	if r := ops["layer_norm"]; r.Err != nil || r.Calls == 0 || r.Used >= 1 || errors.Is(r.Err, kernels.ErrUnsupported) {
		t.Errorf("a right op: %+v", r)
	}
}

package kerneltest

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"unsafe"

	"aural/kernels"
	"aural/kernels/ref"
)

// broken is a back end whose kernels do something more than the reference.
type broken struct {
	*ref.Backend
	compile func(k kernels.Kernel) (kernels.Kernel, error)
}

func (b broken) Compile(op kernels.Op, in, out []kernels.Desc) (kernels.Kernel, error) {
	k, err := b.Backend.Compile(op, in, out)
	if err != nil {
		return k, err
	}
	return b.compile(k)
}

// after lets a kernel do something when the reference has run.
func after(do func(s *kernels.Step, in, out []kernels.Buffer, scratch []byte)) func(kernels.Kernel) (kernels.Kernel, error) {
	return func(k kernels.Kernel) (kernels.Kernel, error) {
		run := k.Run
		k.Run = func(s *kernels.Step, in, out []kernels.Buffer, scratch []byte) {
			run(s, in, out, scratch)
			do(s, in, out, scratch)
		}
		return k, nil
	}
}

// poke writes a byte at an offset from the start of a buffer, outside of it too.
func poke(b []byte, offset int) {
	*(*byte)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(b)), offset)) ^= 0x11
}

// A harness that accepts a broken back end proves nothing. Each of these must be found, by the check that is meant to find it.
func TestBrokenBackendsAreFound(t *testing.T) {
	runs := 0
	var sink []byte
	for _, c := range []struct {
		name    string
		op      kernels.Op
		compile func(kernels.Kernel) (kernels.Kernel, error)
		want    string
	}{
		{"wrong in the last element", kernels.GELU{}, after(func(_ *kernels.Step, _, out []kernels.Buffer, _ []byte) {
			y := out[0].F32()
			y[len(y)-1] += 1e-4
		}), "1 of 65 elements differ; worst is [64]"},
		{"wrong in a second output", kernels.LayerNorm{}, after(func(_ *kernels.Step, _, out []kernels.Buffer, _ []byte) { out[2].F32()[0] *= 1.001 }), "output 2"},
		{"wrong code", kernels.GumbelQuantize{}, after(func(_ *kernels.Step, _, out []kernels.Buffer, _ []byte) { out[1].I32()[0] ^= 1 }), "output 1"},
		{"not a number", kernels.GELU{}, after(func(_ *kernels.Step, _, out []kernels.Buffer, _ []byte) { out[0].F32()[7] = float32(math.NaN()) }), "worst is [7]"},
		{"row not written", kernels.GatherRows{}, func(k kernels.Kernel) (kernels.Kernel, error) {
			run := k.Run
			k.Run = func(s *kernels.Step, in, out []kernels.Buffer, scratch []byte) {
				before := out[0].F32()[0]
				run(s, in, out, scratch)
				out[0].F32()[0] = before
			}
			return k, nil
		}, "worst is [0]"},
		{"writes before an output", kernels.GELU{}, after(func(_ *kernels.Step, _, out []kernels.Buffer, _ []byte) {
			poke(out[0].HostBytes(), -1)
		}), "wrote before the start"},
		{"writes beyond an output", kernels.GELU{}, after(func(_ *kernels.Step, _, out []kernels.Buffer, _ []byte) {
			poke(out[0].HostBytes(), out[0].Bytes())
		}), "wrote beyond the end"},
		{"changes an input", kernels.Linear{}, after(func(_ *kernels.Step, in, _ []kernels.Buffer, _ []byte) { in[1].F32()[3]++ }), "changed its input"},
		{"writes beyond an input", kernels.Linear{}, after(func(_ *kernels.Step, in, _ []kernels.Buffer, _ []byte) {
			poke(in[0].HostBytes(), in[0].Bytes()+5)
		}), "wrote beyond the end"},
		{"writes beyond its scratch", kernels.Attention{}, after(func(_ *kernels.Step, _, _ []kernels.Buffer, scratch []byte) {
			poke(scratch, len(scratch))
		}), "outside its"},
		{"relies on its scratch", kernels.Linear{}, func(k kernels.Kernel) (kernels.Kernel, error) {
			run := k.Run
			k.Scratch = 1
			k.Run = func(s *kernels.Step, in, out []kernels.Buffer, scratch []byte) {
				run(s, in, out, nil)
				out[0].F32()[0] += float32(scratch[0]) * 1e-8 // too little for the comparison with the judge
			}
			return k, nil
		}, "two runs"},
		{"differs from run to run", kernels.Linear{}, after(func(_ *kernels.Step, _, out []kernels.Buffer, _ []byte) {
			runs++
			out[0].F32()[0] += float32(runs) * 1e-6
		}), "two runs"},
		{"allocates", kernels.Linear{}, after(func(*kernels.Step, []kernels.Buffer, []kernels.Buffer, []byte) { sink = make([]byte, 100) }), "allocates 1 objects"},
		{"wrong in place", kernels.AddN{}, after(func(_ *kernels.Step, in, out []kernels.Buffer, _ []byte) {
			if &in[0].F32()[0] == &out[0].F32()[0] {
				out[0].F32()[0]++
			}
		}), "in place"},
		{"ignores the seed", kernels.Dropout{}, fixedStep(func(s *kernels.Step, c kernels.Step) { s.Seed = c.Seed }), "another seed"},
		{"ignores the update", kernels.Dropout{}, fixedStep(func(s *kernels.Step, c kernels.Step) { s.Update = c.Update }), "another update"},
		{"ignores the row", kernels.Dropout{}, fixedStep(func(s *kernels.Step, c kernels.Step) { s.Row = c.Row }), "another row"},
		{"has no name", kernels.Linear{}, func(k kernels.Kernel) (kernels.Kernel, error) { k.Variant = ""; return k, nil }, "does not name its variant"},
		{"refuses", kernels.Linear{}, func(kernels.Kernel) (kernels.Kernel, error) {
			return kernels.Kernel{}, fmt.Errorf("too hard: %w", kernels.ErrUnsupported)
		}, "not supported"},
	} {
		t.Run(c.name, func(t *testing.T) {
			call := aCaseOf(t, c.op).forward()
			if _, err := newConfig(nil).check(ref.New(), call); err != nil {
				t.Fatalf("the unbroken back end: %v", err)
			}
			_, err := newConfig(nil).check(broken{ref.New(), c.compile}, call)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
	_ = sink
}

// fixedStep makes a kernel use a field of the first step it sees for ever.
func fixedStep(fix func(s *kernels.Step, first kernels.Step)) func(kernels.Kernel) (kernels.Kernel, error) {
	return func(k kernels.Kernel) (kernels.Kernel, error) {
		run := k.Run
		var first, now kernels.Step
		seen := false
		k.Run = func(s *kernels.Step, in, out []kernels.Buffer, scratch []byte) {
			if !seen {
				first, seen = *s, true
			}
			now = *s
			fix(&now, first)
			run(&now, in, out, scratch)
		}
		return k, nil
	}
}

// aCaseOf is a middle-sized case of the kind of op.
func aCaseOf(t *testing.T, op kernels.Op) Case {
	t.Helper()
	for _, c := range Cases() {
		if c.Op.Name() != op.Name() {
			continue
		}
		if fwd := c.forward(); fwd.In[0].Size() >= 65 && (fwd.noisy() || op.Name() != "dropout") {
			return c
		}
	}
	t.Fatalf("no case of %s", op.Name())
	return Case{}
}

func TestVerdict(t *testing.T) {
	var r report
	if r.verdict(newConfig(nil)) == nil {
		t.Error("nothing ran and that was accepted")
	}
	r.refuse(Call{Op: kernels.GELU{}}, "slow")
	if err := r.verdict(newConfig(nil)); err == nil || !strings.Contains(err.Error(), "1 were refused") {
		t.Errorf("only refusals: %v", err)
	}
	r.ran(Call{Op: kernels.GELU{}}, "plain")
	if err := r.verdict(newConfig(nil)); err != nil {
		t.Error(err)
	}
	if r.verdict(newConfig([]Option{MustRun("plain", "fast")})) == nil {
		t.Error("a variant that never ran was not missed")
	}
}

// CheckGradients must find a wrong gradient, a missing one, and one that is stated twice.
func TestWrongGradientsAreFound(t *testing.T) {
	x := kernels.GELU{}
	wrong := Case{Name: "wrong", Op: x, Inputs: []Input{normal(9)}}
	recorder := &failures{TB: t}
	state := func(of []int, op kernels.Op) {
		wrong.Backward = func(in, _ []kernels.Buffer, dy kernels.Buffer) []Gradient {
			return []Gradient{{op, []kernels.Buffer{dy}, of}}
		}
	}
	state([]int{0}, kernels.Scale{Factor: 0.5})
	if _, err := wrong.checkGradient(recorder); err != nil || recorder.count != 1 {
		t.Errorf("a wrong gradient: %v, %d failures", err, recorder.count)
	}
	for _, of := range [][]int{{}, {0, 0}, {1}} {
		state(of, nil)
		if _, err := wrong.checkGradient(recorder); err == nil {
			t.Errorf("gradients of %v were accepted", of)
		}
	}
	wrong.Backward = nil
	if _, err := wrong.checkGradient(recorder); err == nil {
		t.Error("no gradient at all was accepted")
	}
}

// failures counts errors instead of failing.
type failures struct {
	testing.TB
	count int
}

func (f *failures) Errorf(string, ...any) { f.count++ }
func (f *failures) Helper()               {}

func TestRefusalIsRecognised(t *testing.T) {
	b := broken{ref.New(), func(kernels.Kernel) (kernels.Kernel, error) {
		return kernels.Kernel{}, fmt.Errorf("too hard: %w", kernels.ErrUnsupported)
	}}
	if _, err := newConfig(nil).check(b, aCaseOf(t, kernels.Linear{}).forward()); !errors.Is(err, kernels.ErrUnsupported) {
		t.Errorf("%v does not wrap ErrUnsupported", err)
	}
}

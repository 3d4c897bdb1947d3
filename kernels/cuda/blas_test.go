package cuda

import (
	"testing"

	"aural/internal/cudaemu"
	"aural/internal/cudafake"
	"aural/kernels"
	"aural/kernels/kerneltest"
)

// Linear layers computed by a library are the reference's, whatever their shapes and types are.
func TestParityOfLibrary(t *testing.T) {
	for _, c := range []struct {
		precision kernels.Precision
		norm      float64
	}{{kernels.PrecisionFloat32, 0}, {kernels.PrecisionBF16, 1e-2}} {
		t.Run(string(c.precision), func(t *testing.T) {
			h := &cudaemu.BLAS{}
			t.Cleanup(func() { // after the back end's
				if h.Handles != 0 {
					t.Errorf("%d handles are left open", h.Handles)
				}
			})
			b := emulated(t, Options{Precision: c.precision, BLAS: h}, cudaemu.Options{})
			opts := []kerneltest.Option{kerneltest.MustRun("library"), kerneltest.Only(func(op kernels.Op, _ []kernels.Desc) bool {
				switch op.(type) {
				case kernels.Linear, kernels.LinearGradInput, kernels.LinearGradWeight:
					return true
				}
				return false
			})}
			if c.norm > 0 {
				opts = append(opts, kerneltest.Stored(b.Narrow), kerneltest.Tolerate(kerneltest.Summed, kerneltest.Tolerance{Norm: c.norm, Abs: c.norm}))
			}
			kerneltest.Run(t, b, opts...)
			if h.Plans < 10 || h.Runs < h.Plans {
				t.Errorf("%d products were planned, %d ran", h.Plans, h.Runs)
			}
		})
	}
}

// Precision high, and whatever the library refuses, stays with the own kernels; so do the name and the results.
func TestWithoutLibrary(t *testing.T) {
	in := []kernels.Desc{kernels.Of(kernels.Float32, 300, 64), kernels.Of(kernels.Float32, 96, 64), kernels.Of(kernels.Float32, 96)}
	for _, o := range []Options{{Precision: kernels.PrecisionHigh, BLAS: &cudaemu.BLAS{}}, {BLAS: &cudaemu.BLAS{Refuses: true}}} {
		fake := cudafake.New(cudafake.Options{})
		b, err := New(fake, anyImage{}, o)
		if err != nil {
			t.Fatal(err)
		}
		if err := runOne(b, kernels.Linear{}, in); err != nil || o.BLAS.(*cudaemu.BLAS).Runs > 0 {
			t.Errorf("%v, %d products of the library", err, o.BLAS.(*cudaemu.BLAS).Runs)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A plan of what fits counts the library's working memory, and a captured product is part of its graph.
func TestLibraryPlans(t *testing.T) {
	h := &cudaemu.BLAS{}
	fake := cudafake.New(cudafake.Options{})
	b, err := New(fake, anyImage{}, Options{BLAS: h})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	op, in := kernels.LinearGradInput{}, []kernels.Desc{kernels.Of(kernels.Float32, 4, 8), kernels.Of(kernels.Float32, 8, 16)}
	out, err := op.Infer(in)
	if err != nil {
		t.Fatal(err)
	}
	p := b.Planner()
	if _, err := p.Compile(op, in, out); err != nil || p.ScratchBytes() != 1024 || p.Name() != b.Name() || b.Name() != "cuda/fake/emulated" {
		t.Errorf("%v, %d bytes, %s", err, p.ScratchBytes(), p.Name())
	}
}

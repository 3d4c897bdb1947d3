package cuda

import (
	"testing"

	"aural/internal/cudaemu"
	"aural/internal/testkit"
	"aural/kernels"
	"aural/kernels/kerneltest"
)

// emulated starts the back end on the emulator: the same kernel text and the same host code as on a GPU.
func emulated(t testing.TB, o Options, e cudaemu.Options) *Backend {
	t.Helper()
	e.Compiler = testkit.Tool(t, "g++")
	m := cudaemu.New(e)
	b, err := New(m, m, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// unwritten lets ops be refused that have no kernel yet.
func unwritten(kernels.Op, []kernels.Desc) string { return "not written yet" }

// products are the ops that compute in the back end's precision.
func products(op kernels.Op, _ []kernels.Desc) bool {
	switch op.(type) {
	case kernels.Linear, kernels.LinearGradInput, kernels.LinearGradWeight, kernels.Conv1D, kernels.Conv1DGradInput, kernels.Conv1DGradWeight:
		return true
	case kernels.Attention, kernels.AttentionGrad:
		return true
	}
	return false
}

func TestParity(t *testing.T) {
	kerneltest.Run(t, emulated(t, Options{}, cudaemu.Options{}), kerneltest.MustRun("gemm", "conv"), kerneltest.MayRefuse(unwritten))
}

// In reduced precision an element may be off by a share of Σ|ab| (see kernels.Precision), which for inputs near 1 is some times the largest element.
func TestParityOfPrecisions(t *testing.T) {
	for _, c := range []struct {
		precision kernels.Precision
		norm      float64
		attention string
	}{{kernels.PrecisionHigh, 2e-5, "attention"}, {kernels.PrecisionBF16, 1e-2, "attention_bf16"}} {
		t.Run(string(c.precision), func(t *testing.T) {
			kerneltest.Run(t, emulated(t, Options{Precision: c.precision}, cudaemu.Options{}), kerneltest.Only(products), kerneltest.MustRun("gemm", "conv", c.attention),
				kerneltest.Tolerate(kerneltest.Summed, kerneltest.Tolerance{Norm: c.norm, Abs: c.norm}),
				kerneltest.Tolerate(kerneltest.Composed, kerneltest.Tolerance{Norm: c.norm, Abs: c.norm}))
		})
	}
}

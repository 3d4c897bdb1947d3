package cuda

import (
	"math"
	"slices"
	"testing"

	"aural/internal/cudaemu"
	"aural/kernels"
	"aural/kernels/kerneltest"
	"aural/kernels/ref"
)

// allChains are those that this back end takes.
func allChains() []kerneltest.ChainCase {
	return slices.Concat(kerneltest.WaveformChains(), kerneltest.ResidualChains(), kerneltest.ProductChains())
}

// Chains give what the reference's single ops give, and neither the number of processors nor the order of blocks and threads changes a bit of it.
func TestChains(t *testing.T) {
	b := emulated(t, Options{}, cudaemu.Options{Workers: 1})
	kerneltest.RunChainsAgainst(t, b, ref.New(), kerneltest.Tolerance{Norm: 1e-5, Abs: 1e-5}, allChains())
	kerneltest.SameChains(t, b, emulated(t, Options{}, cudaemu.Options{Workers: 3, Reverse: true}), allChains())
}

// Products in reduced precision have the epilogues of float32.
func TestChainsOfPrecisions(t *testing.T) {
	for p, tol := range map[kernels.Precision]float64{kernels.PrecisionHigh: 2e-5, kernels.PrecisionBF16: 1e-2} {
		t.Run(string(p), func(t *testing.T) {
			b := emulated(t, Options{Precision: p}, cudaemu.Options{})
			kerneltest.RunChainsAgainst(t, b, ref.New(), kerneltest.Tolerance{Norm: tol, Abs: 10 * tol}, kerneltest.ProductChains())
		})
	}
}

// GELU of infinity is infinity, as in the reference, alone and behind a product.
func TestGELUOfInfinity(t *testing.T) {
	b := emulated(t, Options{}, cudaemu.Options{})
	x := kernels.New(kernels.Float32, 6)
	copy(x.F32(), []float32{float32(math.Inf(1)), float32(math.NaN()), 15.9, 16.1, 1e30, -1e30})
	got := result(t, b, kernels.GELU{}, kernels.Step{}, []kernels.Buffer{x})[0].F32()
	for i, want := range x.F32() {
		if i == 5 {
			want = 0
		}
		if got[i] != want && want == want || want != want && got[i] == got[i] {
			t.Errorf("gelu(%v) is %v", x.F32()[i], got[i])
		}
	}
}

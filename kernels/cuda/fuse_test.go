package cuda

import (
	"math"
	"slices"
	"testing"

	"aural/internal/cudaemu"
	"aural/kernels"
	"aural/kernels/kerneltest"
	"aural/kernels/ref"
	"aural/rng"
)

// allChains are those that this back end takes.
func allChains() []kerneltest.ChainCase {
	return slices.Concat(kerneltest.WaveformChains(), kerneltest.ResidualChains(), kerneltest.EpilogueChains())
}

// Chains give what the reference's single ops give, and neither the number of processors nor the order of blocks and threads changes a bit of it.
func TestChains(t *testing.T) {
	b := emulated(t, Options{}, cudaemu.Options{Workers: 1})
	kerneltest.RunChainsAgainst(t, b, ref.New(), kerneltest.Tolerance{Norm: 1e-5, Abs: 1e-5}, allChains())
	kerneltest.SameChains(t, b, emulated(t, Options{}, cudaemu.Options{Workers: 3, Reverse: true}), allChains())
}

// Products in reduced precision have the epilogues of float32; the first layer is on tensor cores in bf16.
func TestChainsOfPrecisions(t *testing.T) {
	for p, tol := range map[kernels.Precision]float64{kernels.PrecisionHigh: 2e-5, kernels.PrecisionBF16: 1e-2} {
		t.Run(string(p), func(t *testing.T) {
			b := emulated(t, Options{Precision: p}, cudaemu.Options{})
			kerneltest.RunChainsAgainst(t, b, ref.New(), kerneltest.Tolerance{Norm: tol, Abs: 10 * tol}, slices.Concat(kerneltest.EpilogueChains(), kerneltest.WaveformChains()))
		})
	}
}

// Activations in bfloat16: chains compute in float32 between what they load and what they store; products round their operands besides.
func TestChainsStored(t *testing.T) {
	b := emulated(t, Options{Precision: kernels.PrecisionBF16}, cudaemu.Options{})
	for _, c := range []struct {
		cases []kerneltest.ChainCase
		tol   kerneltest.Tolerance
	}{
		{kerneltest.WaveformChains(), kerneltest.Tolerance{Norm: 1e-2, Abs: 1e-2}},
		{kerneltest.ResidualChains(), kerneltest.Tolerance{Norm: 2e-2, Abs: 1e-2}}, // the judge reads moments and sums that were not rounded
		{kerneltest.EpilogueChains(), kerneltest.Tolerance{Norm: 1e-2, Abs: 5e-2}},
	} {
		kerneltest.RunChainsStored(t, b, ref.New(), c.tol, c.cases)
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

// Products with enough tiles of 128x128 take those in float32 too, whose results leave in two halves.
func TestChainsOfLargeTiles(t *testing.T) {
	b := emulated(t, Options{}, cudaemu.Options{})
	normal := func(shape ...int) kerneltest.Input {
		return kerneltest.Input{Desc: kernels.Of(kernels.Float32, shape...), Fill: func(r *rng.Stream, b kernels.Buffer) {
			for i := range b.F32() {
				b.F32()[i] = float32(r.NormFloat64())
			}
		}}
	}
	const rows, wide, deep = 1410, 1540, 8
	inputs := []kerneltest.Input{normal(rows, deep), normal(wide, deep), normal(wide), normal(rows, wide), normal(deep, wide)}
	call := func(op kernels.Op, in ...int) kerneltest.ChainCall { return kerneltest.ChainCall{Op: op, In: in} }
	kerneltest.RunChainsAgainst(t, b, ref.New(), kerneltest.Tolerance{Norm: 1e-5, Abs: 1e-5}, []kerneltest.ChainCase{
		{Name: "nt", Inputs: inputs, Used: []int{5}, Calls: []kerneltest.ChainCall{call(kernels.Linear{}, 0, 1, 2), call(kernels.GELU{}, 5)}},
		{Name: "nn", Inputs: inputs, Calls: []kerneltest.ChainCall{call(kernels.LinearGradInput{}, 0, 4), call(kernels.GELUGrad{}, 5, 3)}},
	})
}

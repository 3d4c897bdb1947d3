package cuda

import (
	"testing"

	"aural/internal/cudaemu"
	"aural/kernels"
	"aural/kernels/kerneltest"
	"aural/kernels/ref"
)

// Chains give what the reference's single ops give, in either order of threads.
func TestChains(t *testing.T) {
	for name, o := range map[string]cudaemu.Options{"forward": {}, "reverse": {Reverse: true}} {
		t.Run(name, func(t *testing.T) {
			b := emulated(t, Options{}, o)
			for _, cases := range [][]kerneltest.ChainCase{kerneltest.WaveformChains(), kerneltest.ResidualChains(), kerneltest.ProductChains()} {
				kerneltest.RunChainsAgainst(t, b, ref.New(), kerneltest.Tolerance{Norm: 1e-5, Abs: 1e-5}, cases)
			}
		})
	}
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

// Activations in bfloat16: chains compute in float32 between what they load and what they store; products round their operands besides.
func TestChainsStored(t *testing.T) {
	b := emulated(t, Options{Precision: kernels.PrecisionBF16}, cudaemu.Options{})
	for _, c := range []struct {
		cases []kerneltest.ChainCase
		tol   kerneltest.Tolerance
	}{
		{kerneltest.WaveformChains(), kerneltest.Tolerance{Norm: 2e-5, Abs: 2e-5}},
		{kerneltest.ResidualChains(), kerneltest.Tolerance{Norm: 2e-2, Abs: 1e-2}}, // the judge reads moments and sums that were not rounded
		{kerneltest.ProductChains(), kerneltest.Tolerance{Norm: 1e-2, Abs: 5e-2}},
	} {
		kerneltest.RunChainsStored(t, b, ref.New(), c.tol, c.cases)
	}
}

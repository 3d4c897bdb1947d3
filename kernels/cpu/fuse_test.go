package cpu

import (
	"slices"
	"testing"

	"aural/kernels"
	"aural/kernels/kerneltest"
)

// Chains give what single ops give, bit for bit, with any number of threads.
func TestChains(t *testing.T) {
	cases := slices.Concat(kerneltest.FeatureChains(), kerneltest.ConvChains(), kerneltest.RowChains())
	forEach(t, func(t *testing.T, variant string) {
		for _, threads := range []int{1, 2} {
			kerneltest.RunChains(t, start(t, Options{Threads: threads, Variant: variant}), kerneltest.Tolerance{}, cases)
		}
	})
}

// In reduced precision too, but for the gradient of the first layer, which is not fused there.
func TestChainsInReducedPrecision(t *testing.T) {
	forward := slices.DeleteFunc(kerneltest.FeatureChains(), func(c kerneltest.ChainCase) bool { return c.Again != nil })
	for _, precision := range []kernels.Precision{kernels.PrecisionHigh, kernels.PrecisionBF16} {
		b := startVariant(t, withSmallBlocks(modelAMX()), Options{Threads: 2, Precision: precision})
		t.Run(string(precision), func(t *testing.T) {
			kerneltest.RunChains(t, b, kerneltest.Tolerance{}, slices.Concat(forward, kerneltest.ConvChains()))
		})
	}
}

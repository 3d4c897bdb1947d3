package cpu

import (
	"slices"
	"testing"

	"aural/kernels/kerneltest"
)

// Chains give what single ops give, bit for bit, with any number of threads.
func TestChains(t *testing.T) {
	forEach(t, func(t *testing.T, variant string) {
		for _, threads := range []int{1, 2} {
			b := start(t, Options{Threads: threads, Variant: variant})
			kerneltest.RunChains(t, b, kerneltest.Tolerance{}, slices.Concat(kerneltest.FeatureChains(), kerneltest.ConvChains(), kerneltest.RowChains()))
		}
	})
}

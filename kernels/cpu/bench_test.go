package cpu

import (
	"testing"

	"aural/kernels/kerneltest"
)

// BenchmarkOps times the ops of training steps with the best variant.
func BenchmarkOps(b *testing.B) { kerneltest.Bench(b, start(b, Options{})) }

// BenchmarkChains times chains, and their ops one by one, with the best variant.
func BenchmarkChains(b *testing.B) {
	kerneltest.BenchChains(b, start(b, Options{}), kerneltest.ChainBench())
}

package cpu

import (
	"testing"

	"aural/kernels/kerneltest"
)

// BenchmarkOps times the ops of training steps with the best variant.
func BenchmarkOps(b *testing.B) { kerneltest.Bench(b, start(b, Options{})) }

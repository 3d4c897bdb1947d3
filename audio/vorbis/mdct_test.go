package vorbis

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestMDCT(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for n := 32; n <= 4096; n *= 2 {
		x, want := make([]float32, n), make([]float64, n)
		for i := range x {
			x[i] = float32(r.NormFloat64())
		}
		step := max(1, n/64)
		for m := 0; m < n; m += step {
			for k, v := range x {
				want[m] += float64(v) * math.Cos(math.Pi/float64(n)*(float64(m)+0.5)*(float64(k)+0.5))
			}
		}
		newMDCT(n).transform(x)
		for m := 0; m < n; m += step {
			if math.Abs(float64(x[m])-want[m]) > 2e-5*math.Sqrt(float64(n)) {
				t.Fatalf("n = %d: value %d is %g, want %g", n, m, x[m], want[m])
			}
		}
	}
}

package kerneltest

import (
	"math"
	"strings"
	"testing"

	"aural/kernels"
	"aural/kernels/ref"
)

func activations(op kernels.Op, _, _ []kernels.Desc) kernels.Storage { return kernels.Activations(op) }

// The reference with activations in bfloat16 against the float64 one.
func TestParityOfStored(t *testing.T) { Run(t, ref.New(), Stored(activations), MustRun("ref")) }

// A kernel that rounds the wrong way is found, in an op that only copies and in one that computes.
func TestWrongRoundingIsFound(t *testing.T) {
	upwards := broken{ref.New(), after(func(_ *kernels.Step, _, out []kernels.Buffer, _ []byte) {
		for _, y := range out {
			if y.DType == kernels.BFloat16 && y.Size() > 1 {
				kernels.Data[uint16](y)[1]++
			}
		}
	})}
	for _, name := range []string{"gather_rows", "gelu", "linear"} {
		found := false
		for _, c := range Cases() {
			if c.Op.Name() != name {
				continue
			}
			for _, call := range newConfig([]Option{Stored(activations)}).stored(c.forward()) {
				_, err := newConfig(nil).check(upwards, call)
				found = found || err != nil && strings.Contains(err.Error(), "stored as something from")
			}
		}
		if !found {
			t.Errorf("%s in another rounding passes", name)
		}
	}
}

func TestRoundingToBFloat16(t *testing.T) {
	for x, want := range map[float32]float32{1: 1, 1 + 1./256: 1, 1 + 3./256: 1 + 2./128, 1 + 1./256 + 1./65536: 1 + 1./128, -3.4e38: float32(math.Inf(-1)), 1e-40: 9.1835e-41} {
		if got := math.Float32frombits(uint32(bfloat16(x)) << 16); math.Abs(float64(got-want)) > 1e-43 {
			t.Errorf("%v becomes %v, want %v", x, got, want)
		}
	}
}

package cuda

import (
	"testing"

	"aural/internal/cudaemu"
	"aural/kernels"
	"aural/kernels/kerneltest"
)

// rowOps are the ops that are no products and no attention.
func rowOps(op kernels.Op, in []kernels.Desc) bool {
	switch op.(type) {
	case kernels.WeightNorm, kernels.WeightNormGrad, kernels.Attention, kernels.AttentionGrad:
		return false
	}
	return !products(op, kernels.PrecisionBF16)
}

// Threads and blocks in the reverse order find barriers that are missing.
func TestParityOfRowOps(t *testing.T) {
	for name, o := range map[string]cudaemu.Options{"forward": {}, "reverse": {Reverse: true}} {
		t.Run(name, func(t *testing.T) {
			kerneltest.Run(t, emulated(t, Options{}, o), kerneltest.Only(rowOps),
				kerneltest.MustRun("layer_norm_512", "layer_norm_768", "layer_norm_1024", "layer_norm", "layer_norm_grad_512", "layer_norm_grad_768",
					"layer_norm_grad_1024", "layer_norm_grad", "group_norm", "group_norm_4", "group_norm_grad", "group_norm_grad_4"))
		})
	}
}

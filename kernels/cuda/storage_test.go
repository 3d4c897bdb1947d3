package cuda

import (
	"testing"

	"aural/internal/cudaemu"
	"aural/kernels"
	"aural/kernels/kerneltest"
)

// Activations in bfloat16, in all mixtures with float32 that the back end takes. Row ops compute in float32 as they do on float32 tensors: only the rounding at the store
// is added.
func TestParityOfStoredRows(t *testing.T) {
	for name, o := range map[string]cudaemu.Options{"forward": {}, "reverse": {Reverse: true}} {
		t.Run(name, func(t *testing.T) {
			b := emulated(t, Options{Precision: kernels.PrecisionBF16}, o)
			kerneltest.Run(t, b, kerneltest.Stored(b.Narrow), kerneltest.Only(rowOps),
				kerneltest.MustRun("layer_norm_512_b16", "layer_norm_768_b16", "layer_norm_1024_b16", "layer_norm_b16", "layer_norm_grad_512_b16",
					"layer_norm_grad_768_b16", "layer_norm_grad_1024_b16", "layer_norm_grad_b16", "group_norm_b16", "group_norm_4_b16", "group_norm_grad_b16",
					"group_norm_grad_4_b16", "gelu_b16", "gelu_grad_b16", "dropout_b16", "add_n_b16", "scale_b16", "scale_by_b16", "mean_square_b16",
					"mean_square_grad_b16", "mask_frames_b16", "mask_frames_grad_b16", "mask_channels_b16", "mask_padding_b16", "gather_rows_b16", "scatter_rows_b16",
					"select_b16", "select_grad_b16"))
		})
	}
}

// Products and attention of bfloat16 operands.
func TestParityOfStoredProducts(t *testing.T) {
	b := emulated(t, Options{Precision: kernels.PrecisionBF16}, cudaemu.Options{})
	kerneltest.Run(t, b, kerneltest.Stored(b.Narrow),
		kerneltest.Only(func(op kernels.Op, _ []kernels.Desc) bool { return products(op, kernels.PrecisionBF16) }),
		kerneltest.Tolerate(kerneltest.Summed, kerneltest.Tolerance{Norm: 1e-2, Abs: 1e-2}),
		kerneltest.Tolerate(kerneltest.Composed, kerneltest.Tolerance{Norm: 2.5e-2, Abs: 2.5e-2}),
		kerneltest.MustRun("attention_bf16_b16", "gemm_b16", "conv_b16"))
}

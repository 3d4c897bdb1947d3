package kerneltest

import (
	"fmt"

	"aural/kernels"
)

// FeatureChains are the first layer of a feature encoder: convolution, group norm and GELU, and their gradient, which computes the layer again.
func FeatureChains() []ChainCase {
	var cases []ChainCase
	for _, s := range []struct{ batch, samples, cin, channels, kernel, stride, groups int }{
		{1, 40, 1, 6, 10, 5, 6},       // 7 frames
		{2, 1000, 1, 16, 10, 5, 16},   // 199 frames: several blocks, the last not full
		{1, 2700, 1, 70, 10, 5, 35},   // channels that fill no panel, groups of two
		{1, 5560, 1, 128, 10, 5, 4},   // 1111 frames: more than a block of a product's steps
		{3, 133, 2, 33, 4, 2, 11},     // two input channels
		{1, 1285, 1, 192, 10, 5, 192}, // 256 frames, exactly
	} {
		conv := kernels.Conv1D{Stride: s.stride, Groups: 1}
		frames := conv.OutLen(s.samples, s.kernel)
		inputs := []Input{normal(s.batch, s.samples, s.cin), normal(s.channels, s.cin, s.kernel), normal(s.channels), normal(s.channels), normal(s.batch, frames, s.channels)}
		name := fmt.Sprintf("%dx%dx%d/%d", s.batch, frames, s.channels, s.groups)
		// Values: x 0, w 1, gamma 2, beta 3, dy 4; conv 5; norm 6, mean 7, rstd 8; gelu 9.
		forward := []ChainCall{{conv, []int{0, 1}}, {kernels.GroupNorm{Groups: s.groups, Eps: 1e-5}, []int{5, 2, 3}}, {kernels.GELU{}, []int{6}}}
		cases = append(cases,
			ChainCase{Name: "features/" + name, Inputs: inputs, Calls: forward, Used: []int{7, 8}},
			ChainCase{Name: "features all used/" + name, Inputs: inputs, Calls: forward, Used: []int{5, 6, 7, 8}},
			ChainCase{Name: "features inference/" + name, Inputs: inputs, Calls: forward},
			// dn 10; dh 11, dgamma 12, dbeta 13; dw 14.
			ChainCase{Name: "features gradient/" + name, Inputs: inputs, Before: 3, Again: []int{0, 1}, Used: []int{12, 13}, Calls: append(forward[:3:3],
				ChainCall{kernels.GELUGrad{}, []int{4, 6}}, ChainCall{kernels.GroupNormGrad{Groups: s.groups}, []int{10, 5, 2, 7, 8}},
				ChainCall{kernels.Conv1DGradWeight{Conv: conv, Kernel: s.kernel}, []int{11, 0}})})
	}
	return cases
}

// ActivationChains are linear layers and convolutions whose result only a GELU reads.
func ActivationChains() []ChainCase {
	bias := normal(70)
	return []ChainCase{
		{Name: "linear", Inputs: []Input{normal(3, 13, 66), normal(70, 66), bias}, Calls: []ChainCall{{kernels.Linear{}, []int{0, 1, 2}}, {kernels.GELU{}, []int{3}}}},
		{Name: "linear, no bias", Inputs: []Input{normal(250, 70), normal(96, 70)}, Calls: []ChainCall{{kernels.Linear{}, []int{0, 1}}, {kernels.GELU{}, []int{2}}}},
		{Name: "convolution", Inputs: []Input{normal(2, 61, 64), normal(70, 64, 3), bias},
			Calls: []ChainCall{{kernels.Conv1D{Stride: 2, Groups: 1}, []int{0, 1, 2}}, {kernels.GELU{}, []int{3}}}},
	}
}

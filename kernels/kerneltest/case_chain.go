package kerneltest

import (
	"fmt"

	"aural/kernels"
)

// FeatureChains are the first layer of a feature encoder: convolution, group norm and GELU, and their gradient, which computes the layer again.
func FeatureChains() []ChainCase {
	var cases []ChainCase
	for _, s := range []featureSize{
		{1, 40, 1, 6, 10, 5, 6},       // 7 frames
		{2, 1000, 1, 16, 10, 5, 16},   // 199 frames: several blocks, the last not full
		{1, 2700, 1, 70, 10, 5, 35},   // channels that fill no panel, groups of two
		{1, 5560, 1, 128, 10, 5, 4},   // 1111 frames: more than a block of a product's steps
		{3, 133, 2, 33, 4, 2, 11},     // two input channels
		{3, 3400, 1, 20, 10, 5, 4},    // 2037 frames: a product's sum is cut inside a row
		{1, 1285, 1, 192, 10, 5, 192}, // 256 frames, exactly
	} {
		cases = append(cases, s.chains()...)
	}
	return cases
}

type featureSize struct{ batch, samples, cin, channels, kernel, stride, groups int }

func (s featureSize) chains() []ChainCase {
	conv := kernels.Conv1D{Stride: s.stride, Groups: 1}
	frames := conv.OutLen(s.samples, s.kernel)
	inputs := []Input{normal(s.batch, s.samples, s.cin), normal(s.channels, s.cin, s.kernel), normal(s.channels), normal(s.channels), normal(s.batch, frames, s.channels)}
	name := fmt.Sprintf("%dx%dx%d/%d", s.batch, frames, s.channels, s.groups)
	// Values: x 0, w 1, gamma 2, beta 3, dy 4; conv 5; norm 6, mean 7, rstd 8; gelu 9.
	forward := []ChainCall{{conv, []int{0, 1}}, {kernels.GroupNorm{Groups: s.groups, Eps: 1e-5}, []int{5, 2, 3}}, {kernels.GELU{}, []int{6}}}
	return []ChainCase{
		{Name: "features/" + name, Inputs: inputs, Calls: forward, Used: []int{7, 8}},
		{Name: "features all used/" + name, Inputs: inputs, Calls: forward, Used: []int{5, 6, 7, 8}},
		{Name: "features inference/" + name, Inputs: inputs, Calls: forward},
		// dn 10; dh 11, dgamma 12, dbeta 13; dw 14.
		{Name: "features gradient/" + name, Inputs: inputs, Before: 3, Again: []int{0, 1}, Used: []int{12, 13}, Calls: append(forward[:3:3],
			ChainCall{kernels.GELUGrad{}, []int{4, 6}}, ChainCall{kernels.GroupNormGrad{Groups: s.groups}, []int{10, 5, 2, 7, 8}},
			ChainCall{kernels.Conv1DGradWeight{Conv: conv, Kernel: s.kernel}, []int{11, 0}})},
	}
}

// ConvChains are convolutions and GELU.
func ConvChains() []ChainCase {
	var cases []ChainCase
	for _, s := range []struct {
		conv                        kernels.Conv1D
		batch, frames, cin, cout, k int
	}{
		{kernels.Conv1D{Stride: 1, Groups: 1}, 1, 1, 1, 1, 1},
		{kernels.Conv1D{Stride: 2, Groups: 1}, 2, 41, 20, 33, 3},
		{kernels.Conv1D{Stride: 2, Groups: 1}, 1, 600, 16, 140, 2},
		{kernels.Conv1D{Stride: 2, Groups: 1}, 2, 61, 64, 70, 3},
		{kernels.Conv1D{Stride: 1, Groups: 1}, 1, 27, 300, 129, 2}, // more than a block of a product's steps
		{kernels.Conv1D{Stride: 1, Groups: 1}, 1, 15, 20, 1100, 2}, // more than a block of its columns
		{kernels.Conv1D{Stride: 1, PadLeft: 4, PadRight: 3, Groups: 4}, 2, 37, 48, 24, 8},
	} {
		x, w, bias := normal(s.batch, s.frames, s.cin), normal(s.cout, s.cin/s.conv.Groups, s.k), normal(s.cout)
		for name, inputs := range map[string][]Input{"": {x, w, bias}, " without bias": {x, w}} {
			name = fmt.Sprintf("conv %dx%dx%d to %d, %d taps", s.batch, s.frames, s.cin, s.cout, s.k) + name
			product := ChainCall{s.conv, []int{0, 1, 2}[:len(inputs)]}
			calls := []ChainCall{product, {kernels.GELU{}, []int{len(inputs)}}}
			cases = append(cases, ChainCase{Name: name, Inputs: inputs, Calls: calls},
				ChainCase{Name: name + ", product used", Inputs: inputs, Calls: calls, Used: []int{len(inputs)}})
		}
	}
	return cases
}

// RowChains are what residual branches and their gradients do row by row.
func RowChains() []ChainCase {
	var cases []ChainCase
	step := kernels.Step{Seed: 4, Update: 1, Row: 3}
	drop := kernels.Dropout{P: 0.3, Site: 5}
	for _, s := range []struct{ batch, frames, width int }{{1, 1, 1}, {1, 1, 64}, {2, 3, 7}, {1, 33, 17}, {3, 70, 130}, {2, 401, 48}, {1, 5, 1000}} {
		x, v, stat := normal(s.batch, s.frames, s.width), normal(s.width), normal(s.batch, s.frames)
		name := fmt.Sprintf("%dx%dx%d", s.batch, s.frames, s.width)
		add := func(what string, inputs []Input, used []int, calls ...ChainCall) {
			cases = append(cases, ChainCase{Name: "rows/" + name + "/" + what, Inputs: inputs, Calls: calls, Used: used, Step: step})
		}
		norm := kernels.LayerNorm{Eps: 1e-5}
		in := []Input{x, x, v, v} // branch 0, residual 1, gamma 2, beta 3
		add("dropout sum norm", in, []int{5, 7, 8}, ChainCall{drop, []int{0}}, ChainCall{kernels.AddN{}, []int{1, 4}}, ChainCall{norm, []int{5, 2, 3}})
		add("dropout sum norm, inference", in, nil, ChainCall{drop, []int{0}}, ChainCall{kernels.AddN{}, []int{1, 4}}, ChainCall{norm, []int{5, 2, 3}})
		add("sum norm dropout", in, []int{4, 6, 7}, ChainCall{kernels.AddN{}, []int{0, 1}}, ChainCall{norm, []int{4, 2, 3}}, ChainCall{drop, []int{5}})
		add("norm gelu", in, []int{5, 6}, ChainCall{norm, []int{0, 2, 3}}, ChainCall{kernels.GELU{}, []int{4}})
		// dy 0, dy 1, x 2, gamma 3, mean 4, rstd 5, x 6
		in = []Input{x, x, x, v, stat, stat, x}
		add("sum norm gradient dropout", in, []int{8, 9, 10}, ChainCall{kernels.AddN{}, []int{0, 1}}, ChainCall{kernels.LayerNormGrad{}, []int{7, 2, 3, 4, 5}},
			ChainCall{drop, []int{8}})
		add("sum norm gradient, weights unused", in, nil, ChainCall{kernels.AddN{}, []int{0, 1, 6}}, ChainCall{kernels.LayerNormGrad{}, []int{7, 2, 3, 4, 5}},
			ChainCall{drop, []int{8}})
		add("norm gradient scale gelu gradient", in, []int{8, 9}, ChainCall{kernels.LayerNormGrad{}, []int{0, 2, 3, 4, 5}}, ChainCall{kernels.AddN{}, []int{1, 7}},
			ChainCall{kernels.Scale{Factor: 0.1}, []int{10}}, ChainCall{kernels.GELUGrad{}, []int{11, 6}})
	}
	return cases
}

// ChainBench are chains of a base update with 15.6 s of audio.
func ChainBench() []ChainCase {
	features := featureSize{1, 249600, 1, 512, 10, 5, 512}.chains()
	x := normal(1, 779, 768)
	conv := kernels.Conv1D{Stride: 2, Groups: 1}
	taps, long := normal(512, 512, 3), normal(1, 12479, 512)
	return []ChainCase{features[0], features[3],
		{Name: "dropout sum norm", Inputs: []Input{x, x, normal(768), normal(768)}, Used: []int{5, 7, 8},
			Calls: []ChainCall{{kernels.Dropout{P: 0.1}, []int{0}}, {kernels.AddN{}, []int{1, 4}}, {kernels.LayerNorm{Eps: 1e-5}, []int{5, 2, 3}}}},
		{Name: "sum norm gradient dropout", Inputs: []Input{x, x, x, normal(768), normal(1, 779), normal(1, 779)}, Used: []int{7, 8, 9},
			Calls: []ChainCall{{kernels.AddN{}, []int{0, 1}}, {kernels.LayerNormGrad{}, []int{6, 2, 3, 4, 5}}, {kernels.Dropout{P: 0.1}, []int{7}}}},
		{Name: "conv gelu", Inputs: []Input{long, taps}, Calls: []ChainCall{{conv, []int{0, 1}}, {kernels.GELU{}, []int{2}}}, Used: []int{2}},
	}
}

// LinearChains are linear layers whose result only a GELU reads.
func LinearChains() []ChainCase {
	gelu := func(product int) ChainCall { return ChainCall{kernels.GELU{}, []int{product}} }
	return []ChainCase{
		{Name: "linear with bias", Inputs: []Input{normal(3, 13, 66), normal(70, 66), normal(70)}, Calls: []ChainCall{{kernels.Linear{}, []int{0, 1, 2}}, gelu(3)}},
		{Name: "linear", Inputs: []Input{normal(250, 70), normal(96, 70)}, Calls: []ChainCall{{kernels.Linear{}, []int{0, 1}}, gelu(2)}},
	}
}

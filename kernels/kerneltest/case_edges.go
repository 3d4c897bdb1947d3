package kerneltest

import (
	"fmt"

	"aural/kernels"
	"aural/rng"
)

// WaveformChains are first layers whose channels are groups of their own, around the edges of blocks of frames and channels.
func WaveformChains() []ChainCase {
	var cases []ChainCase
	for _, s := range []struct{ batch, samples, channels, kernel, stride int }{
		{1, 15, 2, 10, 5},     // two frames
		{2, 28, 6, 10, 5},     // 4 frames, and three samples that no window has
		{3, 660, 66, 10, 5},   // 131 frames: a block of 128 and three more
		{1, 2570, 514, 10, 5}, // 513 frames, 514 channels: one of each more than a block has
		{2, 200, 30, 16, 3},   // the longest kernel
		{1, 1060, 64, 3, 2},   // 529 frames
		{2, 77, 4, 2, 1},      // windows of two samples
		{1, 330, 8, 5, 16},    // windows with gaps between them
		{2, 700, 128, 10, 5},  // 139 frames, channels in whole warps
		{1, 2660, 576, 10, 5}, // 531 frames, a warp of channels more than a block has
		{1, 135, 64, 15, 4},   // 31 frames, the longest kernel on tensor cores
	} {
		conv := kernels.Conv1D{Stride: s.stride, Groups: 1}
		frames := conv.OutLen(s.samples, s.kernel)
		inputs := []Input{spread(3, 1, s.batch, s.samples, 1), normal(s.channels, 1, s.kernel), normal(s.channels), normal(s.channels), normal(s.batch, frames, s.channels)}
		name := fmt.Sprintf("%dx%dx%d,k%d,s%d", s.batch, frames, s.channels, s.kernel, s.stride)
		// Values as in FeatureChains.
		calls := []ChainCall{{conv, []int{0, 1}}, {kernels.GroupNorm{Groups: s.channels, Eps: 1e-5}, []int{5, 2, 3}}, {kernels.GELU{}, []int{6}}}
		cases = append(cases,
			ChainCase{Name: "waveform/" + name, Inputs: inputs, Calls: calls, Used: []int{7, 8}},
			ChainCase{Name: "waveform all used/" + name, Inputs: inputs, Calls: calls, Used: []int{5, 6, 7, 8}},
			ChainCase{Name: "waveform gradient/" + name, Inputs: inputs, Before: 3, Again: []int{0, 1}, Used: []int{12, 13}, Calls: append(calls[:3:3],
				ChainCall{kernels.GELUGrad{}, []int{4, 6}}, ChainCall{kernels.GroupNormGrad{Groups: s.channels}, []int{10, 5, 2, 7, 8}},
				ChainCall{kernels.Conv1DGradWeight{Conv: conv, Kernel: s.kernel}, []int{11, 0}})})
	}
	return cases
}

// ResidualChains are ends of residual branches and their gradients, around the widths that kernels hold in registers.
func ResidualChains() []ChainCase {
	var cases []ChainCase
	drop, norm := kernels.Dropout{P: 0.3, Site: rng.Site("chain.dropout")}, kernels.LayerNorm{Eps: 1e-5}
	step := kernels.Step{Seed: 5, Update: 11, Row: 3}
	for _, s := range []struct{ batch, frames, width int }{
		{1, 1, 4}, {2, 5, 16}, {1, 9, 128}, {2, 4, 132}, {1, 7, 512}, {3, 3, 516}, {1, 17, 768}, {1, 8, 772}, {1, 3, 1020}, {1, 2, 1024}, {2, 150, 8},
	} {
		x := normal(s.batch, s.frames, s.width)
		name := fmt.Sprintf("/%dx%dx%d", s.batch, s.frames, s.width)
		// Values: four tensors 0-3, gamma 4, beta 5.
		inputs := []Input{x, x, x, x, normal(s.width), normal(s.width)}
		add := func(label string, used []int, calls ...ChainCall) {
			cases = append(cases, ChainCase{Name: label + name, Inputs: inputs, Step: step, Used: used, Calls: calls})
		}
		add("residual", []int{7, 9, 10}, ChainCall{drop, []int{1}}, ChainCall{kernels.AddN{}, []int{0, 6}}, ChainCall{norm, []int{7, 4, 5}})
		add("residual inference", nil, ChainCall{kernels.AddN{}, []int{0, 1}}, ChainCall{norm, []int{6, 4, 5}})
		add("residual of four", []int{6}, ChainCall{kernels.AddN{}, []int{3, 2, 1, 0}}, ChainCall{norm, []int{6, 4, 5}})
		add("norm gelu", []int{6, 7, 8}, ChainCall{norm, []int{0, 4, 5}}, ChainCall{kernels.GELU{}, []int{6}})
		add("norm gelu inference", nil, ChainCall{norm, []int{0, 4, 5}}, ChainCall{kernels.GELU{}, []int{6}})
		add("residual dropped first", nil, ChainCall{drop, []int{0}}, ChainCall{kernels.AddN{}, []int{6, 1, 2}}, ChainCall{norm, []int{7, 4, 5}})

		// The gradient needs moments: LayerNorm runs before. y 6, mean 7, rstd 8, from x 0; dy are 1-3.
		before := ChainCall{norm, []int{0, 4, 5}}
		grad := func(dy int) ChainCall { return ChainCall{kernels.LayerNormGrad{}, []int{dy, 0, 4, 7, 8}} }
		after := func(label string, used []int, calls ...ChainCall) {
			cases = append(cases, ChainCase{Name: label + name, Inputs: inputs, Step: step, Before: 1, Used: used, Calls: append([]ChainCall{before}, calls...)})
		}
		after("residual gradient", []int{10, 11, 12}, ChainCall{kernels.AddN{}, []int{1, 2, 3}}, grad(9), ChainCall{drop, []int{10}})
		after("residual gradient, sum used", []int{9, 10, 11, 12}, ChainCall{kernels.AddN{}, []int{1, 2}}, grad(9), ChainCall{drop, []int{10}})
		after("residual gradient, no sum", []int{9, 10, 11}, grad(1), ChainCall{drop, []int{9}})
		after("residual gradient behind", []int{10, 11, 12}, grad(1), ChainCall{kernels.AddN{}, []int{2, 9}}, ChainCall{drop, []int{12}})
		after("residual gradient, weights only", []int{10, 11}, grad(1), ChainCall{kernels.AddN{}, []int{9, 2, 3}})
		after("norm gelu gradient", []int{10, 11}, ChainCall{kernels.GELUGrad{}, []int{1, 6}}, grad(9))
		after("residual gradient before", []int{11, 12}, ChainCall{kernels.AddN{}, []int{1, 2}}, grad(9))
	}
	return cases
}

// EpilogueChains are products with pointwise ops behind them, around the edges of tiles.
func EpilogueChains() []ChainCase {
	var cases []ChainCase
	drop := kernels.Dropout{P: 0.2, Site: rng.Site("chain.activation")}
	step := kernels.Step{Seed: 7, Update: 2, Row: 1}
	gelu := kernels.GELU{}
	for _, s := range []struct{ rows, in, out int }{{1, 4, 4}, {3, 5, 7}, {65, 24, 68}, {130, 36, 130}, {129, 8, 260}, {64, 64, 64}} {
		name := fmt.Sprintf("/%dx%dx%d", s.rows, s.in, s.out)
		// Values: x 0, w 1, bias 2, z 3, dy 4.
		inputs := []Input{normal(s.rows, s.in), normal(s.out, s.in), normal(s.out), normal(s.rows, s.in), normal(s.rows, s.out)}
		add := func(label string, used []int, calls ...ChainCall) {
			cases = append(cases, ChainCase{Name: label + name, Inputs: inputs, Step: step, Used: used, Calls: calls})
		}
		linear, grad := ChainCall{kernels.Linear{}, []int{0, 1, 2}}, ChainCall{kernels.LinearGradInput{}, []int{4, 1}}
		add("linear gelu", []int{5}, linear, ChainCall{gelu, []int{5}})
		add("linear gelu inference", nil, ChainCall{kernels.Linear{}, []int{0, 1}}, ChainCall{gelu, []int{5}})
		add("linear gelu dropout", []int{5}, linear, ChainCall{gelu, []int{5}}, ChainCall{drop, []int{6}})
		add("linear gradient gelu", nil, grad, ChainCall{kernels.GELUGrad{}, []int{5, 3}})
		add("linear gradient dropout gelu", nil, grad, ChainCall{drop, []int{5}}, ChainCall{kernels.GELUGrad{}, []int{6, 3}})
	}
	for _, s := range []struct{ batch, frames, in, out, kernel, stride, left, right, groups int }{
		{1, 9, 4, 8, 3, 2, 0, 0, 1}, {2, 131, 12, 68, 3, 2, 0, 0, 1}, {2, 66, 20, 36, 2, 2, 0, 0, 1}, {1, 40, 12, 12, 8, 1, 4, 3, 3}, {2, 11, 3, 5, 2, 3, 1, 0, 1},
	} {
		conv := kernels.Conv1D{Stride: s.stride, PadLeft: s.left, PadRight: s.right, Groups: s.groups}
		name := fmt.Sprintf("/%dx%dx%d,%d,k%d,s%d,g%d", s.batch, s.frames, s.in, s.out, s.kernel, s.stride, s.groups)
		inputs := []Input{normal(s.batch, s.frames, s.in), normal(s.out, s.in/s.groups, s.kernel), normal(s.out), normal(s.batch, s.frames, s.in),
			normal(s.batch, conv.OutLen(s.frames, s.kernel), s.out)}
		cases = append(cases,
			ChainCase{Name: "conv gelu" + name, Inputs: inputs, Used: []int{5}, Calls: []ChainCall{{conv, []int{0, 1, 2}}, {gelu, []int{5}}}},
			ChainCase{Name: "conv gelu inference" + name, Inputs: inputs, Calls: []ChainCall{{conv, []int{0, 1}}, {gelu, []int{5}}}},
			ChainCase{Name: "conv gradient gelu" + name, Inputs: inputs, Calls: []ChainCall{
				{kernels.Conv1DGradInput{Conv: conv, Len: s.frames}, []int{4, 1}}, {kernels.GELUGrad{}, []int{5, 3}}}})
	}
	return cases
}

package kerneltest

import (
	"fmt"

	"aural/kernels"
)

// samePlain is why cases that are large or hard have no gradient check.
const samePlain = "the plain cases check the same formula"

const tooSteep = "with no variance the derivative changes within the step of a central difference"

func layerNormCases() []Case {
	var cases []Case
	add := func(name string, x Input) *Case {
		cases = append(cases, layerNormCase(name, x))
		return &cases[len(cases)-1]
	}
	for i, c := range sizes[1:] {
		rows := sizes[(i*5+2)%len(sizes)]
		add(fmt.Sprintf("%dx%d", rows, c), normal(rows, c))
	}
	add("one channel", normal(3, 1)).NoGradient = tooSteep
	add("equal channels", constant(1.5, 4, 8)).NoGradient = tooSteep
	add("a batch of sequences", normal(2, 9, 20))
	add("base width", normal(3, 768))
	add("encoder width", normal(5, 512))
	add("large width", normal(9, 1024)).NoGradient = samePlain
	add("more rows than a device has room for at once", normal(2300, 512)).NoGradient = samePlain
	// A one-pass E[x²] - E[x]² in float32 loses the digits of the variance here; sums that first subtract the mean do not.
	add("mean far from zero", spread(16, 1, 7, 130)).NoGradient = samePlain
	return cases
}

func layerNormCase(name string, x Input) Case {
	return Case{Name: name, Op: kernels.LayerNorm{Eps: 1e-5}, Inputs: []Input{x, spread(1, 0.3, x.Last()), normal(x.Last())},
		Backward: func(in, out []kernels.Buffer, dy kernels.Buffer) []Gradient {
			return []Gradient{{kernels.LayerNormGrad{}, []kernels.Buffer{dy, in[0], in[1], out[1], out[2]}, []int{0, 1, 2}}}
		}}
}

func groupNormCases() []Case {
	var cases []Case
	add := func(name string, groups int, x Input) *Case {
		cases = append(cases, groupNormCase(name, groups, x))
		return &cases[len(cases)-1]
	}
	for _, s := range [][4]int{ // batch, frames, channels, groups
		{2, 5, 4, 4}, {1, 3, 8, 2}, {2, 17, 16, 16}, {1, 65, 32, 32}, {2, 33, 6, 1}, {1, 130, 64, 64}, {3, 7, 20, 4}, {2, 127, 17, 17},
		{1, 2, 33, 33}, {1, 64, 1, 1}, {2, 16, 65, 5}, {1, 31, 128, 4}, {1, 1, 8, 2}, {1, 500, 8, 8},
	} {
		add(fmt.Sprintf("%dx%dx%d,groups=%d", s[0], s[1], s[2], s[3]), s[3], normal(s[:3]...))
	}
	add("one frame", 8, normal(2, 1, 8)).NoGradient = tooSteep
	add("silence", 4, constant(0, 1, 9, 4)).NoGradient = tooSteep
	add("mean far from zero", 16, spread(16, 1, 2, 65, 16)).NoGradient = samePlain
	add("several chunks of frames", 4, normal(2, 777, 36)).NoGradient = samePlain
	return cases
}

func groupNormCase(name string, groups int, x Input) Case {
	return Case{Name: name, Op: kernels.GroupNorm{Groups: groups, Eps: 1e-5}, Inputs: []Input{x, spread(1, 0.3, x.Last()), normal(x.Last())},
		Backward: func(in, out []kernels.Buffer, dy kernels.Buffer) []Gradient {
			return []Gradient{{kernels.GroupNormGrad{Groups: groups}, []kernels.Buffer{dy, in[0], in[1], out[1], out[2]}, []int{0, 1, 2}}}
		}}
}

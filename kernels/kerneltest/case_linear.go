package kerneltest

import (
	"fmt"

	"aural/kernels"
)

// sizes lists lengths around the widths that kernels work in: vectors of 4, 8 and 16 numbers, tiles of 32, 64 and 128.
var sizes = [...]int{1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 130}

func linearCases() []Case {
	var cases []Case
	for i, s := range [][3]int{ // rows, inputs, outputs
		{1, 1, 1}, {1, 3, 2}, {2, 7, 5}, {3, 8, 15}, {7, 16, 8}, {8, 17, 16}, {15, 31, 17}, {16, 32, 31}, {17, 33, 32}, {31, 64, 33}, {32, 2, 64},
		{33, 65, 63}, {63, 9, 1}, {64, 63, 65}, {65, 128, 127}, {127, 64, 130}, {130, 15, 64}, {128, 127, 128}, {5, 129, 9}, {1, 130, 65}, {4, 6, 12},
		{12, 24, 6}, {6, 16, 48}, {1, 512, 1}, {2, 769, 3}, {257, 17, 9}, {1025, 3, 2}, {9, 1, 7}, {0, 8, 4},
	} {
		bias := i%3 != 0
		cases = append(cases, linearCase(fmt.Sprintf("%dx%d-to-%d,bias=%v", s[0], s[1], s[2], bias), bias, normal(s[0], s[1]), s[2]))
	}
	return append(cases,
		linearCase("a batch of sequences", true, normal(2, 5, 12), 10),
		linearCase("four axes", false, normal(2, 3, 2, 5), 7),
		linearCase("one vector", true, normal(9), 4))
}

func linearCase(name string, bias bool, x Input, outputs int) Case {
	in := []Input{x, normal(outputs, x.Last())}
	if bias {
		in = append(in, normal(outputs))
	}
	return Case{Name: name, Op: kernels.Linear{}, Inputs: in, Backward: linearGradients}
}

// linearGradients: for y = x·Wᵀ + b, dx = dy·W, dW = dyᵀ·x, db = Σ dy.
func linearGradients(in, _ []kernels.Buffer, dy kernels.Buffer) []Gradient {
	weight := Gradient{kernels.LinearGradWeight{}, []kernels.Buffer{dy, in[0]}, []int{1}}
	if len(in) == 3 {
		weight.Op, weight.Of = kernels.LinearGradWeight{Bias: true}, []int{1, 2}
	}
	return []Gradient{{kernels.LinearGradInput{}, []kernels.Buffer{dy, in[1]}, []int{0}}, weight}
}

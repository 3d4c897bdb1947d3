package kerneltest

import (
	"fmt"

	"aural/kernels"
	"aural/rng"
)

// convSize is a convolution of x (b,t,cin) with w (cout,cin/groups,k).
type convSize struct {
	b, t, cin, cout, k, stride, left, right, groups int
	bias                                            bool
}

func (s convSize) String() string {
	return fmt.Sprintf("%dx%dx%d-to-%d,k=%d,stride=%d,pad=%d+%d,groups=%d,bias=%v", s.b, s.t, s.cin, s.cout, s.k, s.stride, s.left, s.right, s.groups, s.bias)
}

func (s convSize) newCase(name string) Case {
	op := kernels.Conv1D{Stride: s.stride, PadLeft: s.left, PadRight: s.right, Groups: s.groups}
	in := []Input{normal(s.b, s.t, s.cin), normal(s.cout, s.cin/s.groups, s.k)}
	if s.bias {
		in = append(in, normal(s.cout))
	}
	return Case{Name: name + s.String(), Op: op, Inputs: in, Backward: convGradients(op)}
}

func convCases() []Case {
	var cases []Case
	for _, s := range []convSize{
		// The feature encoder's layers: no padding, strides 5 and 2, one input channel first.
		{2, 53, 1, 8, 10, 5, 0, 0, 1, false},
		{1, 170, 1, 33, 10, 5, 0, 0, 1, true},
		{1, 10, 1, 1, 10, 5, 0, 0, 1, false}, // exactly one frame
		{1, 14, 1, 2, 10, 5, 0, 0, 1, false}, // one frame, four samples unread
		{2, 33, 16, 16, 3, 2, 0, 0, 1, false},
		{1, 31, 17, 33, 3, 2, 0, 0, 1, true},
		{1, 64, 32, 32, 2, 2, 0, 0, 1, false},
		{1, 65, 31, 64, 2, 2, 0, 0, 1, false},
		{3, 63, 65, 17, 3, 2, 0, 0, 1, false},
		{1, 130, 64, 65, 3, 2, 0, 0, 1, true},
		// Kernels of one frame, strides beyond the kernel.
		{1, 1, 1, 1, 1, 1, 0, 0, 1, true},
		{1, 7, 3, 5, 1, 1, 0, 0, 1, false},
		{2, 17, 8, 8, 1, 2, 0, 0, 1, false},
		{1, 23, 4, 4, 2, 5, 0, 0, 1, false},
		{1, 13, 2, 3, 3, 5, 0, 0, 1, true},
		// Padding: both sides, one side, more than the kernel.
		{2, 20, 8, 8, 4, 1, 2, 1, 1, true},
		{1, 1, 4, 4, 3, 1, 1, 1, 1, false},
		{1, 9, 4, 6, 3, 1, 2, 0, 2, false},
		{1, 9, 4, 6, 3, 2, 0, 2, 2, true},
		{1, 3, 2, 2, 2, 1, 5, 5, 1, true},
		{1, 129, 3, 65, 3, 1, 1, 1, 1, false},
		{1, 127, 15, 7, 5, 5, 2, 2, 1, false},
		// The positional convolution: groups, wide kernels, sequences shorter than the kernel.
		{2, 19, 16, 16, 8, 1, 4, 3, 4, true},
		{1, 10, 32, 32, 128, 1, 64, 63, 16, true},
		{1, 65, 64, 64, 16, 1, 8, 7, 16, false},
		{1, 33, 48, 48, 15, 1, 7, 7, 4, true},
		{2, 64, 24, 24, 32, 1, 16, 15, 4, false},
		{1, 17, 12, 20, 4, 2, 2, 1, 4, true},
		// Gradients of weights that are sums over many frames.
		{3, 700, 2, 5, 3, 1, 0, 0, 1, true},
		{1, 2130, 4, 6, 2, 1, 1, 0, 2, false},
		// One channel in each group.
		{2, 15, 7, 7, 3, 1, 1, 1, 7, true},
		{1, 16, 4, 8, 3, 1, 1, 1, 4, false},
		{1, 33, 33, 33, 7, 1, 3, 3, 33, true},
	} {
		cases = append(cases, s.newCase(""))
	}
	for i := range 24 {
		cases = append(cases, randomConv(i).newCase(fmt.Sprintf("random %d: ", i)))
	}
	return cases
}

// randomConv draws a small convolution that gives at least one frame.
func randomConv(i int) convSize {
	r := rng.At(1, uint64(i), rng.Site("kerneltest.conv"))
	groups := 1 + r.IntN(4)
	s := convSize{
		b: 1 + r.IntN(3), cin: groups * (1 + r.IntN(9)), cout: groups * (1 + r.IntN(9)), k: 1 + r.IntN(12),
		stride: 1 + r.IntN(4), left: r.IntN(6), right: r.IntN(6), groups: groups, bias: r.IntN(2) == 0,
	}
	s.t = max(1, s.k-s.left-s.right) + r.IntN(40)
	return s
}

// convGradients: y reads x through w, so dx = w read backwards by dy, dw = x correlated with dy, db = Σ dy.
func convGradients(op kernels.Conv1D) func(in, out []kernels.Buffer, dy kernels.Buffer) []Gradient {
	return func(in, _ []kernels.Buffer, dy kernels.Buffer) []Gradient {
		x, w := in[0], in[1]
		weight := Gradient{kernels.Conv1DGradWeight{Conv: op, Kernel: w.Last(), Bias: len(in) == 3}, []kernels.Buffer{dy, x}, []int{1, 2}[:len(in)-1]}
		return []Gradient{{kernels.Conv1DGradInput{Conv: op, Len: x.Shape[1]}, []kernels.Buffer{dy, w}, []int{0}}, weight}
	}
}

func weightNormCases() []Case {
	var cases []Case
	for _, s := range [][3]int{{1, 1, 1}, {2, 2, 3}, {8, 2, 16}, {17, 3, 7}, {64, 4, 128}, {5, 13, 33}, {33, 1, 65}, {3, 130, 2}} {
		cases = append(cases, Case{
			Name:   fmt.Sprintf("%dx%dx%d", s[0], s[1], s[2]),
			Op:     kernels.WeightNorm{},
			Inputs: []Input{spread(1, 0.1, 1, 1, s[2]), normal(s[:]...)},
			Backward: func(in, out []kernels.Buffer, dw kernels.Buffer) []Gradient {
				return []Gradient{{kernels.WeightNormGrad{}, []kernels.Buffer{dw, in[0], in[1], out[1]}, []int{0, 1}}}
			},
		})
	}
	return cases
}

package kerneltest

import (
	"fmt"

	"aural/kernels"
	"aural/rng"
)

func attentionCases() []Case {
	var cases []Case
	add := func(name string, heads int, drop float64, lengths []int32, q, k, v Input) *Case {
		cases = append(cases, attentionCase(name, heads, drop, lengths, q, k, v))
		cases[len(cases)-1].Step = kernels.Step{Seed: 11, Update: 5, Row: len(cases) % 3}
		return &cases[len(cases)-1]
	}
	for i, s := range [][4]int{ // batch, frames, heads, width of a head
		{1, 1, 1, 4}, {2, 1, 2, 16}, {2, 3, 2, 4}, {1, 7, 4, 4}, {2, 8, 1, 8}, {1, 15, 4, 8}, {1, 16, 4, 16}, {2, 17, 1, 64}, {1, 31, 2, 64},
		{1, 32, 1, 4}, {1, 33, 1, 64}, {1, 63, 2, 16}, {1, 64, 1, 16}, {1, 65, 4, 16}, {2, 129, 1, 8}, {1, 130, 2, 8}, {1, 5, 3, 5}, {1, 66, 1, 1},
		{3, 20, 2, 7}, {1, 128, 1, 64}, {1, 12, 1, 80}, {1, 9, 1, 128},
	} {
		shape := []int{s[0], s[1], s[2] * s[3]}
		drop := []float64{0, 0.1, 0}[i%3]
		add(fmt.Sprintf("%dx%d,heads=%dx%d,drop=%v", s[0], s[1], s[2], s[3], drop), s[2], drop, nil, normal(shape...), normal(shape...), normal(shape...))
	}
	for i, s := range [][4]int{{1, 1, 1, 4}, {2, 7, 2, 4}, {3, 17, 1, 8}, {2, 33, 2, 16}, {4, 65, 1, 16}, {2, 64, 1, 64}, {3, 130, 1, 4}} {
		shape := []int{s[0], s[1], s[2] * s[3]}
		drop := []float64{0, 0.1}[i%2]
		name := fmt.Sprintf("lengths,%dx%d,heads=%dx%d,drop=%v", s[0], s[1], s[2], s[3], drop)
		add(name, s[2], drop, lengthsUpTo(s[0], s[1]), normal(shape...), normal(shape...), normal(shape...))
	}
	// Keys beyond the length hold numbers whose exponential is infinite: they must be left out, not multiplied by zero.
	keys := values([]float64{1, 2, -1, .5, .3, 1, .2, -2, 1, 1, 0, 0, 1e30, -1e30, 1e30, 1e30}, 1, 9, 4)
	add("huge padding", 1, 0, []int32{3}, normal(1, 9, 4), keys, normal(1, 9, 4)).
		NoGradient = "the plain cases with lengths check the same formula"
	// Scores near 100, where exp overflows float32 unless the largest is subtracted first; each carries an error of 100 roundings.
	add("large scores", 1, 0, nil, constant(5, 1, 19, 16), spread(5, 0.1, 1, 19, 16), normal(1, 19, 16)).Slack = 20
	add("half dropped", 2, 0.5, nil, normal(2, 33, 8), normal(2, 33, 8), normal(2, 33, 8))
	return cases
}

func attentionCase(name string, heads int, drop float64, lengths []int32, q, k, v Input) Case {
	op := kernels.Attention{Heads: heads, DropP: drop, Site: rng.Site("kerneltest.attention")}
	in := []Input{q, k, v}
	if lengths != nil {
		in = append(in, ints(lengths, len(lengths)))
	}
	return Case{Name: name, Op: op, Inputs: in, Backward: func(in, out []kernels.Buffer, dy kernels.Buffer) []Gradient {
		call := append([]kernels.Buffer{dy, in[0], in[1], in[2], out[0], out[1]}, in[3:]...)
		return []Gradient{{kernels.AttentionGrad{Attention: op}, call, []int{0, 1, 2}}}
	}}
}

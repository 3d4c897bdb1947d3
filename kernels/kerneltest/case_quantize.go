package kerneltest

import (
	"fmt"

	"aural/kernels"
	"aural/rng"
)

// list is a padded list of frames of a batch of 4 rows of 64 frames.
const listFrames, listRows = 64, 4

func quantizeCases() []Case {
	var cases []Case
	add := func(name string, noise, hard bool, groups int, tau float64, logits, codebook, index Input) {
		op := kernels.GumbelQuantize{Groups: groups, Frames: listFrames, Noise: noise, Hard: hard, Site: rng.Site("kerneltest.gumbel")}
		cases = append(cases, quantizeCase(fmt.Sprintf("%s,noise=%v,hard=%v", name, noise, hard), op, tau, logits, codebook, index))
		cases[len(cases)-1].Step = kernels.Step{Seed: 5, Update: 9, Row: listRows * (len(cases) % 2)}
	}
	for i, s := range []struct{ n, valid, groups, entries, dim int }{
		{1, 1, 1, 2, 1}, {2, 1, 1, 1, 3}, {5, 3, 2, 4, 4}, {17, 16, 2, 8, 3}, {33, 20, 2, 320, 16}, {64, 64, 1, 65, 8}, {7, 5, 4, 33, 5}, {3, 3, 2, 130, 128},
		{65, 63, 2, 16, 7}, {31, 9, 3, 17, 2},
	} {
		name := fmt.Sprintf("%d of %d,groups=%d,entries=%d,dim=%d", s.valid, s.n, s.groups, s.entries, s.dim)
		logits, codebook := spread(0, 2, s.n, s.groups*s.entries), normal(1, s.groups*s.entries, s.dim)
		index := framesAmong(s.n, s.valid, listFrames*listRows)
		tau := []float64{2, 0.5, 1}[i%3]
		for _, noise := range []bool{false, true} {
			for _, hard := range []bool{false, true} {
				add(name, noise, hard, s.groups, tau, logits, codebook, index)
			}
		}
	}
	for _, hard := range []bool{false, true} {
		add("many rows", true, hard, 2, 1, spread(0, 2, 600, 2*300), normal(1, 2*300, 33), framesAmong(600, 590, 4096))
		cases[len(cases)-1].NoGradient = samePlain
	}
	add("padding between rows", true, true, 2, 1, normal(6, 16), normal(1, 16, 4), ints([]int32{-1, 3, -1, 8, 200, -1}, 6))
	add("only padding", true, true, 2, 1, normal(3, 16), normal(1, 16, 4), framesAmong(3, 0, 1))
	add("an empty list", true, false, 2, 1, normal(0, 16), normal(1, 16, 4), framesAmong(0, 0, 1))
	add("ties go to the first", false, true, 2, 1, values([]float64{1, 3, 3, 0, 2, 2, 2, 2}, 3, 8), normal(1, 8, 4), framesAmong(3, 3, 9))
	add("all rows choose one entry", false, true, 1, 1, values([]float64{0, 0, 9, 0, 1}, 130, 5), normal(1, 5, 3), framesAmong(130, 129, 256))
	return cases
}

func quantizeCase(name string, op kernels.GumbelQuantize, tau float64, logits, codebook, index Input) Case {
	c := Case{Name: name, Op: op, Inputs: []Input{logits, codebook, index, constant(tau)}, Constants: []int{3},
		Backward: func(in, out []kernels.Buffer, dq kernels.Buffer) []Gradient {
			call := []kernels.Buffer{dq, in[0], in[1], in[2], in[3], out[1]}
			return []Gradient{{kernels.GumbelQuantizeGrad{Quantize: op}, call, []int{0, 1}}}
		}}
	if op.Hard {
		soft := op
		soft.Hard = false
		c.StraightThrough = map[int]kernels.Op{0: soft}
	}
	return c
}

func diversityCases() []Case {
	var cases []Case
	add := func(name string, groups int, logits, index Input) {
		cases = append(cases, diversityCase(name+",soft", groups, logits, index), Case{Name: name + ",hard",
			Op: kernels.Diversity{Groups: groups, Hard: true}, Inputs: []Input{logits, index}, NoGradient: "the code perplexity has none"})
	}
	for _, s := range []struct{ n, valid, groups, entries int }{
		{1, 1, 1, 1}, {1, 1, 1, 2}, {5, 3, 2, 4}, {33, 20, 2, 320}, {65, 65, 1, 33}, {130, 127, 4, 8}, {7, 1, 3, 65}, {257, 255, 2, 16},
	} {
		add(fmt.Sprintf("%d of %d,groups=%d,entries=%d", s.valid, s.n, s.groups, s.entries), s.groups,
			spread(0, 2, s.n, s.groups*s.entries), framesAmong(s.n, s.valid, listFrames*listRows))
	}
	add("padding between rows", 2, normal(6, 16), ints([]int32{-1, 3, -1, 8, 200, -1}, 6))
	add("only padding", 2, normal(3, 16), framesAmong(3, 0, 1))
	add("collapsed", 2, values(append([]float64{30}, make([]float64, 15)...), 20, 16), framesAmong(20, 19, 256))
	return cases
}

func diversityCase(name string, groups int, logits, index Input) Case {
	return Case{Name: name, Op: kernels.Diversity{Groups: groups}, Inputs: []Input{logits, index},
		Backward: func(in, out []kernels.Buffer, dloss kernels.Buffer) []Gradient {
			return []Gradient{{kernels.DiversityGrad{Groups: groups}, []kernels.Buffer{dloss, in[0], in[1], out[1], out[2]}, []int{0}}}
		}}
}

func contrastiveCases() []Case {
	var cases []Case
	add := func(name string, temp float64, c, q, negatives Input, codes ...Input) *Case {
		cases = append(cases, contrastiveCase(name, temp, c, q, negatives, codes...))
		return &cases[len(cases)-1]
	}
	for i, s := range []struct{ n, valid, dim, k int }{
		{2, 2, 1, 1}, {2, 2, 4, 1}, {5, 3, 7, 3}, {9, 9, 16, 7}, {17, 15, 33, 8}, {33, 32, 8, 100},
		{65, 40, 64, 15}, {8, 8, 256, 33}, {130, 128, 5, 17}, {16, 12, 129, 65},
	} {
		c, q, neg := normal(s.n, s.dim), normal(s.n, s.dim), distractors(s.n, s.valid, s.k)
		name := fmt.Sprintf("%d of %d,dim=%d,k=%d", s.valid, s.n, s.dim, s.k)
		temp := []float64{0.1, 1}[i%2]
		add(name, temp, c, q, neg)
		add(name+",codes", temp, c, q, neg, codes(s.n, s.valid, 2, 4))
	}
	quantized := values([]float64{1, 0, 2, 0, 1, -1, .5, 3, -2}, 20, 3) // three different targets
	add("equal targets by vector", 0.1, normal(20, 3), quantized, distractors(20, 18, 10)).
		NoGradient = "moving one element makes an equal target different: the loss jumps"
	add("all targets equal by vector", 0.1, normal(9, 4), values([]float64{1, 2, 3, 4}, 9, 4), distractors(9, 9, 5)).
		NoGradient = "moving one element makes an equal target different: the loss jumps"
	add("all targets equal by code", 0.1, normal(9, 4), values([]float64{1, 2, 3, 4}, 9, 4), distractors(9, 8, 5), codes(9, 8, 2, 1))
	// Every row but one is compared with the same other: one target has the gradients of nearly all pairs.
	popular := make([]int32, 70*40)
	for i := range popular {
		popular[i] = 3
		if i/40 == 3 {
			popular[i] = int32(i % 3)
		}
	}
	add("one popular target", 0.1, normal(70, 12), normal(70, 12), ints(popular, 70, 40)).NoGradient = samePlain
	add("only padding", 0.1, normal(3, 8), normal(3, 8), distractors(3, 0, 4), codes(3, 0, 2, 4))
	add("padding between rows", 0.1, normal(4, 8), normal(4, 8), ints([]int32{-1, -1, 3, 3, -1, -1, 1, 1}, 4, 2))
	// Cosines that are exact in any order of summation: 1 and -1. Ties must count as found.
	targets := values([]float64{1, 0, 0, 0, 4, 0, 0, 0, -1, 0, 0, 0}, 6, 4)
	add("exact ties", 0.5, values([]float64{2, 0, 0, 0}, 6, 4), targets, distractors(6, 6, 3), codes(6, 6, 1, 97))
	add("context of length zero", 0.5, constant(0, 6, 4), normal(6, 4), distractors(6, 6, 3)).
		NoGradient = "the derivative is 1e8 times larger below a length of 1e-8"
	return cases
}

func contrastiveCase(name string, temp float64, c, q, negatives Input, codes ...Input) Case {
	op := kernels.InfoNCE{Temp: temp}
	return Case{Name: name, Op: op, Inputs: append([]Input{c, q, negatives}, codes...),
		Backward: func(in, out []kernels.Buffer, dloss kernels.Buffer) []Gradient {
			call := append([]kernels.Buffer{dloss, in[0], in[1], in[2], out[1]}, in[3:]...)
			return []Gradient{{kernels.InfoNCEGrad{InfoNCE: op}, call, []int{0, 1}}}
		}}
}

// distractors gives each of the first valid rows k other valid rows, and -1 to the others.
func distractors(n, valid, k int) Input {
	return Input{kernels.Of(kernels.Int32, n, k), func(r *rng.Stream, b kernels.Buffer) {
		for i := range b.I32() {
			row := i / k
			if row >= valid {
				b.I32()[i] = -1
				continue
			}
			other := r.IntN(valid - 1)
			if other >= row {
				other++
			}
			b.I32()[i] = int32(other)
		}
	}}
}

// codes gives each of the first valid rows one of the entries per group, and -1 to the others.
func codes(n, valid, groups, entries int) Input {
	return Input{kernels.Of(kernels.Int32, n, groups), func(r *rng.Stream, b kernels.Buffer) {
		for i := range b.I32() {
			b.I32()[i] = -1
			if i/groups < valid {
				b.I32()[i] = int32(r.IntN(entries))
			}
		}
	}}
}

package kerneltest

import (
	"fmt"
	"math"

	"aural/kernels"
	"aural/rng"
)

func ctcCases() []Case {
	var cases []Case
	add := func(name string, op kernels.CTCLoss, logits, lengths, targets, targetLengths Input) *Case {
		cases = append(cases, ctcCase(name, op, logits, lengths, targets, targetLengths))
		return &cases[len(cases)-1]
	}
	for i, s := range []struct{ b, t, v, l int }{
		{1, 1, 2, 1}, {1, 5, 2, 2}, {2, 7, 3, 3}, {3, 17, 5, 8}, {5, 33, 32, 12}, {4, 64, 17, 20}, {9, 31, 33, 10}, {2, 130, 29, 60}, {1, 400, 30, 150}, {3, 40, 1025, 16},
	} {
		op := kernels.CTCLoss{Blank: []int{0, s.v - 1, s.v / 2}[i%3]}
		name := fmt.Sprintf("b=%d,t=%d,v=%d,l=%d,blank=%d", s.b, s.t, s.v, s.l, op.Blank)
		add(name, op, spread(0, 2, s.b, s.t, s.v), some(s.b, 2*s.t/3, s.t), labels(s.b, s.l, s.v, op.Blank), some(s.b, 0, s.l/2))
	}
	add("more labels than a block has threads", kernels.CTCLoss{}, spread(0, 2, 2, 640, 40), ints([]int32{640, 601}, 2), labels(2, 300, 40, 0), ints([]int32{300, 257}, 2)).
		NoGradient = samePlain
	// Two frames a label allow every target, and the same frames forbid most of those with repeats.
	add("exactly as many frames as needed", kernels.CTCLoss{}, normal(4, 6, 4), ints([]int32{3, 4, 6, 5}, 4),
		ints([]int32{1, 2, 3, 9, 1, 1, 2, 9, 2, 2, 2, 1, 3, 3, 1, 1}, 4, 4), ints([]int32{3, 3, 4, 3}, 4))
	add("repeated labels", kernels.CTCLoss{}, normal(2, 12, 3), full(2, 12), ints([]int32{1, 1, 1, 2, 2, 1, 2, 2, 2, 2, 2, 2}, 2, 6), ints([]int32{6, 6}, 2))
	add("empty targets", kernels.CTCLoss{}, normal(3, 6, 4), ints([]int32{6, 1, 3}, 3), ints([]int32{-1, 99, 7, 7, 1, 2}, 3, 2), ints([]int32{0, 0, 2}, 3))
	add("no frames, no target", kernels.CTCLoss{}, normal(2, 3, 4), ints([]int32{0, 3}, 2), labels(2, 2, 4, 0), ints([]int32{0, 2}, 2))
	// What is padded may hold anything: it must neither be read as a class nor reach a sum.
	add("garbage in padding", kernels.CTCLoss{}, garbage(3, 9, 5, []int{9, 4, 1}), ints([]int32{9, 4, 1}, 3),
		ints([]int32{1, 2, 3, 4, math.MaxInt32, math.MinInt32, 2, -1, 77}, 3, 3), ints([]int32{3, 1, 1}, 3)).
		NoGradient = "there are no difference quotients of what is not a number"
	impossible := func(zero bool) *Case {
		return add(fmt.Sprintf("impossible alignments,zero_infinity=%v", zero), kernels.CTCLoss{ZeroInfinity: zero}, normal(4, 5, 4), ints([]int32{5, 2, 3, 0}, 4),
			ints([]int32{1, 2, 3, 1, 2, 3, 2, 2, 1, 1, 2, 3}, 4, 3), ints([]int32{3, 3, 3, 1}, 4))
	}
	impossible(true)
	impossible(false).NoGradient = "an infinite loss has none"
	add("impossible classes", kernels.CTCLoss{}, without(2, 8, 5, 3), full(2, 8), ints([]int32{1, 2, 4, 1, 3, 2}, 2, 3), ints([]int32{3, 3}, 2)).
		NoGradient = "the loss of the second row is infinite"
	add("not a number", kernels.CTCLoss{ZeroInfinity: true}, values([]float64{1, 2, math.NaN()}, 2, 2, 3), ints([]int32{2, 1}, 2), labels(2, 1, 3, 0), full(2, 1)).
		NoGradient = "not a number has none"
	// Probabilities far below the smallest float64: the target is against the logits at every frame.
	hopeless := add("probabilities near 0", kernels.CTCLoss{}, values([]float64{400, -400, 0}, 2, 30, 3), full(2, 30), labels(2, 12, 3, 0), full(2, 12))
	hopeless.NoGradient = "the loss has kinks there"
	add("logits far from 0", kernels.CTCLoss{}, spread(3000, 1, 2, 10, 6), full(2, 10), labels(2, 3, 6, 0), full(2, 3)).Slack = 20 // inputs have 2e-4 of rounding
	return cases
}

func ctcCase(name string, op kernels.CTCLoss, logits, lengths, targets, targetLengths Input) Case {
	return Case{Name: name, Op: op, Inputs: []Input{logits, lengths, targets, targetLengths},
		Backward: func(in, out []kernels.Buffer, dloss kernels.Buffer) []Gradient {
			return []Gradient{{kernels.CTCLossGrad{CTC: op}, append([]kernels.Buffer{dloss}, in...), []int{0}}}
		}}
}

// full is a list of n lengths of one value.
func full(n, length int) Input {
	list := make([]int32, n)
	for i := range list {
		list[i] = int32(length)
	}
	return ints(list, n)
}

// some is a list of n lengths from lo to hi; the first is hi.
func some(n, lo, hi int) Input {
	return Input{kernels.Of(kernels.Int32, n), func(r *rng.Stream, b kernels.Buffer) {
		for i := range b.I32() {
			b.I32()[i] = int32(lo + r.IntN(hi-lo+1))
		}
		b.I32()[0] = int32(hi)
	}}
}

// labels is an (n, length) list of classes below v other than blank.
func labels(n, length, v, blank int) Input {
	return Input{kernels.Of(kernels.Int32, n, length), func(r *rng.Stream, b kernels.Buffer) {
		for i := range b.I32() {
			b.I32()[i] = int32(r.IntN(v - 1))
			if int(b.I32()[i]) >= blank {
				b.I32()[i]++
			}
		}
	}}
}

// garbage is a tensor of normal numbers whose frames beyond the lengths are not numbers.
func garbage(b, t, v int, lengths []int) Input {
	return Input{kernels.Of(kernels.Float32, b, t, v), func(r *rng.Stream, buf kernels.Buffer) {
		set(buf, func(i int) float64 {
			if i/v%t >= lengths[i/(v*t)] {
				return math.NaN()
			}
			return r.NormFloat64()
		})
	}}
}

// without is a tensor of normal numbers with -Inf for one class.
func without(b, t, v, class int) Input {
	return Input{kernels.Of(kernels.Float32, b, t, v), func(r *rng.Stream, buf kernels.Buffer) {
		set(buf, func(i int) float64 {
			if i%v == class {
				return math.Inf(-1)
			}
			return r.NormFloat64()
		})
	}}
}

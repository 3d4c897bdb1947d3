package kerneltest

import (
	"fmt"
	"math"

	"aural/kernels"
	"aural/rng"
)

func activationCases() []Case {
	var cases []Case
	gelu := func(name string, x Input) { cases = append(cases, geluCase(name, x)) }
	for _, n := range sizes {
		gelu(fmt.Sprint(n), normal(n))
	}
	gelu("a batch of sequences", normal(2, 7, 33))
	gelu("several blocks", spread(0, 3, 4099))
	// Zero, small, the turning point at -0.7518, the tails, and arguments beyond which Φ is 0 or 1 in float32.
	gelu("special values", values([]float64{0, math.Copysign(0, -1), 1e-30, -1e-30, 1e-4, -0.7517916, -3, 3, -5.5, 5.5, -9, 9, -13, 13, -40, 40}, 37))
	cases = append(cases, Case{Name: "not a number stays one", Op: kernels.GELU{}, Inputs: []Input{values([]float64{1, math.NaN(), -2}, 35)},
		NoGradient: "nothing to differentiate"})

	dropout := func(name string, p float64, step kernels.Step, x Input) {
		cases = append(cases, dropoutCase(name, p, step, x))
	}
	for i, n := range sizes {
		dropout(fmt.Sprint(n), []float64{0.1, 0.5, 0}[i%3], kernels.Step{Seed: 3, Update: uint64(i), Row: i}, normal(n))
	}
	// The first element of a row at Step.Row may lie anywhere in a block of four random words.
	for row := range 4 {
		dropout(fmt.Sprintf("rows of 5 from row %d", row), 0.3, kernels.Step{Seed: 1 << 40, Update: 1 << 33, Row: row}, normal(3, 5))
	}
	dropout("a batch of sequences", 0.1, kernels.Step{Seed: 7, Update: 2, Row: 2}, normal(2, 7, 65))
	dropout("most dropped", 0.9, kernels.Step{Seed: 7}, normal(2, 1000))
	dropout("far into the stream", 0.5, kernels.Step{Seed: 7, Row: 1 << 20}, normal(2, 1031))
	return cases
}

func geluCase(name string, x Input) Case {
	return Case{Name: name, Op: kernels.GELU{}, Inputs: []Input{x}, Backward: func(in, _ []kernels.Buffer, dy kernels.Buffer) []Gradient {
		return []Gradient{{kernels.GELUGrad{}, []kernels.Buffer{dy, in[0]}, []int{0}}}
	}}
}

func dropoutCase(name string, p float64, step kernels.Step, x Input) Case {
	op := kernels.Dropout{P: p, Site: rng.Site("kerneltest.dropout")}
	return Case{Name: name, Op: op, Step: step, Inputs: []Input{x}, Backward: func(_, _ []kernels.Buffer, dy kernels.Buffer) []Gradient {
		return []Gradient{{op, []kernels.Buffer{dy}, []int{0}}}
	}}
}

func arithmeticCases() []Case {
	var cases []Case
	for i, n := range sizes {
		terms := make([]Input, 2+i%4)
		for j := range terms {
			terms[j] = normal(n)
		}
		cases = append(cases, addCase(fmt.Sprintf("%d tensors of %d", len(terms), n), terms...),
			scaleCase(-0.3, n), scaleByCase(0.1+float64(i), n), meanSquareCase(n))
	}
	for _, n := range []int{8, 9, 16} {
		terms := make([]Input, n)
		for j := range terms {
			terms[j] = normal(3, 11)
		}
		cases = append(cases, addCase(fmt.Sprintf("%d tensors", n), terms...))
	}
	cases = append(cases, scaleCase(0, 2, 3, 5), scaleByCase(-2, 2, 3, 5), meanSquareCase(2, 7, 33), meanSquareCase(5003), meanSquareCase())
	grad := kernels.GradScale{Factor: 0.1}
	cases = append(cases, Case{Name: "alias", Op: grad, Inputs: []Input{normal(2, 3)},
		NoKernel:   "it is an alias of its input",
		NoGradient: "its gradient is Factor times the derivative on purpose; package graph turns it into scale"})
	return cases
}

func addCase(name string, terms ...Input) Case {
	return Case{Name: name, Op: kernels.AddN{}, Inputs: terms, InPlace: []int{0}, Backward: func(in, _ []kernels.Buffer, dy kernels.Buffer) []Gradient {
		var g []Gradient
		for j := range in {
			g = append(g, Gradient{nil, []kernels.Buffer{dy}, []int{j}})
		}
		return g
	}}
}

func scaleCase(factor float64, shape ...int) Case {
	op := kernels.Scale{Factor: factor}
	return Case{Name: fmt.Sprintf("%v times %v", factor, shape), Op: op, Inputs: []Input{normal(shape...)},
		Backward: func(_, _ []kernels.Buffer, dy kernels.Buffer) []Gradient {
			return []Gradient{{op, []kernels.Buffer{dy}, []int{0}}}
		}}
}

func scaleByCase(factor float64, shape ...int) Case {
	return Case{Name: fmt.Sprintf("%v times %v", factor, shape), Op: kernels.ScaleBy{}, Inputs: []Input{normal(shape...), constant(factor)}, Constants: []int{1},
		Backward: func(in, _ []kernels.Buffer, dy kernels.Buffer) []Gradient {
			return []Gradient{{kernels.ScaleBy{}, []kernels.Buffer{dy, in[1]}, []int{0}}}
		}}
}

func meanSquareCase(shape ...int) Case {
	return Case{Name: fmt.Sprint(shape), Op: kernels.MeanSquare{}, Inputs: []Input{normal(shape...)},
		Backward: func(in, _ []kernels.Buffer, dy kernels.Buffer) []Gradient {
			return []Gradient{{kernels.MeanSquareGrad{}, []kernels.Buffer{dy, in[0]}, []int{0}}}
		}}
}

func castCases() []Case {
	const reason = "a conversion of storage, which no loss is differentiated through"
	float32s := values([]float64{
		0, math.Copysign(0, -1), 1, -1, 1.00390625, 1.01171875, 1.0039063, 1.0039062, // the second row of four: around ties between bfloat16 numbers
		math.MaxFloat32, math.Inf(1), math.Inf(-1), math.NaN(), 1e-40, -1e-45, 1e-38, 3e38,
	}, 67)
	bits := Input{kernels.Of(kernels.BFloat16, 1<<16), func(_ *rng.Stream, b kernels.Buffer) {
		for i := range kernels.Data[uint16](b) {
			kernels.Data[uint16](b)[i] = uint16(i) // every bfloat16 number
		}
	}}
	samples := Input{kernels.Of(kernels.Int16, 3, 33), func(r *rng.Stream, b kernels.Buffer) {
		x := kernels.Data[int16](b)
		for i := range x {
			x[i] = int16(r.Uint32())
		}
		x[0], x[1] = math.MinInt16, math.MaxInt16
	}}
	cases := []Case{
		{Name: "special numbers to bfloat16", Op: kernels.Cast{To: kernels.BFloat16}, Inputs: []Input{float32s}},
		{Name: "every bfloat16", Op: kernels.Cast{To: kernels.Float32}, Inputs: []Input{bits}},
		{Name: "samples", Op: kernels.Cast{To: kernels.Float32}, Inputs: []Input{samples}},
		{Name: "int32 with more than 24 bits", Op: kernels.Cast{To: kernels.Float32},
			Inputs: []Input{ints([]int32{0, -1, 1<<24 + 1, 1<<24 + 3, math.MaxInt32, math.MinInt32, 123456789, -987654321, 7}, 9)}},
		{Name: "bytes", Op: kernels.Cast{To: kernels.Float32}, Inputs: []Input{mask(0.7, 5, 13)}},
	}
	for _, n := range sizes {
		cases = append(cases, Case{Name: fmt.Sprintf("%d to bfloat16", n), Op: kernels.Cast{To: kernels.BFloat16}, Inputs: []Input{normal(n)}})
	}
	for i := range cases {
		cases[i].NoGradient = reason
	}
	return cases
}

package kerneltest

import (
	"fmt"
	"math"

	"aural/kernels"
	"aural/rng"
)

const outsideGraph = "the optimiser is outside of the differentiated graph"

func optimCases() []Case {
	var cases []Case
	for _, n := range append(sizes[:], 0, 1000, 4097, 70001) {
		cases = append(cases, Case{Name: fmt.Sprint(n), Op: kernels.SumSquares{}, Inputs: []Input{normal(n)}, NoGradient: outsideGraph})
	}
	for _, s := range []struct {
		name string
		x    Input
	}{
		{"infinite", values([]float64{1, 2, math.Inf(-1), 3, 4}, 33)},
		{"not a number", values([]float64{1, 2, math.NaN(), 3, 4}, 35)},
		{"squares beyond float32", values([]float64{1e25, -3e30, 1}, 130)},
		{"squares below float32", values([]float64{1e-25, -3e-30}, 130)},
		{"one axis or more", normal(3, 5, 7)},
	} {
		cases = append(cases, Case{Name: s.name, Op: kernels.SumSquares{}, Inputs: []Input{s.x}, NoGradient: outsideGraph})
	}

	for i, n := range sizes {
		cases = append(cases, adamCase(fmt.Sprint(n), normal(n), 5e-4, 0.01, float64(1+i*i*i), 0.25))
	}
	return append(cases,
		adamCase("no gradient", constant(0, 33), 1e-3, 0, 7, 1),
		adamCase("no learning", normal(17), 0, 0.01, 3, 1),
		adamCase("late", normal(1000), 1e-2, 0.1, 400000, 1e-3))
}

func adamCase(name string, grad Input, lr, decay, t, scale float64) Case {
	n := grad.Size()
	squares := Input{kernels.Of(kernels.Float32, n), func(r *rng.Stream, b kernels.Buffer) {
		set(b, func(int) float64 { g := r.NormFloat64(); return g * g })
	}}
	hyper := Input{kernels.Of(kernels.Float64, 4), func(_ *rng.Stream, b kernels.Buffer) {
		copy(kernels.Data[float64](b), []float64{lr, decay, t, scale})
	}}
	return Case{Name: name, Op: kernels.AdamW{Beta1: 0.9, Beta2: 0.98, Eps: 1e-6}, Inputs: []Input{normal(n), grad, normal(n), squares, hyper},
		InPlace: []int{0, 2, 3}, NoGradient: outsideGraph}
}

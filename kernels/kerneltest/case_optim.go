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

	inf, nan := math.Inf(1), math.NaN()
	for _, s := range []struct {
		name           string
		clip           float64
		losses         []float64
		size           float64
		sums           []float64
		losses0, sums0 int // places, those left over 0
	}{
		{"one", 0, []float64{3}, 7, []float64{50}, 1, 1},
		{"clipped", 1, []float64{3, -2}, 7, []float64{50, 1e3, 1e-9}, 32, 24},
		{"not clipped", 10, []float64{3}, 1000, []float64{0.1, 0.2, 0.3}, 16, 3},
		{"at the limit", 1, []float64{3}, 1, []float64{1}, 1, 1},
		{"no gradient", 1, []float64{0}, 5, []float64{0}, 1, 8},
		{"many", 2, []float64{1}, 3, []float64{1e-300, 1e300, 1, 2, 3}, 1000, 1003},
		{"loss not a number", 1, []float64{1, nan}, 5, []float64{4}, 40, 1},
		{"loss infinite", 1, []float64{1, 2, -inf}, 5, []float64{4}, 300, 1},
		{"large losses", 1, []float64{3e38, 3e38, -3e38}, 5, []float64{4}, 300, 1},
		{"sum not a number", 1, []float64{1}, 5, []float64{4, nan}, 1, 9},
		{"sum infinite", 1, []float64{1}, 5, []float64{4, inf}, 1, 9},
		{"loss and sum", 1, []float64{nan}, 5, []float64{inf}, 1, 1},
		{"no size", 1, []float64{nan}, 0, []float64{4}, 1, 1},
		{"negative size", 1, []float64{1}, -2, []float64{4}, 1, 1},
		{"infinite size", 1, []float64{1}, inf, []float64{4}, 1, 1},
		{"size not a number", 0, []float64{1}, nan, []float64{4}, 1, 1},
		{"norm beyond float64", 0, []float64{1}, 1e-200, []float64{1e300}, 1, 1},
		{"no loss", 0, nil, 2, []float64{4}, 0, 1},
	} {
		cases = append(cases, Case{Name: s.name, Op: kernels.ClipScale{Clip: s.clip}, NoGradient: outsideGraph, Inputs: []Input{
			values(s.losses, s.losses0), wide([]float64{s.size}), wide(s.sums, s.sums0),
		}})
	}

	for i, n := range sizes {
		cases = append(cases, adamCase(fmt.Sprint(n), normal(n), 5e-4, 0.01, float64(1+i*i*i), 0.25))
	}
	return append(cases,
		adamCase("no gradient", constant(0, 33), 1e-3, 0, 7, 1),
		adamCase("no learning", normal(17), 0, 0.01, 3, 1),
		skipped("skipped", normal(1000), kernels.FaultNorm),
		skipped("skipped, not a number", constant(math.NaN(), 77), kernels.FaultLoss),
		adamCase("late", normal(1000), 1e-2, 0.1, 400000, 1e-3))
}

func adamCase(name string, grad Input, lr, decay, t, scale float64) Case {
	n := grad.Size()
	squares := Input{kernels.Of(kernels.Float32, n), func(r *rng.Stream, b kernels.Buffer) {
		set(b, func(int) float64 { g := r.NormFloat64(); return g * g })
	}}
	return Case{Name: name, Op: kernels.AdamW{Beta1: 0.9, Beta2: 0.98, Eps: 1e-6},
		Inputs:  []Input{normal(n), grad, normal(n), squares, wide([]float64{lr, decay, t}, 3), wide([]float64{9, 8, scale, 0}, 4)},
		InPlace: []int{0, 2, 3}, NoGradient: outsideGraph}
}

// skipped is an update with a fault: nothing changes.
func skipped(name string, grad Input, fault float64) Case {
	c := adamCase(name, grad, 1e-3, 0.1, 7, 1)
	c.Inputs[5] = wide([]float64{math.NaN(), 1, math.NaN(), fault}, 4)
	return c
}

// wide is float64 values, then zeros up to the shape.
func wide(x []float64, shape ...int) Input {
	return Input{kernels.Of(kernels.Float64, shape...), func(_ *rng.Stream, b kernels.Buffer) { copy(kernels.Data[float64](b), x) }}
}

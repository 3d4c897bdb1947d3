package cpu

import (
	"fmt"
	"math"

	"aural/rng"
)

// within panics when an index is no row of a matrix of the given width: assembly trusts the list.
func within(rows []float32, width int, index []int32) {
	count := uint32(len(rows) / max(1, width))
	for j, i := range index {
		if uint32(i) >= count {
			panic(fmt.Sprintf("cpu: index %d of a list is row %d of a matrix of %d rows", j, i, count))
		}
	}
}

func gatherDots(out []float64, x, rows []float32, index []int32) {
	within(rows, len(x), index)
	out = out[:len(index)]
	for j, i := range index {
		out[j] = dot64(x, rows[int(i)*len(x):][:len(x)])
	}
}

func addGathered(out, weights []float64, rows []float32, index []int32) {
	within(rows, len(out), index)
	weights = weights[:len(index)]
	for j, i := range index {
		axpy64(out, weights[j], rows[int(i)*len(out):][:len(out)])
	}
}

func expSum64(y, x []float64, scale, shift float64) float64 {
	x = x[:len(y)]
	var s float64
	for i := range y {
		y[i] = math.Exp(scale*x[i] - shift)
		s += y[i]
	}
	return s
}

func gumbel(z, x []float32, words []uint32) {
	x, words = x[:len(z)], words[:len(z)]
	for i, w := range words {
		z[i] = x[i] - log32(-log32(rng.Unit(w)))
	}
}

package kerneltest

import (
	"math"

	"aural/kernels"
	"aural/rng"
)

type fill = func(r *rng.Stream, b kernels.Buffer)

// normal is a tensor of standard normal numbers.
func normal(shape ...int) Input { return spread(0, 1, shape...) }

// spread is a tensor of normal numbers with the given mean and standard deviation.
func spread(mean, std float64, shape ...int) Input {
	return Input{kernels.Of(kernels.Float32, shape...), fillNormal(mean, std)}
}

// constant is a tensor of equal numbers.
func constant(v float64, shape ...int) Input { return spread(v, 0, shape...) }

// values is a tensor with the given numbers, over and over.
func values(v []float64, shape ...int) Input {
	return Input{kernels.Of(kernels.Float32, shape...), func(_ *rng.Stream, b kernels.Buffer) {
		set(b, func(i int) float64 { return v[i%len(v)] })
	}}
}

// ints is a tensor of Int32 with the given numbers.
func ints(v []int32, shape ...int) Input {
	return Input{kernels.Of(kernels.Int32, shape...), func(_ *rng.Stream, b kernels.Buffer) { copy(b.I32(), v) }}
}

// samples is a tensor of Int16 with all kinds of numbers, both ends among them.
func samples(shape ...int) Input {
	return Input{kernels.Of(kernels.Int16, shape...), func(r *rng.Stream, b kernels.Buffer) {
		x := kernels.Data[int16](b)
		for i := range x {
			x[i] = int16(r.Uint32())
			if i%7 == 3 {
				x[i] = []int16{0, 1, -1, math.MaxInt16, math.MinInt16}[i%5]
			}
		}
	}}
}

// mask is a tensor of Uint8 that is set with probability p. Any value but 0 counts as set.
func mask(p float64, shape ...int) Input {
	return Input{kernels.Of(kernels.Uint8, shape...), func(r *rng.Stream, b kernels.Buffer) {
		for i := range b.HostBytes() {
			if r.Float64() < p {
				b.HostBytes()[i] = byte(1 + 254*r.IntN(2))
			}
		}
	}}
}

// rows is a list of n row numbers below limit, in random order and with repeats, -1 at about one row in four when padded.
func rows(n, limit int, padded bool) Input {
	return Input{kernels.Of(kernels.Int32, n), func(r *rng.Stream, b kernels.Buffer) {
		for i := range b.I32() {
			b.I32()[i] = int32(r.IntN(limit))
			if padded && r.IntN(4) == 0 {
				b.I32()[i] = -1
			}
		}
	}}
}

// framesAmong is what a batch's list of masked frames looks like: rising row numbers below limit, then padding to n.
func framesAmong(n, valid, limit int) Input {
	list := make([]int32, n)
	for i := range list {
		list[i] = int32(i * limit / max(valid, 1))
		if i >= valid {
			list[i] = -1
		}
	}
	return ints(list, n)
}

func fillNormal(mean, std float64) fill {
	return func(r *rng.Stream, b kernels.Buffer) {
		set(b, func(int) float64 { return mean + std*r.NormFloat64() })
	}
}

// set stores f(i) in every element of a floating point buffer. In Float64 it stores the number that Float32 would hold, so that both
// precisions start from the same point.
func set(b kernels.Buffer, f func(i int) float64) {
	for i := range b.Size() {
		v := float32(f(i))
		if b.DType == kernels.Float64 {
			kernels.Data[float64](b)[i] = float64(v)
		} else {
			b.F32()[i] = v
		}
	}
}

// floats is the content of a floating point buffer.
func floats(b kernels.Buffer) []float64 {
	if b.DType == kernels.Float64 {
		return kernels.Data[float64](b)
	}
	x := make([]float64, b.Size())
	for i, v := range b.F32() {
		x[i] = float64(v)
	}
	return x
}

// largest is the largest finite |x|.
func largest(x []float64) float64 {
	top := 0.0
	for _, v := range x {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			top = max(top, math.Abs(v))
		}
	}
	return top
}

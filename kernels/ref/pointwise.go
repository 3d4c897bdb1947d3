package ref

import (
	"math"

	"aural/kernels"
	"aural/rng"
)

// gelu is y = x·Φ(x). Φ(x) = erfc(-x/√2)/2 is the form that keeps its digits for large negative x.
func gelu[T float]() kernels.Kernel {
	return kernel(func(_ *kernels.Step, in, out []kernels.Buffer, _ []float64) {
		y := vec[T](out[0])
		for i, x := range vec[T](in[0]) {
			y[i] = T(float64(x) * normalCDF(float64(x)))
		}
	})
}

// geluGrad is dx = dy·(Φ(x) + x·φ(x)).
func geluGrad[T float]() kernels.Kernel {
	return kernel(func(_ *kernels.Step, in, out []kernels.Buffer, _ []float64) {
		dy, dx := vec[T](in[0]), vec[T](out[0])
		for i, v := range vec[T](in[1]) {
			x := float64(v)
			density := math.Exp(-x*x/2) / math.Sqrt(2*math.Pi)
			dx[i] = T(float64(dy[i]) * (normalCDF(x) + x*density))
		}
	})
}

func normalCDF(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }

// dropout is y = x/(1-p) where the element is kept and 0 elsewhere.
func dropout[T float](op kernels.Dropout, in []kernels.Desc) kernels.Kernel {
	perRow := 1
	for _, n := range in[0].Shape[1:] {
		perRow *= n
	}
	return kernel(func(s *kernels.Step, in, out []kernels.Buffer, _ []float64) {
		y := vec[T](out[0])
		for i, x := range vec[T](in[0]) {
			y[i] = 0
			if kept(s, op.Site, s.Row*perRow+i, op.P) {
				y[i] = T(float64(x) / (1 - op.P))
			}
		}
	})
}

// kept decides whether dropout of probability p keeps an element.
func kept(s *kernels.Step, site uint32, element int, p float64) bool {
	return p == 0 || float64(rng.Unit(rng.Word(s.Seed, s.Update, site, element))) >= p
}

// addN is y = x0 + x1 + …, from left to right.
func addN[T float]() kernels.Kernel {
	return kernel(func(_ *kernels.Step, in, out []kernels.Buffer, _ []float64) {
		y := vec[T](out[0])
		for i := range y {
			sum := 0.0
			for _, x := range in {
				sum += float64(vec[T](x)[i])
			}
			y[i] = T(sum)
		}
	})
}

// scale is y = factor·x.
func scale[T float](op kernels.Scale) kernels.Kernel {
	return kernel(func(_ *kernels.Step, in, out []kernels.Buffer, _ []float64) {
		y := vec[T](out[0])
		for i, x := range vec[T](in[0]) {
			y[i] = T(op.Factor * float64(x))
		}
	})
}

// scaleBy is y = s·x with a scalar s.
func scaleBy[T float]() kernels.Kernel {
	return kernel(func(_ *kernels.Step, in, out []kernels.Buffer, _ []float64) {
		y, factor := vec[T](out[0]), float64(vec[T](in[1])[0])
		for i, x := range vec[T](in[0]) {
			y[i] = T(factor * float64(x))
		}
	})
}

// meanSquare is y = Σx²/n.
func meanSquare[T float]() kernels.Kernel {
	return kernel(func(_ *kernels.Step, in, out []kernels.Buffer, _ []float64) {
		x := vec[T](in[0])
		vec[T](out[0])[0] = T(sumOfSquares(x) / float64(len(x)))
	})
}

// meanSquareGrad is dx = 2·dy·x/n.
func meanSquareGrad[T float]() kernels.Kernel {
	return kernel(func(_ *kernels.Step, in, out []kernels.Buffer, _ []float64) {
		dy, x, dx := float64(vec[T](in[0])[0]), vec[T](in[1]), vec[T](out[0])
		for i, v := range x {
			dx[i] = T(2 * dy * float64(v) / float64(len(x)))
		}
	})
}

func sumOfSquares[T float](x []T) float64 {
	sum := 0.0
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	return sum
}

// cast converts element by element; from float32 to bfloat16 with roundBFloat16.
func cast(op kernels.Cast, from kernels.DType) kernels.Kernel {
	return kernel(func(_ *kernels.Step, in, out []kernels.Buffer, _ []float64) {
		if op.To == kernels.BFloat16 {
			y := kernels.Data[uint16](out[0])
			for i, x := range in[0].F32() {
				y[i] = roundBFloat16(x)
			}
			return
		}
		y := out[0].F32()
		switch from {
		case kernels.BFloat16:
			for i, x := range kernels.Data[uint16](in[0]) {
				y[i] = math.Float32frombits(uint32(x) << 16)
			}
		case kernels.Int16:
			convert(y, kernels.Data[int16](in[0]))
		case kernels.Int32:
			convert(y, kernels.Data[int32](in[0]))
		case kernels.Uint8:
			convert(y, kernels.Data[uint8](in[0]))
		}
	})
}

func convert[E int16 | int32 | uint8](y []float32, x []E) {
	for i, v := range x {
		y[i] = float32(v)
	}
}

// roundBFloat16 keeps the upper 16 bits of x, rounded to nearest, ties to even. NaN stays NaN: it keeps its sign and payload and becomes quiet,
// because rounding could carry it to infinity.
func roundBFloat16(x float32) uint16 {
	bits := math.Float32bits(x)
	if x != x {
		return uint16(bits>>16) | 0x40
	}
	return uint16((bits + 0x7FFF + bits>>16&1) >> 16)
}

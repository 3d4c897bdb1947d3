package nn

import (
	"math"

	"aural/rng"
)

// Constant sets every element to v.
func Constant(v float32) Init {
	return func(dst []float32, _ []int, _ uint64, _ *rng.Stream) {
		for i := range dst {
			dst[i] = v
		}
	}
}

// Normal draws from N(0, std²).
func Normal(std float64) Init {
	return func(dst []float32, _ []int, _ uint64, s *rng.Stream) {
		for i := range dst {
			dst[i] = float32(std * s.NormFloat64())
		}
	}
}

// Uniform draws from U(lo, hi).
func Uniform(lo, hi float64) Init {
	return func(dst []float32, _ []int, _ uint64, s *rng.Stream) {
		for i := range dst {
			dst[i] = float32(lo + (hi-lo)*s.Float64())
		}
	}
}

// FanInUniform draws from U(-1/√fan, 1/√fan), PyTorch's default for linear layers and their biases.
func FanInUniform(fan int) Init {
	b := 1 / math.Sqrt(float64(fan))
	return Uniform(-b, b)
}

// KaimingNormal draws from N(0, 2/fan), fan = Cin/Groups·K of a convolution weight (He et al. 2015).
func KaimingNormal() Init {
	return func(dst []float32, shape []int, seed uint64, s *rng.Stream) {
		fan := 1
		for _, d := range shape[1:] {
			fan *= d
		}
		Normal(math.Sqrt(2/float64(fan)))(dst, shape, seed, s)
	}
}

// NormOf gives the gain of a weight-normed parameter its value at initialisation, g[k] = ‖v[:,:,k]‖, by drawing v, the parameter called
// name with shape and init as given, again from v's own stream. The effective weight then equals v.
func NormOf(name string, shape []int, init Init) Init {
	return func(dst []float32, _ []int, seed uint64, _ *rng.Stream) {
		n := 1
		for _, d := range shape {
			n *= d
		}
		v := make([]float32, n)
		init(v, shape, seed, initStream(seed, name))
		k := shape[len(shape)-1]
		for j := range dst {
			var sum float64
			for i := j; i < n; i += k {
				sum += float64(v[i]) * float64(v[i])
			}
			dst[j] = float32(math.Sqrt(sum))
		}
	}
}

package cpu

import "unsafe"

// vectorsAVX512 gives the assembly the types of the table. These wrappers check lengths, which the assembly trusts; a length of 0 is fine.
func vectorsAVX512() vectors {
	return vectors{
		add: func(y, x []float32) { addAVX512(first(y, y), first(y, x), length(y)) },
		axpy64: func(y []float64, a float64, x []float32) {
			axpy64AVX512(unsafe.SliceData(y), unsafe.SliceData(x[:len(y)]), int64(len(y)), a)
		},
		scale: func(y []float32, a float32, x []float32) { scaleAVX512(first(y, y), first(y, x), length(y), a) },
		sum:   func(x []float32) float32 { return sumAVX512(first(x, x), length(x)) },
		dot:   func(x, y []float32) float32 { return dotAVX512(first(x, x), first(x, y), length(x)) },
		dot64: func(x, y []float32) float64 { return dot64AVX512(first(x, x), first(x, y), length(x)) },
		deviation: func(x []float32, mean float32) float32 {
			return deviationAVX512(first(x, x), length(x), mean)
		},
		max: func(x []float32) float32 { return maxAVX512(first(x, x), length(x)) },
		expSum: func(y, x []float32, scale, shift float32) float32 {
			return expSumAVX512(first(y, y), first(y, x), length(y), scale, shift)
		},
		scoreGrad: func(dp, p []float32, delta, scale float32) {
			scoreGradAVX512(first(dp, dp), first(dp, p), length(dp), delta, scale)
		},
		gelu: func(y, x []float32) { geluAVX512(first(y, y), first(y, x), length(y)) },
		geluGrad: func(dx, dy, x []float32) {
			geluGradAVX512(first(dx, dx), first(dx, dy), first(dx, x), length(dx))
		},
		normalize: func(y, x, gamma, beta []float32, mean, rstd float32) {
			normalizeAVX512(first(y, y), first(y, x), first(y, gamma), first(y, beta), length(y), mean, rstd)
		},
		normalizeSums: func(dgamma, dbeta, dy, x, gamma []float32, mean, rstd float32) (s1, s2 float32) {
			return normalizeSumsAVX512(first(dgamma, dgamma), first(dgamma, dbeta), first(dgamma, dy), first(dgamma, x), first(dgamma, gamma),
				length(dgamma), mean, rstd)
		},
		normalizeGrad: func(dx, dy, x, gamma []float32, mean, rstd, m1, m2 float32) {
			normalizeGradAVX512(first(dx, dx), first(dx, dy), first(dx, x), first(dx, gamma), length(dx), mean, rstd, m1, m2)
		},
		affine: func(y, x, mean, a, b []float32) {
			affineAVX512(first(y, y), first(y, x), first(y, mean), first(y, a), first(y, b), length(y))
		},
		affineGrad: func(dx, dy, x, mean, gamma, p, q, r []float32) {
			affineGradAVX512(first(dx, dx), first(dx, dy), first(dx, x), first(dx, mean), first(dx, gamma), first(dx, p), first(dx, q), first(dx, r),
				length(dx))
		},
		addDeviation: func(acc, x, mean []float32) {
			addDeviationAVX512(first(acc, acc), first(acc, x), first(acc, mean), length(acc))
		},
		addCentered: func(acc, dy, x, mean []float32) {
			addCenteredAVX512(first(acc, acc), first(acc, dy), first(acc, x), first(acc, mean), length(acc))
		},
		noise: noiseWords,
		drop: func(y, x []float32, words []uint32, threshold uint32, keep float32) {
			w := words[:len(y)]
			dropAVX512(first(y, y), first(y, x), (*float32)(unsafe.Pointer(unsafe.SliceData(w))), length(y), keep, threshold)
		},
		adamw: func(w, m, v, w0, grad, m0, v0 []float32, r adamwRates) {
			adamwAVX512(first(w, w), first(w, m), first(w, v), first(w, w0), first(w, grad), first(w, m0), first(w, v0),
				&r.scale, length(w))
		},
	}
}

// first points to x[0]. It panics when x is shorter than like.
func first(like, x []float32) *float32 { return unsafe.SliceData(x[:len(like)]) }

func length(x []float32) int64 { return int64(len(x)) }

func noiseWords(words []uint32, seed, step uint64, site, first uint32) {
	if groups := len(words) / noiseBlock; groups > 0 {
		params := [...]uint32{uint32(seed), uint32(seed >> 32), site, uint32(step), uint32(step >> 32)}
		noiseAVX512(&words[0], &params[0], first, int64(groups))
	}
}

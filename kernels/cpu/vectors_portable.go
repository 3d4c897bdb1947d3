package cpu

import (
	"math"

	"aural/rng"
)

func portableVectors() vectors {
	return vectors{
		add: add, axpy64: axpy64, scale: scale, sum: sum, dot: dot, dot64: dot64, deviation: deviation, max: maximum, expSum: expSum,
		expSum64: expSum64, gumbel: gumbel, scoreGrad: scoreGrad, gatherDots: gatherDots, addGathered: addGathered,
		gelu: gelu, geluGrad: geluGrad,
		normalize: normalize, normalizeSums: normalizeSums, normalizeGrad: normalizeGrad,
		affine: affine, affineGrad: affineGrad, addRows: addRows, addDeviation: addDeviation, addCentered: addCentered,
		noise: noise, drop: drop, adamw: adamw,
	}
}

func add(y, x []float32) {
	x = x[:len(y)]
	for i := range y {
		y[i] += x[i]
	}
}

func axpy64(y []float64, a float64, x []float32) {
	x = x[:len(y)]
	for i := range y {
		y[i] += a * float64(x[i])
	}
}

func scale(y []float32, a float32, x []float32) {
	x = x[:len(y)]
	for i := range y {
		y[i] = a * x[i]
	}
}

// The sums below keep four partial sums: one would make every addition wait for the one before.

func sum(x []float32) float32 {
	var s0, s1, s2, s3 float32
	for ; len(x) >= 4; x = x[4:] {
		s0, s1, s2, s3 = s0+x[0], s1+x[1], s2+x[2], s3+x[3]
	}
	for _, v := range x {
		s0 += v
	}
	return (s0 + s1) + (s2 + s3)
}

func dot(x, y []float32) float32 {
	var s0, s1, s2, s3 float32
	for ; len(x) >= 4 && len(y) >= 4; x, y = x[4:], y[4:] {
		s0, s1, s2, s3 = s0+x[0]*y[0], s1+x[1]*y[1], s2+x[2]*y[2], s3+x[3]*y[3]
	}
	for i, v := range x {
		s0 += v * y[i]
	}
	return (s0 + s1) + (s2 + s3)
}

func dot64(x, y []float32) float64 {
	var s0, s1, s2, s3 float64
	for ; len(x) >= 4 && len(y) >= 4; x, y = x[4:], y[4:] {
		s0 += float64(x[0]) * float64(y[0])
		s1 += float64(x[1]) * float64(y[1])
		s2 += float64(x[2]) * float64(y[2])
		s3 += float64(x[3]) * float64(y[3])
	}
	for i, v := range x {
		s0 += float64(v) * float64(y[i])
	}
	return (s0 + s1) + (s2 + s3)
}

func deviation(x []float32, mean float32) float32 {
	var s0, s1, s2, s3 float32
	for ; len(x) >= 4; x = x[4:] {
		a, b, c, d := x[0]-mean, x[1]-mean, x[2]-mean, x[3]-mean
		s0, s1, s2, s3 = s0+a*a, s1+b*b, s2+c*c, s3+d*d
	}
	for _, v := range x {
		s0 += (v - mean) * (v - mean)
	}
	return (s0 + s1) + (s2 + s3)
}

func maximum(x []float32) float32 {
	m := float32(math.Inf(-1))
	for _, v := range x {
		if v > m {
			m = v
		}
	}
	return m
}

func expSum(y, x []float32, scale, shift float32) float32 {
	x = x[:len(y)]
	var s float32
	for i := range y {
		e := exp32(scale*x[i] - shift)
		y[i] = e
		s += e
	}
	return s
}

func scoreGrad(dp, p []float32, delta, scale float32) {
	p = p[:len(dp)]
	for i := range dp {
		dp[i] = p[i] * (dp[i] - delta) * scale
	}
}

func gelu(y, x []float32) {
	x = x[:len(y)]
	for i := range y {
		y[i] = gelu32(x[i])
	}
}

func geluGrad(dx, dy, x []float32) {
	dy, x = dy[:len(dx)], x[:len(dx)]
	for i := range dx {
		dx[i] = dy[i] * geluSlope(x[i])
	}
}

func normalize(y, x, gamma, beta []float32, mean, rstd float32) {
	x, gamma, beta = x[:len(y)], gamma[:len(y)], beta[:len(y)]
	for i := range y {
		y[i] = (x[i]-mean)*rstd*gamma[i] + beta[i]
	}
}

func normalizeSums(dgamma, dbeta, dy, x, gamma []float32, mean, rstd float32) (s1, s2 float32) {
	n := len(dgamma)
	dbeta, dy, x, gamma = dbeta[:n], dy[:n], x[:n], gamma[:n]
	for i := range dgamma {
		xhat := (x[i] - mean) * rstd
		dgamma[i] += dy[i] * xhat
		dbeta[i] += dy[i]
		t := dy[i] * gamma[i]
		s1 += t
		s2 += t * xhat
	}
	return s1, s2
}

func normalizeGrad(dx, dy, x, gamma []float32, mean, rstd, m1, m2 float32) {
	n := len(dx)
	dy, x, gamma = dy[:n], x[:n], gamma[:n]
	for i := range dx {
		dx[i] = rstd * (float32(dy[i]*gamma[i]) - m1 - (x[i]-mean)*rstd*m2)
	}
}

func noise(words []uint32, seed, step uint64, site, first uint32) {
	for ; len(words) >= 4; words = words[4:] {
		*(*[4]uint32)(words) = rng.Block(seed, step, site, first)
		first++
	}
}

func drop(y, x []float32, words []uint32, threshold uint32, keep float32) {
	x, words = x[:len(y)], words[:len(y)]
	for i := range y {
		v := x[i] * keep
		if words[i] < threshold {
			v = 0
		}
		y[i] = v
	}
}

func adamw(w, m, v, w0, grad, m0, v0 []float32, r adamwRates) {
	n := len(w)
	m, v, w0, grad, m0, v0 = m[:n], v[:n], w0[:n], grad[:n], m0[:n], v0[:n]
	for i := range w {
		g := r.scale * grad[i]
		mi := r.beta1*m0[i] + r.comp1*g
		vi := r.beta2*v0[i] + r.comp2*(g*g)
		m[i], v[i] = mi, vi
		step := r.rate * mi / (float32(math.Sqrt(float64(vi)))*r.root + r.eps)
		w[i] = w0[i] - r.decay*w0[i] - step
	}
}

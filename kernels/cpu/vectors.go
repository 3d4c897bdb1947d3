package cpu

// vectors are the inner loops over contiguous float32 values. Slices of one call have the length of the first, or are longer. A result may be
// stored over an operand of the same length. NaN goes through every one of them. Whether subnormal numbers are zero, see the package.
type vectors struct {
	// add is y += x; scale is y = a·x; axpy64 is y += a·x in float64.
	add    func(y, x []float32)
	scale  func(y []float32, a float32, x []float32)
	axpy64 func(y []float64, a float64, x []float32)
	// sum is Σ x, dot Σ x·y, dot64 the same in float64, deviation Σ (x-mean)².
	sum       func(x []float32) float32
	dot       func(x, y []float32) float32
	dot64     func(x, y []float32) float64
	deviation func(x []float32, mean float32) float32
	// max is the largest value, -Inf for none. Where there are NaNs it may be any value.
	max func(x []float32) float32
	// expSum is y = exp(scale·x - shift); it returns Σ y. Results below 1.7e-38, hardly more than the smallest normal number, may be 0.
	expSum func(y, x []float32, scale, shift float32) float32
	// expSum64 is the same in float64, to 1e-15. gumbel is z = x - log(-log(u)) with u = rng.Unit(word): Gumbel noise g with an error below
	// 2.5e-7·max(1,|g|), before the sum is rounded.
	expSum64 func(y, x []float64, scale, shift float64) float64
	gumbel   func(z, x []float32, words []uint32)
	// scoreGrad is dp = p·(dp-delta)·scale: the gradient of a softmax.
	scoreGrad func(dp, p []float32, delta, scale float32)

	// gelu and geluGrad are the ops of these names.
	gelu     func(y, x []float32)
	geluGrad func(dx, dy, x []float32)

	// normalize is y = (x-mean)·rstd·gamma + beta.
	normalize func(y, x, gamma, beta []float32, mean, rstd float32)
	// normalizeSums adds dy·x̂ to dgamma and dy to dbeta, where x̂ = (x-mean)·rstd, and returns Σ dy·gamma and Σ dy·gamma·x̂.
	normalizeSums func(dgamma, dbeta, dy, x, gamma []float32, mean, rstd float32) (s1, s2 float32)
	// normalizeGrad is dx = rstd·(dy·gamma - m1 - x̂·m2). The product dy·gamma is rounded before m1 is subtracted.
	normalizeGrad func(dx, dy, x, gamma []float32, mean, rstd, m1, m2 float32)

	// Functions over the rows of matrices, stored row after row; the other operands are vectors as wide as a row.
	//
	// affine is y = (x-mean)·a + b for rows of y and x; affineGrad is dx = (dy·gamma - p - (x-mean)·q)·r for rows of dx, dy and x. The product
	// dy·gamma is rounded before p is subtracted, for in a group of one they cancel exactly.
	affine     func(y, x, mean, a, b []float32)
	affineGrad func(dx, dy, x, mean, gamma, p, q, r []float32)
	// addRows is acc += Σ x, addDeviation is acc += Σ (x-mean)², in the order of the rows. addCentered is s += Σ dy, t += Σ dy·(x-mean).
	addRows      func(acc, x []float32)
	addDeviation func(acc, x, mean []float32)
	addCentered  func(s, t, dy, x, mean []float32)

	// gatherDots is out[j] = Σ x·r in float64, where r is row index[j] of a matrix as wide as x. The sum does not depend on j, nor on the length
	// of index. addGathered is out += Σ weights[j]·r, in the order of j, for rows as wide as out. Both panic at an index that the matrix lacks.
	gatherDots  func(out []float64, x, rows []float32, index []int32)
	addGathered func(out, weights []float64, rows []float32, index []int32)

	// noise fills words with blocks first, first+1, … of the element stream of (seed, step, site); len(words) is a multiple of 64.
	noise func(words []uint32, seed, step uint64, site, first uint32)
	// drop is y = x·keep where the word of an element is at least threshold, else 0.
	drop func(y, x []float32, words []uint32, threshold uint32, keep float32)

	// adamw is one update; see adamwRates.
	adamw func(w, m, v, w0, grad, m0, v0 []float32, r adamwRates)
}

// adamwRates are the constants of an AdamW update, in the order in which assembly reads them.
type adamwRates struct {
	scale        float32 // of the gradient
	beta1, comp1 float32 // β1, 1-β1
	beta2, comp2 float32
	decay        float32 // lr·decay
	rate         float32 // lr/(1-β1^t)
	root         float32 // 1/√(1-β2^t)
	eps          float32
}

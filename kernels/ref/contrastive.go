package ref

import (
	"math"

	"aural/kernels"
)

// minNorm is the smallest length that a cosine divides by, as in PyTorch's cosine_similarity.
const minNorm = 1e-8

// contrast is the data of one InfoNCE call: c and q (N,D), negatives (N,K), codes (N,G) or nil.
type contrast[T float] struct {
	c, q             []T
	negatives, codes []int32
	dim, k, groups   int
	temp             float64
}

func newContrast[T float](op kernels.InfoNCE, c, q, negatives kernels.Buffer, codes []kernels.Buffer) contrast[T] {
	x := contrast[T]{c: vec[T](c), q: vec[T](q), negatives: negatives.I32(), dim: c.Last(), k: negatives.Last(), temp: op.Temp}
	if len(codes) == 1 {
		x.codes, x.groups = codes[0].I32(), codes[0].Last()
	}
	return x
}

// padding reports whether row n is unused.
func (x *contrast[T]) padding(n int) bool { return x.negatives[n*x.k] < 0 }

// candidate is the row of q that logit m of row n compares with: the positive for m = 0, then the negatives.
func (x *contrast[T]) candidate(n, m int) int {
	if m == 0 {
		return n
	}
	return int(x.negatives[n*x.k+m-1])
}

// equal reports whether rows n and r of q are the same target: by their codes, or without codes element by element.
func (x *contrast[T]) equal(n, r int) bool {
	if x.codes != nil {
		return equalRows(x.codes, n, r, x.groups)
	}
	return equalRows(x.q, n, r, x.dim)
}

func equalRows[E int32 | float32 | float64](x []E, n, r, width int) bool {
	for i := range width {
		if x[n*width+i] != x[r*width+i] {
			return false
		}
	}
	return true
}

// cosine is cos(c_n, q_r) with each length at least minNorm, and the two lengths.
func (x *contrast[T]) cosine(n, r int) (cos, normC, normQ float64) {
	c, q := x.c[n*x.dim:][:x.dim], x.q[r*x.dim:][:x.dim]
	normC = max(math.Sqrt(sumOfSquares(c)), minNorm)
	normQ = max(math.Sqrt(sumOfSquares(q)), minNorm)
	return dot(c, q) / (normC * normQ), normC, normQ
}

// logits fills s (K+1) with cos/temp of row n, -Inf for negatives equal to the positive, and returns their number.
func (x *contrast[T]) logits(s []float64, n int) (equal int) {
	for m := range s {
		r := x.candidate(n, m)
		if m > 0 && x.equal(n, r) {
			s[m] = math.Inf(-1)
			equal++
			continue
		}
		cos, _, _ := x.cosine(n, r)
		s[m] = cos / x.temp
	}
	return equal
}

// correct reports whether the positive s[0] is the largest logit but not also the smallest, as fairseq counts: ties are hits unless all logits are equal. Negatives
// equal to the positive have -Inf and so are smaller: with a collapsed codebook every row is a hit.
func correct(s []float64) bool {
	smaller := false
	for _, v := range s[1:] {
		if v > s[0] {
			return false
		}
		smaller = smaller || v < s[0]
	}
	return smaller
}

// infoNCE is loss = Σ over valid rows of lse_n - s_n0 with lse_n = log Σ_m exp(s_nm).
func infoNCE[T float](op kernels.InfoNCE, in []kernels.Desc) kernels.Kernel {
	rows := in[0].Shape[0]
	return kernelWithScratch(in[2].Last()+1, func(_ *kernels.Step, in, out []kernels.Buffer, s []float64) {
		x := newContrast[T](op, in[0], in[1], in[2], in[3:])
		lse, hits := vec[T](out[1]), out[2].I32()
		loss := 0.0
		for n := range rows {
			if x.padding(n) {
				lse[n], hits[2*n], hits[2*n+1] = 0, -1, 0
				continue
			}
			hits[2*n], hits[2*n+1] = 0, int32(x.logits(s, n))
			if correct(s) {
				hits[2*n] = 1
			}
			norm := logSumExp(s)
			lse[n] = T(norm)
			loss += norm - s[0]
		}
		vec[T](out[0])[0] = T(loss)
	})
}

// infoNCEGrad is, with a_nm = dloss/temp·(exp(s_nm - lse_n) - [m=0]) the gradient of the cosine of row n and candidate m:
//
//	dc_n = Σ_m a_nm·(q_m/(|c||q_m|) - cos·c/|c|²)
//	dq_r = Σ over n, m with candidate r of a_nm·(c_n/(|c||q_r|) - cos·q_r/|q_r|²)
//
// where a length was raised to minNorm it is a constant and its second term is missing.
func infoNCEGrad[T float](op kernels.InfoNCE, in []kernels.Desc) kernels.Kernel {
	rows, dim, k := in[1].Shape[0], in[1].Last(), in[3].Last()
	return kernelWithScratch(k+1+2*rows*dim, func(_ *kernels.Step, in, out []kernels.Buffer, scratch []float64) {
		x := newContrast[T](op, in[1], in[2], in[3], in[5:])
		dloss, lse := float64(vec[T](in[0])[0]), vec[T](in[4])
		s, dc, dq := scratch[:k+1], scratch[k+1:][:rows*dim], scratch[k+1+rows*dim:]
		clear(dc)
		clear(dq)
		for n := range rows {
			if x.padding(n) {
				continue
			}
			x.logits(s, n)
			for m := range s {
				a := math.Exp(s[m] - float64(lse[n]))
				if m == 0 {
					a--
				}
				a *= dloss / op.Temp
				r := x.candidate(n, m)
				cos, normC, normQ := x.cosine(n, r)
				c, q := x.c[n*dim:][:dim], x.q[r*dim:][:dim]
				for i := range dim {
					dc[n*dim+i] += a * float64(q[i]) / (normC * normQ)
					dq[r*dim+i] += a * float64(c[i]) / (normC * normQ)
					if normC > minNorm {
						dc[n*dim+i] -= a * cos * float64(c[i]) / (normC * normC)
					}
					if normQ > minNorm {
						dq[r*dim+i] -= a * cos * float64(q[i]) / (normQ * normQ)
					}
				}
			}
		}
		round(vec[T](out[0]), dc)
		round(vec[T](out[1]), dq)
	})
}

package ref

import (
	"math"

	"aural/kernels"
	"aural/rng"
)

// quantizeShape names the sizes of a quantizer: N rows of G groups of V logits, codebook entries of d channels.
type quantizeShape struct {
	kernels.GumbelQuantize
	rows, entries, dim int // N, V, d
}

func newQuantizeShape(op kernels.GumbelQuantize, logits, codebook kernels.Desc) quantizeShape {
	return quantizeShape{GumbelQuantize: op, rows: logits.Shape[0], entries: logits.Last() / op.Groups, dim: codebook.Last()}
}

// noise is the Gumbel noise -log(-log u) of entry v of group g at flat frame index, 0 when the op has none.
func (z quantizeShape) noise(s *kernels.Step, index int32, g, v int) float64 {
	if !z.Noise {
		return 0
	}
	element := (s.Row*z.Frames+int(index))*z.Groups*z.entries + g*z.entries + v
	return -math.Log(-math.Log(float64(rng.Unit(rng.Word(s.Seed, s.Update, z.Site, element)))))
}

// gumbelQuantize is, per valid row and group with z = logits + noise: code = the first v with the largest z, and
// q = codebook[code] (hard) or Σ_v soft_v·codebook[v] with soft = softmax(z/tau). Padding rows get q 0 and code -1.
func gumbelQuantize[T float](op kernels.GumbelQuantize, in []kernels.Desc) kernels.Kernel {
	sh := newQuantizeShape(op, in[0], in[1])
	G, V, d := op.Groups, sh.entries, sh.dim
	return kernelWithScratch(V, func(s *kernels.Step, in, out []kernels.Buffer, z []float64) {
		logits, codebook, index, tau := vec[T](in[0]), vec[T](in[1]), in[2].I32(), float64(vec[T](in[3])[0])
		q, codes := vec[T](out[0]), out[1].I32()
		for n := range sh.rows {
			for g := range G {
				to := q[(n*G+g)*d:][:d]
				if index[n] < 0 {
					clear(to)
					codes[n*G+g] = -1
					continue
				}
				for v := range V {
					z[v] = float64(logits[(n*G+g)*V+v]) + sh.noise(s, index[n], g, v)
				}
				code := argmax(z)
				codes[n*G+g] = int32(code)
				if op.Hard {
					copy(to, codebook[(g*V+code)*d:])
					continue
				}
				softmax(z, tau)
				for j := range d {
					sum := 0.0
					for v := range V {
						sum += z[v] * float64(codebook[(g*V+v)*d+j])
					}
					to[j] = T(sum)
				}
			}
		}
	})
}

// gumbelQuantizeGrad is, per valid row and group with soft as above and e_v = dq·codebook[v]:
//
//	dlogits_v = soft_v·(e_v - Σ_u soft_u·e_u)/tau
//	dcodebook[v] = Σ over rows of weight_v·dq, weight = the one-hot code (hard) or soft
func gumbelQuantizeGrad[T float](op kernels.GumbelQuantize, in []kernels.Desc) kernels.Kernel {
	sh := newQuantizeShape(op, in[1], in[2])
	G, V, d, rows := op.Groups, sh.entries, sh.dim, sh.rows
	return kernelWithScratch(V+rows*G*V, func(s *kernels.Step, in, out []kernels.Buffer, scratch []float64) {
		dq, logits, codebook := vec[T](in[0]), vec[T](in[1]), vec[T](in[2])
		index, tau, codes := in[3].I32(), float64(vec[T](in[4])[0]), in[5].I32()
		dlogits, dcodebook := vec[T](out[0]), vec[T](out[1])
		e, weights := scratch[:V], scratch[V:] // weights (N,G,V)
		clear(weights)
		for n := range rows {
			for g := range G {
				dz := dlogits[(n*G+g)*V:][:V]
				if index[n] < 0 {
					clear(dz)
					continue
				}
				soft, mean := weights[(n*G+g)*V:][:V], 0.0
				for v := range V {
					soft[v] = float64(logits[(n*G+g)*V+v]) + sh.noise(s, index[n], g, v)
				}
				softmax(soft, tau)
				for v := range V {
					e[v] = dot(dq[(n*G+g)*d:][:d], codebook[(g*V+v)*d:][:d])
					mean += soft[v] * e[v]
				}
				for v := range V {
					dz[v] = T(soft[v] * (e[v] - mean) / tau)
				}
				if op.Hard {
					clear(soft)
					soft[codes[n*G+g]] = 1
				}
			}
		}
		for gv := range G * V {
			for j := range d {
				sum := 0.0
				for n := range rows {
					if w := weights[n*G*V+gv]; w != 0 {
						sum += w * float64(dq[(n*G+gv/V)*d+j])
					}
				}
				dcodebook[gv*d+j] = T(sum)
			}
		}
	})
}

// entropyEps keeps log(p+eps) finite for unused entries, as in fairseq's GumbelVectorQuantizer.
const entropyEps = 1e-7

// diversity is p[g,v] = the mean over valid rows of softmax(logits) (or of the one-hot largest logit), perplexity[g] = exp(-Σ_v p·log(p+1e-7))
// and loss = (G·V - Σ_g perplexity[g])/(G·V).
func diversity[T float](op kernels.Diversity, in []kernels.Desc) kernels.Kernel {
	rows, G, V := in[0].Shape[0], op.Groups, in[0].Last()/op.Groups
	return kernelWithScratch(2*V, func(_ *kernels.Step, in, out []kernels.Buffer, scratch []float64) {
		logits, index := vec[T](in[0]), in[1].I32()
		loss, p, perplexity := vec[T](out[0]), vec[T](out[1]), vec[T](out[2])
		sum, z := scratch[:V], scratch[V:]
		valid, total := countValid(index), 0.0
		for g := range G {
			clear(sum)
			for n := range rows {
				if index[n] < 0 {
					continue
				}
				for v := range V {
					z[v] = float64(logits[(n*G+g)*V+v])
				}
				if op.Hard {
					sum[argmax(z)]++
					continue
				}
				softmax(z, 1)
				for v := range V {
					sum[v] += z[v]
				}
			}
			entropy := 0.0
			for v := range V {
				share := sum[v] / float64(max(valid, 1))
				entropy -= share * math.Log(share+entropyEps)
				p[g*V+v] = T(share)
			}
			perplexity[g] = T(math.Exp(entropy))
			total += math.Exp(entropy)
		}
		loss[0] = T((float64(G*V) - total) / float64(G*V))
	})
}

// diversityGrad is, with M valid rows and a_v = dloss/(G·V)·perplexity[g]·(log(p_v+eps) + p_v/(p_v+eps)) the gradient of p,
// dlogits_v = soft_v·(a_v - Σ_u soft_u·a_u)/M.
func diversityGrad[T float](op kernels.DiversityGrad, in []kernels.Desc) kernels.Kernel {
	rows, G, V := in[1].Shape[0], op.Groups, in[1].Last()/op.Groups
	return kernelWithScratch(2*V, func(_ *kernels.Step, in, out []kernels.Buffer, scratch []float64) {
		dloss, logits, index := float64(vec[T](in[0])[0]), vec[T](in[1]), in[2].I32()
		p, perplexity, dlogits := vec[T](in[3]), vec[T](in[4]), vec[T](out[0])
		a, soft := scratch[:V], scratch[V:]
		valid := float64(countValid(index))
		for g := range G {
			for v := range V {
				share := float64(p[g*V+v])
				a[v] = dloss / float64(G*V) * float64(perplexity[g]) * (math.Log(share+entropyEps) + share/(share+entropyEps))
			}
			for n := range rows {
				dz := dlogits[(n*G+g)*V:][:V]
				if index[n] < 0 {
					clear(dz)
					continue
				}
				for v := range V {
					soft[v] = float64(logits[(n*G+g)*V+v])
				}
				softmax(soft, 1)
				mean := dot(soft, a)
				for v := range V {
					dz[v] = T(soft[v] * (a[v] - mean) / valid)
				}
			}
		}
	})
}

// countValid is the number of rows of a list that are not padding.
func countValid(index []int32) int {
	n := 0
	for _, i := range index {
		if i >= 0 {
			n++
		}
	}
	return n
}

// argmax is the place of the first largest element.
func argmax(x []float64) int {
	best := 0
	for i, v := range x {
		if v > x[best] {
			best = i
		}
	}
	return best
}

// softmax replaces x by exp(x/tau)/Σexp(x/tau).
func softmax(x []float64, tau float64) {
	for i := range x {
		x[i] /= tau
	}
	norm := logSumExp(x)
	for i := range x {
		x[i] = math.Exp(x[i] - norm)
	}
}

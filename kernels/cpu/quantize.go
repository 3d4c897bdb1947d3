package cpu

import (
	"slices"

	"aural/kernels"
)

// quantizeRows is the number of masked frames that one part treats.
const quantizeRows = 24

// quantizer is a GumbelQuantize op with its sizes and its scratch memory.
type quantizer struct {
	kernels.GumbelQuantize
	rows, all, per, dim int // masked frames; entries of all groups and of one; width of an entry
	words, noisy        region
}

func (p *plan) quantizer(o kernels.GumbelQuantize, logits, codebook kernels.Desc) *quantizer {
	s := &quantizer{GumbelQuantize: o, rows: logits.Shape[0], all: logits.Last(), per: logits.Last() / o.Groups, dim: codebook.Last()}
	s.words = p.reserve(p.b.threads*noiseRoom(s.all), 4)
	s.noisy = p.floats(p.b.threads * s.all)
	return s
}

// logits gives the logits of one row with the noise of the frame at index, in memory of the worker or of the input.
func (s *quantizer) logits(c *call, w *worker, x []float32, index int32) []float32 {
	if !s.Noise {
		return x
	}
	words := w.noiseAt(s.words.u32(c)[w.index*noiseRoom(s.all):][:noiseRoom(s.all)], c.step, s.Site, (c.step.Row*s.Frames+int(index))*s.all, s.all)
	z := s.noisy.f32(c)[w.index*s.all:][:s.all]
	w.v.vec.gumbel(z, x, words)
	return z
}

// softmax stores softmax(z/tau) in y.
func (w *worker) softmax(y, z []float32, tau float32) {
	v := &w.v.vec
	total := v.expSum(y, z, 1/tau, v.max(z)/tau)
	v.scale(y, 1/total, y)
}

// argmax is the position of the first largest value. Where there are NaNs it may be any position.
func (w *worker) argmax(x []float32) int {
	return max(0, slices.Index(x, w.v.vec.max(x)))
}

func (b *Backend) gumbelQuantize(o kernels.GumbelQuantize, in []kernels.Desc) *plan {
	p := b.plan("gumbel_quantize")
	s := p.quantizer(o, in[0], in[1])
	soft := p.floats(b.threads * s.per)
	p.add(ceilDiv(s.rows, quantizeRows), func(c *call, w *worker, part int) {
		codebook, index, tau := c.in[1].F32(), c.in[2].I32(), c.in[3].F32()[0]
		for n := part * quantizeRows; n < min(s.rows, (part+1)*quantizeRows); n++ {
			q, codes := c.out[0].F32()[n*s.Groups*s.dim:][:s.Groups*s.dim], c.out[1].I32()[n*s.Groups:][:s.Groups]
			clear(q)
			if index[n] < 0 {
				for g := range codes {
					codes[g] = -1
				}
				continue
			}
			z := s.logits(c, w, c.in[0].F32()[n*s.all:][:s.all], index[n])
			for g := range codes {
				zg, book := z[g*s.per:][:s.per], codebook[g*s.per*s.dim:][:s.per*s.dim]
				code := w.argmax(zg)
				codes[g] = int32(code)
				qg := q[g*s.dim:][:s.dim]
				if s.Hard {
					copy(qg, book[code*s.dim:])
					continue
				}
				y := soft.f32(c)[w.index*s.per:][:s.per]
				w.softmax(y, zg, tau)
				w.gemm(&gemm{m: 1, n: s.dim, k: s.per, a: view{y, s.per, 1}, b: view{book, s.dim, 1}, c: qg, ldc: s.dim})
			}
		}
	})
	return p
}

// gumbelQuantizeGrad goes through soft = softmax((logits+noise)/tau) for the logits, whether the entry was picked hard or not:
// with ds = dq·codebookᵀ, dlogits = soft·(ds - Σ soft·ds)/tau. The codebook gets dq weighted by what the entries were weighted by.
func (b *Backend) gumbelQuantizeGrad(o kernels.GumbelQuantizeGrad, in []kernels.Desc) *plan {
	p := b.plan("gumbel_quantize_grad")
	s := p.quantizer(o.Quantize, in[1], in[2])
	wide := s.Groups * s.dim
	var soft region
	if s.Hard {
		soft = p.floats(b.threads * s.all)
	} else {
		soft = p.floats(s.rows * s.all)
	}
	p.add(ceilDiv(s.rows, quantizeRows), func(c *call, w *worker, part int) {
		dq, codebook, index, tau, dlogits := c.in[0].F32(), c.in[2].F32(), c.in[3].I32(), c.in[4].F32()[0], c.out[0].F32()
		lo, hi := part*quantizeRows, min(s.rows, (part+1)*quantizeRows)
		for g := range s.Groups {
			w.gemm(&gemm{m: hi - lo, n: s.per, k: s.dim, a: view{dq[lo*wide+g*s.dim:], wide, 1},
				b: view{codebook[g*s.per*s.dim:], 1, s.dim}, c: dlogits[lo*s.all+g*s.per:], ldc: s.all})
		}
		for n := lo; n < hi; n++ {
			at := w.index
			if !s.Hard {
				at = n
			}
			y, d := soft.f32(c)[at*s.all:][:s.all], dlogits[n*s.all:][:s.all]
			if index[n] < 0 {
				clear(y)
				clear(d)
				continue
			}
			z := s.logits(c, w, c.in[1].F32()[n*s.all:][:s.all], index[n])
			for g := range s.Groups {
				yg, dg := y[g*s.per:][:s.per], d[g*s.per:][:s.per]
				w.softmax(yg, z[g*s.per:][:s.per], tau)
				w.v.vec.scoreGrad(dg, yg, w.v.vec.dot(yg, dg), 1/tau)
			}
		}
	})
	if s.Hard {
		p.hardCodebookGrad(s)
		return p
	}
	for g := range s.Groups {
		p.gemm(s.per, s.dim, s.rows, func(c *call) gemm {
			return gemm{a: view{soft.f32(c), 1, s.all}.from(g*s.per, 0), b: view{c.in[0].F32(), wide, 1}.from(0, g*s.dim),
				c: c.out[1].F32()[g*s.per*s.dim:], ldc: s.dim}
		})
	}
	return p
}

// hardCodebookGrad adds each row of dq to the entry that was picked, in the order of the rows. A part has some columns of one group.
func (p *plan) hardCodebookGrad(s *quantizer) {
	const columns = 32
	across := ceilDiv(s.dim, columns)
	p.add(s.Groups*across, func(c *call, w *worker, i int) {
		g, lo := i/across, i%across*columns
		hi := min(s.dim, lo+columns)
		dq, codes, d := c.in[0].F32(), c.in[5].I32(), c.out[1].F32()[g*s.per*s.dim:]
		for v := range s.per {
			clear(d[v*s.dim+lo : v*s.dim+hi])
		}
		for n := range s.rows {
			if code := int(codes[n*s.Groups+g]); code >= 0 && c.in[3].I32()[n] >= 0 {
				w.v.vec.add(d[code*s.dim+lo:code*s.dim+hi], dq[(n*s.Groups+g)*s.dim+lo:][:hi-lo])
			}
		}
	})
}

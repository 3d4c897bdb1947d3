package cpu

import (
	"math"

	"aural/kernels"
)

// contrastive is an InfoNCE op with its sizes.
type contrastive struct {
	rows, width, negs       int
	temp                    float64
	c, q, index, codes      int // inputs
	contextNorm, targetNorm region
}

// contrastiveRows is the number of masked frames that one part treats.
const contrastiveRows = 8

// norms adds the phase that works out max(‖·‖, 1e-8) of all vectors.
func (p *plan) norms(s *contrastive) {
	s.contextNorm, s.targetNorm = p.reserve(s.rows, 8), p.reserve(s.rows, 8)
	p.rows(s.rows, 2*s.width, func(c *call, w *worker, lo, hi int) {
		for n := lo; n < hi; n++ {
			x, y := s.vector(c.in[s.c].F32(), n), s.vector(c.in[s.q].F32(), n)
			s.contextNorm.f64(c)[n] = max(math.Sqrt(w.v.vec.dot64(x, x)), minNorm)
			s.targetNorm.f64(c)[n] = max(math.Sqrt(w.v.vec.dot64(y, y)), minNorm)
		}
	})
}

const minNorm = 1e-8

func (s *contrastive) vector(x []float32, n int) []float32 { return x[n*s.width:][:s.width] }

// cosine is in float64: the logits are cosines divided by a small temperature, and differences of their exponentials follow.
func (s *contrastive) cosine(c *call, w *worker, n, m int) float64 {
	return w.v.vec.dot64(s.vector(c.in[s.c].F32(), n), s.vector(c.in[s.q].F32(), m)) / (s.contextNorm.f64(c)[n] * s.targetNorm.f64(c)[m])
}

func (s *contrastive) negatives(c *call, n int) []int32 {
	return c.in[s.index].I32()[n*s.negs:][:s.negs]
}

// equal reports whether a negative is the same target as the positive.
func (s *contrastive) equal(c *call, n, m int) bool {
	if len(c.in) > s.codes {
		codes, g := c.in[s.codes].I32(), c.in[s.codes].Last()
		for i := range g {
			if codes[n*g+i] != codes[m*g+i] {
				return false
			}
		}
		return true
	}
	q := c.in[s.q].F32()
	other := s.vector(q, m)
	for i, v := range s.vector(q, n) {
		if v != other[i] {
			return false
		}
	}
	return true
}

func (b *Backend) infoNCE(o kernels.InfoNCE, in []kernels.Desc) *plan {
	p := b.plan("info_nce")
	s := &contrastive{rows: in[0].Shape[0], width: in[0].Last(), negs: in[2].Last(), temp: o.Temp, c: 0, q: 1, index: 2, codes: 3}
	p.norms(s)
	losses := p.reserve(s.rows, 8)
	logits := p.reserve(b.threads*(1+s.negs), 8)
	p.add(ceilDiv(s.rows, contrastiveRows), func(c *call, w *worker, part int) {
		z := logits.f64(c)[w.index*(1+s.negs):][:1+s.negs]
		for n := part * contrastiveRows; n < min(s.rows, (part+1)*contrastiveRows); n++ {
			losses.f64(c)[n] = s.row(c, w, n, z)
		}
	})
	p.add(1, func(c *call, _ *worker, _ int) {
		var total float64
		for _, l := range losses.f64(c) {
			total += l
		}
		c.out[0].F32()[0] = float32(total)
	})
	return p
}

// row computes the outputs of one row and returns its loss; z is room for the logits.
func (s *contrastive) row(c *call, w *worker, n int, z []float64) float64 {
	lse, hits := c.out[1].F32(), c.out[2].I32()[2*n:][:2]
	negatives := s.negatives(c, n)
	if negatives[0] < 0 {
		lse[n], hits[0], hits[1] = 0, -1, 0
		return 0
	}
	z[0] = s.cosine(c, w, n, n) / s.temp
	same, beaten, top := 0, 0, z[0]
	for j, m := range negatives {
		if s.equal(c, n, int(m)) {
			z[1+j] = math.Inf(-1)
			same++
			continue
		}
		z[1+j] = s.cosine(c, w, n, int(m)) / s.temp
		if z[1+j] < z[0] {
			beaten++
		}
		top = max(top, z[1+j])
	}
	var sum float64
	for _, v := range z {
		sum += math.Exp(v - top)
	}
	log := top + math.Log(sum)
	lse[n], hits[0], hits[1] = float32(log), 0, int32(same)
	// The largest logit, but not also the smallest; negatives equal to the positive, at -Inf, are smaller.
	if z[0] == top && beaten+same > 0 {
		hits[0] = 1
	}
	return log - z[0]
}

// infoNCEGrad first works out, for each pair of a context vector and a target, the weight dloss/dcos. The pairs of a context vector lie side by
// side; those of a target are found through a list sorted by target, so that each gradient vector is summed by one worker in the order of the rows.
//
//	dcos(c,q)/dc = (q̂ - cos·ĉ)/‖c‖, without the second term where ‖c‖ is below the floor
func (b *Backend) infoNCEGrad(o kernels.InfoNCEGrad, in []kernels.Desc) *plan {
	p := b.plan("info_nce_grad")
	s := &contrastive{rows: in[1].Shape[0], width: in[1].Last(), negs: in[3].Last(), temp: o.InfoNCE.Temp, c: 1, q: 2, index: 3, codes: 5}
	p.norms(s)
	pairs := 1 + s.negs
	g := &contrastiveGrad{contrastive: s, pairs: pairs, weight: p.reserve(s.rows*pairs, 8), cos: p.reserve(s.rows*pairs, 8),
		start: p.reserve(s.rows+1, 4), list: p.reserve(s.rows*pairs, 4), sums: p.reserve(b.threads*s.width, 8)}
	p.add(ceilDiv(s.rows, contrastiveRows), func(c *call, w *worker, part int) {
		for n := part * contrastiveRows; n < min(s.rows, (part+1)*contrastiveRows); n++ {
			g.context(c, w, n)
		}
	})
	p.add(1, func(c *call, _ *worker, _ int) { g.sort(c) })
	p.add(ceilDiv(s.rows, contrastiveRows), func(c *call, w *worker, part int) {
		for m := part * contrastiveRows; m < min(s.rows, (part+1)*contrastiveRows); m++ {
			g.target(c, w, m)
		}
	})
	return p
}

type contrastiveGrad struct {
	*contrastive
	pairs       int    // of one row: the positive and the negatives
	weight, cos region // (rows, pairs)
	sums        region // per worker, a gradient vector in float64: its two terms may nearly cancel
	start, list region // list[start[m]:start[m+1]] are the pairs whose target is m
}

// targetOf is the row of the target of pair j of row n.
func (g *contrastiveGrad) targetOf(c *call, n, j int) int {
	if j == 0 {
		return n
	}
	return int(g.negatives(c, n)[j-1])
}

// sum gives the worker's zeroed gradient vector.
func (g *contrastiveGrad) sum(c *call, w *worker) []float64 {
	v := g.sums.f64(c)[w.index*g.width:][:g.width]
	clear(v)
	return v
}

func store(dst []float32, src []float64) {
	for i, v := range src {
		dst[i] = float32(v)
	}
}

// context fills weight and cos of row n and computes dc.
func (g *contrastiveGrad) context(c *call, w *worker, n int) {
	dc := g.sum(c, w)
	defer store(g.vector(c.out[0].F32(), n), dc)
	if g.negatives(c, n)[0] < 0 {
		return
	}
	weight, cos := g.weight.f64(c)[n*g.pairs:][:g.pairs], g.cos.f64(c)[n*g.pairs:][:g.pairs]
	scale := float64(c.in[0].F32()[0]) / g.temp
	lse, norm := float64(c.in[4].F32()[n]), g.contextNorm.f64(c)[n]
	var along float64 // Σ weight·cos
	for j := range g.pairs {
		m := g.targetOf(c, n, j)
		cos[j] = g.cosine(c, w, n, m)
		p := math.Exp(cos[j]/g.temp - lse)
		switch {
		case j == 0:
			p--
		case g.equal(c, n, m):
			p = 0
		}
		weight[j] = p * scale
		along += weight[j] * cos[j]
		w.v.vec.axpy64(dc, weight[j]/(g.targetNorm.f64(c)[m]*norm), g.vector(c.in[g.q].F32(), m))
	}
	if norm > minNorm {
		w.v.vec.axpy64(dc, -along/(norm*norm), g.vector(c.in[g.c].F32(), n))
	}
}

// sort fills start and list by counting.
func (g *contrastiveGrad) sort(c *call) {
	start, list := g.start.i32(c), g.list.i32(c)
	clear(start)
	each := func(f func(pair, m int)) {
		for n := range g.rows {
			if g.negatives(c, n)[0] < 0 {
				continue
			}
			for j := range g.pairs {
				f(n*g.pairs+j, g.targetOf(c, n, j))
			}
		}
	}
	each(func(_, m int) { start[m+1]++ })
	for m := range g.rows {
		start[m+1] += start[m]
	}
	each(func(pair, m int) {
		list[start[m]] = int32(pair)
		start[m]++
	})
	copy(start[1:], start[:g.rows]) // each start has moved to the next one's place
	start[0] = 0
}

// target computes dq of row m.
func (g *contrastiveGrad) target(c *call, w *worker, m int) {
	dq, norm := g.sum(c, w), g.targetNorm.f64(c)[m]
	defer store(g.vector(c.out[1].F32(), m), dq)
	var along float64
	for _, pair := range g.list.i32(c)[g.start.i32(c)[m]:g.start.i32(c)[m+1]] {
		n, weight := int(pair)/g.pairs, g.weight.f64(c)[pair]
		along += weight * g.cos.f64(c)[pair]
		w.v.vec.axpy64(dq, weight/(g.contextNorm.f64(c)[n]*norm), g.vector(c.in[g.c].F32(), n))
	}
	if norm > minNorm {
		w.v.vec.axpy64(dq, -along/(norm*norm), g.vector(c.in[g.q].F32(), m))
	}
}

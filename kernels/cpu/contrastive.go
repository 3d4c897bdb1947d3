package cpu

import (
	"math"

	"aural/kernels"
)

// contrastive is an InfoNCE op with its sizes. A pair is a context vector with a target: the positive of its frame, or one of the negatives.
type contrastive struct {
	rows, width               int
	pairs                     int // of one row: the positive, then the negatives
	temp                      float64
	c, q, index, codes        int    // inputs
	contextScale, targetScale region // 1/max(‖·‖, 1e-8)
	keys                      region // a hash of what makes a target equal to another
	lists                     region // per worker, the targets of the pairs of one row
}

// contrastiveRows is the number of masked frames that one part treats.
const contrastiveRows = 8

// maxScale is 1/1e-8, the scale of vectors that are so short that their length counts as 1e-8.
const maxScale = 1e8

func (p *plan) contrastive(temp float64, context, negatives kernels.Desc) *contrastive {
	s := &contrastive{rows: context.Shape[0], width: context.Last(), pairs: 1 + negatives.Last(), temp: temp}
	s.contextScale, s.targetScale = p.reserve(s.rows, 8), p.reserve(s.rows, 8)
	s.keys, s.lists = p.reserve(s.rows, 4), p.reserve(p.b.threads*s.pairs, 4)
	p.rows(s.rows, 2*s.width, func(c *call, w *worker, lo, hi int) {
		for n := lo; n < hi; n++ {
			x, y := s.vector(c.in[s.c].F32(), n), s.vector(c.in[s.q].F32(), n)
			s.contextScale.f64(c)[n] = min(1/math.Sqrt(w.v.vec.dot64(x, x)), maxScale)
			s.targetScale.f64(c)[n] = min(1/math.Sqrt(w.v.vec.dot64(y, y)), maxScale)
			s.keys.u32(c)[n] = s.key(c, n)
		}
	})
	return s
}

func (s *contrastive) vector(x []float32, n int) []float32 { return x[n*s.width:][:s.width] }

func (s *contrastive) negatives(c *call, n int) []int32 {
	return c.in[s.index].I32()[n*(s.pairs-1):][:s.pairs-1]
}

// key is a hash (FNV-1a, by words) of the codes of a target or, without codes, of its vector.
func (s *contrastive) key(c *call, n int) uint32 {
	h := uint32(2166136261)
	if len(c.in) > s.codes {
		g := c.in[s.codes].Last()
		for _, code := range c.in[s.codes].I32()[n*g:][:g] {
			h = (h ^ uint32(code)) * 16777619
		}
		return h
	}
	for _, v := range s.vector(c.in[s.q].F32(), n) {
		h = (h ^ math.Float32bits(v+0)) * 16777619 // -0 equals 0
	}
	return h
}

// equal reports whether a negative is the same target as the positive. Nearly all pairs are told apart by their keys before.
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

// products stores the products of a context vector with the targets of its pairs, and returns the rows of these. They are in float64: the logits
// are cosines divided by a small temperature, and differences of their exponentials follow.
func (s *contrastive) products(c *call, w *worker, n int, dots []float64) (targets []int32) {
	targets = s.lists.i32(c)[w.index*s.pairs:][:s.pairs]
	targets[0] = int32(n)
	copy(targets[1:], s.negatives(c, n))
	w.v.vec.gatherDots(dots, s.vector(c.in[s.c].F32(), n), c.in[s.q].F32(), targets)
	return targets
}

func (b *Backend) infoNCE(o kernels.InfoNCE, in []kernels.Desc) *plan {
	p := b.plan("info_nce")
	s := p.contrastive(o.Temp, in[0], in[2])
	s.c, s.q, s.index, s.codes = 0, 1, 2, 3
	losses := p.reserve(s.rows, 8)
	logits := p.reserve(b.threads*s.pairs, 8)
	p.add(ceilDiv(s.rows, contrastiveRows), func(c *call, w *worker, part int) {
		z := logits.f64(c)[w.index*s.pairs:][:s.pairs]
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
	if s.negatives(c, n)[0] < 0 {
		lse[n], hits[0], hits[1] = 0, -1, 0
		return 0
	}
	scales, keys := s.targetScale.f64(c), s.keys.u32(c)
	scale, key := s.contextScale.f64(c)[n]/s.temp, keys[n]
	same, top, bottom := 0, math.Inf(-1), math.Inf(1)
	for j, m := range s.products(c, w, n, z) {
		v := z[j] * (scale * scales[m])
		if keys[m] == key && j > 0 && s.equal(c, n, int(m)) {
			v = math.Inf(-1)
			same++
		}
		z[j] = v
		if v > top { // seldom: branches that are foreseen cost less than max and min
			top = v
		}
		if v < bottom {
			bottom = v
		}
	}
	positive := z[0]
	log := top + math.Log(w.v.vec.expSum64(z, z, 1, top))
	lse[n], hits[0], hits[1] = float32(log), 0, int32(same)
	// The largest logit, but not also the smallest; negatives equal to the positive, at -Inf, are smaller.
	if positive == top && positive > bottom {
		hits[0] = 1
	}
	return log - positive
}

// infoNCEGrad first works out, for each pair, the weight dloss/dcos. The pairs of a context vector lie side by side; those of a target are found
// through a list sorted by target, so that each gradient vector is summed by one worker in the order of the rows.
//
//	dcos(c,q)/dc = (q̂ - cos·ĉ)/‖c‖, without the second term where ‖c‖ is below the floor
//
// A pair takes 3·width multiply-adds in float64 and as many conversions: one product, one row added to each of the two gradients.
func (b *Backend) infoNCEGrad(o kernels.InfoNCEGrad, in []kernels.Desc) *plan {
	p := b.plan("info_nce_grad")
	s := p.contrastive(o.InfoNCE.Temp, in[1], in[3])
	s.c, s.q, s.index, s.codes = 1, 2, 3, 5
	all := s.rows * s.pairs
	g := &contrastiveGrad{contrastive: s, weight: p.reserve(all, 8), share: p.reserve(all, 8), start: p.reserve(s.rows+1, 4),
		list: p.reserve(all, 4), source: p.reserve(all, 4), sums: p.reserve(b.threads*s.width, 8), chunk: p.reserve(b.threads*targetChunk, 8)}
	parts := ceilDiv(s.rows, contrastiveRows)
	p.add(1+parts, func(c *call, w *worker, part int) {
		if part == 0 { // one worker sorts while the others go on
			g.sort(c)
			return
		}
		for n := (part - 1) * contrastiveRows; n < min(s.rows, part*contrastiveRows); n++ {
			g.context(c, w, n)
		}
	})
	p.add(parts, func(c *call, w *worker, part int) {
		for m := part * contrastiveRows; m < min(s.rows, (part+1)*contrastiveRows); m++ {
			g.target(c, w, m)
		}
	})
	return p
}

type contrastiveGrad struct {
	*contrastive
	weight, share region // (rows, pairs): dloss/d(c·q), and dloss/dcos·cos
	sums          region // per worker, a gradient vector in float64: its two terms may nearly cancel
	// list[start[m]:start[m+1]] are the pairs whose target is m, and source their context vectors
	start, list, source region
	chunk               region // per worker, weights of some pairs of a target
}

// targetChunk is the number of pairs of a target that are treated at once.
const targetChunk = 256

// sum gives the worker's zeroed gradient vector.
func (g *contrastiveGrad) sum(c *call, w *worker) []float64 {
	v := g.sums.f64(c)[w.index*g.width:][:g.width]
	clear(v)
	return v
}

// store stores a gradient vector without what lies along the vector x itself, where that is long enough for its length to count.
func (g *contrastiveGrad) store(w *worker, dst []float32, sum []float64, along, scale float64, x []float32) {
	if scale < maxScale {
		w.v.vec.axpy64(sum, -along*scale*scale, x)
	}
	for i, v := range sum {
		dst[i] = float32(v)
	}
}

// context fills weight and share of row n and computes dc.
func (g *contrastiveGrad) context(c *call, w *worker, n int) {
	x, dst := g.vector(c.in[g.c].F32(), n), g.vector(c.out[0].F32(), n)
	if g.negatives(c, n)[0] < 0 {
		clear(dst)
		return
	}
	weight, cos := g.weight.f64(c)[n*g.pairs:][:g.pairs], g.share.f64(c)[n*g.pairs:][:g.pairs]
	scales, keys := g.targetScale.f64(c), g.keys.u32(c)
	scale, key := g.contextScale.f64(c)[n], keys[n]
	targets := g.products(c, w, n, cos)
	for j, m := range targets {
		cos[j] *= scale * scales[m]
	}
	w.v.vec.expSum64(weight, cos, 1/g.temp, float64(c.in[4].F32()[n]))
	weight[0]--
	factor := float64(c.in[0].F32()[0]) / g.temp
	var along float64 // Σ dloss/dcos·cos
	for j, m := range targets {
		d := weight[j] * factor
		if keys[m] == key && j > 0 && g.equal(c, n, int(m)) {
			d = 0
		}
		cos[j] *= d
		along += cos[j]
		weight[j] = d * (scale * scales[m])
	}
	dc := g.sum(c, w)
	w.v.vec.addGathered(dc, weight, c.in[g.q].F32(), targets)
	g.store(w, dst, dc, along, scale, x)
}

// sort fills start, list and source by counting.
func (g *contrastiveGrad) sort(c *call) {
	start, list, source := g.start.i32(c), g.list.i32(c), g.source.i32(c)
	clear(start)
	for n := range g.rows {
		if negatives := g.negatives(c, n); negatives[0] >= 0 {
			start[n+1]++
			for _, m := range negatives {
				start[m+1]++
			}
		}
	}
	for m := range g.rows {
		start[m+1] += start[m]
	}
	put := func(n, m, pair int) {
		at := start[m]
		list[at], source[at] = int32(pair), int32(n)
		start[m]++
	}
	for n := range g.rows {
		if negatives := g.negatives(c, n); negatives[0] >= 0 {
			put(n, n, n*g.pairs)
			for j, m := range negatives {
				put(n, int(m), n*g.pairs+1+j)
			}
		}
	}
	copy(start[1:], start[:g.rows]) // each start has moved to the next one's place
	start[0] = 0
}

// target computes dq of row m.
func (g *contrastiveGrad) target(c *call, w *worker, m int) {
	dq, chunk := g.sum(c, w), g.chunk.f64(c)[w.index*targetChunk:][:targetChunk]
	lo, hi := g.start.i32(c)[m], g.start.i32(c)[m+1]
	list, source, weight, share := g.list.i32(c)[lo:hi], g.source.i32(c)[lo:hi], g.weight.f64(c), g.share.f64(c)
	var along float64
	for len(list) > 0 {
		k := min(len(list), targetChunk)
		for i, pair := range list[:k] {
			chunk[i] = weight[pair]
			along += share[pair]
		}
		w.v.vec.addGathered(dq, chunk[:k], c.in[g.c].F32(), source[:k])
		list, source = list[k:], source[k:]
	}
	g.store(w, g.vector(c.out[1].F32(), m), dq, along, g.targetScale.f64(c)[m], g.vector(c.in[g.q].F32(), m))
}

package cpu

import (
	"math"

	"aural/kernels"
)

// queryBlock is the number of queries whose scores are held at once: five tiles of 12. queryBlock·T values, and twice that for the gradient, fit the
// second-level cache.
const queryBlock = 60

// attentionShape is an attention op with its sizes.
type attentionShape struct {
	kernels.Attention
	dropRule
	batch, frames, width, head int
	scale                      float32
}

func (b *Backend) attentionShape(o kernels.Attention, q kernels.Desc) (s attentionShape, ok bool) {
	s = attentionShape{Attention: o, batch: q.Shape[0], frames: q.Shape[1], width: q.Shape[2]}
	s.head = s.width / o.Heads
	s.scale = float32(1 / math.Sqrt(float64(s.head)))
	s.dropRule, ok = rule(o.DropP, o.Site)
	return s, ok
}

// keys is the number of keys of a batch row that count; lengths is the index of that input.
func (s *attentionShape) keys(c *call, lengths, row int) int {
	if len(c.in) <= lengths {
		return s.frames
	}
	return max(0, min(s.frames, int(c.in[lengths].I32()[row])))
}

// scoreStride is the number of values from the scores of a query to those of the next: whole cache lines, for a store that crosses a line takes twice as long.
func (s *attentionShape) scoreStride() int { return roundUp(s.frames, 16) }

// at is the view of a (B,T,D) operand from a frame of a batch row on, in the channels of a head.
func (s *attentionShape) at(x []float32, row, frame, head int) view {
	return view{x[(row*s.frames+frame)*s.width+head*s.head : (row+1)*s.frames*s.width], s.width, 1}
}

func (v view) transposed() view { return view{v.x, v.cs, v.rs} }

// mask makes the dropout words of the probabilities of one query.
func (s *attentionShape) mask(c *call, w *worker, buf []uint32, row, head, query, keys int) []uint32 {
	e := (((c.step.Row+row)*s.Heads+head)*s.frames + query) * s.frames
	return w.noiseAt(buf, c.step, s.site, e, keys)
}

// attention computes, for a block of queries of one head, the scores with all keys, their softmax and the weighted sum of values. The
// sum is divided out last, on vectors of the head's width. A part has some blocks of one head, whose keys and values it packs once.
func (b *Backend) attention(o kernels.Attention, in []kernels.Desc) *plan {
	s, ok := b.attentionShape(o, in[0])
	if !ok {
		return nil
	}
	p := b.plan("attention")
	room := queryBlock * s.scoreStride()
	scores := p.floats(b.threads * room)
	words := p.reserve(b.threads*noiseRoom(s.frames), 4)
	packed := [2]region{p.panels(s.head, s.frames), p.panels(s.frames, s.head)}
	blocks := ceilDiv(s.frames, queryBlock)
	split := min(blocks, ceilDiv(3*b.threads, s.batch*s.Heads)) // enough parts for all workers
	p.add(s.batch*s.Heads*split, func(c *call, w *worker, i int) {
		h := headScores{s: &s, c: c, w: w, row: i / split / s.Heads, head: i / split % s.Heads,
			prob: scores.f32(c)[w.index*room:][:room], words: words.u32(c)[w.index*noiseRoom(s.frames):][:noiseRoom(s.frames)]}
		h.keys = s.keys(c, 3, h.row)
		h.k, h.v = s.at(c.in[1].F32(), h.row, 0, h.head).transposed(), s.at(c.in[2].F32(), h.row, 0, h.head)
		h.packedK, h.packedV = w.prepack(packed[0].own(c, w), h.k, s.head, h.keys), w.prepack(packed[1].own(c, w), h.v, h.keys, s.head)
		for block := i % split * blocks / split; block < (i%split+1)*blocks/split; block++ {
			h.block(block*queryBlock, min(queryBlock, s.frames-block*queryBlock))
		}
	})
	return p
}

// headScores computes the output of one head of one batch row.
type headScores struct {
	s                *attentionShape
	c                *call
	w                *worker
	row, head, keys  int
	k, v             view // transposed keys (head, keys) and values (keys, head)
	packedK, packedV []float32
	prob             []float32
	words            []uint32
}

// block computes n queries from first on.
func (h *headScores) block(first, n int) {
	s, w, v, stride := h.s, h.w, &h.w.v.vec, h.s.scoreStride()
	y := s.at(h.c.out[0].F32(), h.row, first, h.head)
	lse := h.c.out[1].F32()[(h.row*s.Heads+h.head)*s.frames+first:][:n]
	w.gemm(&gemm{m: n, n: h.keys, k: s.head, a: s.at(h.c.in[0].F32(), h.row, first, h.head), b: h.k, packed: h.packedK, c: h.prob, ldc: stride})
	var total [queryBlock]float32
	for q := range n {
		e := h.prob[q*stride:][:h.keys]
		top := s.scale * v.max(e)
		total[q] = v.expSum(e, e, s.scale, top)
		lse[q] = float32(float64(top) + math.Log(float64(total[q])))
		if s.DropP > 0 {
			v.drop(e, e, s.mask(h.c, w, h.words, h.row, h.head, first+q, h.keys), s.threshold, s.keep)
		}
	}
	w.gemm(&gemm{m: n, n: s.head, k: h.keys, a: view{h.prob, stride, 1}, b: h.v, packed: h.packedV, c: y.x, ldc: s.width})
	for q := range n {
		if h.keys > 0 {
			out := y.x[q*s.width:][:s.head]
			v.scale(out, 1/total[q], out)
		}
	}
}

// attentionGrad recomputes the probabilities P of a block of queries from lse and, with dP = mask·(dy·vᵀ) and δ = Σ dy·y,
//
//	dv += (mask·P)ᵀ·dy,  dS = P·(dP - δ)/√d,  dq = dS·k,  dk += dSᵀ·q.
//
// One worker has a head of a batch row and goes through its queries in order, for they all add to dk and dv.
func (b *Backend) attentionGrad(o kernels.AttentionGrad, in []kernels.Desc) *plan {
	s, ok := b.attentionShape(o.Attention, in[0])
	if !ok {
		return nil
	}
	p := b.plan("attention_grad")
	room := queryBlock * s.scoreStride()
	scratch := p.floats(b.threads * 3 * room)
	words := p.reserve(b.threads*noiseRoom(s.frames), 4)
	packed := [3]region{p.panels(s.head, s.frames), p.panels(s.head, s.frames), p.panels(s.frames, s.head)}
	p.add(s.batch*s.Heads, func(c *call, w *worker, i int) {
		mem := scratch.f32(c)[w.index*3*room:][:3*room]
		h := headGrad{s: &s, c: c, w: w, row: i / s.Heads, head: i % s.Heads, keys: s.keys(c, 6, i/s.Heads),
			prob: mem[:room], dropped: mem[room : 2*room], dprob: mem[2*room:],
			words: words.u32(c)[w.index*noiseRoom(s.frames):][:noiseRoom(s.frames)]}
		if s.DropP == 0 {
			h.dropped = h.prob
		}
		h.k, h.v = h.in(2, 0), h.in(3, 0)
		h.packedKT = w.prepack(packed[0].own(c, w), h.k.transposed(), s.head, h.keys)
		h.packedVT = w.prepack(packed[1].own(c, w), h.v.transposed(), s.head, h.keys)
		h.packedK = w.prepack(packed[2].own(c, w), h.k, h.keys, s.head)
		h.clearPadding()
		for first := 0; first < s.frames; first += queryBlock {
			h.block(first, min(queryBlock, s.frames-first))
		}
	})
	return p
}

// headGrad is the gradient of one head of one batch row.
type headGrad struct {
	s                    *attentionShape
	c                    *call
	w                    *worker
	row, head, keys      int
	k, v                 view      // keys and values, (keys, head)
	packedK              []float32 // keys, and below keys and values transposed, as products need them
	packedKT, packedVT   []float32
	prob, dropped, dprob []float32
	words                []uint32
}

func (h *headGrad) in(i, frame int) view  { return h.s.at(h.c.in[i].F32(), h.row, frame, h.head) }
func (h *headGrad) out(i, frame int) view { return h.s.at(h.c.out[i].F32(), h.row, frame, h.head) }

// clearPadding zeroes dk and dv of the keys that do not count.
func (h *headGrad) clearPadding() {
	for t := h.keys; t < h.s.frames; t++ {
		clear(h.out(1, t).x[:h.s.head])
		clear(h.out(2, t).x[:h.s.head])
	}
}

// block adds the share of n queries from first on.
func (h *headGrad) block(first, n int) {
	s, w, v, stride := h.s, h.w, &h.w.v.vec, h.s.scoreStride()
	dy, q, y := h.in(0, first), h.in(1, first), h.in(4, first)
	dq := h.out(0, first)
	w.gemm(&gemm{m: n, n: h.keys, k: s.head, a: q, b: h.k.transposed(), packed: h.packedKT, c: h.prob, ldc: stride})
	w.gemm(&gemm{m: n, n: h.keys, k: s.head, a: dy, b: h.v.transposed(), packed: h.packedVT, c: h.dprob, ldc: stride})
	lse := h.c.in[5].F32()[(h.row*s.Heads+h.head)*s.frames+first:][:n]
	for i := range n {
		prob, dprob := h.prob[i*stride:][:h.keys], h.dprob[i*stride:][:h.keys]
		v.expSum(prob, prob, s.scale, lse[i])
		if s.DropP > 0 {
			mask := s.mask(h.c, w, h.words, h.row, h.head, first+i, h.keys)
			v.drop(h.dropped[i*stride:][:h.keys], prob, mask, s.threshold, s.keep)
			v.drop(dprob, dprob, mask, s.threshold, s.keep)
		}
	}
	w.gemm(&gemm{m: h.keys, n: s.head, k: n, a: view{h.dropped, 1, stride}, b: dy, c: h.out(2, 0).x, ldc: s.width, accumulate: first > 0})
	for i := range n {
		delta := v.dot(dy.x[i*s.width:][:s.head], y.x[i*s.width:][:s.head])
		v.scoreGrad(h.dprob[i*stride:][:h.keys], h.prob[i*stride:][:h.keys], delta, s.scale)
	}
	w.gemm(&gemm{m: n, n: s.head, k: h.keys, a: view{h.dprob, stride, 1}, b: h.k, packed: h.packedK, c: dq.x, ldc: s.width})
	w.gemm(&gemm{m: h.keys, n: s.head, k: n, a: view{h.dprob, 1, stride}, b: q, c: h.out(1, 0).x, ldc: s.width, accumulate: first > 0})
}

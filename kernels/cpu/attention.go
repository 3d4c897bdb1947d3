package cpu

import (
	"math"

	"aural/kernels"
)

// queryBlock is the number of queries whose scores are held at once; queryBlock·T values, and twice that for the gradient, should fit the
// second-level cache.
const queryBlock = 96

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
// sum is divided out last, on vectors of the head's width.
func (b *Backend) attention(o kernels.Attention, in []kernels.Desc) *plan {
	s, ok := b.attentionShape(o, in[0])
	if !ok {
		return nil
	}
	p := b.plan("attention")
	scores := p.floats(b.threads * queryBlock * s.frames)
	words := p.reserve(b.threads*noiseRoom(s.frames), 4)
	blocks := ceilDiv(s.frames, queryBlock)
	p.add(s.batch*s.Heads*blocks, func(c *call, w *worker, i int) {
		head, row := i/blocks%s.Heads, i/blocks/s.Heads
		first := i % blocks * queryBlock
		n, keys := min(queryBlock, s.frames-first), s.keys(c, 3, row)
		y := s.at(c.out[0].F32(), row, first, head)
		lse := c.out[1].F32()[(row*s.Heads+head)*s.frames+first:][:n]
		prob := scores.f32(c)[w.index*queryBlock*s.frames:][:queryBlock*s.frames]
		w.gemm(&gemm{m: n, n: keys, k: s.head, a: s.at(c.in[0].F32(), row, first, head),
			b: s.at(c.in[1].F32(), row, 0, head).transposed(), c: prob, ldc: s.frames})
		var total [queryBlock]float32
		for q := range n {
			e := prob[q*s.frames:][:keys]
			top := s.scale * w.v.vec.max(e)
			total[q] = w.v.vec.expSum(e, e, s.scale, top)
			lse[q] = float32(float64(top) + math.Log(float64(total[q])))
			if s.DropP > 0 {
				buf := words.u32(c)[w.index*noiseRoom(s.frames):][:noiseRoom(s.frames)]
				w.v.vec.drop(e, e, s.mask(c, w, buf, row, head, first+q, keys), s.threshold, s.keep)
			}
		}
		w.gemm(&gemm{m: n, n: s.head, k: keys, a: view{prob, s.frames, 1}, b: s.at(c.in[2].F32(), row, 0, head), c: y.x, ldc: s.width})
		for q := range n {
			if keys > 0 {
				out := y.x[q*s.width:][:s.head]
				w.v.vec.scale(out, 1/total[q], out)
			}
		}
	})
	return p
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
	room := queryBlock * s.frames
	scratch := p.floats(b.threads * 3 * room)
	words := p.reserve(b.threads*noiseRoom(s.frames), 4)
	p.add(s.batch*s.Heads, func(c *call, w *worker, i int) {
		mem := scratch.f32(c)[w.index*3*room:][:3*room]
		h := headGrad{s: &s, c: c, w: w, row: i / s.Heads, head: i % s.Heads, keys: s.keys(c, 6, i/s.Heads),
			prob: mem[:room], dropped: mem[room : 2*room], dprob: mem[2*room:],
			words: words.u32(c)[w.index*noiseRoom(s.frames):][:noiseRoom(s.frames)]}
		if s.DropP == 0 {
			h.dropped = h.prob
		}
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
	s, w, v := h.s, h.w, &h.w.v.vec
	dy, q, k, value, y := h.in(0, first), h.in(1, first), h.in(2, 0), h.in(3, 0), h.in(4, first)
	dq := h.out(0, first)
	w.gemm(&gemm{m: n, n: h.keys, k: s.head, a: q, b: k.transposed(), c: h.prob, ldc: s.frames})
	w.gemm(&gemm{m: n, n: h.keys, k: s.head, a: dy, b: value.transposed(), c: h.dprob, ldc: s.frames})
	lse := h.c.in[5].F32()[(h.row*s.Heads+h.head)*s.frames+first:][:n]
	for i := range n {
		prob, dprob := h.prob[i*s.frames:][:h.keys], h.dprob[i*s.frames:][:h.keys]
		v.expSum(prob, prob, s.scale, lse[i])
		if s.DropP > 0 {
			mask := s.mask(h.c, w, h.words, h.row, h.head, first+i, h.keys)
			v.drop(h.dropped[i*s.frames:][:h.keys], prob, mask, s.threshold, s.keep)
			v.drop(dprob, dprob, mask, s.threshold, s.keep)
		}
	}
	w.gemm(&gemm{m: h.keys, n: s.head, k: n, a: view{h.dropped, 1, s.frames}, b: dy, c: h.out(2, 0).x, ldc: s.width, accumulate: first > 0})
	for i := range n {
		delta := v.dot(dy.x[i*s.width:][:s.head], y.x[i*s.width:][:s.head])
		v.scoreGrad(h.dprob[i*s.frames:][:h.keys], h.prob[i*s.frames:][:h.keys], delta, s.scale)
	}
	w.gemm(&gemm{m: n, n: s.head, k: h.keys, a: view{h.dprob, s.frames, 1}, b: k, c: dq.x, ldc: s.width})
	w.gemm(&gemm{m: h.keys, n: s.head, k: n, a: view{h.dprob, 1, s.frames}, b: q, c: h.out(1, 0).x, ldc: s.width, accumulate: first > 0})
}

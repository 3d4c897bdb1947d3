package cpu

import (
	"math"

	"aural/kernels"
)

// dropRule is dropout as the inner loops apply it.
type dropRule struct {
	site      uint32
	threshold uint32  // words below are dropped
	keep      float32 // 1/(1-p)
}

// rule translates a probability. A word w gives rng.Unit(w) = (w>>9 + 0.5)/2²³, so Unit(w) >= p exactly when w>>9 >= p·2²³ - 0.5.
// It is not ok where p is so close to 1 that no word is kept.
func rule(p float64, site uint32) (r dropRule, ok bool) {
	first := max(0, math.Ceil(p*(1<<23)-0.5))
	return dropRule{site, uint32(int64(first) << 9), float32(1 / (1 - p))}, first < 1<<23
}

// noiseBlock is the granularity in elements of the noise loops.
const noiseBlock = 64

// noiseRoom is the number of words that elements [e, e+n) can need with the fragments before and after.
func noiseRoom(n int) int { return roundUp(n+3, noiseBlock) }

// noiseAt makes the words of elements [e, e+n) of the running step in buf, which has noiseRoom(n) words, and returns them.
func (w *worker) noiseAt(buf []uint32, s *kernels.Step, site uint32, e, n int) []uint32 {
	skip := e & 3
	w.v.vec.noise(buf[:roundUp(n+skip, noiseBlock)], s.Seed, s.Update, site, uint32(e>>2))
	return buf[skip : skip+n]
}

func (b *Backend) dropout(o kernels.Dropout, in []kernels.Desc) *plan {
	r, ok := rule(o.P, o.Site)
	if !ok {
		return nil
	}
	p, v := b.plan("dropout"), &b.variant.vec
	n := in[0].Size()
	row := n / max(1, in[0].Shape[0])
	const chunk = 1024
	words := p.reserve(b.threads*noiseRoom(chunk), 4)
	p.rows(ceilDiv(n, chunk), chunk, func(c *call, w *worker, lo, hi int) {
		buf := words.u32(c)[w.index*noiseRoom(chunk):][:noiseRoom(chunk)]
		x, y := c.in[0].F32(), c.out[0].F32()
		for i := lo * chunk; i < min(n, hi*chunk); i += chunk {
			k := min(n-i, chunk)
			v.drop(y[i:i+k], x[i:i+k], w.noiseAt(buf, c.step, r.site, c.step.Row*row+i, k), r.threshold, r.keep)
		}
	})
	return p
}

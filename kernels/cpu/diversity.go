package cpu

import (
	"math"

	"aural/kernels"
)

// logFloor keeps log(p) finite, as fairseq has it.
const logFloor = 1e-7

// countValid is the number of rows of a padded list that are used.
func countValid(index []int32) int {
	n := 0
	for _, i := range index {
		if i >= 0 {
			n++
		}
	}
	return n
}

func (b *Backend) diversity(o kernels.Diversity, in []kernels.Desc) *plan {
	p := b.plan("diversity")
	rows, all := in[0].Shape[0], in[0].Last()
	per := all / o.Groups
	soft := p.floats(b.threads * per)
	p.rowSums(rows, all, func(c *call, w *worker, acc []float32, lo, hi int) {
		logits, index := c.in[0].F32(), c.in[1].I32()
		y := soft.f32(c)[w.index*per:][:per]
		for n := lo; n < hi; n++ {
			if index[n] < 0 {
				continue
			}
			for g := range o.Groups {
				z := logits[n*all+g*per:][:per]
				if o.Hard {
					acc[g*per+w.argmax(z)]++
					continue
				}
				w.softmax(y, z, 1)
				w.v.vec.add(acc[g*per:][:per], y)
			}
		}
	}, func(c *call, lo int, total []float32) {
		n := float32(max(1, countValid(c.in[1].I32())))
		for i, v := range total {
			c.out[1].F32()[lo+i] = v / n
		}
	})
	p.add(1, func(c *call, _ *worker, _ int) {
		var sum float64
		for g := range o.Groups {
			var entropy float64
			for _, q := range c.out[1].F32()[g*per:][:per] {
				entropy -= float64(q) * math.Log(float64(q)+logFloor)
			}
			c.out[2].F32()[g] = float32(math.Exp(entropy))
			sum += math.Exp(entropy)
		}
		c.out[0].F32()[0] = float32((float64(all) - sum) / float64(all))
	})
	return p
}

// diversityGrad: with H = -Σ p·log(p+ε) and PP = exp(H), dloss/dp = PP/(G·V)·(log(p+ε) + p/(p+ε)); p is the mean of softmaxes over the valid rows.
func (b *Backend) diversityGrad(o kernels.DiversityGrad, in []kernels.Desc) *plan {
	p := b.plan("diversity_grad")
	rows, all := in[1].Shape[0], in[1].Last()
	per := all / o.Groups
	dp := p.floats(all)
	p.add(1, func(c *call, _ *worker, _ int) {
		n := float64(max(1, countValid(c.in[2].I32())))
		scale := float64(c.in[0].F32()[0]) / (float64(all) * n)
		for i, q := range c.in[3].F32() {
			q := float64(q)
			pp := float64(c.in[4].F32()[i/per])
			dp.f32(c)[i] = float32(scale * pp * (math.Log(q+logFloor) + q/(q+logFloor)))
		}
	})
	soft := p.floats(b.threads * per)
	p.rows(rows, all, func(c *call, w *worker, lo, hi int) {
		v := &w.v.vec
		y := soft.f32(c)[w.index*per:][:per]
		for n := lo; n < hi; n++ {
			d := c.out[0].F32()[n*all:][:all]
			if c.in[2].I32()[n] < 0 {
				clear(d)
				continue
			}
			copy(d, dp.f32(c))
			for g := range o.Groups {
				dg := d[g*per:][:per]
				w.softmax(y, c.in[1].F32()[n*all+g*per:][:per], 1)
				v.scoreGrad(dg, y, v.dot(y, dg), 1)
			}
		}
	})
	return p
}

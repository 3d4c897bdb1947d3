package cpu

import (
	"math"

	"aural/kernels"
)

func (b *Backend) weightNorm(in []kernels.Desc) *plan {
	p, rows, k := b.plan("weight_norm"), in[1].Rows(), in[1].Last()
	factor := p.floats(k)
	p.rowSums(rows, k, func(c *call, _ *worker, acc []float32, lo, hi int) {
		for r := lo; r < hi; r++ {
			for j, v := range c.in[1].F32()[r*k:][:k] {
				acc[j] += v * v
			}
		}
	}, func(c *call, lo int, total []float32) {
		for j, s := range total {
			norm := float32(math.Sqrt(float64(s)))
			c.out[1].F32()[lo+j] = norm
			factor.f32(c)[lo+j] = c.in[0].F32()[lo+j] / norm
		}
	})
	p.rows(rows, k, func(c *call, _ *worker, lo, hi int) {
		f := factor.f32(c)
		for r := lo; r < hi; r++ {
			w := c.out[0].F32()[r*k:][:k]
			for j, v := range c.in[1].F32()[r*k:][:k] {
				w[j] = f[j] * v
			}
		}
	})
	return p
}

// weightNormGrad is dg = Σ dw·v/‖v‖ and dv = g/‖v‖ · (dw - v·dg/‖v‖).
func (b *Backend) weightNormGrad(in []kernels.Desc) *plan {
	p, rows, k := b.plan("weight_norm_grad"), in[2].Rows(), in[2].Last()
	p.rowSums(rows, k, func(c *call, _ *worker, acc []float32, lo, hi int) {
		for r := lo; r < hi; r++ {
			v := c.in[2].F32()[r*k:][:k]
			for j, d := range c.in[0].F32()[r*k:][:k] {
				acc[j] += d * v[j]
			}
		}
	}, func(c *call, lo int, total []float32) {
		for j, s := range total {
			c.out[0].F32()[lo+j] = s / c.in[3].F32()[lo+j]
		}
	})
	p.rows(rows, k, func(c *call, _ *worker, lo, hi int) {
		g, norm, dg := c.in[1].F32(), c.in[3].F32(), c.out[0].F32()
		for r := lo; r < hi; r++ {
			dw, v, dv := c.in[0].F32()[r*k:][:k], c.in[2].F32()[r*k:][:k], c.out[1].F32()[r*k:][:k]
			for j := range dv {
				dv[j] = g[j] / norm[j] * (dw[j] - v[j]*dg[j]/norm[j])
			}
		}
	})
	return p
}

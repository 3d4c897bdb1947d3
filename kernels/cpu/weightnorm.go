package cpu

import (
	"math"

	"aural/kernels"
)

// weightNorm is ‖v‖ and w = g/‖v‖·v by columns. Both passes are those of a group norm, with other coefficients: see [vectors].
func (b *Backend) weightNorm(in []kernels.Desc) *plan {
	p, rows, k := b.plan("weight_norm"), in[1].Rows(), in[1].Last()
	factor, zero := p.floats(k), p.zeros(k)
	p.rowSums(rows, k, func(c *call, w *worker, acc []float32, lo, hi int) {
		w.v.vec.addDeviation(acc, c.in[1].F32()[lo*k:hi*k], zero.f32(c))
	}, func(c *call, lo int, total []float32) {
		for j, s := range total {
			norm := float32(math.Sqrt(float64(s)))
			c.out[1].F32()[lo+j] = norm
			factor.f32(c)[lo+j] = c.in[0].F32()[lo+j] / norm
		}
	})
	p.rows(rows, k, func(c *call, w *worker, lo, hi int) {
		z := zero.f32(c)
		w.v.vec.affine(c.out[0].F32()[lo*k:hi*k], c.in[1].F32()[lo*k:hi*k], z, factor.f32(c), z)
	})
	return p
}

// weightNormGrad is dg = Σ dw·v/‖v‖ and dv = g/‖v‖ · (dw - v·dg/‖v‖).
func (b *Backend) weightNormGrad(in []kernels.Desc) *plan {
	p, rows, k := b.plan("weight_norm_grad"), in[2].Rows(), in[2].Last()
	outer, inner, zero, one := p.floats(k), p.floats(k), p.zeros(k), p.floats(k) // g/‖v‖, dg/‖v‖
	p.rowSums(rows, 2*k, func(c *call, w *worker, acc []float32, lo, hi int) {
		w.v.vec.addCentered(acc[k:], acc[:k], c.in[0].F32()[lo*k:hi*k], c.in[2].F32()[lo*k:hi*k], zero.f32(c))
	}, func(c *call, lo int, total []float32) {
		for j := lo; j < min(k, lo+len(total)); j++ {
			norm := c.in[3].F32()[j]
			dg := total[j-lo] / norm
			c.out[0].F32()[j], one.f32(c)[j] = dg, 1
			outer.f32(c)[j], inner.f32(c)[j] = c.in[1].F32()[j]/norm, dg/norm
		}
	})
	p.rows(rows, k, func(c *call, w *worker, lo, hi int) {
		z := zero.f32(c)
		w.v.vec.affineGrad(c.out[1].F32()[lo*k:hi*k], c.in[0].F32()[lo*k:hi*k], c.in[2].F32()[lo*k:hi*k], z, one.f32(c), z, inner.f32(c), outer.f32(c))
	})
	return p
}

// zeros reserves a vector and adds a phase that clears it.
func (p *plan) zeros(n int) region {
	r := p.floats(n)
	p.add(1, func(c *call, _ *worker, _ int) { clear(r.f32(c)) })
	return r
}

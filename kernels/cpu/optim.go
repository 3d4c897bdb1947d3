package cpu

import (
	"math"

	"aural/kernels"
)

func (b *Backend) sumSquares(in []kernels.Desc) *plan {
	p := b.plan("sum_squares")
	p.squares(in[0].Size(), func(c *call, total float64) { kernels.Data[float64](c.out[0])[0] = total })
	return p
}

// squares adds phases that sum x² in float64 over blocks of pointBlock elements, and the blocks in order.
func (p *plan) squares(n int, store func(c *call, total float64)) {
	count := ceilDiv(n, pointBlock)
	sums := p.reserve(count, 8)
	p.add(count, func(c *call, w *worker, i int) {
		x := c.in[0].F32()[i*pointBlock : min(n, (i+1)*pointBlock)]
		sums.f64(c)[i] = w.v.vec.dot64(x, x)
	})
	p.add(1, func(c *call, _ *worker, _ int) {
		var total float64
		for _, s := range sums.f64(c) {
			total += s
		}
		store(c, total)
	})
}

func (b *Backend) clipScale(o kernels.ClipScale) *plan {
	p := b.plan("clip_scale")
	p.add(1, func(c *call, _ *worker, _ int) {
		size, sum := kernels.Data[float64](c.in[1])[0], 0.0
		for _, s := range kernels.Data[float64](c.in[2]) {
			sum += s
		}
		norm, factor, fault := math.Sqrt(sum)/size, 1.0, 0.0
		if o.Clip > 0 {
			factor = min(1, o.Clip/(norm+1e-6))
		}
		if !(norm <= math.MaxFloat64) { // a norm is not negative
			fault = kernels.FaultNorm
		}
		for _, l := range c.in[0].F32() {
			if !(l >= -math.MaxFloat32 && l <= math.MaxFloat32) {
				fault = kernels.FaultLoss
			}
		}
		if !(size > 0 && size <= math.MaxFloat64) {
			fault = kernels.FaultSize
		}
		v := kernels.Data[float64](c.out[0])
		v[0], v[1], v[2], v[3] = norm, factor, factor/size, fault
	})
	return p
}

func (b *Backend) adamW(o kernels.AdamW, in []kernels.Desc) *plan {
	p, v := b.plan("adamw"), &b.variant.vec
	p.pointwise(in[0].Size(), func(c *call, lo, hi int) {
		hyper, verdict := kernels.Data[float64](c.in[4]), kernels.Data[float64](c.in[5])
		part := func(b kernels.Buffer) []float32 { return b.F32()[lo:hi] }
		if verdict[3] != 0 {
			for i, j := range [3]int{0, 2, 3} {
				copy(part(c.out[i]), part(c.in[j]))
			}
			return
		}
		r := rates(o, hyper, verdict[2])
		v.adamw(part(c.out[0]), part(c.out[1]), part(c.out[2]), part(c.in[0]), part(c.in[1]), part(c.in[2]), part(c.in[3]), r)
	})
	return p
}

// rates works out the constants of an update in float64. hyper is {lr, decay, t}.
func rates(o kernels.AdamW, hyper []float64, scale float64) adamwRates {
	lr, decay, t := hyper[0], hyper[1], hyper[2]
	return adamwRates{
		scale: float32(scale),
		beta1: float32(o.Beta1), comp1: float32(1 - o.Beta1),
		beta2: float32(o.Beta2), comp2: float32(1 - o.Beta2),
		decay: float32(lr * decay),
		rate:  float32(lr / (1 - math.Pow(o.Beta1, t))),
		root:  float32(1 / math.Sqrt(1-math.Pow(o.Beta2, t))),
		eps:   float32(o.Eps),
	}
}

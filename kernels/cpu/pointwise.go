package cpu

import (
	"math"

	"aural/kernels"
)

func (b *Backend) gelu(in []kernels.Desc) *plan {
	p, v := b.plan("gelu"), &b.variant.vec
	p.pointwise(in[0].Size(), func(c *call, lo, hi int) { v.gelu(c.out[0].F32()[lo:hi], c.in[0].F32()[lo:hi]) })
	return p
}

func (b *Backend) geluGrad(in []kernels.Desc) *plan {
	p, v := b.plan("gelu_grad"), &b.variant.vec
	p.pointwise(in[0].Size(), func(c *call, lo, hi int) {
		v.geluGrad(c.out[0].F32()[lo:hi], c.in[0].F32()[lo:hi], c.in[1].F32()[lo:hi])
	})
	return p
}

func (b *Backend) addN(in []kernels.Desc) *plan {
	p, v := b.plan("add_n"), &b.variant.vec
	p.pointwise(in[0].Size(), func(c *call, lo, hi int) {
		y := c.out[0].F32()[lo:hi]
		copy(y, c.in[0].F32()[lo:hi])
		for i := range c.in[1:] {
			v.add(y, c.in[i+1].F32()[lo:hi])
		}
	})
	return p
}

func (b *Backend) scale(in []kernels.Desc, factor func(c *call) float32) *plan {
	p, v := b.plan("scale"), &b.variant.vec
	p.pointwise(in[0].Size(), func(c *call, lo, hi int) {
		v.scale(c.out[0].F32()[lo:hi], factor(c), c.in[0].F32()[lo:hi])
	})
	return p
}

// meanSquare sums squares as sumSquares does and divides by their number.
func (b *Backend) meanSquare(in []kernels.Desc) *plan {
	p := b.plan("mean_square")
	n := in[0].Size()
	p.squares(n, func(c *call, total float64) { c.out[0].F32()[0] = float32(total / float64(n)) })
	return p
}

func (b *Backend) meanSquareGrad(in []kernels.Desc) *plan {
	p, v := b.plan("mean_square_grad"), &b.variant.vec
	n := in[1].Size()
	p.pointwise(n, func(c *call, lo, hi int) {
		v.scale(c.out[0].F32()[lo:hi], 2*c.in[0].F32()[0]/float32(n), c.in[1].F32()[lo:hi])
	})
	return p
}

func (b *Backend) cast(o kernels.Cast, in []kernels.Desc) *plan {
	p := b.plan("cast")
	var f func(c *call, lo, hi int)
	switch in[0].DType {
	case kernels.Float32:
		f = func(c *call, lo, hi int) { toBFloat16(kernels.Data[uint16](c.out[0])[lo:hi], c.in[0].F32()[lo:hi]) }
	case kernels.BFloat16:
		f = func(c *call, lo, hi int) { fromBFloat16(c.out[0].F32()[lo:hi], kernels.Data[uint16](c.in[0])[lo:hi]) }
	case kernels.Int32:
		f = fromInteger[int32]
	case kernels.Int16:
		f = fromInteger[int16]
	case kernels.Uint8:
		f = fromInteger[uint8]
	default:
		return nil
	}
	p.pointwise(in[0].Size(), f)
	return p
}

func fromInteger[T int32 | int16 | uint8](c *call, lo, hi int) {
	y := c.out[0].F32()[lo:hi]
	for i, v := range kernels.Data[T](c.in[0])[lo:hi] {
		y[i] = float32(v)
	}
}

// toBFloat16 rounds to nearest even; a NaN stays a NaN.
func toBFloat16(y []uint16, x []float32) {
	for i, v := range x {
		u := math.Float32bits(v)
		if v != v {
			u |= 1 << 22 // quiet, so that cutting the payload cannot make it an infinity
		} else {
			u += 0x7FFF + u>>16&1
		}
		y[i] = uint16(u >> 16)
	}
}

func fromBFloat16(y []float32, x []uint16) {
	for i, v := range x {
		y[i] = math.Float32frombits(uint32(v) << 16)
	}
}

package cuda

import (
	"unsafe"

	"aural/kernels"
	"aural/kernels/cuda/driver"
)

type squaresArgs struct {
	X, Parts, Y driver.Ptr
	N, PartsN   int64
	Mean        int32
	_           int32
}

type clipScaleArgs struct {
	Losses, Size, Sums, Verdict driver.Ptr
	LossesN, SumsN              int64
	Clip                        float64
}

type adamRates struct {
	Scale, Beta1, Comp1, Beta2, Comp2, Decay, Rate, Root, Eps float32
	Fault                                                     int32
}

type adamWArgs struct {
	W, Grad, M, V, Hyper, Verdict, NewW, NewM, NewV, Rates driver.Ptr
	N                                                      int64
	Beta1, Beta2, Eps                                      float64
}

// squares sums x² over blocks, and these in order.
func (b *Backend) squares(variant string, in []kernels.Desc, mean int32) *plan {
	p := b.plan(stored(variant, in[0]))
	n := in[0].Size()
	grid, block := blocks(ceilDiv(n, 4*blockElements), threads)
	parts := p.reserve(8 * int(grid.X))
	a := &squaresArgs{N: int64(n), PartsN: int64(grid.X), Mean: mean}
	bind := func(c *call) { a.X, a.Parts, a.Y = c.in(0), parts.at(c), c.out(0) }
	add(p, stored("sum_squares", in[0]), grid, block, 0, a, bind)
	grid, block = blocks(1, threads)
	add(p, "sum_squares_finish", grid, block, 0, a, bind)
	return p
}

func (b *Backend) sumSquares(in []kernels.Desc) *plan { return b.squares("sum_squares", in, 0) }

func (b *Backend) meanSquare(in []kernels.Desc) *plan { return b.squares("mean_square", in, 1) }

func (b *Backend) clipScale(o kernels.ClipScale, in []kernels.Desc) *plan {
	p := b.plan("clip_scale")
	a := &clipScaleArgs{LossesN: int64(in[0].Size()), SumsN: int64(in[2].Size()), Clip: o.Clip}
	grid, block := blocks(1, 32)
	add(p, "clip_scale", grid, block, 0, a, func(c *call) { a.Losses, a.Size, a.Sums, a.Verdict = c.in(0), c.in(1), c.in(2), c.out(0) })
	return p
}

func (b *Backend) adamW(o kernels.AdamW, in []kernels.Desc) *plan {
	p := b.plan("adamw")
	rates := p.reserve(int(unsafe.Sizeof(adamRates{})))
	a := &adamWArgs{N: int64(in[0].Size()), Beta1: o.Beta1, Beta2: o.Beta2, Eps: o.Eps}
	bind := func(c *call) {
		a.W, a.Grad, a.M, a.V, a.Hyper, a.Verdict = c.in(0), c.in(1), c.in(2), c.in(3), c.in(4), c.in(5)
		a.NewW, a.NewM, a.NewV, a.Rates = c.out(0), c.out(1), c.out(2), rates.at(c)
	}
	grid, block := blocks(1, 32)
	add(p, "adamw_rates", grid, block, 0, a, bind)
	grid, block = fours(in[0].Size())
	add(p, "adamw", grid, block, 0, a, bind)
	return p
}

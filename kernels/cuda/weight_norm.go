package cuda

import (
	"aural/kernels"
	"aural/kernels/cuda/driver"
)

type columnDotArgs struct {
	X, Y, Z     driver.Ptr
	Rows, Chunk int64
	N           int32
	_           int32
}

type weightNormArgs struct {
	G, V, Squares driver.Ptr
	W, Norm       driver.Ptr
	Size          int64
	Taps          int32
	_             int32
}

type weightNormGradArgs struct {
	Dw, G, V, Norm, Dots driver.Ptr
	Dg, Dv               driver.Ptr
	Size                 int64
	Taps                 int32
	_                    int32
}

// columnDot adds z[n] = Σ_r x[r,n]·y[r,n], and returns where it will be.
func (p *plan) columnDot(rows, n int, x, y place) region {
	chunk, chunks := rowChunks(rows)
	z := p.floats(n)
	part := z
	if chunks > 1 {
		part = p.floats(chunks * n)
	}
	a := &columnDotArgs{Rows: int64(rows), Chunk: int64(chunk), N: int32(n)}
	grid := driver.Dim{X: uint32(ceilDiv(n, 32)), Y: uint32(chunks), Z: 1}
	add(p, "column_dot", grid, driver.Dim{X: threads, Y: 1, Z: 1}, 0, a, func(c *call) { a.X, a.Y, a.Z = x(c), y(c), part.at(c) })
	if chunks > 1 {
		p.columnSum(chunks, n, wide(part.at), z.at)
	}
	return z
}

func (b *Backend) weightNorm(in []kernels.Desc) *plan {
	p := b.plan("weight_norm")
	taps := in[1].Last()
	squares := p.columnDot(in[1].Rows(), taps, input(1), input(1))
	a := &weightNormArgs{Size: int64(in[1].Size()), Taps: int32(taps)}
	grid, block := each(in[1].Size())
	add(p, "weight_norm", grid, block, 0, a, func(c *call) {
		a.G, a.V, a.Squares, a.W, a.Norm = c.in(0), c.in(1), squares.at(c), c.out(0), c.out(1)
	})
	return p
}

func (b *Backend) weightNormGrad(in []kernels.Desc) *plan {
	p := b.plan("weight_norm")
	taps := in[2].Last()
	dots := p.columnDot(in[2].Rows(), taps, input(0), input(2))
	a := &weightNormGradArgs{Size: int64(in[2].Size()), Taps: int32(taps)}
	grid, block := each(in[2].Size())
	add(p, "weight_norm_grad", grid, block, 0, a, func(c *call) {
		a.Dw, a.G, a.V, a.Norm, a.Dots, a.Dg, a.Dv = c.in(0), c.in(1), c.in(2), c.in(3), dots.at(c), c.out(0), c.out(1)
	})
	return p
}

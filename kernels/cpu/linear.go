package cpu

import "aural/kernels"

func (b *Backend) linear(in []kernels.Desc) *plan {
	if b.int8.serves(kernels.Linear{}, in[1].Shape) {
		return b.int8Linear(in, nil)
	}
	rows, width, outs := in[0].Rows(), in[0].Last(), in[1].Shape[0]
	p := b.plan("gemm")
	p.gemm(rows, outs, width, func(c *call) gemm {
		g := gemm{a: view{c.in[0].F32(), width, 1}, b: view{c.in[1].F32(), 1, width}, c: c.out[0].F32(), ldc: outs}
		if len(c.in) > 2 {
			g.bias = c.in[2].F32()
		}
		if f := b.frozenOf(c.in[1]); f != nil {
			g.packed = f.group(0)
		}
		return g
	})
	return p
}

func (b *Backend) linearGradInput(in []kernels.Desc) *plan {
	rows, outs, width := in[0].Rows(), in[0].Last(), in[1].Shape[1]
	p := b.plan("gemm")
	p.gemm(rows, width, outs, func(c *call) gemm {
		return gemm{a: view{c.in[0].F32(), outs, 1}, b: view{c.in[1].F32(), width, 1}, c: c.out[0].F32(), ldc: width}
	})
	return p
}

func (b *Backend) linearGradWeight(o kernels.LinearGradWeight, in []kernels.Desc) *plan {
	rows, outs, width := in[0].Rows(), in[0].Last(), in[1].Last()
	p := b.plan("gemm")
	p.sums(outs, width, 1, rows, 1, func(c *call, _, _ int) gemm {
		return gemm{a: view{c.in[0].F32(), 1, outs}, b: view{c.in[1].F32(), width, 1}, c: c.out[0].F32(), ldc: width}
	})
	if o.Bias {
		p.columnSums(rows, outs, input(0), output(1))
	}
	return p
}

// columnSums adds phases that sum a (rows, width) tensor over its rows: the gradient of a bias.
func (p *plan) columnSums(rows, width int, x, total source) {
	p.rowSums(rows, width, func(c *call, w *worker, acc []float32, lo, hi int) {
		from := x(c)
		for r := lo; r < hi; r++ {
			w.v.vec.add(acc, from[r*width:][:width])
		}
	}, func(c *call, lo int, sums []float32) { copy(total(c)[lo:], sums) })
}

package cuda

import (
	"aural/kernels"
	"aural/kernels/cuda/driver"
)

type quantizeArgs struct {
	Logits, Codebook, Tau, Index, Dq, Q, Dlogits, Soft, Codes, Parts driver.Ptr
	Frames                                                           int64
	Rows, Groups, Entries, Dim                                       int32
	Hard, Noisy, Chunk                                               int32
	_                                                                int32
	Noise                                                            noise
}

type diversityArgs struct {
	Logits, Dloss, PIn, PerplexityIn, Index, Loss, P, Perplexity, Dlogits driver.Ptr
	Top, Rate, Code, Parts, Sums                                          driver.Ptr
	Rows, Groups, Entries, Chunk                                          int32
	Hard                                                                  int32
	_                                                                     int32
}

func asInt(set bool) int32 {
	if set {
		return 1
	}
	return 0
}

// quantizer is what a launch for a quantizer needs in any case.
func quantizer(o kernels.GumbelQuantize, logits, codebook kernels.Desc) quantizeArgs {
	return quantizeArgs{Frames: int64(o.Frames), Rows: int32(logits.Shape[0]), Groups: int32(o.Groups), Entries: int32(logits.Last() / o.Groups), Dim: int32(codebook.Last()),
		Hard: asInt(o.Hard), Noisy: asInt(o.Noise), Noise: noise{Site: o.Site}}
}

// draw sets the noise, if there is some.
func (a *quantizeArgs) draw(c *call) {
	if a.Noisy != 0 {
		a.Noise.at(c)
	}
}

func (b *Backend) gumbelQuantize(o kernels.GumbelQuantize, in []kernels.Desc) *plan {
	p := b.plan("gumbel_quantize")
	args := quantizer(o, in[0], in[1])
	a, n, v, d := &args, int(args.Rows), int(args.Entries), int(args.Dim)
	var soft region
	if !o.Hard {
		p.variant, soft = "gumbel_quantize_soft", p.floats(n*o.Groups*v)
	}
	grid, block := eachWarp(n * o.Groups)
	add(p, "gumbel_quantize", grid, block, 0, a, func(c *call) {
		a.Logits, a.Codebook, a.Index, a.Tau = c.in(0), c.in(1), c.in(2), c.in(3)
		a.Q, a.Codes, a.Soft = c.out(0), c.out(1), soft.at(c)
		a.draw(c)
	})
	if !o.Hard {
		p.exact = true
		g := gemmArgs{X: grouped(n, o.Groups, v), WGroup: int64(v * d), Ldw: int32(d), Ldy: int32(o.Groups * d), YGroup: int64(d),
			M: int32(n), N: int32(d), K: int32(v), Groups: int32(o.Groups)}
		p.gemm(nn, g, wide(soft.at), wide(input(1)), none, output(0))
	}
	return p
}

// grouped is the view of one of several groups of columns that lie side by side.
func grouped(rows, groups, width int) view {
	v := dense(rows, groups*width)
	v.Group, v.Inner = int64(width), int32(width)
	return v
}

func (b *Backend) gumbelQuantizeGrad(o kernels.GumbelQuantize, in []kernels.Desc) *plan {
	p := b.plan("gumbel_quantize_grad")
	p.exact = true
	args := quantizer(o, in[1], in[2])
	a, n, v, d := &args, int(args.Rows), int(args.Entries), int(args.Dim)
	soft := p.floats(n * o.Groups * v)
	// dlogits = dq·codebookᵀ
	e := gemmArgs{X: grouped(n, o.Groups, d), WGroup: int64(v * d), Ldw: int32(d), Ldy: int32(o.Groups * v), YGroup: int64(v),
		M: int32(n), N: int32(v), K: int32(d), Groups: int32(o.Groups)}
	p.gemm(nt, e, wide(input(0)), wide(input(2)), none, output(0))
	grid, block := eachWarp(n * o.Groups)
	add(p, "gumbel_quantize_grad", grid, block, 0, a, func(c *call) {
		a.Logits, a.Index, a.Tau, a.Dlogits, a.Soft = c.in(1), c.in(3), c.in(4), c.out(0), soft.at(c)
		a.draw(c)
	})
	if !o.Hard {
		p.variant = "gumbel_quantize_grad_soft"
		g := gemmArgs{X: grouped(n, o.Groups, d), WGroup: int64(v), Ldw: int32(o.Groups * v), Ldy: int32(d), YGroup: int64(v * d),
			M: int32(v), N: int32(d), K: int32(n), Groups: int32(o.Groups)}
		p.gemm(tn, g, wide(input(0)), wide(soft.at), none, output(1))
		return p
	}
	c := args
	c.Chunk = int32(max(256, ceilDiv(n, 128)))
	chunks := ceilDiv(n, int(c.Chunk))
	parts := p.floats(chunks * o.Groups * v * d)
	grid = driver.Dim{X: uint32(ceilDiv(d, 32)), Y: uint32(o.Groups * ceilDiv(v, 256)), Z: uint32(chunks)}
	add(p, "codebook_grad", grid, block, 0, &c, func(call *call) { c.Dq, c.Codes, c.Parts = call.in(0), call.in(5), parts.at(call) })
	p.addChunks(parts, chunks, 1, o.Groups*v*d, func(c *call) [2]driver.Ptr { return [2]driver.Ptr{c.out(1)} })
	return p
}

func (b *Backend) diversity(o kernels.Diversity, in []kernels.Desc) *plan {
	p := b.plan("diversity")
	n, all := in[0].Shape[0], in[0].Last()
	chunk := rowChunk(n)
	chunks := ceilDiv(n, chunk)
	top, rate, code := p.floats(n*o.Groups), p.floats(n*o.Groups), p.reserve(4*n*o.Groups)
	parts, sums := p.floats(chunks*all), p.floats(all)
	a := &diversityArgs{Rows: int32(n), Groups: int32(o.Groups), Entries: int32(all / o.Groups), Chunk: int32(chunk), Hard: asInt(o.Hard)}
	bind := func(c *call) {
		a.Logits, a.Index, a.Loss, a.P, a.Perplexity = c.in(0), c.in(1), c.out(0), c.out(1), c.out(2)
		a.Top, a.Rate, a.Code, a.Parts, a.Sums = top.at(c), rate.at(c), code.at(c), parts.at(c), sums.at(c)
	}
	grid, block := eachWarp(n * o.Groups)
	add(p, "diversity_rows", grid, block, 0, a, bind)
	grid, block = tiles(all, chunks, 1)
	add(p, "diversity_columns", grid, block, 0, a, bind)
	p.addChunks(parts, chunks, 1, all, func(c *call) [2]driver.Ptr { return [2]driver.Ptr{sums.at(c)} })
	grid, block = blocks(1, threads)
	add(p, "diversity_finish", grid, block, 0, a, bind)
	return p
}

func (b *Backend) diversityGrad(o kernels.DiversityGrad, in []kernels.Desc) *plan {
	p := b.plan("diversity_grad")
	n, all := in[1].Shape[0], in[1].Last()
	sums := p.floats(all)
	a := &diversityArgs{Rows: int32(n), Groups: int32(o.Groups), Entries: int32(all / o.Groups)}
	bind := func(c *call) {
		a.Dloss, a.Logits, a.Index, a.PIn, a.PerplexityIn = c.in(0), c.in(1), c.in(2), c.in(3), c.in(4)
		a.Dlogits, a.Sums = c.out(0), sums.at(c)
	}
	grid, block := blocks(1, threads)
	add(p, "diversity_grad_shares", grid, block, 0, a, bind)
	grid, block = eachWarp(n * o.Groups)
	add(p, "diversity_grad", grid, block, 0, a, bind)
	return p
}

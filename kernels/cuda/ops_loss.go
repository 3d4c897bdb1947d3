package cuda

import (
	"aural/kernels"
	"aural/kernels/cuda/driver"
)

type contrastArgs struct {
	C, Q, Dloss, LseIn, Negatives, Codes driver.Ptr
	Loss, Lse, Dc, Dq, Hits              driver.Ptr
	CScale, QScale, Keys, Losses         driver.Ptr
	Weight, Share                        driver.Ptr
	Count, Start, List, Ordered          driver.Ptr
	Rate                                 float64
	Rows, Dim, Pairs, Groups             int32
}

// contrast prepares what InfoNCE and its gradient share: the scales of all rows. c, q, negatives and codes are inputs; there may be no codes.
func (p *plan) contrast(temp float64, in []kernels.Desc, c, q, negatives, codes int) (a *contrastArgs, bind func(c *call)) {
	n := in[c].Shape[0]
	a = &contrastArgs{Rate: 1 / temp, Rows: int32(n), Dim: int32(in[c].Last()), Pairs: int32(1 + in[negatives].Last())}
	withCodes := codes < len(in)
	if withCodes {
		a.Groups = int32(in[codes].Last())
	}
	cScale, qScale, keys := p.reserve(8*n), p.reserve(8*n), p.reserve(4*n)
	bind = func(call *call) {
		a.C, a.Q, a.Negatives = call.in(c), call.in(q), call.in(negatives)
		if withCodes {
			a.Codes = call.in(codes)
		}
		a.CScale, a.QScale, a.Keys = cScale.at(call), qScale.at(call), keys.at(call)
	}
	grid, block := eachWarp(n)
	add(p, "info_nce_scales", grid, block, 0, a, bind)
	return a, bind
}

func (b *Backend) infoNCE(o kernels.InfoNCE, in []kernels.Desc) *plan {
	p := b.plan("info_nce")
	a, inputs := p.contrast(o.Temp, in, 0, 1, 2, 3)
	losses := p.reserve(8 * int(a.Rows))
	bind := func(c *call) {
		inputs(c)
		a.Loss, a.Lse, a.Hits, a.Losses = c.out(0), c.out(1), c.out(2), losses.at(c)
	}
	grid, block := eachWarp(int(a.Rows))
	add(p, "info_nce", grid, block, 0, a, bind)
	grid, block = blocks(1, threads)
	add(p, "info_nce_finish", grid, block, 0, a, bind)
	return p
}

func (b *Backend) infoNCEGrad(o kernels.InfoNCE, in []kernels.Desc) *plan {
	p := b.plan("info_nce_grad")
	a, inputs := p.contrast(o.Temp, in, 1, 2, 3, 5)
	n := int(a.Rows)
	pairs := n * int(a.Pairs)
	weight, share := p.reserve(8*pairs), p.reserve(8*pairs)
	count, start, list, ordered := p.reserve(4*n), p.reserve(4*(n+1)), p.reserve(4*pairs), p.reserve(4*pairs)
	bind := func(c *call) {
		inputs(c)
		a.Dloss, a.LseIn, a.Dc, a.Dq = c.in(0), c.in(4), c.out(0), c.out(1)
		a.Weight, a.Share = weight.at(c), share.at(c)
		a.Count, a.Start, a.List, a.Ordered = count.at(c), start.at(c), list.at(c), ordered.at(c)
	}
	rows, block := eachWarp(n)
	add(p, "info_nce_grad_context", rows, block, 0, a, bind)
	grid, _ := each(n)
	add(p, "info_nce_clear", grid, block, 0, a, bind)
	grid, _ = each(pairs)
	add(p, "info_nce_count", grid, block, 0, a, bind)
	one, _ := blocks(1, threads)
	add(p, "info_nce_start", one, block, 0, a, bind)
	add(p, "info_nce_place", grid, block, 0, a, bind)
	add(p, "info_nce_order", rows, block, 0, a, bind)
	add(p, "info_nce_grad_target", rows, block, 0, a, bind)
	return p
}

type ctcArgs struct {
	Logits, Dloss, Lengths, Targets, TargetLengths driver.Ptr
	Loss, Losses, Dlogits                          driver.Ptr
	Lse, RowLoss, Total, Rows, Alpha, Beta, Chain  driver.Ptr
	Batch, Frames, Classes, Labels                 int32
	Blank, ZeroInfinity, Keep, Least               int32
}

// ctc prepares the sweeps over the lattices. The logits are input number at, what belongs to them follows.
func (p *plan) ctc(o kernels.CTCLoss, in []kernels.Desc, at int, keep bool) (a *ctcArgs, bind func(c *call)) {
	batch, frames, classes, labels := in[at].Shape[0], in[at].Shape[1], in[at].Shape[2], in[at+2].Last()
	a = &ctcArgs{Batch: int32(batch), Frames: int32(frames), Classes: int32(classes), Labels: int32(labels),
		Blank: int32(o.Blank), ZeroInfinity: asInt(o.ZeroInfinity), Keep: asInt(keep), Least: -(1 << 29) / int32(frames+2)}
	lse, rowLoss, total := p.reserve(8*batch*frames), p.reserve(8*batch), p.reserve(16*batch)
	rows := p.reserve(16 * batch * 4 * (2*labels + 5))
	var alpha, beta region
	if keep {
		alpha, beta = p.reserve(8*batch*frames*(2*labels+1)), p.reserve(8*batch*frames*(2*labels+1))
	}
	bind = func(c *call) {
		a.Logits, a.Lengths, a.Targets, a.TargetLengths = c.in(at), c.in(at+1), c.in(at+2), c.in(at+3)
		a.Lse, a.RowLoss, a.Total, a.Rows, a.Alpha, a.Beta = lse.at(c), rowLoss.at(c), total.at(c), rows.at(c), alpha.at(c), beta.at(c)
		if !keep {
			a.Losses = c.out(1)
		}
	}
	grid, block := eachWarp(batch * frames)
	add(p, "ctc_softmax", grid, block, 0, a, bind)
	// A thread for each label and one more, as far as a block has them.
	width := min(threads, 32*ceilDiv(labels+1, 32))
	add(p, "ctc_sweep", driver.Dim{X: uint32(batch), Y: uint32(1 + a.Keep), Z: 1}, driver.Dim{X: uint32(width), Y: 1, Z: 1}, 0, a, bind)
	return a, bind
}

func (b *Backend) ctcLoss(o kernels.CTCLoss, in []kernels.Desc) *plan {
	p := b.plan("ctc_loss")
	a, inputs := p.ctc(o, in, 0, false)
	grid, block := blocks(1, 32)
	add(p, "ctc_finish", grid, block, 0, a, func(c *call) {
		inputs(c)
		a.Loss = c.out(0)
	})
	return p
}

func (b *Backend) ctcLossGrad(o kernels.CTCLoss, in []kernels.Desc) *plan {
	p := b.plan("ctc_loss_grad")
	a, inputs := p.ctc(o, in, 1, true)
	batch, frames, labels := int(a.Batch), int(a.Frames), int(a.Labels)
	chain := p.reserve(4 * batch * labels)
	bind := func(c *call) {
		inputs(c)
		a.Dloss, a.Dlogits, a.Chain = c.in(0), c.out(0), chain.at(c)
	}
	grid, block := each(batch * labels)
	add(p, "ctc_chain", grid, block, 0, a, bind)
	grid, block = eachWarp(batch * frames)
	add(p, "ctc_grad", grid, block, 0, a, bind)
	return p
}

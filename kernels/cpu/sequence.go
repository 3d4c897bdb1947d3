package cpu

import "aural/kernels"

func (b *Backend) maskFrames(in []kernels.Desc) *plan {
	p, d := b.plan("mask_frames"), in[0].Last()
	p.rows(in[0].Rows(), d, func(c *call, _ *worker, lo, hi int) {
		x, mask, emb, y := c.in[0].F32(), kernels.Data[uint8](c.in[1]), c.in[2].F32(), c.out[0].F32()
		for r := lo; r < hi; r++ {
			from := x[r*d:][:d]
			if mask[r] != 0 {
				from = emb
			}
			copy(y[r*d:][:d], from)
		}
	})
	return p
}

func (b *Backend) maskFramesGrad(in []kernels.Desc) *plan {
	p, d := b.plan("mask_frames_grad"), in[0].Last()
	p.rowSums(in[0].Rows(), d, func(c *call, w *worker, acc []float32, lo, hi int) {
		dy, mask, dx := c.in[0].F32(), kernels.Data[uint8](c.in[1]), c.out[0].F32()
		for r := lo; r < hi; r++ {
			if mask[r] != 0 {
				w.v.vec.add(acc, dy[r*d:][:d])
				clear(dx[r*d:][:d])
			} else {
				copy(dx[r*d:][:d], dy[r*d:][:d])
			}
		}
	}, func(c *call, lo int, total []float32) { copy(c.out[1].F32()[lo:], total) })
	return p
}

func (b *Backend) maskChannels(in []kernels.Desc) *plan {
	p, frames, d := b.plan("mask_channels"), in[0].Shape[1], in[0].Shape[2]
	p.rows(in[0].Rows(), d, func(c *call, _ *worker, lo, hi int) {
		x, mask, y := c.in[0].F32(), kernels.Data[uint8](c.in[1]), c.out[0].F32()
		for r := lo; r < hi; r++ {
			row, m := y[r*d:][:d], mask[r/frames*d:][:d]
			copy(row, x[r*d:][:d])
			for i, masked := range m {
				if masked != 0 {
					row[i] = 0
				}
			}
		}
	})
	return p
}

func (b *Backend) maskPadding(in []kernels.Desc) *plan {
	p, frames, d := b.plan("mask_padding"), in[0].Shape[1], in[0].Shape[2]
	p.rows(in[0].Rows(), d, func(c *call, _ *worker, lo, hi int) {
		x, lengths, y := c.in[0].F32(), c.in[1].I32(), c.out[0].F32()
		for r := lo; r < hi; r++ {
			if r%frames < int(lengths[r/frames]) {
				copy(y[r*d:][:d], x[r*d:][:d])
			} else {
				clear(y[r*d:][:d])
			}
		}
	})
	return p
}

func (b *Backend) gatherRows(in []kernels.Desc) *plan {
	p, d := b.plan("gather_rows"), in[0].Last()
	p.rows(in[1].Size(), d, func(c *call, _ *worker, lo, hi int) {
		x, index, y := c.in[0].F32(), c.in[1].I32(), c.out[0].F32()
		for r := lo; r < hi; r++ {
			if i := int(index[r]); i >= 0 {
				copy(y[r*d:][:d], x[i*d:][:d])
			} else {
				clear(y[r*d:][:d])
			}
		}
	})
	return p
}

// scatterRows gives each part a range of rows of dx; it picks the rows of dy that go there, in order.
func (b *Backend) scatterRows(o kernels.ScatterRows, in []kernels.Desc) *plan {
	p, d := b.plan("scatter_rows"), in[0].Last()
	p.rows(o.Batch*o.Frames, d, func(c *call, w *worker, lo, hi int) {
		dy, index, dx := c.in[0].F32(), c.in[1].I32(), c.out[0].F32()
		clear(dx[lo*d : hi*d])
		for r, to := range index {
			if i := int(to); i >= lo && i < hi {
				w.v.vec.add(dx[i*d:][:d], dy[r*d:][:d])
			}
		}
	})
	return p
}

func (b *Backend) choice(in []kernels.Desc) *plan {
	p := b.plan("select")
	p.pointwise(in[1].Size(), func(c *call, lo, hi int) {
		from := c.in[2]
		if c.in[0].I32()[0] != 0 {
			from = c.in[1]
		}
		copy(c.out[0].F32()[lo:hi], from.F32()[lo:hi])
	})
	return p
}

func (b *Backend) choiceGrad(in []kernels.Desc) *plan {
	p := b.plan("select_grad")
	p.pointwise(in[1].Size(), func(c *call, lo, hi int) {
		taken, other := c.out[1], c.out[0]
		if c.in[0].I32()[0] != 0 {
			taken, other = other, taken
		}
		copy(taken.F32()[lo:hi], c.in[1].F32()[lo:hi])
		clear(other.F32()[lo:hi])
	})
	return p
}

// waveform treats pieces of rows: 6 bytes a sample.
func (b *Backend) waveform(in []kernels.Desc) *plan {
	p, n := b.plan("waveform"), in[0].Shape[1]
	pieces := ceilDiv(n, pointBlock)
	p.add(in[0].Shape[0]*pieces, func(c *call, _ *worker, i int) {
		row, lo := i/pieces, i%pieces*pointBlock
		hi := min(n, lo+pointBlock)
		end := min(hi, max(lo, int(c.in[2].I32()[row])))
		x, y, affine := kernels.Data[int16](c.in[0])[row*n:], c.out[0].F32()[row*n:], c.in[1].F32()[3*row:][:3]
		zero, scale, bias := affine[0], affine[1], affine[2]
		for s, v := range x[lo:end] {
			y[lo+s] = float32((float32(v)-zero)*scale) + bias
		}
		clear(y[end:hi])
	})
	return p
}

package cuda

import (
	"fmt"
	"math"

	"aural/kernels"
	"aural/kernels/cuda/driver"
)

type attentionArgs struct {
	Q, K, V              driver.Ptr
	Lengths              driver.Ptr
	Y, Lse               driver.Ptr
	Dy, Delta            driver.Ptr
	Dq, Dk, Dv           driver.Ptr
	Noise                noise
	Frames, Heads, Width int32
	Scale                float32
}

type attentionDeltaArgs struct {
	Dy, Y, Delta         driver.Ptr
	Rows                 int64
	Frames, Heads, Width int32
	_                    int32
}

// attentionKernels are the implementations for a width of head: names, rows of a block, and shared memory.
type attentionKernels struct {
	variant                 string
	delta                   string
	forward, gradQ, gradKV  string
	rows                    int
	room, roomGradQ, roomKV int
}

// bf16HeadWidth is the widest head that attention_bf16.cu takes.
const bf16HeadWidth = 64

// attentionKernels chooses by width, precision and storage of q; ok is false where there are none, or the device has too little shared memory.
func (b *Backend) attentionKernels(width int, q kernels.Desc) (k attentionKernels, ok bool) {
	if b.precision == kernels.PrecisionBF16 && width <= bf16HeadWidth {
		line := lineOf(q.DType)
		if width%line != 0 {
			line = 1
		}
		// attention_bf16.cu: 128 rows, tiles of 64, pitch 72
		const rows, tile, pitch = 128, 64, 72
		name := func(part string) string { return stored(fmt.Sprintf("attention_%sbf16_%d", part, line), q) }
		return attentionKernels{
			variant: stored("attention_bf16", q), delta: stored("attention_delta", q), forward: name(""), gradQ: name("grad_q_"), gradKV: name("grad_kv_"), rows: rows,
			room: 2 * pitch * (rows + 2*tile), roomGradQ: 2 * pitch * 2 * (rows + tile), roomKV: 2*pitch*2*(rows+tile) + 4*2*tile,
		}, true
	}
	wide := 64
	if width > 64 {
		wide = 128
	}
	// attention_f32.cu: 64 rows of (wide) numbers with pitch wide+1, squares of (64,64) with pitch 65
	const rows = 64
	room := func(tiles, squares int) int { return 4 * rows * (tiles*(wide+1) + squares*(rows+1)) }
	name := func(part string) string { return fmt.Sprintf("attention_%sf32_%d", part, wide) }
	k = attentionKernels{
		variant: "attention", delta: "attention_delta", forward: name(""), gradQ: name("grad_q_"), gradKV: name("grad_kv_"), rows: rows,
		room: room(3, 1), roomGradQ: room(4, 1), roomKV: room(4, 2),
	}
	return k, width <= wide && k.roomKV <= b.info.SharedBytes
}

// attentionPlan prepares what the attention kernels have in common; p is nil when there are none for the width or the dropout.
func (b *Backend) attentionPlan(o kernels.Attention, x kernels.Desc) (p *plan, k attentionKernels, a attentionArgs) {
	q := x.Shape
	width := q[2] / o.Heads
	k, ok := b.attentionKernels(width, x)
	n, some := dropout(o.DropP, o.Site)
	if !ok || !some {
		return nil, k, a
	}
	return b.plan(k.variant), k, attentionArgs{
		Noise: n, Frames: int32(q[1]), Heads: int32(o.Heads), Width: int32(width), Scale: float32(1 / math.Sqrt(float64(width))),
	}
}

func (b *Backend) attention(o kernels.Attention, in []kernels.Desc) *plan {
	q := in[0].Shape
	p, k, args := b.attentionPlan(o, in[0])
	if p == nil {
		return nil
	}
	a, masked := &args, len(in) == 4
	add(p, k.forward, k.grid(q, o.Heads), driver.Dim{X: threads, Y: 1, Z: 1}, k.room, a, func(c *call) {
		a.Q, a.K, a.V, a.Y, a.Lse = c.in(0), c.in(1), c.in(2), c.out(0), c.out(1)
		if masked {
			a.Lengths = c.in(3)
		}
		a.draw(c)
	})
	return p
}

func (b *Backend) attentionGrad(o kernels.AttentionGrad, in []kernels.Desc) *plan {
	q, heads := in[0].Shape, o.Attention.Heads
	p, k, args := b.attentionPlan(o.Attention, in[0])
	if p == nil {
		return nil
	}
	rows := q[0] * q[1] * heads
	delta := p.floats(rows)
	sums := &attentionDeltaArgs{Rows: int64(rows), Frames: args.Frames, Heads: args.Heads, Width: args.Width}
	grid, block := eachWarp(rows)
	add(p, k.delta, grid, block, 0, sums, func(c *call) { sums.Dy, sums.Y, sums.Delta = c.in(0), c.in(4), delta.at(c) })
	gradient := func(kernel string, room int) {
		a, masked := new(attentionArgs), len(in) == 7
		*a = args
		add(p, kernel, k.grid(q, heads), driver.Dim{X: threads, Y: 1, Z: 1}, room, a, func(c *call) {
			a.Dy, a.Q, a.K, a.V, a.Lse, a.Delta = c.in(0), c.in(1), c.in(2), c.in(3), c.in(5), delta.at(c)
			a.Dq, a.Dk, a.Dv = c.out(0), c.out(1), c.out(2)
			if masked {
				a.Lengths = c.in(6)
			}
			a.draw(c)
		})
	}
	gradient(k.gradQ, k.roomGradQ)
	gradient(k.gradKV, k.roomKV)
	return p
}

func (k attentionKernels) grid(q []int, heads int) driver.Dim {
	return driver.Dim{X: uint32(ceilDiv(q[1], k.rows)), Y: uint32(heads), Z: uint32(q[0])}
}

// draw sets the noise, if there is dropout.
func (a *attentionArgs) draw(c *call) {
	if a.Noise.Threshold > 0 {
		a.Noise.at(c)
	}
}

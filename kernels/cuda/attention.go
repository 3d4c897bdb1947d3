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
	Row                  int64
	Frames, Heads, Width int32
	Scale                float32
}

type attentionDeltaArgs struct {
	Dy, Y, Delta         driver.Ptr
	Rows                 int64
	Frames, Heads, Width int32
	_                    int32
}

// attentionTile is the number of queries, or keys, of a block of attention_f32.cu.
const attentionTile = 64

// attentionPlan prepares what the attention kernels have in common; nil when there is none for the width or the dropout.
func (b *Backend) attentionPlan(o kernels.Attention, q []int) (p *plan, a attentionArgs, wide int) {
	width := q[2] / o.Heads
	n, ok := dropout(o.DropP, o.Site)
	switch {
	case !ok || width > 128:
		return nil, a, 0
	case width <= 64:
		wide = 64
	default:
		wide = 128
	}
	a = attentionArgs{
		Noise: n, Frames: int32(q[1]), Heads: int32(o.Heads), Width: int32(width), Scale: float32(1 / math.Sqrt(float64(width))),
	}
	return b.plan("attention"), a, wide
}

// attentionRoom is the shared memory of tiles of (64, wide) and of (64, 64) numbers; ok is false when the device has less.
func (b *Backend) attentionRoom(wide, tiles, squares int) (bytes int, ok bool) {
	bytes = 4 * attentionTile * (tiles*(wide+1) + squares*(attentionTile+1))
	return bytes, bytes <= b.info.SharedBytes
}

func (b *Backend) attention(o kernels.Attention, in []kernels.Desc) *plan {
	q := in[0].Shape
	p, args, wide := b.attentionPlan(o, q)
	shared, ok := b.attentionRoom(wide, 3, 1)
	if p == nil || !ok {
		return nil
	}
	a, masked := &args, len(in) == 4
	add(p, fmt.Sprintf("attention_f32_%d", wide), attentionGrid(q, o.Heads), driver.Dim{X: threads, Y: 1, Z: 1}, shared, a, func(c *call) {
		a.Q, a.K, a.V, a.Y, a.Lse = c.in(0), c.in(1), c.in(2), c.out(0), c.out(1)
		if masked {
			a.Lengths = c.in(3)
		}
		a.draw(c.step)
	})
	return p
}

func (b *Backend) attentionGrad(o kernels.AttentionGrad, in []kernels.Desc) *plan {
	q := in[0].Shape
	p, args, wide := b.attentionPlan(o.Attention, q)
	forQ, okQ := b.attentionRoom(wide, 4, 1)
	forK, okK := b.attentionRoom(wide, 4, 2)
	if p == nil || !okQ || !okK {
		return nil
	}
	rows := q[0] * q[1] * o.Attention.Heads
	delta := p.floats(rows)
	sums := &attentionDeltaArgs{Rows: int64(rows), Frames: args.Frames, Heads: args.Heads, Width: args.Width}
	grid, block := eachWarp(rows)
	add(p, "attention_delta", grid, block, 0, sums, func(c *call) { sums.Dy, sums.Y, sums.Delta = c.in(0), c.in(4), delta.at(c) })
	for _, k := range []struct {
		name   string
		shared int
	}{{"q", forQ}, {"kv", forK}} {
		a, masked := new(attentionArgs), len(in) == 7
		*a = args
		name := fmt.Sprintf("attention_grad_%s_f32_%d", k.name, wide)
		add(p, name, attentionGrid(q, o.Attention.Heads), driver.Dim{X: threads, Y: 1, Z: 1}, k.shared, a, func(c *call) {
			a.Dy, a.Q, a.K, a.V, a.Lse, a.Delta = c.in(0), c.in(1), c.in(2), c.in(3), c.in(5), delta.at(c)
			a.Dq, a.Dk, a.Dv = c.out(0), c.out(1), c.out(2)
			if masked {
				a.Lengths = c.in(6)
			}
			a.draw(c.step)
		})
	}
	return p
}

func attentionGrid(q []int, heads int) driver.Dim {
	return driver.Dim{X: uint32(ceilDiv(q[1], attentionTile)), Y: uint32(heads), Z: uint32(q[0])}
}

// draw sets the noise of a step.
func (a *attentionArgs) draw(s *kernels.Step) {
	a.Noise.at(s)
	a.Row = int64(s.Row)
}

package cpu

import (
	"errors"
	"unsafe"

	"aural/kernels"
)

// Linear layers and convolutions in integers. Inputs are quantised in a first phase: for a linear layer each row in blocks of equal length, for a convolution each frame, so
// that the windows, which overlap, are rows of as many blocks as there are taps. Weights are quantised by Freeze once, or else in each call.

const (
	int8Block    = 1024    // most values of a block of a row of a linear layer
	int8Least    = 64      // fewer inputs, or outputs, of a product are not worth it
	int8Channels = 1 << 15 // most channels of a frame: the sum of products of 8 bits stays below 2³¹
	int8Gap      = 64      // bytes between rows, so that rows of 2ⁿ bytes do not share cache lines of few sets
)

// serves reports whether an op with a weight of this shape is computed in integers.
func (t *int8Kernel) serves(op kernels.Op, weight []int) bool {
	switch o := op.(type) {
	case kernels.Linear:
		return t != nil && weight[1] >= int8Least && weight[0] >= int8Least
	case kernels.Conv1D:
		return t != nil && o.Groups == 1 && o.PadLeft == 0 && o.PadRight == 0 && weight[1]*weight[2] >= int8Least && weight[1] <= int8Channels && weight[0] >= int8Least
	}
	return false
}

// hasGradients reports whether an op belongs to training, for which products in integers are too coarse.
func hasGradients(op kernels.Op) bool {
	switch op.(type) {
	case kernels.LinearGradInput, kernels.LinearGradWeight, kernels.Conv1DGradInput, kernels.Conv1DGradWeight:
		return true
	}
	return false
}

// int8Weight is how the weight of an op is quantised.
type int8Weight struct {
	int8Shape
	k, taps int // see quantizeColumns
}

func (t *int8Kernel) weight(op kernels.Op, shape []int) int8Weight {
	if _, ok := op.(kernels.Conv1D); ok {
		return int8Weight{int8Shape{shape[2], shape[1], shape[0]}, shape[1] * shape[2], shape[2]}
	}
	k := shape[1]
	blocks := ceilDiv(k, int8Block)
	return int8Weight{int8Shape{blocks, roundUp(ceilDiv(k, blocks), 4), shape[0]}, k, 1}
}

// panels is the number of panels of the weight.
func (t *int8Kernel) panels(w int8Weight) int { return ceilDiv(w.n, t.nr) }

// bytes reserves scratch memory for n bytes.
func (p *plan) bytes(n int) region { return p.reserve(n, 1) }

func (r region) u8(c *call) []byte       { return c.scratch[r.off:][:r.n] }
func (r region) rows(c *call) []rowScale { return regionOf[rowScale](r, c) }
func (p *plan) rowScales(n int) region   { return p.reserve(n, int(unsafe.Sizeof(rowScale{}))) }

// quantizeWeight adds the phase that quantises the weight, input 1, unless done says that there is nothing to do.
func (p *plan) quantizeWeight(w int8Weight, to func(c *call) int8Matrix, done func(c *call) bool) {
	t := p.b.int8
	own := p.floats(p.b.threads * (w.k + roundUp(w.k*t.width, 4)/4 + 4))
	p.add(t.panels(w), func(c *call, worker *worker, i int) {
		if !done(c) {
			t.quantizeColumns(to(c), w.int8Shape, i, c.in[1].F32(), w.k, w.taps, own.own(c, worker))
		}
	})
}

// int8Weights gives the quantised weight, input 1. Where it was not quantised before, a phase does.
func (p *plan) int8Weights(w int8Weight) func(c *call) int8Matrix {
	t := p.b.int8
	room := p.bytes(t.room(w.int8Shape))
	weight := func(c *call) int8Matrix {
		if f := p.b.frozenOf(c.in[1]); f != nil {
			return t.matrix(f.mem.Host, w.int8Shape)
		}
		return t.matrix(room.u8(c), w.int8Shape)
	}
	p.quantizeWeight(w, weight, func(c *call) bool { return p.b.frozenOf(c.in[1]) != nil })
	return weight
}

// quantizedRows are quantised rows: of each, blocks of depth values.
type quantizedRows struct {
	bytes, scales region
	stride        int // bytes from a row to the next
}

// quantizeRows adds the phase that quantises input 0 as rows of width values. Beyond the last row, spare rows can be read.
func (p *plan) quantizeRows(rows, width, blocks, depth, spare int) quantizedRows {
	t := p.b.int8
	stride := roundUp(blocks*depth*t.width, 64) + int8Gap
	q := quantizedRows{p.bytes((rows + spare) * stride), p.rowScales((rows + spare) * blocks), stride}
	p.rows(rows, width, func(c *call, _ *worker, lo, hi int) {
		x, to, scales := c.in[0].F32(), q.bytes.u8(c), q.scales.rows(c)
		for r := lo; r < hi; r++ {
			for b := range blocks {
				part := x[r*width+b*depth : r*width+min(width, (b+1)*depth)]
				scales[r*blocks+b] = t.quantizeRow(to[r*stride+b*depth*t.width:], part)
			}
		}
	})
	return q
}

// int8GELUFused says whether a chain is a linear layer in integers and a GELU, of which nothing else reads the layer. In integers a layer is so fast that this pays.
func (b *Backend) int8GELUFused(c *kernels.Chain) (whole, more bool) {
	first := c.Links[0]
	if _, ok := first.Op.(kernels.Linear); !ok || first.Again || !b.int8.serves(first.Op, first.In[1].Shape) {
		return false, false
	}
	if len(c.Links) == 1 {
		return false, true
	}
	_, ok := c.Links[1].Op.(kernels.GELU)
	return ok && len(c.Links) == 2 && follows(c, 1, 0, 0) && !first.Used[0], false
}

// int8GELU compiles it.
func (b *Backend) int8GELU(c *kernels.Chain) *plan { return b.int8Linear(c.Links[0].In, output(0)) }

// int8Linear is a linear layer and, unless it is nil, GELU of it in place.
func (b *Backend) int8Linear(in []kernels.Desc, gelu source) *plan {
	t := b.int8
	rows, width, outs := in[0].Rows(), in[0].Last(), in[1].Shape[0]
	p := b.plan(t.name)
	weight := t.weight(kernels.Linear{}, in[1].Shape)
	w, bias := p.int8Weights(weight), biasOf(in)
	x := p.quantizeRows(rows, width, weight.blocks, weight.depth, t.mr)
	g, _ := b.gridFor(t.tiling(), rows, outs, 1)
	p.add(g.parts(), func(c *call, w8 *worker, i int) {
		row, col, m, n := g.part(i)
		y := int8Product{shape: weight.int8Shape, a: x.bytes.u8(c), row: x.stride, block: weight.depth * t.width, scales: x.scales.rows(c), rowScales: weight.blocks,
			blockScale: 1, b: w(c), c: c.out[0].F32(), ldc: outs, bias: bias(c)}
		if gelu != nil {
			y.gelu = gelu(c)
		}
		y = t.at(y, row, col, m, n)
		w8.gemmInt8(&y)
	})
	return p
}

// int8Conv is conv1D for one group and no padding.
func (b *Backend) int8Conv(o kernels.Conv1D, in []kernels.Desc, result, gelu source) *plan {
	t := b.int8
	s := shapeOf(o, in[0].Shape[0], in[0].Shape[1], in[0].Shape[2], in[1].Shape[0], in[1].Shape[2])
	p := b.plan(t.name)
	weight := t.weight(o, in[1].Shape)
	w, bias := p.int8Weights(weight), biasOf(in)
	x := p.quantizeRows(s.batch*s.frames, s.cin, 1, s.cin, t.mr*s.Stride)
	g, _ := b.gridFor(t.tiling(), s.outs, s.cout, s.batch)
	p.add(s.batch*g.parts(), func(c *call, w8 *worker, i int) {
		from, first := i/g.parts()*s.frames, i/g.parts()*s.outs*s.cout
		row, col, m, n := g.part(i % g.parts())
		y := int8Product{shape: weight.int8Shape, a: x.bytes.u8(c)[from*x.stride:], row: s.Stride * x.stride, block: x.stride, scales: x.scales.rows(c)[from:],
			rowScales: s.Stride, blockScale: 1, b: w(c), c: result(c)[first:], ldc: s.cout, bias: bias(c)}
		if gelu != nil {
			y.gelu = gelu(c)[first:]
		}
		y = t.at(y, row, col, m, n)
		w8.gemmInt8(&y)
	})
	return p
}

// biasOf gives input 2, if the op has it.
func biasOf(in []kernels.Desc) source {
	if len(in) > 2 {
		return input(2)
	}
	return func(*call) []float32 { return nil }
}

// tiling is that of float32 products, with a cost for columns alone: a panel of B comes from the third-level cache for each part.
func (t *int8Kernel) tiling() tiling { return tiling{t.mr, t.nr, 0, 1 << 20, 20, false} }

// freezeInt8 quantises a weight for good.
func (b *Backend) freezeInt8(op kernels.Op, weight kernels.Buffer) (*frozen, error) {
	t := b.int8
	w := t.weight(op, weight.Shape)
	mem, err := allocate(t.room(w.int8Shape))
	if err != nil {
		return nil, err
	}
	f := &frozen{mem: mem}
	p := b.plan("freeze")
	p.quantizeWeight(w, func(*call) int8Matrix { return t.matrix(f.mem.Host, w.int8Shape) }, func(*call) bool { return false })
	scratch, err := allocate(p.scratch)
	if err != nil {
		return nil, errors.Join(err, mem.Free())
	}
	p.kernel().Run(nil, []kernels.Buffer{{}, weight}, nil, scratch.Host)
	return f, scratch.Free()
}

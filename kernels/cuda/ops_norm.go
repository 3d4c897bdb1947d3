package cuda

import (
	"fmt"

	"aural/kernels"
	"aural/kernels/cuda/driver"
)

type layerNormArgs struct {
	X, Gamma, Beta, Y, Mean, Rstd driver.Ptr
	Rows                          int64
	Width                         int32
	Eps                           float32
}

type layerNormGradArgs struct {
	Dy, X, Gamma, Mean, Rstd, Dx, Parts driver.Ptr
	Rows                                int64
	Width, Chunk                        int32
}

type groupNormArgs struct {
	X, Gamma, Beta, Y, Mean, Rstd, Moments driver.Ptr
	Batch, Frames, Width, Groups           int32
	Chunk, Chunks                          int32
	Eps                                    float64
}

type groupNormGradArgs struct {
	Dy, X, Gamma, Mean, Rstd, Dx, Parts, Means driver.Ptr
	Batch, Frames, Width, Groups               int32
	Chunk, Chunks                              int32
}

// registerWidths are the rows that fit into the registers of a warp: those of the models.
var registerWidths = map[int]bool{512: true, 768: true, 1024: true}

// normName is the kernel for x: that of its width, or that of any.
func normName(op string, x kernels.Desc) string {
	if registerWidths[x.Last()] {
		op = fmt.Sprintf("%s_%d", op, x.Last())
	}
	return stored(op, x)
}

func (b *Backend) layerNorm(o kernels.LayerNorm, in []kernels.Desc) *plan {
	rows, width := in[0].Rows(), in[0].Last()
	name := normName("layer_norm", in[0])
	p := b.plan(name)
	a := &layerNormArgs{Rows: int64(rows), Width: int32(width), Eps: float32(o.Eps)}
	grid, block := eachWarp(rows)
	add(p, name, grid, block, 0, a, func(c *call) {
		a.X, a.Gamma, a.Beta, a.Y, a.Mean, a.Rstd = c.in(0), c.in(1), c.in(2), c.out(0), c.out(1), c.out(2)
	})
	return p
}

// normGradChunk is the rows of a block: blocks of 8 warps for two of each multiprocessor of a large device, but at most 32 rows a warp.
func normGradChunk(rows int) int { return 8 * min(max(ceilDiv(rows, 8*264), 1), 32) }

func (b *Backend) layerNormGrad(in []kernels.Desc) *plan {
	rows, width := in[1].Rows(), in[1].Last()
	name := normName("layer_norm_grad", in[1])
	p := b.plan(name)
	chunk := normGradChunk(rows)
	if !registerWidths[width] {
		chunk = rowChunk(rows)
	}
	chunks := ceilDiv(rows, chunk)
	parts := p.floats(chunks * 2 * width)
	a := &layerNormGradArgs{Rows: int64(rows), Width: int32(width), Chunk: int32(chunk)}
	bind := func(c *call) {
		a.Dy, a.X, a.Gamma, a.Mean, a.Rstd = c.in(0), c.in(1), c.in(2), c.in(3), c.in(4)
		a.Dx, a.Parts = c.out(0), parts.at(c)
	}
	if registerWidths[width] {
		grid, block := blocks(chunks, threads)
		add(p, name, grid, block, 8*width, a, bind)
	} else {
		grid, block := eachWarp(rows)
		add(p, name, grid, block, 0, a, bind)
		grid, block = tiles(width, chunks, 1)
		add(p, stored("layer_norm_grad_columns", in[1]), grid, block, 0, a, bind)
	}
	p.addChunks(parts, chunks, 2, width, func(c *call) [2]driver.Ptr { return [2]driver.Ptr{c.out(1), c.out(2)} })
	return p
}

// groupChunk is the number of frames that a block of a group normalisation sums or walks over.
const groupChunk = 256

// byVectors gives the kernel for x, and its grid: four columns a lane where they divide.
func byVectors(kernel string, x kernels.Desc, chunks int) (name string, grid, block driver.Dim) {
	width := x.Last()
	if width%4 == 0 {
		kernel, width = kernel+"_4", width/4
	}
	grid, block = tiles(width, chunks, x.Shape[0])
	return stored(kernel, x), grid, block
}

func (b *Backend) groupNorm(o kernels.GroupNorm, in []kernels.Desc) *plan {
	batch, frames, width := in[0].Shape[0], in[0].Shape[1], in[0].Shape[2]
	chunks := ceilDiv(frames, groupChunk)
	name, grid, block := byVectors("group_norm", in[0], chunks)
	p := b.plan(name)
	moments := p.reserve(16 * batch * chunks * width)
	a := &groupNormArgs{Batch: int32(batch), Frames: int32(frames), Width: int32(width), Groups: int32(o.Groups),
		Chunk: groupChunk, Chunks: int32(chunks), Eps: o.Eps}
	bind := func(c *call) {
		a.X, a.Gamma, a.Beta = c.in(0), c.in(1), c.in(2)
		a.Y, a.Mean, a.Rstd, a.Moments = c.out(0), c.out(1), c.out(2), moments.at(c)
	}
	columns, all := tiles(width, chunks, batch)
	add(p, stored("group_norm_moments", in[0]), columns, all, 0, a, bind)
	groups, all := eachWarp(batch * o.Groups)
	add(p, "group_norm_stats", groups, all, 0, a, bind)
	add(p, name, grid, block, 0, a, bind)
	return p
}

func (b *Backend) groupNormGrad(o kernels.GroupNormGrad, in []kernels.Desc) *plan {
	batch, frames, width := in[1].Shape[0], in[1].Shape[1], in[1].Shape[2]
	chunks := ceilDiv(frames, groupChunk)
	name, grid, block := byVectors("group_norm_grad", in[1], chunks)
	p := b.plan(name)
	parts, means := p.floats(batch*chunks*2*width), p.floats(batch*o.Groups*2)
	a := &groupNormGradArgs{Batch: int32(batch), Frames: int32(frames), Width: int32(width), Groups: int32(o.Groups),
		Chunk: groupChunk, Chunks: int32(chunks)}
	bind := func(c *call) {
		a.Dy, a.X, a.Gamma, a.Mean, a.Rstd = c.in(0), c.in(1), c.in(2), c.in(3), c.in(4)
		a.Dx, a.Parts, a.Means = c.out(0), parts.at(c), means.at(c)
	}
	columns, all := tiles(width, chunks, batch)
	add(p, stored("group_norm_grad_columns", in[1]), columns, all, 0, a, bind)
	groups, all := eachWarp(batch * o.Groups)
	add(p, "group_norm_grad_means", groups, all, 0, a, bind)
	add(p, name, grid, block, 0, a, bind)
	p.addChunks(parts, batch*chunks, 2, width, func(c *call) [2]driver.Ptr { return [2]driver.Ptr{c.out(1), c.out(2)} })
	return p
}

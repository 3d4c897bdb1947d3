package cuda

import (
	"aural/kernels"
	"aural/kernels/cuda/driver"
)

type rowsArgs struct {
	X, Mask, Emb, Y, Parts driver.Ptr
	Rows                   int64
	Frames, Width          int32
	Chunk                  int32
	_                      int32
}

type waveformArgs struct {
	X, Affine, Lengths, Y driver.Ptr
	N                     int32
	_                     int32
}

type scatterArgs struct {
	X, Index, Y, First, Count driver.Ptr
	Rows                      int64
	N, Width                  int32
}

type columnsArgs struct {
	Parts        driver.Ptr
	Y            [2]driver.Ptr
	Columns      int64
	Chunks, Sums int32
}

// rowChunk is the number of rows that a block sums over columns: 64, or more where that would make more than 512 chunks.
func rowChunk(rows int) int { return max(64, ceilDiv(rows, 512)) }

// tiles is a grid with a block for each 32 of columns and each chunk, in each batch row.
func tiles(columns, chunks, batch int) (grid, block driver.Dim) {
	return driver.Dim{X: uint32(ceilDiv(columns, 32)), Y: uint32(chunks), Z: uint32(batch)}, driver.Dim{X: threads, Y: 1, Z: 1}
}

// addChunks adds parts (chunks, sums, columns) over the chunks. y gives the outputs.
func (p *plan) addChunks(parts region, chunks, sums, columns int, y func(c *call) [2]driver.Ptr) {
	a := &columnsArgs{Columns: int64(columns), Chunks: int32(chunks), Sums: int32(sums)}
	grid, block := tiles(columns, sums, 1)
	add(p, "add_chunks", grid, block, 0, a, func(c *call) { a.Parts, a.Y = parts.at(c), y(c) })
}

// byRow is a plan of one launch with a warp for each row of output 0. mask and emb are inputs, or -1.
func (b *Backend) byRow(variant string, out []kernels.Desc, frames, mask, emb int) *plan {
	variant = stored(variant, out[0])
	p := b.plan(variant)
	a := &rowsArgs{Rows: int64(out[0].Rows()), Frames: int32(frames), Width: int32(out[0].Last())}
	grid, block := eachWarp(out[0].Rows())
	add(p, variant, grid, block, 0, a, func(c *call) {
		a.X, a.Mask, a.Y = c.in(0), c.in(mask), c.out(0)
		if emb >= 0 {
			a.Emb = c.in(emb)
		}
	})
	return p
}

func (b *Backend) maskFrames(out []kernels.Desc) *plan {
	return b.byRow("mask_frames", out, out[0].Shape[1], 1, 2)
}

func (b *Backend) maskChannels(out []kernels.Desc) *plan {
	return b.byRow("mask_channels", out, out[0].Shape[1], 1, -1)
}

func (b *Backend) maskPadding(out []kernels.Desc) *plan {
	return b.byRow("mask_padding", out, out[0].Shape[1], 1, -1)
}

func (b *Backend) gatherRows(out []kernels.Desc) *plan { return b.byRow("gather_rows", out, 0, 1, -1) }

func (b *Backend) maskFramesGrad(in []kernels.Desc) *plan {
	p := b.plan(stored("mask_frames_grad", in[0]))
	rows, width := in[0].Rows(), in[0].Last()
	chunk := rowChunk(rows)
	chunks := ceilDiv(rows, chunk)
	parts := p.floats(chunks * width)
	a := &rowsArgs{Rows: int64(rows), Width: int32(width), Chunk: int32(chunk)}
	grid, block := tiles(width, chunks, 1)
	add(p, stored("mask_frames_grad", in[0]), grid, block, 0, a, func(c *call) { a.X, a.Mask, a.Y, a.Parts = c.in(0), c.in(1), c.out(0), parts.at(c) })
	p.addChunks(parts, chunks, 1, width, func(c *call) [2]driver.Ptr { return [2]driver.Ptr{c.out(1)} })
	return p
}

func (b *Backend) scatterRows(in, out []kernels.Desc) *plan {
	p := b.plan(stored("scatter_rows", in[0]))
	rows, n := out[0].Rows(), in[0].Shape[0]
	first, count := p.reserve(4*rows), p.reserve(4*rows)
	a := &scatterArgs{Rows: int64(rows), N: int32(n), Width: int32(out[0].Last())}
	bind := func(c *call) {
		a.X, a.Index, a.Y, a.First, a.Count = c.in(0), c.in(1), c.out(0), first.at(c), count.at(c)
	}
	grid, block := each(rows)
	add(p, "scatter_rows_clear", grid, block, 0, a, bind)
	grid, block = each(n)
	add(p, "scatter_rows_find", grid, block, 0, a, bind)
	grid, block = eachWarp(rows)
	add(p, stored("scatter_rows", in[0]), grid, block, 0, a, bind)
	return p
}

// waveform has a thread for 8 samples, and a row of blocks for each row.
func (b *Backend) waveform(in []kernels.Desc) *plan {
	p := b.plan("waveform")
	a := &waveformArgs{N: int32(in[0].Shape[1])}
	grid := driver.Dim{X: uint32(ceilDiv(in[0].Shape[1], 8*threads)), Y: uint32(in[0].Shape[0]), Z: 1}
	add(p, "waveform", grid, driver.Dim{X: threads, Y: 1, Z: 1}, 0, a, func(c *call) { a.X, a.Affine, a.Lengths, a.Y = c.in(0), c.in(1), c.in(2), c.out(0) })
	return p
}

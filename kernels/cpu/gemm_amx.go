package cpu

import "aural/kernels"

// bf16Kernel is the part of a product of bfloat16 values that depends on the instruction set. Sums are float32. Operands are rounded to bfloat16 while they are
// packed; with two parts, what the rounding lost is rounded in turn, and the product is high·high + high·low + low·high.
//
// A packed panel has 32 rows of A or columns of B. For each step of 32 along k it has a block: per part two tiles, of 16 rows or columns each. A
// tile of A is (16 rows, 32 values), a tile of B (16 pairs of values along k, 16 columns, 2). A panel of fewer rows of A has the upper half of them,
// rounded up, in the first tile.
//
// A prototype of these kernels, measured on a virtual machine with 2 cores with AMX, did 1.5 to 1.8 TFLOP/s in bf16 and 0.7 to 0.85 in three products, with
// float32 operands and results; the units themselves can do 6.2 of bf16 products. At 1 TFLOP/s and core a part of m by n needs 2mnk/10¹² s, and
// packing its (m+n)k values at 2 to 4 billion a second as long for m = n = 512: hence parts are large.
type bf16Kernel struct {
	parts int // bfloat16 values that a float32 value becomes: 1 or 2
	// kc, mc, nc bound the packed blocks, as in gemmKernel. kc is a multiple of 32, and so are mc and nc.
	kc, mc, nc int

	// product computes panels of C of the given number of rows: 32 or, for a single panel, 2 to 31. Rows lie ldc bytes apart. Each panel comes
	// from a panel of A of the given number of blocks, and all from the same panel of B. Sums begin with the values at start, whose rows lie
	// startStride bytes apart and go on over all panels, or with 0 if it is nil.
	product func(blocks int64, a, b *uint16, c *float32, ldc, panels, rows int64, start *float32, startStride int64)

	// packRows packs at most 16 rows of k values, ss bytes apart, to tiles of (16 rows, 32 values); packColumns packs k rows of at most 16 values to
	// tiles of (16 pairs of rows, 16 columns, 2). Beyond k they store zeros. What they store beyond the rows and columns does not matter.
	packRows, packColumns func(dst *uint16, src *float32, ss, n, k int64)

	// transpose turns a tile of either form into the other.
	transpose func(tile *uint16)
}

const (
	panelSide  = 32      // rows or columns of a panel
	blockDepth = 32      // steps along k of a block
	tileSide   = 16      // rows or columns of a tile
	tileValues = 16 * 32 // bfloat16 values of a tile
)

// blockValues is the size of a block of a panel.
func (t *bf16Kernel) blockValues() int { return 2 * tileValues * t.parts }

// forPrecision is what computes products in a precision, or nil.
func (v *variant) forPrecision(p kernels.Precision) *bf16Kernel {
	switch p {
	case kernels.PrecisionBF16:
		return v.bf16
	case kernels.PrecisionHigh:
		return v.high
	}
	return nil
}

// gemmBF16 is gemm in reduced precision. A bias is what the sums begin with.
func (w *worker) gemmBF16(g *gemm) {
	t := w.low
	if g.accumulate && g.bias != nil {
		for i := range g.m {
			w.v.vec.add(g.c[i*g.ldc:][:g.n], g.bias[:g.n])
		}
	}
	depth, packed := balance(g.k, t.kc, blockDepth), halves(g.packed)
	for j := 0; j < g.n; j += t.nc {
		nc := min(t.nc, g.n-j)
		for k := 0; k < g.k; k += depth {
			kc := min(depth, g.k-k)
			panels := w.lowB
			if packed != nil {
				panels, packed = packed, packed[t.panelsRoom(kc, nc):]
			} else {
				t.pack(panels, g.b.from(k, j).x, nc, kc, g.b.cs, g.b.rs, true)
			}
			for i := 0; i < g.m; i += t.mc {
				mc := min(t.mc, g.m-i)
				t.pack(w.lowA, g.a.from(i, k).x, mc, kc, g.a.rs, g.a.cs, false)
				w.blockBF16(g, panels, i, j, mc, nc, ceilDiv(kc, blockDepth), k == 0)
				if k+kc == g.k {
					g.finish(w, i, j, mc, nc)
				}
			}
		}
	}
}

// panelsRoom is the number of values of packed panels with n rows or columns and k steps.
func (t *bf16Kernel) panelsRoom(k, n int) int {
	return t.parts * roundUp(k, blockDepth) * roundUp(n, panelSide)
}

// packedRoom and prepack are those of worker.
func (t *bf16Kernel) packedRoom(k, n int) int { return t.panelsRoom(k, n) / 2 }

func (t *bf16Kernel) prepack(dst []uint16, b view, k, n int) {
	depth := balance(k, t.kc, blockDepth)
	for j := 0; j < n; j += t.nc {
		nc := min(t.nc, n-j)
		for i := 0; i < k; i += depth {
			kc := min(depth, k-i)
			t.pack(dst, b.from(i, j).x, nc, kc, b.cs, b.rs, true)
			dst = dst[t.panelsRoom(kc, nc):]
		}
	}
}

// pack packs n rows of A, or columns of B, where element (i,k) is src[i*is+k*ks]. Where values are contiguous along i it goes along i first, 32 steps of k
// at a time: that reads memory in 32 streams, and is a quarter faster for large matrices than one step along i with all of k.
func (t *bf16Kernel) pack(dst []uint16, src []float32, n, kc, is, ks int, columns bool) {
	_ = src[(n-1)*is+(kc-1)*ks]
	blocks, size := ceilDiv(kc, blockDepth), t.blockValues()
	pack, stride, depth := t.packRows, is, blocks*blockDepth
	if ks != 1 {
		pack, stride, depth = t.packColumns, ks, blockDepth
	}
	for k := 0; k < kc; k += depth {
		for tile, i := 0, 0; i < n; tile++ {
			panel, side := tile/2*panelSide, tileSide
			if !columns {
				side = (min(panelSide, n-panel) + 1) / 2
			}
			i = panel + tile%2*side
			rows := min(side, n-i)
			at := (tile/2*blocks+k/blockDepth)*size + tile%2*tileValues
			to := dst[at : at+(depth/blockDepth-1)*size+(2*t.parts-1)*tileValues]
			pack(&to[0], &src[i*is+k*ks], int64(4*stride), int64(rows), int64(min(depth, kc-k)))
			if columns == (ks == 1) {
				for b := 0; b < len(to); b += 2 * tileValues {
					t.transpose(&to[b])
				}
			}
			i += rows
		}
	}
}

// blockBF16 multiplies packed panels into rows [i,i+mc) and columns [j,j+nc) of C. All panels of A, from the second-level cache, meet one panel of B.
func (w *worker) blockBF16(g *gemm, panels []uint16, i, j, mc, nc, blocks int, first bool) {
	size := blocks * w.low.blockValues()
	for q := 0; q < nc; q += panelSide {
		cols, rows := min(panelSide, nc-q), mc
		b := &panels[q/panelSide*size]
		switch {
		case cols < panelSide:
			rows = 0
		case mc%panelSide == 1: // too few for a kernel
			rows--
		}
		if rows > 0 {
			c := g.c[i*g.ldc+j+q:]
			start, stride := c, g.ldc
			if first && !g.accumulate {
				start, stride = nil, 0
				if g.bias != nil {
					start = g.bias[j+q:]
				}
			}
			w.panelsBF16(c, g.ldc, rows, blocks, w.lowA, b, start, stride)
		}
		if rows < mc {
			w.edgeBF16(g, i+rows, j+q, mc-rows, cols, blocks, w.lowA[rows/panelSide*size:], b, first)
		}
	}
}

// panelsBF16 computes rows of 32 columns of C. One row alone needs room for a second.
func (w *worker) panelsBF16(c []float32, ldc, rows, blocks int, a []uint16, b *uint16, start []float32, stride int) {
	call := func(first, panels, rows int) {
		var from *float32
		if start != nil {
			from = &start[first*stride]
		}
		w.low.product(int64(blocks), &a[first/panelSide*blocks*w.low.blockValues()], b, &c[first*ldc], int64(4*ldc), int64(panels), int64(rows), from, int64(4*stride))
	}
	whole, rest := rows/panelSide, rows%panelSide
	if whole > 0 {
		call(0, whole, panelSide)
	}
	if rest > 0 {
		call(whole*panelSide, 1, max(rest, 2))
	}
}

// edgeBF16 computes columns of C that a panel would overshoot, or one row, beside C. Each sum begins as in blockBF16, so that it does not matter for
// a result where the borders of parts are.
func (w *worker) edgeBF16(g *gemm, i, j, rows, cols, blocks int, a []uint16, b *uint16, first bool) {
	var start []float32
	for r := range rows {
		row := w.lowEdge[r*panelSide:][:cols]
		switch {
		case !first || g.accumulate:
			copy(row, g.c[(i+r)*g.ldc+j:])
			start = w.lowEdge
		case g.bias != nil:
			copy(row, g.bias[j:])
			start = w.lowEdge
		}
	}
	w.panelsBF16(w.lowEdge, panelSide, rows, blocks, a, b, start, panelSide)
	for r := range rows {
		copy(g.c[(i+r)*g.ldc+j:][:cols], w.lowEdge[r*panelSide:])
	}
}

package cpu

import "fmt"

// view is a matrix in memory: element (i,j) is x[i*rs+j*cs]. One of the strides is 1. Rows may overlap: that is how a convolution
// becomes a product without copying its input.
type view struct {
	x      []float32
	rs, cs int
}

func (v view) from(i, j int) view { return view{v.x[min(i*v.rs+j*v.cs, len(v.x)):], v.rs, v.cs} }

// gemm describes C = A·B or C += A·B, with A (m,k), B (k,n) and C (m,n) with rows ldc apart, and optionally a vector of n values
// that is added to each row of the result.
//
// Each element of C is summed over k in one fixed order, whichever part of C a worker computes.
type gemm struct {
	m, n, k    int
	a, b       view
	c          []float32
	ldc        int
	accumulate bool
	bias       []float32
	// packed is B as worker.prepack has stored it, for products that use the same B again, or nil. It does not spare giving b. In float32, parts of the product
	// may begin at any panel.
	packed []float32
	// gelu is where GELU of the complete result is stored, in rows ldc apart, or nil. It may be c.
	gelu []float32
}

// gemmKernel is the part of a product that depends on the instruction set.
type gemmKernel struct {
	mr, nr int // rows and columns of a register tile
	// kc, mc, nc bound the packed blocks: kc·nc values of B and mc·kc values of A. mc is a multiple of mr, nc of nr. Where only one block of A meets
	// it, near columns of B are packed at a time: both stay in the second-level cache.
	kc, mc, nc, near int

	// tile adds the product of a packed panel of A (kc by mr) and one of B (kc by nr) to the mr by nr tile at c with rows ldc
	// bytes apart, or stores it when accumulate is 0. With a bias, nr values at bias are added to each row.
	tile func(kc int64, a, b, c *float32, ldc, accumulate int64, bias *float32)

	// half is a tile kernel for a panel of B of nr/2 columns, or nil. It serves the last columns when so few are left.
	half func(kc int64, a, b, c *float32, ldc, accumulate int64, bias *float32)

	// direct are tile, and half, for operands that are not packed, by the layouts of A and B. Entries may be nil.
	direct [2][3][2]directTile

	packA, packB packer
}

// directTile is a tile whose operands are not packed: A in memory with rows (or columns) lda bytes apart, B with rows ldb bytes apart. The sums are
// those of packed operands, bit for bit.
type directTile func(kc int64, a, b, c *float32, ldc, accumulate int64, bias *float32, lda, ldb int64)

// layout is how a tile finds the values of an operand.
type layout int

const (
	packedPanels layout = iota
	byRow
	byColumn
)

// Packing an element takes as long as 10 to 40 multiply-adds, by how far away it is, so it does not pay for A where a product has few columns, and for B where it has
// few rows. But values that are used together should lie together: where a step takes another cache line, as for A by columns, only so
// many steps stay near until the next panel, unless the lines follow each other closely.
const (
	directColumns = 128  // most columns of a product for which A is not packed, in float32 values
	directRows    = 144  // most rows for which B is not
	directSteps   = 128  // most steps that are more than directStride apart
	directStride  = 1024 // bytes
	rowStride     = 2048 // bytes between rows of A up to which it is not packed, whatever the number of columns
)

// layouts decides how the tiles of a product find A and B.
func (g *gemm) layouts(t *gemmKernel, kc int) (a, b layout) {
	if g.packed == nil && g.b.cs == 1 && g.m <= directRows && (kc <= directSteps || 4*g.b.rs <= directStride) && t.direct[0][packedPanels][byRow] != nil {
		b = byRow
	}
	switch {
	case g.a.cs == 1 && (g.n <= directColumns || 4*g.a.rs <= rowStride) && t.direct[0][byRow][b] != nil:
		a = byRow
	case g.a.rs == 1 && t.direct[0][byColumn][b] != nil && (g.n <= directColumns/2 && kc <= directSteps || g.n <= 3*directColumns && 4*g.a.cs <= directStride):
		a = byColumn
	}
	return a, b
}

// at moves the operands of a product that has been planned for whole matrices to its part of rows [i,..) and columns [j,..).
func (g gemm) at(i, j, m, n int) gemm {
	g.a, g.b, g.c = g.a.from(i, 0), g.b.from(0, j), g.c[i*g.ldc+j:]
	if g.gelu != nil {
		g.gelu = g.gelu[i*g.ldc+j:]
	}
	g.m, g.n = m, n
	if g.packed != nil {
		g.packed = g.packed[j*g.k:]
	}
	if g.bias != nil {
		g.bias = g.bias[j : j+n]
	}
	return g
}

// inside panics unless every element that the product touches lies in its slice: the kernels below do not check.
func (g *gemm) inside() {
	last := func(v view, rows, cols int) bool { return (rows-1)*v.rs+(cols-1)*v.cs < len(v.x) }
	if !last(g.a, g.m, g.k) || !last(g.b, g.k, g.n) || (g.m-1)*g.ldc+g.n > len(g.c) || (g.bias != nil && len(g.bias) < g.n) {
		panic(fmt.Sprintf("cpu: product of %d by %d by %d reaches outside its operands", g.m, g.k, g.n))
	}
}

// gemm computes a product on one worker, in the precision of the back end.
func (w *worker) gemm(g *gemm) {
	if g.m <= 0 || g.n <= 0 {
		return
	}
	if g.k <= 0 {
		g.empty()
		g.finish(w, 0, 0, g.m, g.n)
		return
	}
	g.inside()
	if w.low != nil {
		w.gemmBF16(g)
		return
	}
	t := &w.v.gemm
	part := block{gemm: *g, depth: balance(g.k, t.kc, 8), rows: balance(g.m, t.mc, t.mr)}
	part.layoutA, part.layoutB = g.layouts(t, part.depth)
	switch {
	case g.packed != nil:
		w.rowsFirst(&part, g.n)
	case g.m <= t.mc && g.b.cs == 1:
		w.rowsFirst(&part, 2*t.near) // longer runs of memory to pack
	case g.m <= t.mc:
		w.rowsFirst(&part, t.near)
	default:
		w.columnsFirst(&part)
	}
}

// rowsFirst multiplies a block of A with all columns, n at a time, before it packs the next.
func (w *worker) rowsFirst(b *block, n int) {
	for b.step = 0; b.step < b.k; b.step += b.depth {
		b.kc = min(b.depth, b.k-b.step)
		for b.i = 0; b.i < b.m; b.i += b.rows {
			b.mc = min(b.rows, b.m-b.i)
			w.packRows(b)
			for b.j = 0; b.j < b.n; b.j += n {
				b.nc = min(n, b.n-b.j)
				w.packColumns(b)
				w.block(b)
			}
		}
	}
}

// columnsFirst multiplies a block of B with all rows, before it packs the next.
func (w *worker) columnsFirst(b *block) {
	t := &w.v.gemm
	for b.j = 0; b.j < b.n; b.j += t.nc {
		b.nc = min(t.nc, b.n-b.j)
		for b.step = 0; b.step < b.k; b.step += b.depth {
			b.kc = min(b.depth, b.k-b.step)
			w.packColumns(b)
			for b.i = 0; b.i < b.m; b.i += b.rows {
				b.mc = min(b.rows, b.m-b.i)
				w.packRows(b)
				w.block(b)
			}
		}
	}
}

// packedRoom is the number of values that prepack stores for a matrix of k by n, and that a tile may read behind them.
func (b *Backend) packedRoom(k, n int) int {
	if b.low != nil {
		return b.low.packedRoom(k, n)
	}
	return (k + 1) * roundUp(n, b.variant.gemm.nr)
}

// prepack stores the (k,n) matrix b as products need it: panel after panel, each with all k steps. See gemm.packed.
func (w *worker) prepack(dst []float32, b view, k, n int) []float32 {
	if w.low != nil {
		w.low.prepack(halves(dst), b, k, n)
		return dst
	}
	t := &w.v.gemm
	w.packPanels(dst, t.nr, t.packB, b.x, n, k, b.cs, b.rs)
	return dst
}

// finish takes GELU of complete rows [i,i+m) and columns [j,j+n), while they are in a second- or third-level cache.
func (g *gemm) finish(w *worker, i, j, m, n int) {
	if g.gelu == nil {
		return
	}
	for r := i; r < i+m; r++ {
		w.v.vec.gelu(g.gelu[r*g.ldc+j:][:n], g.c[r*g.ldc+j:][:n])
	}
}

// empty is a product over k = 0.
func (g *gemm) empty() {
	for i := range g.m {
		row := g.c[i*g.ldc:][:g.n]
		if !g.accumulate {
			clear(row)
		}
		for j := range row {
			if g.bias != nil {
				row[j] += g.bias[j]
			}
		}
	}
}

// block is a part of a product: rows [i,i+mc), columns [j,j+nc) and steps [step,step+kc), with packed panels of B.
type block struct {
	gemm                // by value, for what a pointer here points to would have to be on the heap
	i, mc, j, nc        int
	step, kc            int
	depth, rows         int // kc and mc of all blocks but the last
	panels              []float32
	panelSteps          int // that each panel of B holds, of which panelStep is the first of this block
	panelStep           int
	layoutA, layoutB    layout
	directRows, directN int // rows and columns, from the first, that tiles find without packing
}

// packColumns packs the columns of B of a block, but those that tiles can use as they are: all that fill a panel.
func (w *worker) packColumns(b *block) {
	t := &w.v.gemm
	b.directN = 0
	if b.packed != nil {
		b.panels, b.panelSteps, b.panelStep = b.packed[b.j*b.k:], b.k, b.step
		return
	}
	b.panels, b.panelSteps, b.panelStep = w.packB, b.kc, 0
	if b.layoutB == byRow {
		b.directN = b.nc / t.nr * t.nr
		if t.half != nil && b.nc-b.directN == t.nr/2 {
			b.directN = b.nc
		}
	}
	if n := b.nc - b.directN; n > 0 {
		w.packPanels(b.panels[b.directN*b.kc:], t.nr, t.packB, b.b.from(b.step, b.j+b.directN).x, n, b.kc, b.b.cs, b.b.rs)
	}
}

// packRows does the same for the rows of A.
func (w *worker) packRows(b *block) {
	t := &w.v.gemm
	b.directRows = 0
	if b.layoutA != packedPanels {
		b.directRows = b.mc / t.mr * t.mr
	}
	if m := b.mc - b.directRows; m > 0 {
		w.packPanels(w.packA[b.directRows*b.kc:], t.mr, t.packA, b.a.from(b.i+b.directRows, b.step).x, m, b.kc, b.a.rs, b.a.cs)
	}
}

// block multiplies into C. A panel of B stays near while all panels of A, in the second-level cache, pass by.
func (w *worker) block(b *block) {
	t := &w.v.gemm
	add, last := int64(0), b.step+b.kc == b.k
	if b.accumulate || b.step > 0 {
		add = 1
	}
	lda, ldb := int64(4*b.a.rs), int64(4*b.b.rs)
	if b.layoutA == byColumn {
		lda = int64(4 * b.a.cs)
	}
	for q := 0; q < b.nc; q += t.nr {
		cols, kind := min(t.nr, b.nc-q), 0
		tile, width := t.tile, t.nr
		if t.half != nil && cols <= t.nr/2 {
			tile, width, kind = t.half, t.nr/2, 1
		}
		panel, layoutB := &b.panels[min(q*b.panelSteps+b.panelStep*width, len(b.panels)-1)], packedPanels
		if q < b.directN {
			panel, layoutB = &b.b.x[b.step*b.b.rs+b.j+q], byRow
		}
		var bias *float32
		if b.bias != nil && last && cols == width {
			bias = &b.bias[b.j+q]
		}
		for p := 0; p < b.mc; p += t.mr {
			rows := min(t.mr, b.mc-p)
			c, ldc, accumulate, edge := &w.corner[0], int64(width*4), int64(0), rows < t.mr || cols < width
			var with *float32
			if !edge {
				c, ldc, accumulate, with = &b.c[(b.i+p)*b.ldc+b.j+q], int64(b.ldc*4), add, bias
			}
			a, layoutA := &w.packA[p*b.kc], packedPanels
			if p < b.directRows {
				a, layoutA = &b.a.x[(b.i+p)*b.a.rs+b.step*b.a.cs], b.layoutA
			}
			if layoutA == packedPanels && layoutB == packedPanels {
				tile(int64(b.kc), a, panel, c, ldc, accumulate, with)
			} else {
				t.direct[kind][layoutA][layoutB](int64(b.kc), a, panel, c, ldc, accumulate, with, lda, ldb)
			}
			if edge {
				w.storeCorner(b, p, q, rows, cols, width, add > 0, last)
			}
		}
	}
	if last {
		b.finish(w, b.i, b.j, b.mc, b.nc)
	}
}

// storeCorner finishes a tile that sticks out of C.
func (w *worker) storeCorner(b *block, p, q, rows, cols, width int, accumulate, last bool) {
	var bias []float32
	if b.bias != nil && last {
		bias = b.bias[b.j+q:][:cols]
	}
	for r := range rows {
		storeEdge(b.c[(b.i+p+r)*b.ldc+b.j+q:][:cols], w.corner[r*width:][:cols], bias, accumulate)
	}
}

// storeEdge finishes a row of a tile that sticks out of C.
func storeEdge(dst, src, bias []float32, accumulate bool) {
	if accumulate {
		for i, v := range src {
			dst[i] += v
		}
	} else {
		copy(dst, src)
	}
	for i, v := range bias {
		dst[i] += v
	}
}

// balance cuts n into equal parts of at most limit, a multiple of step, so that the last part is not a sliver.
func balance(n, limit, step int) int {
	return min(limit, roundUp(ceilDiv(n, ceilDiv(n, limit)), step))
}

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
}

// gemmKernel is the part of a product that depends on the instruction set.
type gemmKernel struct {
	mr, nr int // rows and columns of a register tile
	// kc, mc, nc bound the packed blocks: kc·nc values of B and mc·kc values of A. mc is a multiple of mr, nc of nr.
	kc, mc, nc int

	// tile adds the product of a packed panel of A (kc by mr) and one of B (kc by nr) to the mr by nr tile at c with rows ldc
	// bytes apart, or stores it when accumulate is 0. With a bias, nr values at bias are added to each row.
	tile func(kc int64, a, b, c *float32, ldc, accumulate int64, bias *float32)

	// half is a tile kernel for a panel of B of nr/2 columns, or nil. It serves the last columns when so few are left.
	half func(kc int64, a, b, c *float32, ldc, accumulate int64, bias *float32)

	packA, packB packer
}

// at moves the operands of a product that has been planned for whole matrices to its part of rows [i,..) and columns [j,..).
func (g gemm) at(i, j, m, n int) gemm {
	g.a, g.b, g.c = g.a.from(i, 0), g.b.from(0, j), g.c[i*g.ldc+j:]
	g.m, g.n = m, n
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
		return
	}
	g.inside()
	if w.low != nil {
		w.gemmBF16(g)
		return
	}
	t := &w.v.gemm
	depth := balance(g.k, t.kc, 8)
	for j := 0; j < g.n; j += t.nc {
		nc := min(t.nc, g.n-j)
		for k := 0; k < g.k; k += depth {
			kc := min(depth, g.k-k)
			w.packPanels(w.packB, t.nr, t.packB, g.b.x[k*g.b.rs+j*g.b.cs:], nc, kc, g.b.cs, g.b.rs)
			for i := 0; i < g.m; i += t.mc {
				mc := min(t.mc, g.m-i)
				w.packPanels(w.packA, t.mr, t.packA, g.a.x[i*g.a.rs+k*g.a.cs:], mc, kc, g.a.rs, g.a.cs)
				w.block(g, i, j, mc, nc, kc, g.accumulate || k > 0, k+kc == g.k)
			}
		}
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

// block multiplies packed panels into rows [i,i+mc) and columns [j,j+nc) of C. A panel of B stays in the first-level cache while all
// panels of A, in the second, pass by.
func (w *worker) block(g *gemm, i, j, mc, nc, kc int, accumulate, last bool) {
	t := &w.v.gemm
	add := int64(0)
	if accumulate {
		add = 1
	}
	for q := 0; q < nc; q += t.nr {
		cols := min(t.nr, nc-q)
		tile, width := t.tile, t.nr
		if t.half != nil && cols <= t.nr/2 {
			tile, width = t.half, t.nr/2
		}
		b := &w.packB[q*kc]
		var bias *float32
		if g.bias != nil && last && cols == width {
			bias = &g.bias[j+q]
		}
		for p := 0; p < mc; p += t.mr {
			rows := min(t.mr, mc-p)
			if rows == t.mr && cols == width {
				tile(int64(kc), &w.packA[p*kc], b, &g.c[(i+p)*g.ldc+j+q], int64(g.ldc*4), add, bias)
				continue
			}
			tile(int64(kc), &w.packA[p*kc], b, &w.corner[0], int64(width*4), 0, nil)
			var edge []float32
			if g.bias != nil && last {
				edge = g.bias[j+q:][:cols]
			}
			for r := range rows {
				storeEdge(g.c[(i+p+r)*g.ldc+j+q:][:cols], w.corner[r*width:][:cols], edge, accumulate)
			}
		}
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

// grid cuts the m by n result of a product into parts for all workers. The parts of a grid may depend on the number of threads, for the
// sums do not depend on the parts.
type grid struct{ m, n, mt, nt, down, across int }

// tiling says how a grid may cut: at multiples of mr rows and nr columns, into parts of at most mc rows and nc columns, and so many parts for a thread
// that workers finish at about the same time, on a machine that others use as well.
type tiling struct{ mr, nr, mc, nc, perThread int }

// tiling of products in reduced precision has larger parts: each part packs its operands, which takes long beside such fast products.
func (b *Backend) tiling() tiling {
	if t := b.low; t != nil {
		return tiling{panelSide, panelSide, 8 * t.mc, t.nc, 2}
	}
	t := &b.variant.gemm
	return tiling{t.mr, t.nr, t.mc, t.nc, 3}
}

func (b *Backend) grid(m, n, copies int) grid {
	if m == 0 || n == 0 {
		return grid{}
	}
	t := b.tiling()
	mt, nt := min(t.mc, roundUp(m, t.mr)), min(t.nc, roundUp(n, t.nr))
	for b.threads > 1 && copies*ceilDiv(m, mt)*ceilDiv(n, nt) < t.perThread*b.threads {
		switch {
		case nt > 4*t.nr && nt >= mt:
			nt = roundUp(nt/2, t.nr)
		case mt > 4*t.mr:
			mt = roundUp(mt/2, t.mr)
		case nt > 2*t.nr:
			nt = roundUp(nt/2, t.nr)
		case mt > 2*t.mr:
			mt = roundUp(mt/2, t.mr)
		default:
			copies = t.perThread * b.threads // small enough: more parts would cost more than they bring
		}
	}
	g := grid{m: m, n: n, mt: balance(m, mt, t.mr), nt: balance(n, nt, t.nr)}
	g.down, g.across = ceilDiv(m, g.mt), ceilDiv(n, g.nt)
	return g
}

func (g grid) parts() int { return g.down * g.across }

// part returns where part i begins and how large it is.
func (g grid) part(i int) (row, col, rows, cols int) {
	row, col = i%g.down*g.mt, i/g.down*g.nt
	return row, col, min(g.mt, g.m-row), min(g.nt, g.n-col)
}

// gemm adds a phase that computes a product on all workers. The function gives the operands of the running call.
func (p *plan) gemm(m, n int, operands func(c *call) gemm) {
	g := p.b.grid(m, n, 1)
	p.add(g.parts(), func(c *call, w *worker, i int) {
		row, col, rows, cols := g.part(i)
		part := operands(c).at(row, col, rows, cols)
		w.gemm(&part)
	})
}

package cpu

import "math"

// grid cuts the m by n result of a product into parts for all workers. The parts of a grid may depend on the number of threads, for the
// sums do not depend on the parts.
type grid struct{ m, n, mt, nt, down, across int }

// tiling says how a grid may cut, at multiples of mr rows and nr columns, and what parts cost: packing an element from far away takes as long as packCost multiply-adds. In parts of
// more than mc rows A is packed again every nc columns, and B read again every mc rows, which does not count where mc is 0. Where the workers share B, they only read what is packed. Costs are measured, but that of AMX: it is an estimate from the
// speed of packing.
type tiling struct {
	mr, nr, mc, nc, packCost int
	shared                   bool
}

const (
	taskCost   = 2000 // to start a part
	packCost   = 40   // an element from far away
	streamCost = 15   // an element that was packed before, from a third-level cache
)

func (b *Backend) tiling() tiling {
	if t := b.low; t != nil {
		return tiling{panelSide, panelSide, 0, t.nc, 150 / t.parts, false}
	}
	t := &b.variant.gemm
	return tiling{t.mr, t.nr, t.mc, t.nc, packCost, false}
}

// packing is what packing takes for a part of m by n.
func (t *tiling) packing(m, n int) int {
	switch {
	case t.shared:
		return t.packCost*m + streamCost*n*ceilDiv(m, t.mc)
	case t.mc == 0:
		return t.packCost * (m*ceilDiv(n, t.nc) + n)
	case m <= t.mc:
		return t.packCost * (m + n)
	}
	return t.packCost*(m*ceilDiv(n, t.nc)+n) + streamCost*n*ceilDiv(m, t.mc)
}

// grid chooses the parts that take the least time by count: each part packs its rows of A and its columns of B anew, so large and square parts are
// cheap, while many small ones share out more evenly. Of the last part on average a quarter is waited for, on a machine that others use as well.
func (b *Backend) grid(m, n, copies int) grid {
	g, _ := b.gridFor(b.tiling(), m, n, copies)
	return g
}

// gridFor also returns the time that the parts take, in multiply-adds of one thread for each of the k steps.
func (b *Backend) gridFor(t tiling, m, n, copies int) (best grid, least float64) {
	if m == 0 || n == 0 {
		return grid{}, 0
	}
	const most = 64 // parts in either direction
	least = math.Inf(1)
	for down := 1; down <= min(most, ceilDiv(m, t.mr)); down++ {
		for across := 1; across <= min(most, ceilDiv(n, t.nr)); across++ {
			g := grid{m: m, n: n, mt: roundUp(ceilDiv(m, down), t.mr), nt: roundUp(ceilDiv(n, across), t.nr)}
			g.down, g.across = ceilDiv(m, g.mt), ceilDiv(n, g.nt)
			part := float64(g.mt*g.nt + t.packing(g.mt, g.nt) + taskCost)
			count := copies * g.parts()
			cost := part * float64(count)
			if b.threads > 1 {
				cost = part * (float64(ceilDiv(count, b.threads)) + 0.25)
			}
			if cost < least {
				best, least = g, cost
			}
		}
	}
	return best, least
}

func (g grid) parts() int { return g.down * g.across }

// part returns where part i begins and how large it is.
func (g grid) part(i int) (row, col, rows, cols int) {
	row, col = i%g.down*g.mt, i/g.down*g.nt
	return row, col, min(g.mt, g.m-row), min(g.nt, g.n-col)
}

// products are the products of a phase: copies of m by n by k for each of some matrices B.
type products struct{ m, n, k, copies, matrices int }

// mostShared bounds what share packs, in bytes.
const mostShared = 64 << 20

// share cuts products into parts. Where that takes less time it also adds a phase in which all workers together pack each B once, and packed gives
// the i-th; otherwise packed gives nil, and the parts pack the columns that they need. A B without values is not packed.
func (p *plan) share(s products, b func(c *call, i int) view) (g grid, packed func(c *call, i int) []float32) {
	t, cost := &p.b.variant.gemm, p.b.tiling()
	g, alone := p.b.gridFor(cost, s.m, s.n, s.copies*s.matrices)
	none := func(*call, int) []float32 { return nil }
	if p.b.low != nil || s.k == 0 {
		return g, none
	}
	cost.shared = true
	parts, shared := p.b.gridFor(cost, s.m, s.n, s.copies*s.matrices)
	shared += float64(packCost*s.matrices*s.n/p.b.threads + taskCost)
	room := roundUp(p.b.packedRoom(s.k, s.n), 16)
	if shared > 0.95*alone || 4*room*s.matrices > mostShared {
		return g, none
	}
	dst := p.floats(s.matrices * room)
	panels := ceilDiv(s.n, t.nr)
	width := t.nr * ceilDiv(panels, min(panels, 4*p.b.threads))
	across := ceilDiv(s.n, width)
	p.add(s.matrices*across, func(c *call, w *worker, i int) {
		if v := b(c, i/across); len(v.x) > 0 {
			j := i % across * width
			w.prepack(dst.f32(c)[i/across*room+j*s.k:], v.from(0, j), s.k, min(width, s.n-j))
		}
	})
	return parts, func(c *call, i int) []float32 { return dst.f32(c)[i*room:][:room] }
}

// A product with few elements that are long sums, as the gradient of a convolution's weights is, is cut along the sums too: then every value of A and B is packed once,
// while parts with some rows or columns of the result each pack what they share with others. Into how many sums depends on nothing but the shape, and
// they are added in their order.
const (
	mostSplit    = 8       // sums
	leastSummed  = 1000    // steps of one
	mostElements = 1 << 20 // of the result
)

func splitSums(m, n, steps int) int {
	if m*n > mostElements {
		return 1
	}
	return max(1, min(mostSplit, steps/leastSummed))
}

// span is a part of a sum over rows of the batch and the steps of each: of which of the sums, and what it goes over.
type span struct{ sum, row, from, to int }

// spans cuts a sum over rows of length steps each into split sums, and these at the ends of rows. A sum has at least one span, which may be empty.
func spans(split, rows, length int) (list []span) {
	steps := rows * length
	for s := range split {
		lo, hi := s*steps/split, (s+1)*steps/split
		if lo == hi {
			list = append(list, span{sum: s})
		}
		for lo < hi {
			row, from := lo/length, lo%length
			to := min(length, from+hi-lo)
			list = append(list, span{s, row, from, to})
			lo += to - from
		}
	}
	return list
}

// sums adds phases that compute groups of m by n products which are sums over rows of the batch, and in each over length steps. The function gives the operands of one row
// of the running call, and where the whole sum goes, in rows of n values.
func (p *plan) sums(m, n, rows, length, groups int, operands func(c *call, group, row int) gemm) {
	split := splitSums(m, n, rows*length)
	if split == 1 && rows == 1 && groups == 1 {
		p.gemm(m, n, length, func(c *call) gemm { return operands(c, 0, 0) })
		return
	}
	parts := make([][]span, split)
	for _, x := range spans(split, rows, length) {
		parts[x.sum] = append(parts[x.sum], x)
	}
	g := p.b.grid(m, n, groups*split)
	more := p.floats(groups * (split - 1) * m * n)
	p.add(groups*split*g.parts(), func(c *call, w *worker, i int) {
		group, s := i/g.parts()/split, i/g.parts()%split
		i0, j0, height, width := g.part(i % g.parts())
		for at, x := range parts[s] {
			y := operands(c, group, x.row)
			y.a, y.b, y.k, y.ldc = y.a.from(0, x.from), y.b.from(x.from, 0), x.to-x.from, n
			if s > 0 {
				y.c = more.f32(c)[(group*(split-1)+s-1)*m*n:][:m*n]
			}
			y.accumulate = at > 0
			y = y.at(i0, j0, height, width)
			w.gemm(&y)
		}
	})
	if split == 1 {
		return
	}
	block := max(1, pointBlock/n)
	across := ceilDiv(m, block)
	p.add(groups*across, func(c *call, w *worker, i int) {
		group := i / across
		lo, hi := i%across*block*n, min(m, (i%across+1)*block)*n
		to := operands(c, group, 0).c[lo:hi]
		for s := range split - 1 {
			w.v.vec.add(to, more.f32(c)[(group*(split-1)+s)*m*n:][lo:hi])
		}
	})
}

// gemm adds phases that compute a product of m by n by k on all workers. The function gives the operands of the running call.
func (p *plan) gemm(m, n, k int, operands func(c *call) gemm) {
	g, packed := p.share(products{m, n, k, 1, 1}, func(c *call, _ int) view {
		if y := operands(c); y.packed == nil {
			return y.b
		}
		return view{}
	})
	p.add(g.parts(), func(c *call, w *worker, i int) {
		row, col, rows, cols := g.part(i)
		y := operands(c)
		y.k = k
		if y.packed == nil {
			y.packed = packed(c, 0)
		}
		y = y.at(row, col, rows, cols)
		w.gemm(&y)
	})
}

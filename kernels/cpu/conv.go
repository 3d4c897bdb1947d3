package cpu

import "aural/kernels"

// convShape is a convolution with its sizes.
type convShape struct {
	kernels.Conv1D
	batch, frames, outs int // frames of the input and of the output
	cin, cout, k        int
	gin, gout           int // channels of a group
}

func shapeOf(o kernels.Conv1D, batch, frames, cin, cout, k int) convShape {
	return convShape{o, batch, frames, o.OutLen(frames, k), cin, cout, k, cin / o.Groups, cout / o.Groups}
}

// A frame of the output sees K·Cin successive values of the channels-last input, so the windows are the rows of a matrix that overlap: row
// stride Stride·Cin, no copy (im2col) needed. Only groups and padding make a copy, with the frames of a group side by side.

// windows gives, for a batch row and a group, the view of the input whose rows are the windows, with columns (k, channel).
type windows func(c *call, row, group int) view

// inputWindows returns windows over input operand x, and adds the phase that copies it where one is needed.
func (p *plan) inputWindows(s convShape, x int) windows {
	if s.Groups == 1 && s.PadLeft == 0 && s.PadRight == 0 {
		return func(c *call, row, _ int) view {
			return view{c.in[x].F32()[row*s.frames*s.cin : (row+1)*s.frames*s.cin], s.Stride * s.cin, 1}
		}
	}
	frames := s.PadLeft + s.frames + s.PadRight
	padded := p.groupedCopy(input(x), s.batch, s.frames, s.Groups, s.gin, s.PadLeft, frames)
	return func(c *call, row, group int) view {
		n := frames * s.gin
		return view{padded.f32(c)[(row*s.Groups+group)*n:][:n], s.Stride * s.gin, 1}
	}
}

// groupedCopy copies x (batch, frames, groups·width) to (batch, groups, total, width), with zeros before frame lead and after the last.
func (p *plan) groupedCopy(x source, batch, frames, groups, width, lead, total int) region {
	dst := p.floats(batch * groups * total * width)
	block := max(1, pointBlock/width)
	across := ceilDiv(total, block)
	p.add(batch*groups*across, func(c *call, _ *worker, i int) {
		row, group := i/across/groups, i/across%groups
		from, to := x(c), dst.f32(c)[i/across*total*width:]
		for t := i % across * block; t < min(total, (i%across+1)*block); t++ {
			if f := t - lead; f >= 0 && f < frames {
				copy(to[t*width:][:width], from[((row*frames+f)*groups+group)*width:][:width])
			} else {
				clear(to[t*width:][:width])
			}
		}
	})
	return dst
}

// tapMajor reorders the weights (Cout, Cin/Groups, K) to (Cout, K, Cin/Groups).
func (p *plan) tapMajor(s convShape, w source) region {
	dst := p.floats(s.cout * s.k * s.gin)
	p.rows(s.cout, s.k*s.gin, func(c *call, _ *worker, lo, hi int) {
		if p.b.frozenOf(c.in[1]) != nil {
			return // nobody reads it
		}
		for o := lo; o < hi; o++ {
			transpose(dst.f32(c)[o*s.k*s.gin:], w(c)[o*s.k*s.gin:], s.gin, s.k)
		}
	})
	return dst
}

// transpose stores the transpose of the (rows, cols) matrix src. It goes through memory in squares that stay in the first-level cache.
func transpose(dst, src []float32, rows, cols int) {
	const side = 32
	for r0 := 0; r0 < rows; r0 += side {
		for c0 := 0; c0 < cols; c0 += side {
			r1, c1 := min(rows, r0+side), min(cols, c0+side)
			for r := r0; r < r1; r++ {
				for i, v := range src[r*cols+c0 : r*cols+c1] {
					dst[(c0+i)*rows+r] = v
				}
			}
		}
	}
}

// conv1D stores the convolution in result and, unless it is nil, GELU of it in gelu, which may be the same.
func (b *Backend) conv1D(o kernels.Conv1D, in []kernels.Desc, result, gelu source) *plan {
	if b.int8.serves(o, in[1].Shape) {
		return b.int8Conv(o, in, result, gelu)
	}
	s := shapeOf(o, in[0].Shape[0], in[0].Shape[1], in[0].Shape[2], in[1].Shape[0], in[1].Shape[2])
	p := b.plan("gemm")
	x := p.inputWindows(s, 0)
	weights := p.tapMajor(s, input(1))
	depth := s.k * s.gin
	matrix := func(c *call, group int) view {
		return view{weights.f32(c)[group*s.gout*depth:][:s.gout*depth], 1, depth}
	}
	g, packed := p.share(products{s.outs, s.gout, depth, s.batch, s.Groups}, func(c *call, group int) view {
		if b.frozenOf(c.in[1]) != nil {
			return view{}
		}
		return matrix(c, group)
	})
	p.add(s.batch*s.Groups*g.parts(), func(c *call, w *worker, i int) {
		row, group := i/g.parts()/s.Groups, i/g.parts()%s.Groups
		t, j, m, n := g.part(i % g.parts())
		y := gemm{k: depth, a: x(c, row, group), b: matrix(c, group), packed: packed(c, group),
			c: result(c)[row*s.outs*s.cout+group*s.gout:], ldc: s.cout}
		if gelu != nil {
			y.gelu = gelu(c)[row*s.outs*s.cout+group*s.gout:]
		}
		if len(c.in) > 2 {
			y.bias = c.in[2].F32()[group*s.gout:][:s.gout]
		}
		if f := b.frozenOf(c.in[1]); f != nil {
			y.packed = f.group(group)
		}
		y = y.at(t, j, m, n)
		w.gemm(&y)
	})
	return p
}

// conv1DGradWeight is, per group, dw = Σ over batch rows of dyᵀ·windows(x), with columns (k, channel), reordered at the end.
func (b *Backend) conv1DGradWeight(o kernels.Conv1DGradWeight, in []kernels.Desc) *plan {
	s := shapeOf(o.Conv, in[1].Shape[0], in[1].Shape[1], in[1].Shape[2], in[0].Shape[2], o.Kernel)
	p := b.plan("gemm")
	x := p.inputWindows(s, 1)
	depth := s.k * s.gin
	dw := p.floats(s.cout * depth)
	p.sums(s.gout, depth, s.batch, s.outs, s.Groups, func(c *call, group, row int) gemm {
		return gemm{a: view{c.in[0].F32()[row*s.outs*s.cout+group*s.gout:], 1, s.cout}, b: x(c, row, group),
			c: dw.f32(c)[group*s.gout*depth:][:s.gout*depth], ldc: depth}
	})
	p.rows(s.cout, depth, func(c *call, _ *worker, lo, hi int) {
		for o := lo; o < hi; o++ {
			transpose(c.out[0].F32()[o*depth:], dw.f32(c)[o*depth:], s.k, s.gin)
		}
	})
	if o.Bias {
		p.columnSums(s.batch*s.outs, s.cout, input(0), output(1))
	}
	return p
}

// conv1DGradInput splits the input frames by their residue r after division by the stride. With τ + PadLeft = Stride·j + r,
//
//	dx[τ] = Σ_m dy[j-m] · w[:,:,r+Stride·m],
//
// which is a convolution of stride 1 over dy with the taps of that residue: again a product with overlapping rows, whose result rows lie
// Stride frames apart. Every frame is written once; nothing is scattered.
func (b *Backend) conv1DGradInput(o kernels.Conv1DGradInput, in []kernels.Desc) *plan {
	groups := o.Conv.Groups
	s := shapeOf(o.Conv, in[0].Shape[0], o.Len, in[1].Shape[1]*groups, in[1].Shape[0], in[1].Shape[2])
	p := b.plan("gemm")
	most := ceilDiv(s.k, s.Stride) // taps of residue 0
	lead := most - 1
	last := (s.frames - 1 + s.PadLeft) / s.Stride // the largest j
	total := lead + max(s.outs, last+1)
	dy := p.groupedCopy(input(0), s.batch, s.outs, groups, s.gout, lead, total)
	weights := p.residueTaps(s)
	for r := range s.Stride {
		taps := max(0, ceilDiv(s.k-r, s.Stride))
		first := ceilDiv(max(0, s.PadLeft-r), s.Stride)
		count := (s.frames-1+s.PadLeft-r)/s.Stride - first + 1
		if s.frames-1+s.PadLeft < r {
			continue
		}
		matrix := func(c *call, group int) view {
			return view{weights.f32(c)[(group*s.k+tapsBefore(s, r))*s.gout*s.gin:][:taps*s.gout*s.gin], s.gin, 1}
		}
		g, packed := p.share(products{count, s.gin, taps * s.gout, s.batch, groups}, matrix)
		p.add(s.batch*groups*g.parts(), func(c *call, w *worker, i int) {
			row, group := i/g.parts()/groups, i/g.parts()%groups
			t, j, m, n := g.part(i % g.parts())
			rows := dy.f32(c)[(row*groups+group)*total*s.gout:][:total*s.gout]
			tau := s.Stride*first + r - s.PadLeft
			y := gemm{k: taps * s.gout,
				a: view{rows[(first-(taps-1)+lead)*s.gout:], s.gout, 1},
				b: matrix(c, group), packed: packed(c, group),
				c:   c.out[0].F32()[(row*s.frames+tau)*s.cin+group*s.gin:],
				ldc: s.Stride * s.cin}
			if taps == 0 {
				y.a, y.b = view{}, view{}
			}
			y = y.at(t, j, m, n)
			w.gemm(&y)
		})
	}
	return p
}

// tapsBefore is the number of taps whose residue is smaller than r.
func tapsBefore(s convShape, r int) int {
	n := 0
	for q := range r {
		n += max(0, ceilDiv(s.k-q, s.Stride))
	}
	return n
}

// residueTaps reorders the weights (Cout, Cin/Groups, K) to (Groups, taps, Cout/Groups, Cin/Groups), the taps by residue and, inside
// a residue, backwards, as the windows over dy run.
func (p *plan) residueTaps(s convShape) region {
	dst := p.floats(s.cout * s.k * s.gin)
	var order []int
	for r := range s.Stride {
		for m := ceilDiv(s.k-r, s.Stride) - 1; m >= 0; m-- {
			order = append(order, r+s.Stride*m)
		}
	}
	p.rows(s.cout, s.k*s.gin, func(c *call, _ *worker, lo, hi int) {
		for o := lo; o < hi; o++ {
			from := c.in[1].F32()[o*s.gin*s.k:][:s.gin*s.k]
			for q, k := range order {
				to := dst.f32(c)[((o/s.gout*s.k+q)*s.gout+o%s.gout)*s.gin:][:s.gin]
				for i := range to {
					to[i] = from[i*s.k+k]
				}
			}
		}
	})
	return dst
}

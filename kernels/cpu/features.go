package cpu

import "aural/kernels"

// The first layer of a feature encoder is a convolution of one channel and ten taps, a group norm over time, and a GELU. Its three tensors of (B,T,512) are the largest of
// a model, and the convolution is nearly free: 2·10 operations for each value of 4 bytes. So bands of frames, which stay in the second-level cache, are
// convolved once for the moments and once more for the result; neither the convolution's result nor the norm's goes through memory. The way back
// does the same, so that they need not be kept.
//
// Of 15.6 s of audio (T = 49,919; a tensor has 102 MB) the forward pass moves, with stores that read their lines first, 818 MB as single ops: convolution
// 2 tensors, norm 4, GELU 3 less the first read of the wave; fused 204 MB, for 0.5 GFLOP more. The way back moves 1.12 GB: GELU 4 tensors, norm 6, weights 1;
// fused 204 MB, for 1.0 GFLOP of convolution and 0.8 GFLOP of GELU's derivative, worked out twice, more.

// maxFeatureTaps is how many multiply-adds a value of a convolution may take that is done again.
const maxFeatureTaps = 32

// featureBand is the number of values of a band, which fits a second-level cache twice.
const featureBand = 32 << 10

// firstConv reports whether link i is a convolution that is cheap to do again.
func firstConv(l kernels.Link) bool {
	o, ok := l.Op.(kernels.Conv1D)
	return ok && o.Groups == 1 && o.PadLeft == 0 && o.PadRight == 0 && l.In[1].Shape[1]*l.In[1].Shape[2] <= maxFeatureTaps && l.In[0].DType == kernels.Float32
}

// featuresFused says whether a chain is convolution, group norm, GELU.
func (b *Backend) featuresFused(c *kernels.Chain) (whole, more bool) {
	for i, l := range c.Links {
		switch l.Op.(type) {
		case kernels.Conv1D:
			if i != 0 || l.Again || !firstConv(l) {
				return false, false
			}
		case kernels.GroupNorm:
			if i != 1 || !follows(c, 1, 0, 0) {
				return false, false
			}
		case kernels.GELU:
			return i == 2 && len(c.Links) == 3 && follows(c, 2, 0, 1), false
		default:
			return false, false
		}
	}
	return false, true
}

// featuresGradFused says whether a chain is the gradient of that: convolution and group norm again, then the gradients of GELU, norm and weights. In reduced precision
// the sums of the last go on from block to block, and that in parallel would need what is spared here.
func (b *Backend) featuresGradFused(c *kernels.Chain) (whole, more bool) {
	if b.low != nil {
		return false, false
	}
	for i, l := range c.Links {
		ok := l.Again == (i < 2)
		switch op := l.Op.(type) {
		case kernels.Conv1D:
			ok = ok && i == 0 && firstConv(l)
		case kernels.GroupNorm:
			ok = ok && i == 1 && follows(c, 1, 0, 0)
		case kernels.GELUGrad:
			ok = ok && i == 2 && l.From[0] >= 0 && follows(c, 2, 1, 1)
		case kernels.GroupNormGrad:
			if i != 3 {
				return false, false
			}
			norm := c.Links[1]
			ok = ok && op.Groups == norm.Op.(kernels.GroupNorm).Groups && follows(c, 3, 0, 2) && follows(c, 3, 1, 0) && l.From[2] == norm.From[1] &&
				l.From[3] == norm.Kept[1] && l.From[4] == norm.Kept[2]
		case kernels.Conv1DGradWeight:
			conv := c.Links[0]
			return ok && i == 4 && len(c.Links) == 5 && !op.Bias && op.Conv == conv.Op && follows(c, 4, 0, 3) && l.From[1] == conv.From[0] &&
				!c.Links[2].Used[0] && !c.Links[3].Used[0], false
		default:
			ok = false
		}
		if !ok {
			return false, false
		}
	}
	return false, true
}

// featureLayer is what both ways have in common. Inputs of the chain: x 0, w 1, then the bias if there is one.
type featureLayer struct {
	convShape
	b       *Backend
	bias    bool
	x       windows
	weights region // tap-major
	packed  region // the same as products need it, where parts of it can be used
}

func (p *plan) featureLayer(l kernels.Link) featureLayer {
	o, in := l.Op.(kernels.Conv1D), l.In
	f := featureLayer{convShape: shapeOf(o, in[0].Shape[0], in[0].Shape[1], in[0].Shape[2], in[1].Shape[0], in[1].Shape[2]), b: p.b, bias: len(in) > 2}
	f.x = p.inputWindows(f.convShape, 0)
	f.weights = p.tapMajor(f.convShape, input(1))
	f.packed = p.floats(p.b.packedRoom(f.depth(), f.cout))
	p.add(1, func(c *call, w *worker, _ int) {
		if p.b.frozenOf(c.in[1]) == nil {
			w.prepack(f.packed.f32(c), view{f.weights.f32(c), 1, f.depth()}, f.depth(), f.cout)
		}
	})
	return f
}

// depth is the number of multiply-adds of a value.
func (f *featureLayer) depth() int { return f.k * f.cin }

// convolve computes frames [lo,hi) of a batch row.
func (f *featureLayer) convolve(c *call, w *worker, row, lo, hi int, y []float32) {
	depth := f.depth()
	g := gemm{m: hi - lo, n: f.cout, k: depth, a: f.x(c, row, 0).from(lo, 0), b: view{f.weights.f32(c), 1, depth}, c: y, ldc: f.cout, packed: f.packed.f32(c)}
	if f.bias {
		g.bias = c.in[2].F32()
	}
	if frozen := f.b.frozenOf(c.in[1]); frozen != nil {
		g.packed = frozen.group(0)
	}
	w.gemm(&g)
}

// features is convolution, group norm and GELU.
func (b *Backend) features(chain *kernels.Chain) *plan {
	norm := chain.Links[1]
	p := b.plan("features")
	f := p.featureLayer(chain.Links[0])
	used := func(link, i int) source {
		if at := placed(chain, link)[i]; at >= 0 {
			return output(at)
		}
		return nil
	}
	convolved, normed, result := used(0, 0), used(1, 0), used(2, 0)
	size := momentSize(f.cout)
	count := ceilDiv(f.outs, size)
	s := p.groupMoments(norm.Op.(kernels.GroupNorm), norm.In[0], size, input(norm.From[1]), used(1, 1), used(1, 2))
	band := p.floats(b.threads * size * f.cout)
	// block is where the values of a block of frames lie: in an output, or in the band of the worker.
	block := func(c *call, w *worker, x source, i int) []float32 {
		lo, hi := i%count*size, min(f.outs, (i%count+1)*size)
		if x == nil {
			return band.own(c, w)[:(hi-lo)*f.cout]
		}
		return x(c)[(i/count*f.outs+lo)*f.cout:][:(hi-lo)*f.cout]
	}
	convolve := func(c *call, w *worker, i int) []float32 {
		y := block(c, w, convolved, i)
		lo := i % count * size
		f.convolve(c, w, i/count, lo, lo+len(y)/f.cout, y)
		return y
	}
	p.add(f.batch*count, func(c *call, w *worker, i int) { s.take(c, w, i, convolve(c, w, i)) })
	p.mergeMoments(s)
	p.add(f.batch*count, func(c *call, w *worker, i int) {
		x := block(c, w, convolved, i)
		if convolved == nil {
			x = convolve(c, w, i)
		}
		factors := s.factors.f32(c)[i/count*2*f.cout:][:2*f.cout]
		n := block(c, w, normed, i)
		w.v.vec.affine(n, x, factors[:f.cout], factors[f.cout:], c.in[norm.From[2]].F32())
		if result != nil {
			w.v.vec.gelu(block(c, w, result, i), n)
		}
	})
	return p
}

// featuresGrad is the gradient of features.
func (b *Backend) featuresGrad(chain *kernels.Chain) *plan {
	p := b.plan("features_grad")
	g := &featureGradient{featureLayer: p.featureLayer(chain.Links[0]), chain: chain, groups: chain.Links[1].Op.(kernels.GroupNorm).Groups}
	g.factors = p.floats(g.batch * 2 * g.cout)
	p.add(g.batch, func(c *call, _ *worker, row int) {
		per := g.cout / g.groups
		for i := range g.groups {
			groupFactors(g.rowFactors(c, row), g.norm(c, 1), i*per, per, g.moment(c, 3, row)[i], g.moment(c, 4, row)[i])
		}
	})
	g.sums(p)
	g.products(p)
	return p
}

// featureGradient has the parts of featuresGrad.
type featureGradient struct {
	featureLayer
	chain   *kernels.Chain
	groups  int
	factors region // per row: mean and rstd·gamma of each channel
	coef    region // per row: p, q, r of each channel
	dn      region // the gradient of what the norm gave, (B,T,C)
}

func (g *featureGradient) norm(c *call, i int) []float32 { return c.in[g.chain.Links[1].From[i]].F32() }

// moment is mean (3) or rstd (4) of the groups of a row.
func (g *featureGradient) moment(c *call, i, row int) []float32 {
	return c.in[g.chain.Links[3].From[i]].F32()[row*g.groups:][:g.groups]
}

func (g *featureGradient) rowFactors(c *call, row int) []float32 {
	return g.factors.f32(c)[row*2*g.cout:][:2*g.cout]
}

// dy is the gradient that comes in.
func (g *featureGradient) dy(c *call) []float32 { return c.in[g.chain.Links[2].From[0]].F32() }

// sums adds the first pass of groupNormGrad, with dgamma and dbeta.
func (g *featureGradient) sums(p *plan) {
	ch, frames := g.cout, g.outs
	size, count := sumBlocks(frames)
	sums := p.floats(g.batch * count * 2 * ch)
	g.coef = p.floats(g.batch * 3 * ch)
	step := min(size, max(1, featureBand/ch))
	x, n := p.floats(p.b.threads*step*ch), p.floats(p.b.threads*step*ch)
	g.dn = p.floats(g.batch * frames * ch)
	p.add(g.batch*count, func(c *call, w *worker, i int) {
		row := i / count
		s := sums.f32(c)[i*2*ch:][:2*ch]
		clear(s)
		factors := g.rowFactors(c, row)
		for lo, end := i%count*size, min(frames, (i%count+1)*size); lo < end; lo += step {
			hi := min(end, lo+step)
			x, dn := x.own(c, w)[:(hi-lo)*ch], g.dn.f32(c)[(row*frames+lo)*ch:][:(hi-lo)*ch]
			g.convolve(c, w, row, lo, hi, x)
			n := n.own(c, w)[:len(x)]
			w.v.vec.affine(n, x, factors[:ch], factors[ch:], g.norm(c, 2))
			w.v.vec.geluGrad(dn, g.dy(c)[(row*frames+lo)*ch:][:len(dn)], n)
			w.v.vec.addCentered(s[:ch], s[ch:], dn, x, factors[:ch])
		}
	})
	place := placed(g.chain, 3)
	gradient := func(i int) source {
		if place[i] >= 0 {
			return output(place[i])
		}
		return p.floats(ch).f32
	}
	dgamma, dbeta := gradient(1), gradient(2)
	p.add(1, func(c *call, w *worker, _ int) {
		clear(dgamma(c))
		clear(dbeta(c))
		for row := range g.batch {
			all := sums.f32(c)[row*count*2*ch:][:count*2*ch]
			w.v.vec.addRows(all[:2*ch], all[2*ch:])
			k := normCoefficients{gamma: g.norm(c, 1), rstds: g.moment(c, 4, row), dgamma: dgamma(c), dbeta: dbeta(c), frames: frames}
			k.add(all[:2*ch], g.coef.f32(c)[row*3*ch:][:3*ch])
		}
	})
}

// products adds the second pass of groupNormGrad, and with it the gradient of the weights: its product sums over frames in blocks, as [plan.sums] and [worker.gemm] do in
// float32, so that the products of blocks can be made by different workers and be added later.
func (g *featureGradient) products(p *plan) {
	place := placed(g.chain, 4)[0]
	if place < 0 {
		return
	}
	ch, depth := g.cout, g.depth()
	kc := p.b.variant.gemm.kc
	var blocks []span
	for _, x := range spans(splitSums(ch, depth, g.batch*g.outs), g.batch, g.outs) {
		for step := balance(x.to-x.from, kc, 8); ; x.from += step {
			blocks = append(blocks, span{x.sum, x.row, x.from, min(x.to, x.from+step)})
			if x.from+step >= x.to {
				break
			}
		}
	}
	steps := min(g.outs, kc)
	band := min(steps, max(1, featureBand/ch))
	x, dx := p.floats(p.b.threads*band*ch), p.floats(p.b.threads*steps*ch)
	size := ch * depth
	products := p.floats(len(blocks) * size)
	p.add(len(blocks), func(c *call, w *worker, i int) {
		row, first, end := blocks[i].row, blocks[i].from, blocks[i].to
		mean, k, dx := g.rowFactors(c, row)[:ch], g.coef.f32(c)[row*3*ch:][:3*ch], dx.own(c, w)
		for lo := first; lo < end; lo += band {
			hi := min(end, lo+band)
			x := x.own(c, w)[:(hi-lo)*ch]
			g.convolve(c, w, row, lo, hi, x)
			w.v.vec.affineGrad(dx[(lo-first)*ch:][:len(x)], g.dn.f32(c)[(row*g.outs+lo)*ch:][:len(x)], x, mean, g.norm(c, 1), k[:ch], k[ch:2*ch], k[2*ch:])
		}
		y := gemm{m: ch, n: depth, k: end - first, a: view{dx, 1, ch}, b: g.x(c, row, 0).from(first, 0), c: products.f32(c)[i*size:][:size], ldc: depth}
		w.gemm(&y)
	})
	p.rows(ch, depth, func(c *call, w *worker, lo, hi int) {
		all := products.f32(c)
		block := func(i int) []float32 { return all[i*size+lo*depth:][:(hi-lo)*depth] }
		for i := 0; i < len(blocks); {
			first := i // of a sum
			for i++; i < len(blocks) && blocks[i].sum == blocks[first].sum; i++ {
				w.v.vec.add(block(first), block(i))
			}
			if first > 0 {
				w.v.vec.add(block(0), block(first))
			}
		}
		for o := lo; o < hi; o++ {
			transpose(c.out[place].F32()[o*depth:], all[o*depth:], g.k, g.cin)
		}
	})
}

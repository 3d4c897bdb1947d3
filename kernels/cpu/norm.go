package cpu

import (
	"math"

	"aural/kernels"
)

func (b *Backend) layerNorm(o kernels.LayerNorm, in []kernels.Desc) *plan {
	p, n := b.plan("layer_norm"), in[0].Last()
	p.rows(in[0].Rows(), n, func(c *call, w *worker, lo, hi int) {
		v := &w.v.vec
		x, gamma, beta := c.in[0].F32(), c.in[1].F32(), c.in[2].F32()
		y, means, rstds := c.out[0].F32(), c.out[1].F32(), c.out[2].F32()
		for r := lo; r < hi; r++ {
			row := x[r*n:][:n]
			mean := v.sum(row) / float32(n)
			variance := v.deviation(row, mean) / float32(n)
			rstd := float32(1 / math.Sqrt(float64(variance)+o.Eps))
			v.normalize(y[r*n:][:n], row, gamma, beta, mean, rstd)
			means[r], rstds[r] = mean, rstd
		}
	})
	return p
}

func (b *Backend) layerNormGrad(in []kernels.Desc) *plan {
	p, n := b.plan("layer_norm_grad"), in[1].Last()
	p.rowSums(in[1].Rows(), 2*n, func(c *call, w *worker, acc []float32, lo, hi int) {
		v := &w.v.vec
		dy, x, gamma, means, rstds := c.in[0].F32(), c.in[1].F32(), c.in[2].F32(), c.in[3].F32(), c.in[4].F32()
		dx := c.out[0].F32()
		for r := lo; r < hi; r++ {
			g, row, mean, rstd := dy[r*n:][:n], x[r*n:][:n], means[r], rstds[r]
			s1, s2 := v.normalizeSums(acc[:n], acc[n:], g, row, gamma, mean, rstd)
			v.normalizeGrad(dx[r*n:][:n], g, row, gamma, mean, rstd, s1/float32(n), s2/float32(n))
		}
	}, func(c *call, lo int, total []float32) { storePair(c.out[1].F32(), c.out[2].F32(), lo, total) })
	return p
}

// storePair stores a part, from position lo, of the concatenation of two vectors.
func storePair(first, second []float32, lo int, part []float32) {
	if lo < len(first) {
		part = part[copy(first[lo:], part):]
		lo = len(first)
	}
	copy(second[lo-len(first):], part)
}

// momentBlock is the number of elements whose moments are taken at once, 128 KiB, so that the second pass finds them in a second-level cache, and
// momentRows the largest number of rows, for the sums are in float32.
const (
	momentBlock = 32 << 10
	momentRows  = 128
)

// groupNorm has channels in the last axis and normalises over time, so it works by columns: each block of frames gives for each channel
// its mean and the sum of squares about that mean, which are merged in float64 (Chan, Golub, LeVeque 1979).
//
// Memory sees x twice, for moments and for y, and y once: 12 bytes an element, and 4 more where a store reads its line first.
func (b *Backend) groupNorm(o kernels.GroupNorm, in []kernels.Desc) *plan {
	batch, frames, ch := in[0].Shape[0], in[0].Shape[1], in[0].Shape[2]
	p := b.plan("group_norm")
	size := momentSize(ch)
	count := ceilDiv(frames, size)
	s := p.groupMoments(o, in[0], size, input(1), output(1), output(2))
	p.add(batch*count, func(c *call, w *worker, i int) {
		lo, hi := i%count*size, min(frames, (i%count+1)*size)
		s.take(c, w, i, c.in[0].F32()[(i/count*frames+lo)*ch:][:(hi-lo)*ch])
	})
	p.mergeMoments(s)
	p.frames(batch, frames, ch, func(c *call, w *worker, row, lo, hi int) {
		f := s.factors.f32(c)[row*2*ch:][:2*ch]
		w.v.vec.affine(c.out[0].F32()[lo:hi], c.in[0].F32()[lo:hi], f[:ch], f[ch:], c.in[2].F32())
	})
	return p
}

// frames adds a phase over the frames of all rows of a batch. f gets the elements [lo,hi) of frames of one row.
func (p *plan) frames(batch, frames, ch int, f func(c *call, w *worker, row, lo, hi int)) {
	p.rows(batch*frames, ch, func(c *call, w *worker, lo, hi int) {
		for lo < hi {
			row := lo / frames
			end := min(hi, (row+1)*frames)
			f(c, w, row, lo*ch, end*ch)
			lo = end
		}
	})
}

// momentSize is the number of frames of a block.
func momentSize(ch int) int { return min(momentRows, max(1, momentBlock/ch)) }

// groupMoments are the moments of blocks of frames on the way to means and deviations of groups.
type groupMoments struct {
	batch, frames, ch, groups int
	size, count               int // blocks: frames of each, and number in a row
	eps                       float64
	gamma, means, rstds       source // means and rstds may be nil
	moments                   region // per block: means, then sums of squares
	factors                   region // per row: mean and rstd·gamma of each channel
}

func (p *plan) groupMoments(o kernels.GroupNorm, x kernels.Desc, size int, gamma, means, rstds source) *groupMoments {
	batch, frames, ch := x.Shape[0], x.Shape[1], x.Shape[2]
	count := ceilDiv(frames, size)
	return &groupMoments{batch: batch, frames: frames, ch: ch, groups: o.Groups, size: size, count: count, eps: o.Eps, gamma: gamma, means: means, rstds: rstds,
		moments: p.floats(batch * count * 2 * ch), factors: p.floats(batch * 2 * ch)}
}

// take stores the moments of block i of all rows, whose frames are x.
func (s *groupMoments) take(c *call, w *worker, i int, x []float32) {
	mean, dev := s.moments.f32(c)[i*2*s.ch:][:s.ch], s.moments.f32(c)[(i*2+1)*s.ch:][:s.ch]
	clear(mean)
	clear(dev)
	w.v.vec.addRows(mean, x)
	w.v.vec.scale(mean, 1/float32(len(x)/s.ch), mean)
	w.v.vec.addDeviation(dev, x, mean)
}

// mergeMoments adds the phase that merges the moments of all blocks.
func (p *plan) mergeMoments(s *groupMoments) {
	parts := ceilDiv(s.groups, groupChunk)
	p.add(s.batch*parts, func(c *call, _ *worker, i int) {
		lo := i % parts * groupChunk
		s.merge(c, i/parts, lo, min(s.groups, lo+groupChunk))
	})
}

// groupChunk is the number of groups that are merged at once.
const groupChunk = 32

// merge works out mean, rstd and factors of groups [lo,hi) of a row. All channels of a block have one weight, its number of frames.
func (s *groupMoments) merge(c *call, row, lo, hi int) {
	var means, devs [groupChunk]float64
	per := s.ch / s.groups
	each := func(f func(g int, weight float64, mean, dev []float32)) {
		for k := range s.count {
			block := s.moments.f32(c)[(row*s.count+k)*2*s.ch:][:2*s.ch]
			weight := float64(min(s.frames, (k+1)*s.size) - k*s.size)
			for g := lo; g < hi; g++ {
				f(g-lo, weight, block[g*per:(g+1)*per], block[s.ch+g*per:][:per])
			}
		}
	}
	each(func(g int, weight float64, mean, _ []float32) {
		for _, m := range mean {
			means[g] += weight * float64(m)
		}
	})
	n := float64(s.frames * per)
	for g := range hi - lo {
		means[g] /= n
	}
	each(func(g int, weight float64, mean, dev []float32) {
		for j, m := range mean {
			d := float64(m) - means[g]
			devs[g] += float64(dev[j]) + weight*d*d
		}
	})
	gamma, f := s.gamma(c), s.factors.f32(c)[row*2*s.ch:][:2*s.ch]
	for g := lo; g < hi; g++ {
		mean, rstd := float32(means[g-lo]), float32(1/math.Sqrt(devs[g-lo]/n+s.eps))
		if s.means != nil {
			s.means(c)[row*s.groups+g] = mean
		}
		if s.rstds != nil {
			s.rstds(c)[row*s.groups+g] = rstd
		}
		groupFactors(f, gamma, g*per, per, mean, rstd)
	}
}

// groupFactors stores mean and rstd·gamma of the channels [at,at+per) of a group. It needs what the norm gives alone, so that what is normalised again is the same.
func groupFactors(factors, gamma []float32, at, per int, mean, rstd float32) {
	for j := at; j < at+per; j++ {
		factors[j], factors[len(gamma)+j] = mean, rstd*gamma[j]
	}
}

// groupNormGrad sums dy and dy·(x-mean) per row and channel; from these follow all three gradients:
// dx = (dy·gamma - p - (x-mean)·q)·r with p, q, r per row and channel.
//
// Memory sees dy and x twice and dx once: 20 bytes an element, and 4 more where a store reads its line first.
func (b *Backend) groupNormGrad(o kernels.GroupNormGrad, in []kernels.Desc) *plan {
	batch, frames, ch := in[1].Shape[0], in[1].Shape[1], in[1].Shape[2]
	per := ch / o.Groups
	p := b.plan("group_norm_grad")
	size, count := sumBlocks(frames)
	sums := p.floats(batch * count * 2 * ch)
	means := p.floats(batch * ch)
	coef := p.floats(batch * 3 * ch)
	p.add(batch, func(c *call, _ *worker, row int) {
		for j := range ch {
			means.f32(c)[row*ch+j] = c.in[3].F32()[row*o.Groups+j/per]
		}
	})
	p.add(batch*count, func(c *call, w *worker, i int) {
		row := i / count
		lo, hi := (row*frames+i%count*size)*ch, (row*frames+min(frames, (i%count+1)*size))*ch
		s := sums.f32(c)[i*2*ch:][:2*ch]
		clear(s)
		w.v.vec.addCentered(s[:ch], s[ch:], c.in[0].F32()[lo:hi], c.in[1].F32()[lo:hi], means.f32(c)[row*ch:][:ch])
	})
	p.add(1, func(c *call, w *worker, _ int) {
		clear(c.out[1].F32())
		clear(c.out[2].F32())
		for row := range batch {
			all := sums.f32(c)[row*count*2*ch:][:count*2*ch]
			w.v.vec.addRows(all[:2*ch], all[2*ch:])
			k := normCoefficients{gamma: c.in[2].F32(), rstds: c.in[4].F32()[row*o.Groups:][:o.Groups], dgamma: c.out[1].F32(), dbeta: c.out[2].F32(), frames: frames}
			k.add(all[:2*ch], coef.f32(c)[row*3*ch:][:3*ch])
		}
	})
	p.frames(batch, frames, ch, func(c *call, w *worker, row, lo, hi int) {
		k := coef.f32(c)[row*3*ch:][:3*ch]
		w.v.vec.affineGrad(c.out[0].F32()[lo:hi], c.in[0].F32()[lo:hi], c.in[1].F32()[lo:hi], means.f32(c)[row*ch:][:ch], c.in[2].F32(),
			k[:ch], k[ch:2*ch], k[2*ch:])
	})
	return p
}

// normCoefficients is what the gradient of a group norm works out between its two passes.
type normCoefficients struct {
	gamma, rstds  []float32 // rstds of a row
	dgamma, dbeta []float32
	frames        int
}

// add adds the share of a row to dgamma and dbeta and works out the row's p, q, r (see groupNormGrad). sums holds Σ dy of all channels, then Σ dy·(x-mean).
func (k normCoefficients) add(sums, coef []float32) {
	gamma, dgamma, dbeta := k.gamma, k.dgamma, k.dbeta
	ch := len(gamma)
	groups := len(k.rstds)
	per := ch / groups
	for g := range groups {
		rstd := float64(k.rstds[g])
		var s1, s2 float64 // Σ dy·gamma and Σ dy·gamma·x̂ of the group
		for j := g * per; j < (g+1)*per; j++ {
			dbeta[j] += sums[j]
			dgamma[j] += float32(float64(sums[ch+j]) * rstd)
			s1 += float64(sums[j]) * float64(gamma[j])
			s2 += float64(sums[ch+j]) * float64(gamma[j]) * rstd
		}
		n := float64(per * k.frames)
		m1, m2 := s1/n, s2/n
		for j := g * per; j < (g+1)*per; j++ {
			coef[j], coef[ch+j], coef[2*ch+j] = float32(m1), float32(rstd*m2), float32(rstd)
		}
	}
}

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

// groupNorm has channels in the last axis and normalises over time, so it works by columns: each block of frames gives for each channel
// its mean and the sum of squares about that mean, which are merged in float64 (Chan, Golub, LeVeque 1979).
func (b *Backend) groupNorm(o kernels.GroupNorm, in []kernels.Desc) *plan {
	batch, frames, ch := in[0].Shape[0], in[0].Shape[1], in[0].Shape[2]
	p := b.plan("group_norm")
	size, count := sumBlocks(frames)
	moments := p.floats(batch * count * 2 * ch) // per block: means, then sums of squares
	factors := p.floats(batch * 2 * ch)         // per row: mean and rstd·gamma of each channel
	p.add(batch*count, func(c *call, w *worker, i int) {
		lo, hi := i%count*size, min(frames, (i%count+1)*size)
		x := c.in[0].F32()[(i/count*frames+lo)*ch:]
		mean, dev := moments.f32(c)[i*2*ch:][:ch], moments.f32(c)[(i*2+1)*ch:][:ch]
		clear(mean)
		clear(dev)
		for r := range hi - lo {
			w.v.vec.add(mean, x[r*ch:][:ch])
		}
		w.v.vec.scale(mean, 1/float32(hi-lo), mean)
		for r := range hi - lo {
			w.v.vec.addDeviation(dev, x[r*ch:][:ch], mean)
		}
	})
	per := ch / o.Groups
	p.add(batch, func(c *call, _ *worker, row int) {
		gamma, f := c.in[1].F32(), factors.f32(c)[row*2*ch:][:2*ch]
		for g := range o.Groups {
			var n, mean, dev float64
			for k := range count {
				block := moments.f32(c)[(row*count+k)*2*ch:][:2*ch]
				nk := float64(min(frames, (k+1)*size) - k*size)
				for j := g * per; j < (g+1)*per; j++ {
					delta := float64(block[j]) - mean
					dev += float64(block[ch+j]) + delta*delta*n*nk/(n+nk)
					mean += delta * nk / (n + nk)
					n += nk
				}
			}
			rstd := 1 / math.Sqrt(dev/n+o.Eps)
			c.out[1].F32()[row*o.Groups+g], c.out[2].F32()[row*o.Groups+g] = float32(mean), float32(rstd)
			for j := g * per; j < (g+1)*per; j++ {
				f[j], f[ch+j] = float32(mean), float32(rstd*float64(gamma[j]))
			}
		}
	})
	p.rows(batch*frames, ch, func(c *call, w *worker, lo, hi int) {
		x, beta, y := c.in[0].F32(), c.in[2].F32(), c.out[0].F32()
		for r := lo; r < hi; r++ {
			f := factors.f32(c)[r/frames*2*ch:][:2*ch]
			w.v.vec.affine(y[r*ch:][:ch], x[r*ch:][:ch], f[:ch], f[ch:], beta)
		}
	})
	return p
}

// groupNormGrad sums dy and dy·(x-mean) per row and channel; from these follow all three gradients:
// dx = (dy·gamma - p - (x-mean)·q)·r with p, q, r per row and channel.
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
		lo, hi := row*frames+i%count*size, row*frames+min(frames, (i%count+1)*size)
		s, t, mean := sums.f32(c)[i*2*ch:][:ch], sums.f32(c)[(i*2+1)*ch:][:ch], means.f32(c)[row*ch:][:ch]
		clear(s)
		clear(t)
		dy, x := c.in[0].F32(), c.in[1].F32()
		for r := lo; r < hi; r++ {
			w.v.vec.add(s, dy[r*ch:][:ch])
			w.v.vec.addCentered(t, dy[r*ch:][:ch], x[r*ch:][:ch], mean)
		}
	})
	p.add(1, func(c *call, w *worker, _ int) {
		clear(c.out[1].F32())
		clear(c.out[2].F32())
		for row := range batch {
			all := sums.f32(c)[row*count*2*ch:][:count*2*ch]
			for k := 1; k < count; k++ {
				w.v.vec.add(all[:2*ch], all[k*2*ch:][:2*ch])
			}
			groupNormCoefficients(c, row, frames, all[:2*ch], coef.f32(c)[row*3*ch:][:3*ch])
		}
	})
	p.rows(batch*frames, ch, func(c *call, w *worker, lo, hi int) {
		dy, x, gamma, dx := c.in[0].F32(), c.in[1].F32(), c.in[2].F32(), c.out[0].F32()
		for r := lo; r < hi; r++ {
			k := coef.f32(c)[r/frames*3*ch:][:3*ch]
			w.v.vec.affineGrad(dx[r*ch:][:ch], dy[r*ch:][:ch], x[r*ch:][:ch], means.f32(c)[r/frames*ch:][:ch],
				gamma, k[:ch], k[ch:2*ch], k[2*ch:])
		}
	})
	return p
}

// groupNormCoefficients adds the share of a row to dgamma and dbeta and works out the row's p, q, r (see groupNormGrad). sums holds Σ dy of all
// channels, then Σ dy·(x-mean).
func groupNormCoefficients(c *call, row, frames int, sums, coef []float32) {
	gamma, rstds := c.in[2].F32(), c.in[4].F32()
	dgamma, dbeta := c.out[1].F32(), c.out[2].F32()
	ch := len(gamma)
	groups := c.in[3].Last()
	per := ch / groups
	for g := range groups {
		rstd := float64(rstds[row*groups+g])
		var s1, s2 float64 // Σ dy·gamma and Σ dy·gamma·x̂ of the group
		for j := g * per; j < (g+1)*per; j++ {
			dbeta[j] += sums[j]
			dgamma[j] += float32(float64(sums[ch+j]) * rstd)
			s1 += float64(sums[j]) * float64(gamma[j])
			s2 += float64(sums[ch+j]) * float64(gamma[j]) * rstd
		}
		n := float64(per * frames)
		m1, m2 := s1/n, s2/n
		for j := g * per; j < (g+1)*per; j++ {
			coef[j], coef[ch+j], coef[2*ch+j] = float32(m1), float32(rstd*m2), float32(rstd)
		}
	}
}

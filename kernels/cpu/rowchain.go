package cpu

import (
	"math"

	"aural/kernels"
)

// A chain of ops on the rows of tensors of one shape — dropout, sums, layer norm and their gradients, as they follow each other on residual branches — does all
// of them for a row before it goes on to the next. So what one op gives the next stays in the first-level cache.

// rowChain is such a chain. Its values are numbered: external inputs first, then the outputs of all links.
type rowChain struct {
	links  []rowLink
	inputs int
	values []rowValue
	width  int
	frames int // rows of a batch row
	spare  region
	words  region
}

// rowLink is an op with the numbers of its inputs and outputs.
type rowLink struct {
	op      kernels.Op
	in, out []int
	rule    dropRule
}

// rowValue is where a value is: output out of the kernel; else in row spare of the worker, or, with none, nowhere.
type rowValue struct{ out, spare int }

// mostRowValues bounds the values of a chain, so that a worker finds them in an array.
const mostRowValues = 24

// rowsFused says whether a chain is one of ops on rows. One gradient of a layer norm may be among them.
func (b *Backend) rowsFused(c *kernels.Chain) (whole, more bool) {
	shape := c.Links[0].Out[0]
	norms, values := 0, 0
	if shape.DType != kernels.Float32 || shape.Rank() < 2 {
		return false, false
	}
	for _, l := range c.Links {
		tensors := l.In
		switch op := l.Op.(type) {
		case kernels.GELU, kernels.GELUGrad, kernels.AddN, kernels.Scale:
		case kernels.Dropout:
			if _, ok := rule(op.P, op.Site); !ok {
				return false, false
			}
		case kernels.LayerNorm:
			tensors = l.In[:1]
		case kernels.LayerNormGrad:
			tensors = l.In[:2]
			norms++
		default:
			return false, false
		}
		for _, d := range tensors {
			if !d.Equal(shape) {
				return false, false
			}
		}
		values += len(l.In) + len(l.Out)
		if l.Again || norms > 1 || values > mostRowValues {
			return false, false
		}
	}
	return len(c.Links) > 1, true
}

// rows compiles a chain of ops on rows.
func (b *Backend) rows(c *kernels.Chain) *plan {
	p := b.plan("rows")
	shape := c.Links[0].Out[0]
	n, width := shape.Rows(), shape.Last()
	k := &rowChain{width: width, frames: n / max(1, shape.Shape[0])}
	for _, l := range c.Links {
		for _, from := range l.From {
			k.inputs = max(k.inputs, from+1)
		}
	}
	spares := 0
	var grad *rowLink
	for i, l := range c.Links {
		link := rowLink{op: l.Op}
		for _, from := range l.From {
			if from < 0 {
				from = k.inputs - 1 - from
			}
			link.in = append(link.in, from)
		}
		for j, at := range placed(c, i) {
			link.out = append(link.out, k.inputs+len(k.values))
			v := rowValue{at, -1}
			if at < 0 && j == 0 {
				v.spare = spares
				spares++
			}
			k.values = append(k.values, v)
		}
		if op, ok := l.Op.(kernels.Dropout); ok {
			link.rule, _ = rule(op.P, op.Site)
		}
		k.links = append(k.links, link)
		if _, ok := l.Op.(kernels.LayerNormGrad); ok {
			grad = &k.links[i]
		}
	}
	k.spare = p.floats(b.threads * spares * width)
	k.words = p.reserve(b.threads*noiseRoom(width), 4)
	if grad == nil {
		p.rows(n, width, func(c *call, w *worker, lo, hi int) { k.run(c, w, nil, lo, hi) })
		return p
	}
	dgamma, dbeta := k.values[grad.out[1]-k.inputs].out, k.values[grad.out[2]-k.inputs].out
	p.rowSums(n, 2*width, k.run, func(c *call, lo int, total []float32) {
		for i := range total {
			switch at := lo + i; {
			case at < width && dgamma >= 0:
				c.out[dgamma].F32()[at] = total[i]
			case at >= width && dbeta >= 0:
				c.out[dbeta].F32()[at-width] = total[i]
			}
		}
	})
	return p
}

// run does rows [lo,hi). acc takes the sums of a layer norm's gradient.
func (k *rowChain) run(c *call, w *worker, acc []float32, lo, hi int) {
	v, n := &w.v.vec, k.width
	var all [mostRowValues][]float32
	for i := range k.inputs {
		all[i] = c.in[i].F32()
	}
	spare := k.spare.own(c, w)
	for i, at := range k.values {
		switch {
		case at.out >= 0:
			all[k.inputs+i] = c.out[at.out].F32()
		case at.spare >= 0:
			all[k.inputs+i] = spare[at.spare*n:][:n]
		}
	}
	words := k.words.u32(c)[w.index*noiseRoom(n):][:noiseRoom(n)]
	for r := lo; r < hi; r++ {
		row := func(i int) []float32 {
			if len(all[i]) == n { // a spare row, or a tensor of one
				return all[i]
			}
			return all[i][r*n:][:n]
		}
		for i := range k.links {
			l := &k.links[i]
			y, x := row(l.out[0]), row(l.in[0])
			switch op := l.op.(type) {
			case kernels.GELU:
				v.gelu(y, x)
			case kernels.GELUGrad:
				v.geluGrad(y, x, row(l.in[1]))
			case kernels.Scale:
				v.scale(y, float32(op.Factor), x)
			case kernels.AddN:
				copy(y, x)
				for _, j := range l.in[1:] {
					v.add(y, row(j))
				}
			case kernels.Dropout:
				v.drop(y, x, w.noiseAt(words, c.step, l.rule.site, (c.step.Row*k.frames+r)*n, n), l.rule.threshold, l.rule.keep)
			case kernels.LayerNorm:
				mean := v.sum(x) / float32(n)
				variance := v.deviation(x, mean) / float32(n)
				rstd := float32(1 / math.Sqrt(float64(variance)+op.Eps))
				v.normalize(y, x, all[l.in[1]], all[l.in[2]], mean, rstd)
				if all[l.out[1]] != nil {
					all[l.out[1]][r] = mean
				}
				if all[l.out[2]] != nil {
					all[l.out[2]][r] = rstd
				}
			case kernels.LayerNormGrad:
				from, gamma, mean, rstd := row(l.in[1]), all[l.in[2]], all[l.in[3]][r], all[l.in[4]][r]
				s1, s2 := v.normalizeSums(acc[:n], acc[n:], x, from, gamma, mean, rstd)
				v.normalizeGrad(y, x, from, gamma, mean, rstd, s1/float32(n), s2/float32(n))
			}
		}
	}
}

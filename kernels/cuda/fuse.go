package cuda

import (
	"slices"
	"strings"

	"aural/kernels"
)

// fusion is a chain of ops that this back end computes together.
type fusion struct {
	links string // names of the ops, those that run again among them
	again int    // how many of them, from the first on, run again
	fits  func(c *chain) bool
	plan  func(b *Backend, c *chain) *plan
}

// fusions lists them all.
var fusions = []fusion{
	{"conv1d+group_norm+gelu", 0, fitsConvNorm, (*Backend).convNormGELU},
	{"conv1d+group_norm+gelu_grad+group_norm_grad+conv1d_grad_weight", 2, fitsConvNormGrad, (*Backend).convNormGELUGrad},

	{"dropout+add_n+layer_norm", 0, fitsResidual, (*Backend).residualNorm},
	{"add_n+layer_norm", 0, fitsResidual, (*Backend).residualNorm},
	{"layer_norm_grad+dropout", 0, fitsResidualGrad, (*Backend).residualNormGrad},
	{"layer_norm_grad+add_n", 0, fitsResidualGrad, (*Backend).residualNormGrad},
	{"layer_norm_grad+add_n+dropout", 0, fitsResidualGrad, (*Backend).residualNormGrad},
	{"add_n+layer_norm_grad", 0, fitsResidualGrad, (*Backend).residualNormGrad},
	{"add_n+layer_norm_grad+dropout", 0, fitsResidualGrad, (*Backend).residualNormGrad},

	{"layer_norm+gelu", 0, fitsNormGELU, (*Backend).normGELU},
	{"gelu_grad+layer_norm_grad", 0, fitsResidualGrad, (*Backend).residualNormGrad},

	{"linear+gelu", 0, fitsProduct, (*Backend).productThen},
	{"linear+gelu+dropout", 0, fitsProduct, (*Backend).productThen},
	{"conv1d+gelu", 0, fitsProduct, (*Backend).productThen},
	{"linear_grad_input+gelu_grad", 0, fitsProduct, (*Backend).productThen},
	{"linear_grad_input+dropout+gelu_grad", 0, fitsProduct, (*Backend).productThen},
	{"conv1d_grad_input+gelu_grad", 0, fitsProduct, (*Backend).productThen},
}

// Fuses implements kernels.Fuser.
func (b *Backend) Fuses(c *kernels.Chain) (whole, more bool) {
	again := 0
	for _, l := range c.Links {
		if l.Again {
			again++
		}
	}
	name := (&chain{c}).ops()
	for _, f := range fusions {
		if b.planProduct != nil && strings.HasPrefix(f.links, "linear") {
			continue // a product of the library ends in memory
		}
		switch {
		case f.links == name:
			whole = f.again == again && f.fits(&chain{c})
		case len(f.links) > len(name) && f.links[:len(name)] == name && f.links[len(name)] == '+':
			more = more || again == min(f.again, len(c.Links))
		}
	}
	return whole, more
}

// chain makes the plan of a chain.
func (b *Backend) chain(o *kernels.Chain) *plan {
	c := &chain{o}
	for _, f := range fusions {
		if whole, _ := b.Fuses(o); whole && f.links == c.ops() {
			return f.plan(b, c)
		}
	}
	return nil
}

// chain is a kernels.Chain with names for what its links read and write.
type chain struct{ *kernels.Chain }

// ops joins the names of all ops.
func (c *chain) ops() string {
	names := make([]string, len(c.Links))
	for i, l := range c.Links {
		names[i] = l.Op.Name()
	}
	return strings.Join(names, "+")
}

// in is the place of input j of link i, which comes from outside.
func (c *chain) in(i, j int) place { return input(c.Links[i].From[j]) }

// out is the place of output o of link i; none where nobody reads it.
func (c *chain) out(i, o int) place {
	if _, places := c.Outputs(i); places[o] >= 0 {
		return output(places[o])
	}
	return none
}

// outside reports whether the inputs of link i that are listed come from outside.
func (c *chain) outside(i int, inputs ...int) bool {
	return !slices.ContainsFunc(inputs, func(j int) bool { return c.Links[i].From[j] < 0 })
}

// reads reports whether input j of link i is output o of link k.
func (c *chain) reads(i, j, k, o int) bool {
	first, _ := c.Outputs(k)
	return c.Links[i].From[j] == -1-(first+o)
}

// used reports whether output o of link i is read outside.
func (c *chain) used(i, o int) bool { return c.Links[i].Used[o] }

// numbers reports whether all that is given is stored as one type, float32 or bfloat16.
func numbers(ds ...kernels.Desc) bool {
	return !slices.ContainsFunc(ds, func(d kernels.Desc) bool {
		return d.DType != ds[0].DType || d.DType != kernels.Float32 && d.DType != kernels.BFloat16
	})
}

// drops reports whether dropout has a rule for the probability of a link.
func drops(l kernels.Link) bool {
	o := l.Op.(kernels.Dropout)
	_, ok := dropout(o.P, o.Site)
	return ok
}

// fitsConvNorm: the waveform, weights, and the normalisation's scale and shift come from outside. A bias would be taken out by the normalisation; no model has one here.
func fitsConvNorm(c *chain) bool {
	conv, norm := c.Links[0], c.Links[1]
	return len(conv.In) == 2 && c.outside(0, 0, 1) && c.outside(1, 1, 2) && c.reads(1, 0, 0, 0) &&
		convNormFits(conv.Op.(kernels.Conv1D), conv.In[0], conv.In[1], norm.Op.(kernels.GroupNorm).Groups) &&
		c.reads(2, len(c.Links[2].In)-1, 1, 0) && numbers(conv.Out[0], norm.Out[0], c.Links[2].Out[0])
}

// fitsConvNormGrad: dy comes from outside, and of the rest only gradients of parameters are wanted.
func fitsConvNormGrad(c *chain) bool {
	grad, norm, weight := c.Links[2], c.Links[3], c.Links[4].Op.(kernels.Conv1DGradWeight)
	return fitsConvNorm(c) && c.outside(2, 0) && c.reads(3, 0, 2, 0) && c.reads(3, 1, 0, 0) && c.Links[3].From[2] == c.Links[1].From[1] &&
		c.reads(4, 0, 3, 0) && c.Links[4].From[1] == c.Links[0].From[0] && !weight.Bias && weight.Conv == c.Links[0].Op &&
		numbers(grad.In[0], norm.Out[0], c.Links[0].Out[0]) && !c.used(2, 0) && !c.used(3, 0)
}

// fitsResidual: what is dropped is one of the terms, and nobody else reads it.
func fitsResidual(c *chain) bool {
	sum, norm := len(c.Links)-2, len(c.Links)-1
	ds := append(slices.Clone(c.Links[sum].In), c.Links[norm].In[0], c.Links[norm].Out[0])
	if len(c.Links[sum].In) > maxTerms || residualWidth(ds[0].Last()) == 0 || !numbers(ds...) || !c.reads(norm, 0, sum, 0) || !c.outside(norm, 1, 2) {
		return false
	}
	if sum == 0 {
		return true
	}
	dropped := 0
	for j, from := range c.Links[sum].From {
		if c.reads(sum, j, 0, 0) {
			dropped++
		} else if from < 0 {
			return false
		}
	}
	return dropped == 1 && !c.used(0, 0) && drops(c.Links[0])
}

// fitsNormGELU: the norm may be wanted besides.
func fitsNormGELU(c *chain) bool {
	l := c.Links[0]
	return residualWidth(l.In[0].Last()) > 0 && numbers(l.In[0], l.Out[0], c.Links[1].Out[0]) && c.outside(0, 0, 1, 2) && c.reads(1, 0, 0, 0)
}

// fitsResidualGrad: the normalisation's gradient is one term of the sum behind it, the sum before it is the gradient that it reads.
func fitsResidualGrad(c *chain) bool {
	norm := slices.IndexFunc(c.Links, func(l kernels.Link) bool { return l.Op == kernels.LayerNormGrad{} })
	l := c.Links[norm]
	if residualWidth(l.In[0].Last()) == 0 || !numbers(l.In[0], l.In[1], l.Out[0]) || !c.outside(norm, 1, 2, 3, 4) {
		return false
	}
	if norm == 1 && (!c.reads(1, 0, 0, 0) || len(c.Links[0].In) > maxTerms || !numbers(append(slices.Clone(c.Links[0].In), l.In[0])...)) {
		return false
	}
	for i := norm + 1; i < len(c.Links); i++ {
		switch n := c.Links[i]; n.Op.(type) {
		case kernels.AddN:
			made := 0
			for j, from := range n.From {
				if from < 0 {
					made++
				} else if !numbers(n.In[j], l.Out[0]) {
					return false
				}
			}
			if made != 1 || len(n.In)-1 > maxTerms {
				return false
			}
		case kernels.Dropout:
			if !c.reads(i, 0, i-1, 0) || !drops(n) || n.Out[0].DType != l.Out[0].DType {
				return false
			}
		}
	}
	return true
}

// fitsProduct: operands come from outside; what lies between a product and the last link need not be kept, but for what GELU is applied to.
func fitsProduct(c *chain) bool {
	last := len(c.Links) - 1
	for j, from := range c.Links[0].From {
		if from != j {
			return false
		}
	}
	for i, l := range c.Links {
		for _, d := range slices.Concat(l.In, l.Out) {
			if !numbers(d) {
				return false
			}
		}
		if i == 0 {
			continue
		}
		if !c.reads(i, 0, i-1, 0) {
			return false
		}
		_, gelu := l.Op.(kernels.GELU)
		if c.used(i-1, 0) && !gelu {
			return false
		}
		if _, ok := l.Op.(kernels.Dropout); ok && !drops(l) {
			return false
		}
	}
	return len(c.Links[last].In) == 1 || c.outside(last, 1)
}

// productThen is a product whose epilogue computes the other links.
func (b *Backend) productThen(c *chain) *plan {
	first, last := c.Links[0], len(c.Links)-1
	f := finishOf(c.Links[last].Out[0])
	for i, l := range c.Links[1:] {
		switch o := l.Op.(type) {
		case kernels.GELU:
			f.gelu, f.pre = true, c.out(i, 0)
			f.half |= half(l.In[0], halfPre)
		case kernels.Dropout:
			f.drop, f.row = &o, rowElements(l.Out[0])
		case kernels.GELUGrad:
			f.z = c.in(i+1, 1)
			f.half |= half(l.In[1], halfZ)
		}
	}
	y := c.out(last, 0)
	p := b.plan(productName("gemm_"+c.Links[last].Op.Name(), first.In, c.Links[last].Out))
	switch o := first.Op.(type) {
	case kernels.Linear:
		p.linear(first.In, y, f)
	case kernels.LinearGradInput:
		p.linearGradInput(first.In, y, f)
	case kernels.Conv1D:
		p.conv1D(o, first.In, first.Out, y, f)
	case kernels.Conv1DGradInput:
		p.conv1DGradInput(o, first.In, first.Out, y, f)
	}
	return p
}

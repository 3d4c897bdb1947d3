package cpu

import "aural/kernels"

// chainForm is a kind of chain: what is like it, and how it is compiled.
type chainForm struct {
	fused   func(b *Backend, c *kernels.Chain) (whole, more bool)
	compile func(b *Backend, c *kernels.Chain) *plan
}

// chainForms lists them, the best first.
var chainForms = []chainForm{
	{(*Backend).featuresFused, (*Backend).features},
	{(*Backend).featuresGradFused, (*Backend).featuresGrad},
	{(*Backend).convGELUFused, (*Backend).convGELU},
	{(*Backend).int8GELUFused, (*Backend).int8GELU},
	{(*Backend).rowsFused, (*Backend).rows},
}

// Fuses implements kernels.Fuser.
func (b *Backend) Fuses(c *kernels.Chain) (whole, more bool) {
	for _, form := range chainForms {
		w, m := form.fused(b, c)
		whole, more = whole || w, more || m
	}
	return whole, more
}

// chain compiles a chain that Fuses takes.
func (b *Backend) chain(c *kernels.Chain) *plan {
	for _, form := range chainForms {
		if whole, _ := form.fused(b, c); whole {
			return form.compile(b, c)
		}
	}
	return nil
}

// placed gives, for each output of link i of a chain, its place among the outputs of the kernel, or -1.
func placed(c *kernels.Chain, i int) []int {
	_, place := c.Outputs(i)
	return place
}

// follows reports whether input i of a link is the first output of link k of the chain.
func follows(c *kernels.Chain, l, i, k int) bool {
	first, _ := c.Outputs(k)
	return c.Links[l].From[i] == -1-first
}

// convGELUFused says whether a chain is a convolution and GELU. (A linear layer and GELU gains nothing, for its result is small, and neither does GELU's gradient after
// a product, which reads another tensor in strips.)
func (b *Backend) convGELUFused(c *kernels.Chain) (whole, more bool) {
	conv := c.Links[0]
	if _, ok := conv.Op.(kernels.Conv1D); !ok || conv.Again || conv.In[0].DType != kernels.Float32 || len(c.Links) > 2 {
		return false, false
	}
	if len(c.Links) == 1 {
		return false, true
	}
	_, ok := c.Links[1].Op.(kernels.GELU)
	return ok, false
}

func (b *Backend) convGELU(c *kernels.Chain) *plan {
	result := output(placed(c, 1)[0])
	product := result
	if at := placed(c, 0)[0]; at >= 0 {
		product = output(at)
	}
	return b.conv1D(c.Links[0].Op.(kernels.Conv1D), c.Links[0].In, product, result)
}

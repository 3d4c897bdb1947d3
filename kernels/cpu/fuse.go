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
	{(*Backend).productFused, (*Backend).productThen},
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

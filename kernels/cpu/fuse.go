package cpu

import "aural/kernels"

// Fuses implements kernels.Fuser. A chain is one of these:
//
//   - the first layer of a feature encoder, and its gradient: see featuresFused
//   - a linear layer or a convolution in integers, and a GELU: see int8Fused
func (b *Backend) Fuses(c *kernels.Chain) (whole, more bool) {
	for _, form := range []func(c *kernels.Chain) (whole, more bool){b.featuresFused, b.featuresGradFused, b.int8Fused} {
		w, m := form(c)
		whole, more = whole || w, more || m
	}
	return whole, more
}

// chain compiles a chain that Fuses takes.
func (b *Backend) chain(c *kernels.Chain) *plan {
	if whole, _ := b.featuresFused(c); whole {
		return b.features(c)
	}
	if whole, _ := b.featuresGradFused(c); whole {
		return b.featuresGrad(c)
	}
	if whole, _ := b.int8Fused(c); whole {
		return b.int8Product(c.Links[0].Op, c.Links[0].In, true)
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

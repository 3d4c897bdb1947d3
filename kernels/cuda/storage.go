package cuda

import "aural/kernels"

// Narrow implements kernels.Narrower: in precision bf16, activations are stored in it.
func (b *Backend) Narrow(op kernels.Op, in, out []kernels.Desc) kernels.Storage {
	if b.precision != kernels.PrecisionBF16 {
		return kernels.Storage{}
	}
	switch o := op.(type) {
	case kernels.Attention:
		if in[0].Last()/o.Heads > bf16HeadWidth {
			return kernels.Storage{}
		}
	case kernels.AttentionGrad:
		if in[0].Last()/o.Attention.Heads > bf16HeadWidth {
			return kernels.Storage{}
		}
	case kernels.AddN:
		if len(in) > addTerms { // several launches would round the sum in between
			return kernels.Storage{}
		}
	}
	return kernels.Activations(op)
}

// stored is the name of a kernel for tensors stored as d is: src/storage.cuh.
func stored(kernel string, d kernels.Desc) string {
	if d.DType == kernels.BFloat16 {
		return kernel + "_b16"
	}
	return kernel
}

// lineOf is the number of elements that a thread reads in 16 bytes.
func lineOf(t kernels.DType) int { return 16 / t.Size() }

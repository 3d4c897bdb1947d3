package cuda

import (
	"fmt"

	"aural/kernels"
)

// Compile implements kernels.Backend.
func (b *Backend) Compile(op kernels.Op, in, out []kernels.Desc) (kernels.Kernel, error) {
	if err := agree(op, in, out); err != nil {
		return kernels.Kernel{}, err
	}
	p := b.compile(op, in, out)
	if p == nil {
		return kernels.Kernel{}, fmt.Errorf("cuda: %s%v: %w", op.Name(), in, kernels.ErrUnsupported)
	}
	return b.finish(p)
}

// agree checks the descriptors against the op, and that this back end has the types.
func agree(op kernels.Op, in, out []kernels.Desc) error {
	want, err := op.Infer(in)
	if err != nil {
		return err
	}
	same := len(out) == len(want)
	for i := 0; same && i < len(want); i++ {
		same = out[i].Equal(want[i])
	}
	if !same {
		return fmt.Errorf("cuda: %s%v gives %v, not %v", op.Name(), in, want, out)
	}
	if len(in) > 0 && in[0].DType == kernels.Float64 || len(in) > 1 && in[1].DType == kernels.Float64 {
		return fmt.Errorf("cuda: %s%v in float64: %w; kernels/ref has it", op.Name(), in, kernels.ErrUnsupported)
	}
	return nil
}

// compile is the switch from ops to implementations; nil means that there is none.
func (b *Backend) compile(op kernels.Op, in, out []kernels.Desc) *plan {
	switch o := op.(type) {
	case kernels.Linear:
		return b.linear(in)
	case kernels.LinearGradInput:
		return b.linearGradInput(in)
	case kernels.LinearGradWeight:
		return b.linearGradWeight(o, in)

	case kernels.Conv1D:
		return b.conv1D(o, in, out)
	case kernels.Conv1DGradInput:
		return b.conv1DGradInput(o, in, out)
	case kernels.Conv1DGradWeight:
		return b.conv1DGradWeight(o, in, out)
	case kernels.WeightNorm:
		return b.weightNorm(in)
	case kernels.WeightNormGrad:
		return b.weightNormGrad(in)

	case kernels.AddN:
		return b.addN(in)

	case kernels.Attention:
		return b.attention(o, in)
	case kernels.AttentionGrad:
		return b.attentionGrad(o, in)
	}
	return nil
}

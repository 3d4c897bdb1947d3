package cpu

import (
	"fmt"

	"aural/kernels"
)

// Compile implements kernels.Backend.
func (b *Backend) Compile(op kernels.Op, in, out []kernels.Desc) (kernels.Kernel, error) {
	if err := agree(op, in, out); err != nil {
		return kernels.Kernel{}, err
	}
	p := b.compile(op, in)
	if p == nil && b.int8 != nil && hasGradients(op) {
		return kernels.Kernel{}, fmt.Errorf("cpu: %s%v in precision int8, which is for inference: %w", op.Name(), in, kernels.ErrUnsupported)
	}
	if p == nil {
		return kernels.Kernel{}, fmt.Errorf("cpu: %s%v: %w", op.Name(), in, kernels.ErrUnsupported)
	}
	return p.kernel(), nil
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
		return fmt.Errorf("cpu: %s%v gives %v, not %v", op.Name(), in, want, out)
	}
	_, decides := op.(kernels.ClipScale) // about sums that are float64 everywhere
	if len(in) > 0 && in[0].DType == kernels.Float64 || len(in) > 1 && in[1].DType == kernels.Float64 && !decides {
		return fmt.Errorf("cpu: %s%v in float64: %w; kernels/ref has it", op.Name(), in, kernels.ErrUnsupported)
	}
	return nil
}

// compile is the switch from ops to implementations; nil means that there is none.
func (b *Backend) compile(op kernels.Op, in []kernels.Desc) *plan {
	if b.int8 != nil && hasGradients(op) {
		return nil
	}
	switch o := op.(type) {
	case *kernels.Chain:
		return b.chain(o)

	case kernels.Linear:
		return b.linear(in)
	case kernels.LinearGradInput:
		return b.linearGradInput(in)
	case kernels.LinearGradWeight:
		return b.linearGradWeight(o, in)

	case kernels.Conv1D:
		return b.conv1D(o, in, output(0), nil)
	case kernels.Conv1DGradInput:
		return b.conv1DGradInput(o, in)
	case kernels.Conv1DGradWeight:
		return b.conv1DGradWeight(o, in)
	case kernels.WeightNorm:
		return b.weightNorm(in)
	case kernels.WeightNormGrad:
		return b.weightNormGrad(in)

	case kernels.LayerNorm:
		return b.layerNorm(o, in)
	case kernels.LayerNormGrad:
		return b.layerNormGrad(in)
	case kernels.GroupNorm:
		return b.groupNorm(o, in)
	case kernels.GroupNormGrad:
		return b.groupNormGrad(o, in)

	case kernels.GELU:
		return b.gelu(in)
	case kernels.GELUGrad:
		return b.geluGrad(in)
	case kernels.Dropout:
		return b.dropout(o, in)
	case kernels.AddN:
		return b.addN(in)
	case kernels.Scale:
		return b.scale(in, func(*call) float32 { return float32(o.Factor) })
	case kernels.ScaleBy:
		return b.scale(in, func(c *call) float32 { return c.in[1].F32()[0] })
	case kernels.MeanSquare:
		return b.meanSquare(in)
	case kernels.MeanSquareGrad:
		return b.meanSquareGrad(in)
	case kernels.Cast:
		return b.cast(o, in)

	case kernels.MaskFrames:
		return b.maskFrames(in)
	case kernels.MaskFramesGrad:
		return b.maskFramesGrad(in)
	case kernels.MaskChannels:
		return b.maskChannels(in)
	case kernels.Waveform:
		return b.waveform(in)
	case kernels.MaskPadding:
		return b.maskPadding(in)
	case kernels.GatherRows:
		return b.gatherRows(in)
	case kernels.ScatterRows:
		return b.scatterRows(o, in)
	case kernels.Select:
		return b.choice(in)
	case kernels.SelectGrad:
		return b.choiceGrad(in)

	case kernels.Attention:
		return b.attention(o, in)
	case kernels.AttentionGrad:
		return b.attentionGrad(o, in)

	case kernels.GumbelQuantize:
		return b.gumbelQuantize(o, in)
	case kernels.GumbelQuantizeGrad:
		return b.gumbelQuantizeGrad(o, in)
	case kernels.Diversity:
		return b.diversity(o, in)
	case kernels.DiversityGrad:
		return b.diversityGrad(o, in)
	case kernels.InfoNCE:
		return b.infoNCE(o, in)
	case kernels.InfoNCEGrad:
		return b.infoNCEGrad(o, in)
	case kernels.CTCLoss:
		return b.ctcLoss(o, in)
	case kernels.CTCLossGrad:
		return b.ctcLossGrad(o, in)

	case kernels.SumSquares:
		return b.sumSquares(in)
	case kernels.ClipScale:
		return b.clipScale(o)
	case kernels.AdamW:
		return b.adamW(o, in)
	}
	return nil
}

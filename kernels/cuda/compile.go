package cuda

import (
	"fmt"
	"slices"

	"aural/kernels"
)

// Compile implements kernels.Backend.
func (b *Backend) Compile(op kernels.Op, in, out []kernels.Desc) (kernels.Kernel, error) {
	if err := b.agree(op, in, out); err != nil {
		return kernels.Kernel{}, err
	}
	p := b.compile(op, in, out)
	if p == nil {
		return kernels.Kernel{}, fmt.Errorf("cuda: %s%v: %w", op.Name(), in, kernels.ErrUnsupported)
	}
	return b.finish(p)
}

// agree checks the descriptors against the op, and that this back end has the types.
func (b *Backend) agree(op kernels.Op, in, out []kernels.Desc) error {
	wideIn, wideOut, err := b.Narrow(op, in, out).Widen(op, in, out)
	if err != nil {
		return err
	}
	want, err := op.Infer(wideIn)
	if err != nil {
		return err
	}
	if !slices.EqualFunc(want, wideOut, kernels.Desc.Equal) {
		return fmt.Errorf("cuda: %s%v gives %v, not %v", op.Name(), in, want, out)
	}
	_, decides := op.(kernels.ClipScale) // about sums that are float64 everywhere
	if len(in) > 0 && in[0].DType == kernels.Float64 || len(in) > 1 && in[1].DType == kernels.Float64 && !decides {
		return fmt.Errorf("cuda: %s%v in float64: %w; kernels/ref has it", op.Name(), in, kernels.ErrUnsupported)
	}
	return nil
}

// compile is the switch from ops to implementations; nil means that there is none.
func (b *Backend) compile(op kernels.Op, in, out []kernels.Desc) *plan {
	switch o := op.(type) {
	case *kernels.Chain:
		return b.chain(o)

	case kernels.Linear:
		return b.linear(in, out)
	case kernels.LinearGradInput:
		return b.linearGradInput(in, out)
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

	case kernels.Attention:
		return b.attention(o, in)
	case kernels.AttentionGrad:
		return b.attentionGrad(o, in)

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
		return b.scale(o, in)
	case kernels.ScaleBy:
		return b.scaleBy(in)
	case kernels.MeanSquare:
		return b.meanSquare(in)
	case kernels.MeanSquareGrad:
		return b.meanSquareGrad(in)
	case kernels.Cast:
		return b.cast(o, in)

	case kernels.MaskFrames:
		return b.maskFrames(out)
	case kernels.MaskFramesGrad:
		return b.maskFramesGrad(in)
	case kernels.MaskChannels:
		return b.maskChannels(out)
	case kernels.Waveform:
		return b.waveform(in)
	case kernels.MaskPadding:
		return b.maskPadding(out)
	case kernels.GatherRows:
		return b.gatherRows(out)
	case kernels.ScatterRows:
		return b.scatterRows(in, out)
	case kernels.Select:
		return b.selectBranch(in)
	case kernels.SelectGrad:
		return b.selectGrad(in)

	case kernels.GumbelQuantize:
		return b.gumbelQuantize(o, in)
	case kernels.GumbelQuantizeGrad:
		return b.gumbelQuantizeGrad(o.Quantize, in)
	case kernels.Diversity:
		return b.diversity(o, in)
	case kernels.DiversityGrad:
		return b.diversityGrad(o, in)
	case kernels.InfoNCE:
		return b.infoNCE(o, in)
	case kernels.InfoNCEGrad:
		return b.infoNCEGrad(o.InfoNCE, in)
	case kernels.CTCLoss:
		return b.ctcLoss(o, in)
	case kernels.CTCLossGrad:
		return b.ctcLossGrad(o.CTC, in)

	case kernels.SumSquares:
		return b.sumSquares(in)
	case kernels.ClipScale:
		return b.clipScale(o, in)
	case kernels.AdamW:
		return b.adamW(o, in)
	}
	return nil
}

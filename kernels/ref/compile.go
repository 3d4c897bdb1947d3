package ref

import (
	"fmt"
	"slices"

	"aural/kernels"
)

// Compile returns the reference kernel of op. It refuses descriptors that the op does not allow, and with an error that wraps
// kernels.ErrUnsupported the one op that computes nothing (kernels.GradScale).
func (b *Backend) Compile(op kernels.Op, in, out []kernels.Desc) (kernels.Kernel, error) {
	wideIn, wideOut, err := kernels.Activations(op).Widen(op, in, out)
	if err != nil {
		return kernels.Kernel{}, fmt.Errorf("ref: %w", err)
	}
	want, err := op.Infer(wideIn)
	if err != nil {
		return kernels.Kernel{}, fmt.Errorf("ref: %w", err)
	}
	if !slices.EqualFunc(want, wideOut, kernels.Desc.Equal) {
		return kernels.Kernel{}, fmt.Errorf("ref: %s%v gives %v, not the outputs %v asked for", op.Name(), in, want, out)
	}
	if o, ok := op.(kernels.Cast); ok {
		return cast(o, in[0].DType), nil // the only op between types
	}
	if !slices.EqualFunc(in, wideIn, kernels.Desc.Equal) || !slices.EqualFunc(out, wideOut, kernels.Desc.Equal) {
		k, err := compile[float32](op, wideIn, wideOut)
		return widened(k, wideIn, wideOut), err
	}
	// All floating point inputs of an op have one type (Infer saw to it); integer inputs may stand before them.
	for _, d := range in {
		switch d.DType {
		case kernels.Float32:
			return compile[float32](op, in, out)
		case kernels.Float64:
			return compile[float64](op, in, out)
		}
	}
	return kernels.Kernel{}, fmt.Errorf("ref: %s%v has no floating point input: %w", op.Name(), in, kernels.ErrUnsupported)
}

func compile[T float](op kernels.Op, in, out []kernels.Desc) (kernels.Kernel, error) {
	switch o := op.(type) {
	case kernels.Linear:
		return linear[T](in, out), nil
	case kernels.LinearGradInput:
		return linearGradInput[T](in, out), nil
	case kernels.LinearGradWeight:
		return linearGradWeight[T](o, in), nil

	case kernels.Conv1D:
		return conv1D[T](o, in, out), nil
	case kernels.Conv1DGradInput:
		return conv1DGradInput[T](o, in, out), nil
	case kernels.Conv1DGradWeight:
		return conv1DGradWeight[T](o, in, out), nil
	case kernels.WeightNorm:
		return weightNorm[T](in), nil
	case kernels.WeightNormGrad:
		return weightNormGrad[T](in), nil

	case kernels.LayerNorm:
		return layerNorm[T](o, in), nil
	case kernels.LayerNormGrad:
		return layerNormGrad[T](in), nil
	case kernels.GroupNorm:
		return groupNorm[T](o, in), nil
	case kernels.GroupNormGrad:
		return groupNormGrad[T](o, in), nil

	case kernels.GELU:
		return gelu[T](), nil
	case kernels.GELUGrad:
		return geluGrad[T](), nil
	case kernels.Dropout:
		return dropout[T](o, in), nil
	case kernels.AddN:
		return addN[T](), nil
	case kernels.Scale:
		return scale[T](o), nil
	case kernels.ScaleBy:
		return scaleBy[T](), nil
	case kernels.GradScale:
		return kernels.Kernel{}, fmt.Errorf("ref: %s is an alias of its input; the program's executor gives it no kernel: %w", op.Name(), kernels.ErrUnsupported)
	case kernels.MeanSquare:
		return meanSquare[T](), nil
	case kernels.MeanSquareGrad:
		return meanSquareGrad[T](), nil

	case kernels.MaskFrames:
		return maskFrames[T](in), nil
	case kernels.MaskFramesGrad:
		return maskFramesGrad[T](in), nil
	case kernels.MaskChannels:
		return maskChannels[T](in), nil
	case kernels.Waveform:
		return waveform[T](in), nil
	case kernels.MaskPadding:
		return maskPadding[T](in), nil
	case kernels.GatherRows:
		return gatherRows[T](out), nil
	case kernels.ScatterRows:
		return scatterRows[T](in, out), nil
	case kernels.Select:
		return selectBranch[T](), nil
	case kernels.SelectGrad:
		return selectGrad[T](), nil

	case kernels.Attention:
		return attention[T](o, in), nil
	case kernels.AttentionGrad:
		return attentionGrad[T](o.Attention, in), nil

	case kernels.GumbelQuantize:
		return gumbelQuantize[T](o, in), nil
	case kernels.GumbelQuantizeGrad:
		return gumbelQuantizeGrad[T](o.Quantize, in), nil
	case kernels.Diversity:
		return diversity[T](o, in), nil
	case kernels.DiversityGrad:
		return diversityGrad[T](o, in), nil

	case kernels.InfoNCE:
		return infoNCE[T](o, in), nil
	case kernels.InfoNCEGrad:
		return infoNCEGrad[T](o.InfoNCE, in), nil
	case kernels.CTCLoss:
		return ctcLoss[T](o, in), nil
	case kernels.CTCLossGrad:
		return ctcLossGrad[T](o.CTC, in), nil

	case kernels.SumSquares:
		return sumSquares[T](), nil
	case kernels.ClipScale:
		return clipScale[T](o), nil
	case kernels.AdamW:
		return adamW[T](o), nil
	}
	return kernels.Kernel{}, fmt.Errorf("ref: no kernel for %s%v: %w", op.Name(), in, kernels.ErrUnsupported)
}

package graph

import (
	"aural/kernels"
)

// differentiable says which inputs of an op have a gradient. Gradient ops have none: aural needs no second derivatives.
func differentiable(op kernels.Op, in []kernels.Desc) []bool {
	d := make([]bool, len(in))
	switch o := op.(type) {
	case kernels.Linear, kernels.Conv1D, kernels.WeightNorm, kernels.LayerNorm, kernels.GroupNorm,
		kernels.GELU, kernels.Dropout, kernels.AddN, kernels.Scale, kernels.GradScale, kernels.MeanSquare:
		for i := range d {
			d[i] = true
		}
	case kernels.ScaleBy, kernels.MaskChannels, kernels.MaskPadding, kernels.GatherRows, kernels.CTCLoss:
		d[0] = true
	case kernels.MaskFrames:
		d[0], d[2] = true, true
	case kernels.Select:
		d[1], d[2] = true, true
	case kernels.Attention:
		d[0], d[1], d[2] = true, true, true
	case kernels.GumbelQuantize, kernels.InfoNCE:
		d[0], d[1] = true, true
	case kernels.Diversity:
		d[0] = !o.Hard
	case kernels.Cast:
		d[0] = in[0].DType.IsFloat()
	}
	return d
}

// HasGradient reports whether the op can stand between a parameter and the loss.
func HasGradient(op kernels.Op, in []kernels.Desc) bool {
	for _, d := range differentiable(op, in) {
		if d {
			return true
		}
	}
	return false
}

// gradient builds the gradients of the inputs of op: one node an input, nil where there is none. Rules stand in grad_*.go.
func (b *Builder) gradient(op kernels.Op, in []*Node, y, dy *Node) []*Node {
	switch o := op.(type) {
	case kernels.Linear:
		return b.gradLinear(in, dy)
	case kernels.Conv1D:
		return b.gradConv1D(o, in, dy)
	case kernels.WeightNorm:
		dg := b.Apply(kernels.WeightNormGrad{}, dy, in[0], in[1], b.Part(y, 1))
		return []*Node{dg, b.Part(dg, 1)}
	case kernels.LayerNorm:
		dx := b.Apply(kernels.LayerNormGrad{}, dy, in[0], in[1], b.Part(y, 1), b.Part(y, 2))
		return []*Node{dx, b.Part(dx, 1), b.Part(dx, 2)}
	case kernels.GroupNorm:
		dx := b.Apply(kernels.GroupNormGrad{Groups: o.Groups}, dy, in[0], in[1], b.Part(y, 1), b.Part(y, 2))
		return []*Node{dx, b.Part(dx, 1), b.Part(dx, 2)}
	case kernels.GELU:
		return []*Node{b.Apply(kernels.GELUGrad{}, dy, in[0])}
	case kernels.Dropout: // the same mask again
		return []*Node{b.Apply(o, dy)}
	case kernels.AddN:
		g := make([]*Node, len(in))
		for i := range g {
			g[i] = dy
		}
		return g
	case kernels.Scale:
		return []*Node{b.Apply(o, dy)}
	case kernels.GradScale:
		return []*Node{b.Apply(kernels.Scale(o), dy)}
	case kernels.ScaleBy:
		return []*Node{b.Apply(o, dy, in[1]), nil}
	case kernels.MeanSquare:
		return []*Node{b.Apply(kernels.MeanSquareGrad{}, dy, in[0])}
	case kernels.Cast:
		return []*Node{b.Apply(kernels.Cast{To: b.Desc(in[0]).DType}, dy)}
	case kernels.MaskFrames, kernels.MaskChannels, kernels.MaskPadding, kernels.GatherRows, kernels.Select:
		return b.gradSequence(op, in, dy)
	case kernels.Attention:
		args := []*Node{dy, in[0], in[1], in[2], y, b.Part(y, 1)}
		dq := b.Apply(kernels.AttentionGrad{Attention: o}, append(args, in[3:]...)...)
		return append([]*Node{dq, b.Part(dq, 1), b.Part(dq, 2)}, make([]*Node, len(in)-3)...)
	case kernels.GumbelQuantize:
		dl := b.Apply(kernels.GumbelQuantizeGrad{Quantize: o}, dy, in[0], in[1], in[2], in[3], b.Part(y, 1))
		return []*Node{dl, b.Part(dl, 1), nil, nil}
	case kernels.Diversity:
		return []*Node{b.Apply(kernels.DiversityGrad{Groups: o.Groups}, dy, in[0], in[1], b.Part(y, 1), b.Part(y, 2)), nil}
	case kernels.InfoNCE:
		args := []*Node{dy, in[0], in[1], in[2], b.Part(y, 1)}
		dc := b.Apply(kernels.InfoNCEGrad{InfoNCE: o}, append(args, in[3:]...)...)
		return append([]*Node{dc, b.Part(dc, 1)}, make([]*Node, len(in)-2)...)
	case kernels.CTCLoss:
		return []*Node{b.Apply(kernels.CTCLossGrad{CTC: o}, dy, in[0], in[1], in[2], in[3]), nil, nil, nil}
	}
	b.failf("%s has no gradient", op.Name())
	return make([]*Node, len(in))
}

func (b *Builder) gradLinear(in []*Node, dy *Node) []*Node {
	x, w := in[0], in[1]
	g := make([]*Node, len(in))
	g[0] = b.Apply(kernels.LinearGradInput{}, dy, w)
	g[1] = b.Apply(kernels.LinearGradWeight{Bias: len(in) == 3}, dy, x)
	if len(in) == 3 {
		g[2] = b.Part(g[1], 1)
	}
	return g
}

func (b *Builder) gradConv1D(o kernels.Conv1D, in []*Node, dy *Node) []*Node {
	x, w := in[0], in[1]
	g := make([]*Node, len(in))
	g[0] = b.Apply(kernels.Conv1DGradInput{Conv: o, Len: b.Dim(x, 1)}, dy, w)
	g[1] = b.Apply(kernels.Conv1DGradWeight{Conv: o, Kernel: b.Dim(w, 2), Bias: len(in) == 3}, dy, x)
	if len(in) == 3 {
		g[2] = b.Part(g[1], 1)
	}
	return g
}

func (b *Builder) gradSequence(op kernels.Op, in []*Node, dy *Node) []*Node {
	switch o := op.(type) {
	case kernels.MaskFrames:
		dx := b.Apply(kernels.MaskFramesGrad{}, dy, in[1])
		return []*Node{dx, nil, b.Part(dx, 1)}
	case kernels.GatherRows:
		if d := b.Desc(in[0]); d.Rank() != 3 {
			b.failf("the gradient of gather_rows needs x (B,T,D), got %v", d)
		}
		return []*Node{b.Apply(kernels.ScatterRows{Batch: b.Dim(in[0], 0), Frames: b.Dim(in[0], 1)}, dy, in[1]), nil}
	case kernels.Select:
		da := b.Apply(kernels.SelectGrad{}, in[0], dy)
		return []*Node{nil, da, b.Part(da, 1)}
	default: // the masks of channels and padding are their own gradients
		return []*Node{b.Apply(o, dy, in[1]), nil}
	}
}

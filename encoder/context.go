package encoder

import (
	"fmt"
	"math"

	"aural/graph"
	"aural/kernels"
	"aural/nn"
	"aural/rng"
)

// KeepInput is the name of the int32 scalar input that says whether block i runs in this update; it exists in training graphs with LayerDrop.
func KeepInput(i int) string { return fmt.Sprintf("keep_layer.%d", i) }

// KeepLayer draws whether block i runs in an update: with probability 1 - p.
func KeepLayer(p float64, seed, update uint64, i int) bool {
	return float64(rng.Unit(rng.Word(seed, update, rng.Site("layer_drop"), i))) > p
}

// Context is the context network: x (B,T,D) → c (B,T,D), with a convolutional position embedding and cfg.Layers transformer blocks. lengths, int32
// (B), are the real frames of each row, or nil when no row has padding: padding frames are zeroed before the positions are added,
// and no frame attends to them. states are what enters the first transformer block and what leaves each, cfg.Layers+1 nodes; c is the last, after the final
// norm where the model has one.
func Context(n *nn.Net, cfg Config, x, lengths *graph.Node) (c *graph.Node, states []*graph.Node) {
	name := Prefix + "encoder"
	n.Scope("positions", func() {
		if lengths != nil {
			x = n.Apply(kernels.MaskPadding{}, x, lengths)
		}
		x = n.Apply(kernels.AddN{}, x, positions(n, cfg, x))
		if !cfg.PreNorm {
			x = nn.LayerNorm(n, name+".layer_norm", x, cfg.NormEps)
		}
		x = nn.Dropout(n, name+".dropout", x, cfg.Dropout)
	})
	states = append(states, x)
	for i := range cfg.Layers {
		n.Scope(fmt.Sprintf("block.%d", i), func() { x = dropBlock(n, cfg, i, x, lengths) })
		states = append(states, x)
	}
	if cfg.PreNorm {
		n.Scope("final_norm", func() { x = nn.LayerNorm(n, name+".layer_norm", x, cfg.NormEps) })
	}
	return x, states
}

// PositionKernelName is the kernel of the convolutional position embedding, without the _g and _v of its parts.
const PositionKernelName = Prefix + "encoder.pos_conv_embed.conv.weight"

// positions is the convolutional position embedding: a grouped convolution over K frames with weight norm over its kernel axis and as
// many frames out as in (for an even K the last is dropped), then GELU.
func positions(n *nn.Net, cfg Config, x *graph.Node) *graph.Node {
	name := Prefix + "encoder.pos_conv_embed.conv"
	d, k := cfg.Width, cfg.PositionKernel
	w := nn.NormedKernel(n, PositionKernelName, nn.Normal(math.Sqrt(4/float64(k*d))), d, d/cfg.PositionGroups, k)
	conv := kernels.Conv1D{Stride: 1, PadLeft: k / 2, PadRight: (k - 1) / 2, Groups: cfg.PositionGroups}
	return n.Apply(kernels.GELU{}, n.Apply(conv, x, w, n.Weight(name+".bias", nn.Constant(0), d)))
}

// dropBlock is block i under LayerDrop: in training the whole block is skipped where KeepInput(i) is fed 0.
func dropBlock(n *nn.Net, cfg Config, i int, x, lengths *graph.Node) *graph.Node {
	if !n.Training || cfg.LayerDrop == 0 {
		return block(n, cfg, i, x, lengths)
	}
	keep := n.Input(KeepInput(i), kernels.Int32)
	var y *graph.Node
	n.When(keep, func() { y = block(n, cfg, i, x, lengths) })
	return n.Apply(kernels.Select{}, keep, y, x)
}

// block is one transformer block, x (B,T,D) → (B,T,D): self-attention and a feed-forward part, each with a residual connection, normalised after
// (base) or before (large) each half.
func block(n *nn.Net, cfg Config, i int, x, lengths *graph.Node) *graph.Node {
	name := fmt.Sprintf("%sencoder.layers.%d", Prefix, i)
	half := func(norm string, x *graph.Node, f func(x *graph.Node) *graph.Node) *graph.Node {
		if cfg.PreNorm {
			return n.Apply(kernels.AddN{}, x, f(nn.LayerNorm(n, name+norm, x, cfg.NormEps)))
		}
		return nn.LayerNorm(n, name+norm, n.Apply(kernels.AddN{}, x, f(x)), cfg.NormEps)
	}
	x = half(".layer_norm", x, func(x *graph.Node) *graph.Node {
		return nn.Dropout(n, name+".dropout", attention(n, cfg, name+".attention", x, lengths), cfg.Dropout)
	})
	return half(".final_layer_norm", x, func(x *graph.Node) *graph.Node {
		h := linear(n, name+".feed_forward.intermediate_dense", x, cfg.FFN)
		h = nn.Dropout(n, name+".feed_forward.activation_dropout", n.Apply(kernels.GELU{}, h), cfg.ActivationDropout)
		return nn.Dropout(n, name+".feed_forward.dropout", linear(n, name+".feed_forward.output_dense", h, cfg.Width), cfg.Dropout)
	})
}

// attention is multi-head self-attention with its four projections.
func attention(n *nn.Net, cfg Config, name string, x, lengths *graph.Node) *graph.Node {
	args := []*graph.Node{linear(n, name+".q_proj", x, cfg.Width), linear(n, name+".k_proj", x, cfg.Width), linear(n, name+".v_proj", x, cfg.Width)}
	if lengths != nil {
		args = append(args, lengths)
	}
	op := kernels.Attention{Heads: cfg.Heads}
	if n.Training && cfg.AttentionDropout > 0 {
		op.DropP, op.Site = cfg.AttentionDropout, rng.Site(name+".dropout")
	}
	return linear(n, name+".out_proj", n.Apply(op, args...), cfg.Width)
}

// linear has the initial values of the transformer: N(0, 0.02²) and zero bias.
func linear(n *nn.Net, name string, x *graph.Node, out int) *graph.Node {
	return nn.Linear(n, name, x, out, nn.Normal(0.02), nn.Constant(0))
}

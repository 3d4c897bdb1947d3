package onnx

import (
	"fmt"
	"math"

	"aural/encoder"
	"aural/hf"
)

// masked is what is added to the scores of padding: the most negative float32, as in transformers.
const masked = -math.MaxFloat32

// network is the model as a graph.
func network(m *hf.Model, head hf.Head) (*graph, error) {
	g, c := newGraph(m), m.Config.Encoder()
	g.inputs = append(g.inputs, valueInfo("input_values", float, "batch", "samples"))
	padded := c.ConvNorm == encoder.LayerNorm
	if padded {
		g.inputs = append(g.inputs, valueInfo("attention_mask", integer, "batch", "samples"))
	}
	x := g.features(c, "input_values")
	g.scope = "projection"
	name := encoder.Prefix + "feature_projection"
	x = g.linear(name+".projection", g.layerNorm(name+".layer_norm", x, c.NormEps))
	bias := ""
	if padded {
		x, bias = g.padding(c, x)
	}
	x = g.context(c, x, bias)
	g.output("last_hidden_state", x, "batch", "frames", c.Width)
	if head == hf.CTC {
		g.scope = "lm_head"
		g.output("logits", g.linear("lm_head", x), "batch", "frames", m.Config.VocabSize)
	}
	return g, g.err
}

// features is the feature encoder: (B,S) → (B,T,C). Inside, channels come before frames, as Conv wants them.
func (g *graph) features(c encoder.Config, wave string) string {
	g.scope = "features"
	x := g.op("Unsqueeze", nil, wave, g.ints(1))
	for i, l := range c.Conv {
		g.scope = fmt.Sprintf("features.%d", i)
		name := fmt.Sprintf("%sfeature_extractor.conv_layers.%d", encoder.Prefix, i)
		in := []string{x, g.weight(name + ".conv.weight")}
		if c.ConvBias {
			in = append(in, g.weight(name+".conv.bias"))
		}
		x = g.op("Conv", []attr{{"strides", []int{l.Stride}}, {"kernel_shape", []int{l.Kernel}}}, in...)
		switch {
		case c.ConvNorm == encoder.LayerNorm:
			x = g.flip(g.layerNorm(name+".layer_norm", g.flip(x), encoder.FeatureNormEps))
		case i == 0: // a group a channel
			x = g.op("InstanceNormalization", []attr{{"epsilon", encoder.FeatureNormEps}}, x, g.weight(name+".layer_norm.weight"), g.weight(name+".layer_norm.bias"))
		}
		x = g.gelu(x)
	}
	return g.flip(x)
}

// padding zeroes the frames behind the real ones and returns what is to be added to attention scores, (B,1,1,T).
func (g *graph) padding(c encoder.Config, x string) (zeroed, bias string) {
	g.scope = "padding"
	n := g.op("ReduceSum", []attr{{"keepdims", 1}}, "attention_mask", g.ints(1))
	for _, l := range c.Conv { // floor((n-kernel)/stride)+1 without negative numbers, which Div would round towards zero
		n = g.op("Add", nil, n, g.integer(l.Stride-l.Kernel))
		n = g.op("Div", nil, g.op("Max", nil, n, g.integer(0)), g.integer(l.Stride))
	}
	frames := g.op("Gather", []attr{{"axis", 0}}, g.op("Shape", nil, x), g.integer(1))
	real := g.op("Less", nil, g.op("Range", nil, g.integer(0), frames, g.integer(1)), n) // (B,T)
	zeroed = g.op("Where", nil, g.op("Unsqueeze", nil, real, g.ints(2)), x, g.scalar(0))
	bias = g.op("Unsqueeze", nil, g.op("Where", nil, real, g.scalar(0), g.scalar(masked)), g.ints(1, 2))
	return zeroed, bias
}

// context is the context network: (B,T,D) → (B,T,D).
func (g *graph) context(c encoder.Config, x, bias string) string {
	g.scope = "positions"
	name := encoder.Prefix + "encoder"
	conv := name + ".pos_conv_embed.conv"
	k := c.PositionKernel
	p := g.op("Conv", []attr{{"group", c.PositionGroups}, {"pads", []int{k / 2, (k - 1) / 2}}, {"kernel_shape", []int{k}}},
		g.flip(x), g.weightNorm(conv), g.weight(conv+".bias"))
	x = g.op("Add", nil, x, g.flip(g.gelu(p)))
	if !c.PreNorm {
		x = g.layerNorm(name+".layer_norm", x, c.NormEps)
	}
	for i := range c.Layers {
		layer := fmt.Sprintf("%s.layers.%d", name, i)
		half := func(norm string, f func(x string) string) {
			if c.PreNorm {
				x = g.op("Add", nil, x, f(g.layerNorm(layer+norm, x, c.NormEps)))
			} else {
				x = g.layerNorm(layer+norm, g.op("Add", nil, x, f(x)), c.NormEps)
			}
		}
		g.scope = fmt.Sprintf("layers.%d.attention", i)
		half(".layer_norm", func(x string) string { return g.attention(c, layer+".attention", x, bias) })
		g.scope = fmt.Sprintf("layers.%d.feed_forward", i)
		half(".final_layer_norm", func(x string) string {
			return g.linear(layer+".feed_forward.output_dense", g.gelu(g.linear(layer+".feed_forward.intermediate_dense", x)))
		})
	}
	if c.PreNorm {
		g.scope = "final_norm"
		x = g.layerNorm(name+".layer_norm", x, c.NormEps)
	}
	return x
}

// attention is multi-head self-attention with its four projections.
func (g *graph) attention(c encoder.Config, name, x, bias string) string {
	size := c.Width / c.Heads
	heads := func(part string, perm ...int) string {
		y := g.op("Reshape", nil, g.linear(name+part, x), g.ints(0, 0, c.Heads, size))
		return g.op("Transpose", []attr{{"perm", perm}}, y)
	}
	q := g.op("Mul", nil, heads(".q_proj", 0, 2, 1, 3), g.scalar(float32(1/math.Sqrt(float64(size)))))
	scores := g.op("MatMul", nil, q, heads(".k_proj", 0, 2, 3, 1))
	if bias != "" {
		scores = g.op("Add", nil, scores, bias)
	}
	y := g.op("MatMul", nil, g.op("Softmax", []attr{{"axis", -1}}, scores), heads(".v_proj", 0, 2, 1, 3))
	y = g.op("Reshape", nil, g.op("Transpose", []attr{{"perm", []int{0, 2, 1, 3}}}, y), g.ints(0, 0, c.Width))
	return g.linear(name+".out_proj", y)
}

// linear is x·Wᵀ + b.
func (g *graph) linear(name, x string) string {
	return g.op("Add", nil, g.op("MatMul", nil, x, g.transposed(name+".weight")), g.weight(name+".bias"))
}

func (g *graph) layerNorm(name, x string, eps float64) string {
	return g.op("LayerNormalization", []attr{{"axis", -1}, {"epsilon", eps}}, x, g.weight(name+".weight"), g.weight(name+".bias"))
}

// gelu is x/2·(1+erf(x/√2)), the exact one, in the form that onnxruntime fuses.
func (g *graph) gelu(x string) string {
	y := g.op("Erf", nil, g.op("Div", nil, x, g.scalar(math.Sqrt2)))
	return g.op("Mul", nil, g.op("Mul", nil, x, g.op("Add", nil, y, g.scalar(1))), g.scalar(0.5))
}

// flip exchanges frames and channels.
func (g *graph) flip(x string) string {
	return g.op("Transpose", []attr{{"perm", []int{0, 2, 1}}}, x)
}

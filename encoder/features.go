package encoder

import (
	"fmt"

	"aural/graph"
	"aural/kernels"
	"aural/nn"
)

// Prefix starts the name of every parameter of the encoder, as in Hugging Face models with heads.
const Prefix = "wav2vec2."

// FeatureNormEps is ε of the norms between the convolutions. It is PyTorch's default in fairseq and in transformers, whose layer_norm_eps, our
// [Config.NormEps], does not reach them.
const FeatureNormEps = 1e-5

// Features is the feature encoder: wave (B,S,1) → z (B,T,C), T = cfg.Frames(S). Each layer is a convolution without padding, a norm (see [ConvNorm])
// and a GELU. The gradient that flows back into it is multiplied by FeatureGradScale (spec: Baevski et al. 2020 §4.2).
func Features(n *nn.Net, cfg Config, wave *graph.Node) *graph.Node {
	x := wave
	for i, l := range cfg.Conv {
		name := fmt.Sprintf("%sfeature_extractor.conv_layers.%d", Prefix, i)
		n.Scope(fmt.Sprintf("features.%d", i), func() {
			x = nn.Conv1D(n, name+".conv", x, l.Channels, l.Kernel, l.Stride, cfg.ConvBias)
			switch {
			case cfg.ConvNorm == LayerNorm:
				x = nn.LayerNorm(n, name+".layer_norm", x, FeatureNormEps)
			case i == 0:
				x = nn.GroupNorm(n, name+".layer_norm", x, l.Channels, FeatureNormEps)
			}
			x = n.Apply(kernels.GELU{}, x)
		})
	}
	if cfg.FeatureGradScale != 1 {
		x = n.Apply(kernels.GradScale{Factor: cfg.FeatureGradScale}, x)
	}
	return x
}

// Project normalises the features and maps them to the width of the context network: z (B,T,C) → normalised (B,T,C), x (B,T,D). The quantizer
// takes the normalised features, the context network takes x.
func Project(n *nn.Net, cfg Config, z *graph.Node) (normalised, x *graph.Node) {
	name := Prefix + "feature_projection"
	n.Scope("projection", func() {
		normalised = nn.LayerNorm(n, name+".layer_norm", z, cfg.NormEps)
		fan := nn.FanInUniform(n.Dim(z, -1))
		x = nn.Linear(n, name+".projection", normalised, cfg.Width, fan, fan)
		x = nn.Dropout(n, name+".dropout", x, cfg.InputDropout)
	})
	return normalised, x
}

// Mask replaces masked frames by the learned mask vector: x (B,T,D), mask uint8 (B,T).
func Mask(n *nn.Net, x, mask *graph.Node) *graph.Node {
	return n.Apply(kernels.MaskFrames{}, x, mask, MaskVector(n, n.Dim(x, -1)))
}

// MaskVector declares the vector that replaces masked frames (D).
func MaskVector(n *nn.Net, width int) *graph.Node {
	return n.Weight(Prefix+"masked_spec_embed", nn.Uniform(0, 1), width)
}

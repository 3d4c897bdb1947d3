// Package encoder is the network of wav2vec 2.0 (Baevski et al. 2020): the convolutional feature encoder, the context network, span masks, and
// the tensor names that Hugging Face checkpoints use. Pretraining and fine-tuning share it.
//
//	wave (B,S) ─Features─▶ z (B,T,C) ─Project─▶ normalised (B,T,C), x (B,T,D) ─masks─▶ ─Context─▶ c (B,T,D)
//
// Both published variants are here: base (group norm in the first convolution, post-norm blocks) and large (layer norm in every
// convolution, pre-norm blocks).
package encoder

import (
	"errors"
	"fmt"

	"aural/kernels"
)

// ConvLayer is one layer of the feature encoder.
type ConvLayer struct {
	Channels int `yaml:"channels"`
	Kernel   int `yaml:"kernel"`
	Stride   int `yaml:"stride"`
}

// ConvNorm says how the feature encoder normalises.
type ConvNorm string

const (
	// GroupNorm normalises the first layer only, each channel over time (padding counts). The base models.
	GroupNorm ConvNorm = "group"
	// LayerNorm normalises every layer over channels. The large models.
	LayerNorm ConvNorm = "layer"
)

// Config describes the network.
type Config struct {
	Conv     []ConvLayer `yaml:"conv"`
	ConvNorm ConvNorm    `yaml:"conv_norm"`
	ConvBias bool        `yaml:"conv_bias"`

	Width  int `yaml:"width"` // D, channels of the context network
	Layers int `yaml:"layers"`
	Heads  int `yaml:"heads"`
	FFN    int `yaml:"ffn"` // inner channels of the feed-forward part
	// PreNorm normalises before each half of a block and at the end (large); false normalises after each half (base).
	PreNorm bool `yaml:"pre_norm"`

	PositionKernel int `yaml:"position_kernel"` // frames the convolutional position embedding sees
	PositionGroups int `yaml:"position_groups"`

	InputDropout      float64 `yaml:"input_dropout"`   // after the projection to D
	FeatureDropout    float64 `yaml:"feature_dropout"` // on the features that the quantizer sees
	Dropout           float64 `yaml:"dropout"`         // in blocks, and before the first
	AttentionDropout  float64 `yaml:"attention_dropout"`
	ActivationDropout float64 `yaml:"activation_dropout"` // after the GELU of the feed-forward part
	LayerDrop         float64 `yaml:"layer_drop"`         // probability of skipping a block in an update

	// FeatureGradScale multiplies the gradient that reaches the feature encoder (fairseq: feature_grad_mult).
	FeatureGradScale float64 `yaml:"feature_grad_scale"`
	NormEps          float64 `yaml:"norm_eps"` // ε of all layer norms but those between the convolutions, which have 1e-5
}

// Default is the published base model.
func Default() Config {
	c := Config{
		Conv:     []ConvLayer{{512, 10, 5}, {512, 3, 2}, {512, 3, 2}, {512, 3, 2}, {512, 3, 2}, {512, 2, 2}, {512, 2, 2}},
		ConvNorm: GroupNorm, Width: 768, Layers: 12, Heads: 12, FFN: 3072, PositionKernel: 128, PositionGroups: 16,
		InputDropout: 0.1, FeatureDropout: 0.1, Dropout: 0.1, AttentionDropout: 0.1, LayerDrop: 0.05,
		FeatureGradScale: 0.1, NormEps: 1e-5,
	}
	return c
}

// Frames is the number of frames that the feature encoder gives for a number of samples.
func (c Config) Frames(samples int) int {
	for _, l := range c.Conv {
		samples = kernels.Conv1D{Stride: l.Stride, Groups: 1}.OutLen(samples, l.Kernel)
	}
	return samples
}

// Validate reports every setting that cannot work.
func (c Config) Validate() error {
	var errs []error
	bad := func(cond bool, format string, args ...any) {
		if cond {
			errs = append(errs, fmt.Errorf("encoder: "+format, args...))
		}
	}
	bad(len(c.Conv) == 0, "conv: needs at least one layer")
	for i, l := range c.Conv {
		bad(l.Channels < 1 || l.Kernel < 1 || l.Stride < 1, "conv[%d]: channels, kernel and stride must be positive, got %+v", i, l)
	}
	bad(c.ConvNorm != GroupNorm && c.ConvNorm != LayerNorm, "conv_norm: %q is neither %q nor %q", c.ConvNorm, GroupNorm, LayerNorm)
	bad(c.Width < 1 || c.Heads < 1 || c.Width%max(c.Heads, 1) != 0, "width %d must be a multiple of heads %d", c.Width, c.Heads)
	bad(c.Layers < 1, "layers: %d is less than 1", c.Layers)
	bad(c.FFN < 1, "ffn: %d is less than 1", c.FFN)
	bad(c.PositionKernel < 1, "position_kernel: %d is less than 1", c.PositionKernel)
	bad(c.PositionGroups < 1 || c.Width%max(c.PositionGroups, 1) != 0, "width %d must be a multiple of position_groups %d", c.Width, c.PositionGroups)
	for _, p := range []struct {
		name string
		v    float64
	}{{"input_dropout", c.InputDropout}, {"feature_dropout", c.FeatureDropout}, {"dropout", c.Dropout},
		{"attention_dropout", c.AttentionDropout}, {"activation_dropout", c.ActivationDropout}, {"layer_drop", c.LayerDrop}} {
		bad(!(p.v >= 0 && p.v < 1), "%s: %v is outside [0,1)", p.name, p.v)
	}
	bad(!(c.FeatureGradScale >= 0), "feature_grad_scale: %v is negative", c.FeatureGradScale)
	bad(!(c.NormEps > 0), "norm_eps: %v is not positive", c.NormEps)
	return errors.Join(errs...)
}

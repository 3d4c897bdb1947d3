// Package pretrain is self-supervised pretraining with wav2vec 2.0 (Baevski et al. 2020): the objective as a graph, what to feed it, and what to
// report of it.
package pretrain

import (
	"errors"
	"fmt"

	"aural/contrastive"
	"aural/datasets"
	"aural/encoder"
	"aural/kernels"
	"aural/quantizer"
	"aural/train"
)

// Recipe is everything that determines a run, besides the data. Each part belongs to the package that it configures.
type Recipe struct {
	Note string `yaml:"note,omitempty"` // what the recipe is for, with its arithmetic
	Seed uint64 `yaml:"seed"`
	// Precision of matrix products: float32, or high or bf16 on a machine that has them. Weights, activations, gradients and sums are always float32.
	Precision kernels.Precision `yaml:"precision"`
	// Init is the model folder whose weights training begins with, instead of random ones; FreshHead has it give the encoder only.
	Init        string             `yaml:"init"`
	FreshHead   bool               `yaml:"fresh_head"`
	Data        train.DataConfig   `yaml:"data"`
	Encoder     encoder.Config     `yaml:"encoder"`
	Mask        encoder.MaskConfig `yaml:"mask"`
	Channels    encoder.MaskConfig `yaml:"channel_mask"`
	Quantizer   quantizer.Config   `yaml:"quantizer"`
	Contrastive contrastive.Config `yaml:"contrastive"`
	Loss        LossConfig         `yaml:"loss"`
	Train       train.Config       `yaml:"train"`
	Valid       train.ValidConfig  `yaml:"valid"`
	Probe       ProbeConfig        `yaml:"probe"`
}

// LossConfig weighs the terms of the objective, each per masked frame: contrastive + Diversity·diversity + FeaturePenalty·penalty.
type LossConfig struct {
	Diversity      float64 `yaml:"diversity"`
	FeaturePenalty float64 `yaml:"feature_penalty"`
	// TargetDim is the width in which context and targets are compared (project_hid, project_q).
	TargetDim int `yaml:"target_dim"`
}

// Default is the published base recipe.
func Default() Recipe {
	return Recipe{
		Seed: 1, Precision: kernels.PrecisionFloat32, Data: train.DefaultData(), Encoder: encoder.Default(), Mask: encoder.DefaultMask(),
		Channels:  encoder.MaskConfig{Length: 64, Selection: encoder.Static, Semantics: encoder.Fairseq},
		Quantizer: quantizer.Default(), Contrastive: contrastive.Default(),
		Loss: LossConfig{Diversity: 0.1, FeaturePenalty: 10, TargetDim: 256}, Train: train.DefaultConfig(), Valid: train.ValidConfig{Seconds: 600, Seed: 1},
		Probe: DefaultProbe(),
	}
}

// Validate reports every setting that cannot work, alone or together.
func (r Recipe) Validate() error {
	errs := []error{r.Precision.ValidateTraining(), r.Data.Sampler(r.Seed, datasets.Crop).Validate(), r.Encoder.Validate(), r.Mask.Validate(), r.Channels.Validate(), r.Quantizer.Validate(),
		r.Contrastive.Validate(), r.Train.Validate(), r.Probe.validate(r)}
	bad := func(cond bool, format string, args ...any) {
		if cond {
			errs = append(errs, fmt.Errorf("pretrain: "+format, args...))
		}
	}
	bad(r.FreshHead && r.Init == "", "fresh_head: without init everything is fresh")
	bad(r.Loss.TargetDim < 1, "loss.target_dim: %d is less than 1", r.Loss.TargetDim)
	bad(r.Loss.Diversity < 0 || r.Loss.FeaturePenalty < 0, "loss: weights must not be negative, got %+v", r.Loss)
	bad(!(r.Mask.Probability > 0), "mask.probability: nothing would be masked, so nothing learned")
	bad(r.Valid.Seconds < 0, "valid.seconds: %v is negative", r.Valid.Seconds)
	if errors.Join(errs...) == nil {
		shortest := r.Encoder.Frames(r.Data.MinSamples)
		bad(shortest < r.Mask.MinFrames() || shortest < 3, "data.min_samples: %d samples give %d frames; spans of %d need at least %d",
			r.Data.MinSamples, shortest, r.Mask.Length, max(r.Mask.MinFrames(), 3))
	}
	return errors.Join(errs...)
}

// Package finetune trains a pretrained wav2vec 2.0 encoder to transcribe, with a linear layer to a vocabulary and the CTC loss (Baevski et al. 2020 §3.3),
// as fairseq's wav2vec_ctc does: the feature encoder stays as it is, the rest joins after some updates, spans of frames and channels are masked.
package finetune

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"aural/datasets"
	"aural/encoder"
	"aural/kernels"
	"aural/train"
)

// Mode says what is trained, so that runs compare what pretraining is worth.
type Mode string

const (
	// Full trains head and encoder, as [FreezeConfig] says.
	Full Mode = "full"
	// Frozen trains the head alone on the features of the encoder, which runs without dropout, LayerDrop and masks.
	Frozen Mode = "frozen"
	// Scratch trains everything from random weights, and so leaves out [FreezeConfig].
	Scratch Mode = "scratch"
)

// Modes are all modes.
func Modes() []Mode { return []Mode{Full, Frozen, Scratch} }

// Recipe is everything that determines a run, besides the data. Each part belongs to the package that it configures.
type Recipe struct {
	Note string `yaml:"note,omitempty"` // what the recipe is for, with its arithmetic
	Seed uint64 `yaml:"seed"`
	// Precision of matrix products, as in pretraining.
	Precision kernels.Precision `yaml:"precision"`
	Mode      Mode              `yaml:"mode"`
	Init      string            `yaml:"init"` // model folder that the encoder comes from; none with mode scratch
	// InitLayers is how many blocks of Init are taken, from below; 0: all. The uppermost blocks of a pretrained wav2vec 2.0 have turned to its objective: those in the
	// middle tell more of phones and words, and a network without the uppermost learns from fewer labels (Pasad, Chou and Livescu 2021, arXiv 2107.04734).
	InitLayers int                `yaml:"init_layers"`
	Data       train.DataConfig   `yaml:"data"`
	Subset     SubsetConfig       `yaml:"subset"`
	Labels     LabelConfig        `yaml:"labels"`
	Encoder    encoder.Config     `yaml:"encoder"`
	Mask       encoder.MaskConfig `yaml:"mask"`
	Channels   encoder.MaskConfig `yaml:"channel_mask"`
	Head       HeadConfig         `yaml:"head"`
	Freeze     FreezeConfig       `yaml:"freeze"`
	Loss       LossConfig         `yaml:"loss"`
	Train      train.Config       `yaml:"train"`
	Valid      train.ValidConfig  `yaml:"valid"`
	Decode     DecodeConfig       `yaml:"decode"`
}

// SubsetConfig says how much of the store is trained on, after validation was held out.
type SubsetConfig struct {
	Seconds float64             `yaml:"seconds"` // of audio; 0: everything
	Seed    uint64              `yaml:"seed"`
	By      datasets.SubsetMode `yaml:"by"`
}

// HeadConfig describes what is on top of the encoder.
type HeadConfig struct {
	Dropout float64 `yaml:"dropout"` // before the linear layer (fairseq: final_dropout)
}

// FreezeConfig says what of the encoder is trained, and from when on.
type FreezeConfig struct {
	Features bool   `yaml:"features"` // the convolutional feature encoder never is (fairseq: feature_grad_mult 0)
	Updates  uint64 `yaml:"updates"`  // updates in which only the head is trained (fairseq: freeze_finetune_updates)
	// LayerDecay is the ratio of the learning rates of a transformer block and the one above it. The head has the rate of the schedule, the last block once the
	// ratio of it, and what is below the first block one more ratio than that has. 1: all have the same.
	LayerDecay float64 `yaml:"layer_decay"`
}

// What the gradient of an update is divided by.
const (
	PerUtterance = "utterances" // fairseq: sentence_avg true
	PerLabel     = "labels"     // fairseq: sentence_avg false
)

// LossConfig describes the loss.
type LossConfig struct {
	// ZeroInfinity leaves utterances without influence whose transcript does not fit into their frames. Without it such an update is skipped.
	ZeroInfinity bool   `yaml:"zero_infinity"`
	Average      string `yaml:"average"` // PerUtterance or PerLabel
}

// Default is the published recipe of base for 10 hours of labels (fairseq's base_10h.yaml).
func Default() Recipe {
	r := Recipe{
		Seed: 1, Precision: kernels.PrecisionFloat32, Mode: Full, Data: train.DataConfig{BatchSamples: 3_200_000, MinSamples: 4000, MaxSamples: 560_000, Lengths: 8},
		Subset: SubsetConfig{Seed: 1, By: datasets.SubsetBalanced}, Labels: LabelConfig{Vocabulary: Characters, Case: AsIs},
		Encoder: encoder.Default(), Mask: encoder.DefaultMask(),
		Channels: encoder.MaskConfig{Probability: 0.5, Length: 64, Selection: encoder.Static, MinSpace: 1, SameCount: true, Semantics: encoder.Fairseq},
		Freeze:   FreezeConfig{Features: true, Updates: 10000, LayerDecay: 1}, Loss: LossConfig{ZeroInfinity: true, Average: PerUtterance},
		Train: train.DefaultConfig(), Valid: train.ValidConfig{Seconds: 600, Seed: 1}, Decode: defaultDecode(),
	}
	e := &r.Encoder
	e.InputDropout, e.FeatureDropout, e.Dropout, e.AttentionDropout, e.ActivationDropout, e.LayerDrop, e.FeatureGradScale = 0, 0, 0, 0, 0.1, 0.05, 1
	t := &r.Train
	t.MaxUpdates = 20000
	t.Schedule.Kind, t.Schedule.Peak, t.Schedule.Warmup = train.TriStage, 5e-5, 0
	t.Optimizer.Eps, t.Optimizer.WeightDecay = 1e-8, 0
	return r
}

// Validate reports every setting that cannot work, alone or together.
func (r Recipe) Validate() error {
	errs := []error{r.Precision.ValidateTraining(), r.Data.Sampler(r.Seed, datasets.Pad).Validate(), r.Encoder.Validate(), r.Mask.Validate(), r.Channels.Validate(), r.Labels.Validate(), r.Decode.Validate(), r.TrainConfig().Validate()}
	bad := func(cond bool, format string, args ...any) {
		if cond {
			errs = append(errs, fmt.Errorf("finetune: "+format, args...))
		}
	}
	bad(!slices.Contains(Modes(), r.Mode), "mode: %q is not %s, %s or %s", r.Mode, Full, Frozen, Scratch)
	bad(r.InitLayers < 0, "init_layers: %d is negative", r.InitLayers)
	bad(!(r.Subset.Seconds >= 0) || math.IsInf(r.Subset.Seconds, 0), "subset.seconds: %v, want a number of seconds, or 0 for everything", r.Subset.Seconds)
	bad(!(r.Head.Dropout >= 0 && r.Head.Dropout < 1), "head.dropout: %v is outside [0,1)", r.Head.Dropout)
	bad(!(r.Freeze.LayerDecay > 0 && r.Freeze.LayerDecay <= 1), "freeze.layer_decay: %v is outside (0,1]", r.Freeze.LayerDecay)
	bad(r.Loss.Average != PerUtterance && r.Loss.Average != PerLabel, "loss.average: %q is neither %s nor %s", r.Loss.Average, PerUtterance, PerLabel)
	bad(!(r.Valid.Seconds >= 0), "valid.seconds: %v is negative", r.Valid.Seconds)
	if errors.Join(errs...) == nil {
		shortest := r.Encoder.Frames(r.Data.MinSamples)
		bad(shortest < 1, "data.min_samples: %d samples give no frame", r.Data.MinSamples)
		bad(r.masks() && shortest < r.Mask.MinFrames(), "data.min_samples: %d samples give %d frames; masks with spans of %d need at least %d",
			r.Data.MinSamples, shortest, r.Mask.Length, r.Mask.MinFrames())
		bad(r.masksChannels() && r.Encoder.Width < r.Channels.MinFrames(), "channel_mask.length: spans of %d do not leave one of %d channels",
			r.Channels.Length, r.Encoder.Width)
	}
	return errors.Join(errs...)
}

// masks and masksChannels report whether training masks. A frozen encoder sees everything.
func (r Recipe) masks() bool         { return r.Mode != Frozen && r.Mask.Probability > 0 }
func (r Recipe) masksChannels() bool { return r.Mode != Frozen && r.Channels.Probability > 0 }

// dropsLayers reports whether training skips blocks at random.
func (r Recipe) dropsLayers() bool { return r.Mode != Frozen && r.Encoder.LayerDrop > 0 }

// Patterns of parameter names.
const (
	featureParameters = encoder.Prefix + "feature_extractor.*"
	encoderParameters = encoder.Prefix + "*"
)

// TrainConfig is what the loop trains with: [Recipe.Train] with groups of parameters for the mode and what is frozen, behind those that the recipe has.
func (r Recipe) TrainConfig() train.Config {
	c := r.Train
	groups := slices.Clone(c.Optimizer.Groups)
	if r.Mode == Frozen {
		groups = append(groups, train.Group{Match: encoderParameters, Frozen: true})
	}
	if r.Mode == Full {
		if r.Freeze.Features {
			groups = append(groups, train.Group{Match: featureParameters, Frozen: true})
		}
		below := func(pattern string, steps int) {
			g := train.Group{Match: pattern, From: r.Freeze.Updates}
			if d := r.Freeze.LayerDecay; d != 1 {
				scale := math.Pow(d, float64(steps))
				g.LRScale = &scale
			}
			if g.From > 0 || g.LRScale != nil {
				groups = append(groups, g)
			}
		}
		if r.Freeze.LayerDecay != 1 {
			for i := range r.Encoder.Layers {
				below(fmt.Sprintf("%sencoder.layers.%d.*", encoder.Prefix, i), r.Encoder.Layers-i)
			}
		}
		below(encoderParameters, r.Encoder.Layers+1)
	}
	c.Optimizer.Groups = groups
	return c
}

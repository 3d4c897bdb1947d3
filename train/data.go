package train

import "aural/datasets"

// DataConfig says which batches are made. Lengths are samples at 16 kHz.
type DataConfig struct {
	BatchSamples int `yaml:"batch_samples"` // most samples of a micro-batch, rows x length
	MinSamples   int `yaml:"min_samples"`   // shorter utterances are left out
	MaxSamples   int `yaml:"max_samples"`   // longer utterances are cropped at a random place, anew each epoch; fine-tuning leaves them out
	Lengths      int `yaml:"lengths"`       // most different lengths of batches; each is one program
	// Normalize gives each crop or utterance zero mean and unit variance, as the large models and Hugging Face have it; the published base model does not.
	Normalize bool `yaml:"normalize"`
}

// DefaultData is the published base recipe of pretraining.
func DefaultData() DataConfig {
	d := datasets.DefaultSamplerConfig()
	return DataConfig{BatchSamples: d.BatchSamples, MinSamples: d.MinSamples, MaxSamples: d.MaxSamples, Lengths: d.Buckets}
}

// Sampler is the configuration of the sampler of training batches.
func (d DataConfig) Sampler(seed uint64, mode datasets.LengthMode) datasets.SamplerConfig {
	return datasets.SamplerConfig{BatchSamples: d.BatchSamples, MinSamples: d.MinSamples, MaxSamples: d.MaxSamples, Buckets: d.Lengths, Mode: mode, Seed: seed}
}

// ValidConfig says what is held out.
type ValidConfig struct {
	Seconds float64 `yaml:"seconds"` // audio held out of a store for validation
	Seed    uint64  `yaml:"seed"`    // chooses it, and its masks, crops and distractors
}

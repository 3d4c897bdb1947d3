package pretrain

import (
	"fmt"

	"aural/hf"
	"aural/kernels"
)

// HF is config.json of the model that a recipe trains.
func (r Recipe) HF() hf.Config {
	h := hf.ForEncoder(r.Encoder, r.Mask, r.Channels)
	h.CodebookGroups, h.CodebookEntries, h.CodevectorDim = r.Quantizer.Groups, r.Quantizer.Entries, r.Quantizer.Dim
	h.ProjectDim, h.Negatives, h.LogitTemp = r.Loss.TargetDim, r.Contrastive.Distractors, r.Contrastive.Temperature
	h.DiversityWeight = r.Loss.Diversity
	return h
}

// SaveModel writes a folder that transformers opens with Wav2Vec2ForPreTraining.from_pretrained.
func (t *Task) SaveModel(dir string) error {
	var raw []byte
	return hf.Write(dir, hf.Content{
		Head: hf.Pretraining, Config: t.recipe.HF(), Specs: t.weights.Specs(),
		Preprocessor: hf.NewPreprocessor(t.recipe.Encoder.ConvNorm, t.recipe.Data.Normalize),
		Value: func(name string) ([]byte, error) {
			b, ok := t.weights.Param(name)
			if !ok {
				return nil, fmt.Errorf("pretrain: no parameter %q", name)
			}
			if b.Bytes() > cap(raw) {
				raw = make([]byte, b.Bytes())
			}
			raw = raw[:b.Bytes()]
			return raw, t.training.backend.Download(raw, b)
		},
	})
}

// LoadModel reads the weights of a model folder, which must hold the network of the recipe with its pretraining head.
func (t *Task) LoadModel(dir string) error {
	m, err := hf.Open(dir, hf.Pretraining)
	if err != nil {
		return err
	}
	defer m.Close()
	if err := m.Config.Agree(t.recipe.HF(), hf.Pretraining); err != nil {
		return fmt.Errorf("pretrain: %s is not a model of this recipe: %w", dir, err)
	}
	for _, s := range t.weights.Specs() {
		value, err := m.Float32(s.Name)
		if err != nil {
			return fmt.Errorf("pretrain: %w", err)
		}
		b, _ := t.weights.Param(s.Name) // of the same shape, because the configurations agree
		if err := t.training.backend.Upload(b, kernels.BytesOf(value)); err != nil {
			return err
		}
	}
	return nil
}

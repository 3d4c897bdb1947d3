package pretrain

import (
	"fmt"

	"aural/hf"
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
	return hf.Write(dir, hf.Content{
		Head: hf.Pretraining, Config: t.recipe.HF(), Specs: t.weights.Specs(), Value: hf.ValueOf(t.weights, t.backend),
		Preprocessor: hf.NewPreprocessor(t.recipe.Encoder.ConvNorm, t.recipe.Data.Normalize),
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
	return m.Load(t.weights, t.backend, nil)
}

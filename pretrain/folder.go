package pretrain

import (
	"errors"
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

// Adopt takes the architecture of the network, that of the quantizer and projections too unless FreshHead is set, and the normalisation of its input from a model
// folder, and the folder as Init. Dropout, LayerDrop, masks, temperatures and the weights of losses stay those of the recipe.
func (r *Recipe) Adopt(dir string) error {
	m, err := r.openInit(dir)
	if err != nil {
		return err
	}
	defer m.Close()
	c := m.Config
	r.Encoder, r.Data.Normalize, r.Init = c.EncoderLike(r.Encoder), m.Preprocessor.Normalize, dir
	if !r.FreshHead {
		q := &r.Quantizer
		q.Groups, q.Entries, q.Dim, r.Loss.TargetDim = c.CodebookGroups, c.CodebookEntries, c.CodevectorDim, c.ProjectDim
	}
	return r.Validate()
}

// initHeads are the heads that Init must have.
func (r Recipe) initHeads() []hf.Head {
	if r.FreshHead {
		return nil
	}
	return []hf.Head{hf.Pretraining}
}

// openInit opens the folder that training begins with.
func (r Recipe) openInit(dir string) (*hf.Model, error) {
	m, err := hf.Open(dir, r.initHeads()...)
	var mismatch *hf.MismatchError
	if errors.As(err, &mismatch) && !r.FreshHead {
		bare, other := hf.Open(dir)
		if other == nil {
			bare.Close()
			return nil, fmt.Errorf("pretrain: init: %s has no quantizer and projections; fresh_head (--fresh-head) begins with new ones: %w", dir, err)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("pretrain: init: %w", err)
	}
	return m, nil
}

// loadInit takes the weights of Init.
func (t *Task) loadInit() error {
	m, err := t.recipe.openInit(t.recipe.Init)
	if err != nil {
		return err
	}
	defer m.Close()
	heads := t.recipe.initHeads()
	if err := m.Config.Agree(t.recipe.HF(), heads...); err != nil {
		return fmt.Errorf("pretrain: init: %s holds another network than the recipe asks for: %w", t.recipe.Init, err)
	}
	return m.LoadParts(t.weights, t.backend, heads...)
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
	return m.Load(t.weights, t.backend)
}

package pretrain

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"aural/encoder"
	"aural/kernels"
	"aural/safetensors"
)

// Names of the files of a model folder, as Hugging Face transformers expects them.
const (
	weightsFile      = "model.safetensors"
	configFile       = "config.json"
	preprocessorFile = "preprocessor_config.json"
)

// HF is config.json of the model that a recipe trains.
func (r Recipe) HF() encoder.HFConfig {
	h := r.Encoder.HF(r.Mask, r.Channels)
	h.Architectures = []string{"Wav2Vec2ForPreTraining"}
	h.CodebookGroups, h.CodebookEntries, h.CodevectorDim = r.Quantizer.Groups, r.Quantizer.Entries, r.Quantizer.Dim
	h.ProjectDim, h.Negatives, h.LogitTemp = r.Loss.TargetDim, r.Contrastive.Distractors, r.Contrastive.Temperature
	h.DiversityWeight = r.Loss.Diversity
	return h
}

// SaveModel writes a folder that transformers opens with Wav2Vec2ForPreTraining.from_pretrained.
func (t *Task) SaveModel(dir string) error {
	specs := t.weights.Specs()
	infos := make([]safetensors.Info, len(specs))
	for i, s := range specs {
		infos[i] = safetensors.Info{Name: s.Name, DType: safetensors.F32, Shape: s.Shape}
	}
	w, err := safetensors.Create(filepath.Join(dir, weightsFile), map[string]string{"format": "pt"}, infos)
	if err != nil {
		return err
	}
	for _, s := range specs {
		b, ok := t.weights.Param(s.Name)
		if !ok {
			w.Abort()
			return fmt.Errorf("pretrain: no parameter %q", s.Name)
		}
		raw := make([]byte, b.Bytes())
		if err := t.training.backend.Download(raw, b); err != nil {
			w.Abort()
			return err
		}
		if err := w.Put(s.Name, raw); err != nil {
			w.Abort()
			return err
		}
	}
	if err := w.Commit(); err != nil {
		return err
	}
	for name, v := range map[string]any{configFile: t.recipe.HF(), preprocessorFile: t.recipe.Encoder.HFPreprocessor(t.recipe.Data.Normalize)} {
		raw, err := json.MarshalIndent(v, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), append(raw, '\n'), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// LoadModel reads the weights of a model folder. Both spellings of the weight-normed position convolution are accepted; every parameter must be there
// with the shape that the recipe asks for.
func (t *Task) LoadModel(dir string) error {
	path := filepath.Join(dir, weightsFile)
	f, err := safetensors.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	newer := map[string]string{}
	for _, pair := range encoder.WeightNormNames() {
		newer[pair[0]] = pair[1]
	}
	for _, s := range t.weights.Specs() {
		name := s.Name
		if !f.Has(name) && f.Has(newer[name]) {
			name = newer[name]
		}
		tensor, err := f.Tensor(name)
		if err != nil {
			return fmt.Errorf("pretrain: %s: %w", path, err)
		}
		if err := encoder.CheckShape(name, tensor.Shape, s.Shape); err != nil {
			return fmt.Errorf("pretrain: %s: %w", path, err)
		}
		value, err := safetensors.Float32(tensor)
		if err != nil {
			return fmt.Errorf("pretrain: %s: %w", path, err)
		}
		b, _ := t.weights.Param(s.Name)
		if err := t.training.backend.Upload(b, kernels.BytesOf(value)); err != nil {
			return err
		}
	}
	return nil
}

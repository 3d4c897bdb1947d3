package hf

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"aural/internal/atomicfile"
	"aural/safetensors"
	"aural/train"
)

// Content is what a model folder is made of.
type Content struct {
	Head         Head   // what the folder is for; it decides about architectures and the prefix of names
	Config       Config // Architectures, ModelType, TorchDType and ConvLayers are set by [Write]
	Preprocessor Preprocessor
	Files        map[string][]byte // of the tokenizer, written as they are
	Specs        []train.Spec      // canonical names
	// Value gives the elements of a tensor, float32 in little-endian order. They are used before the next call.
	Value    func(name string) ([]byte, error)
	Spelling Spelling
	// ShardBytes is the most bytes of tensors in a file, unless one tensor alone has more; 0 writes one file.
	ShardBytes int64
}

// Write writes a model folder into an existing directory. Tensors are float32.
func Write(dir string, c Content) error {
	if err := errors.Join(c.Head.Check(), c.complete()); err != nil {
		return err
	}
	if err := c.writeWeights(dir); err != nil {
		return err
	}
	cfg := c.Config
	cfg.Architectures, cfg.ModelType, cfg.TorchDType, cfg.ConvLayers = []string{c.Head.Architecture()}, modelType, "float32", len(cfg.ConvDim)
	files := maps.Clone(c.Files)
	if files == nil {
		files = map[string][]byte{}
	}
	for name, v := range map[string]any{ConfigFile: cfg, PreprocessorFile: c.Preprocessor} {
		raw, err := indented(v)
		if err != nil {
			return fmt.Errorf("hf: write %s: %w", name, err)
		}
		files[name] = raw
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := atomicfile.Write(filepath.Join(dir, name), files[name], 0o644); err != nil {
			return fmt.Errorf("hf: %w", err)
		}
	}
	return nil
}

// complete reports tensors of the content that are not those of its configuration and head.
func (c Content) complete() error {
	if errs := c.checked(); len(errs) > 0 {
		return errors.Join(errs...)
	}
	wanted := map[string][]int{maskVector: {c.Config.HiddenSize}} // may be there in a model that never masks
	for _, s := range Specs(c.Config, c.Head) {
		wanted[s.Name] = s.Shape
	}
	e := &MismatchError{Dir: "write"}
	for _, s := range c.Specs {
		shape, ok := wanted[s.Name]
		switch {
		case !ok:
			e.Unexpected = append(e.Unexpected, s.Name)
		case !slices.Equal(shape, s.Shape):
			e.Shapes = append(e.Shapes, fmt.Sprintf("%s %v instead of %v", s.Name, s.Shape, shape))
		}
		delete(wanted, s.Name)
	}
	if !c.Config.MaskVector() {
		delete(wanted, maskVector)
	}
	e.Missing = slices.Sorted(maps.Keys(wanted))
	if len(e.Missing)+len(e.Unexpected)+len(e.Shapes) > 0 {
		return e
	}
	return nil
}

// checked validates the configuration as it will be written.
func (c Content) checked() []error {
	cfg := c.Config
	cfg.Architectures, cfg.ModelType, cfg.ConvLayers = nil, modelType, len(cfg.ConvDim)
	return cfg.validate()
}

// writeWeights writes model.safetensors, or several files and their index.
func (c Content) writeWeights(dir string) error {
	meta := map[string]string{"format": "pt"}
	shards := c.shards()
	if len(shards) == 1 {
		return c.writeShard(filepath.Join(dir, WeightsFile), meta, shards[0])
	}
	where, total := map[string]string{}, int64(0)
	for i, specs := range shards {
		name := fmt.Sprintf("model-%05d-of-%05d.safetensors", i+1, len(shards))
		if err := c.writeShard(filepath.Join(dir, name), meta, specs); err != nil {
			return err
		}
		for _, s := range specs {
			where[spell(s.Name, c.Spelling, c.Head)] = name
			total += bytesOf(s)
		}
	}
	raw, err := indented(map[string]any{"metadata": map[string]int64{"total_size": total}, "weight_map": where})
	if err != nil {
		return fmt.Errorf("hf: write %s: %w", IndexFile, err)
	}
	if err := atomicfile.Write(filepath.Join(dir, IndexFile), raw, 0o644); err != nil {
		return fmt.Errorf("hf: %w", err)
	}
	return nil
}

// shards cuts the list of tensors where a file would become too large.
func (c Content) shards() [][]train.Spec {
	var out [][]train.Spec
	size := int64(0)
	for _, s := range c.Specs {
		n := bytesOf(s)
		if len(out) == 0 || c.ShardBytes > 0 && size > 0 && size+n > c.ShardBytes {
			out, size = append(out, nil), 0
		}
		out[len(out)-1] = append(out[len(out)-1], s)
		size += n
	}
	return out
}

func bytesOf(s train.Spec) int64 {
	n := int64(4)
	for _, d := range s.Shape {
		n *= int64(d)
	}
	return n
}

func (c Content) writeShard(path string, meta map[string]string, specs []train.Spec) error {
	infos := make([]safetensors.Info, len(specs))
	for i, s := range specs {
		infos[i] = safetensors.Info{Name: spell(s.Name, c.Spelling, c.Head), DType: safetensors.F32, Shape: s.Shape}
	}
	w, err := safetensors.Create(path, meta, infos)
	if err != nil {
		return err
	}
	defer w.Abort()
	for i, s := range specs {
		raw, err := c.Value(s.Name)
		if err != nil {
			return err
		}
		if err := w.Put(infos[i].Name, raw); err != nil {
			return err
		}
	}
	return w.Commit()
}

func indented(v any) ([]byte, error) {
	raw, err := json.MarshalIndent(v, "", "  ")
	return append(raw, '\n'), err
}

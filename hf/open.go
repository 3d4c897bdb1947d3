package hf

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"aural/safetensors"
	"aural/train"
)

// Model is an open model folder that has been checked. It may be used by several goroutines until it is closed.
type Model struct {
	Dir          string
	Config       Config
	Preprocessor Preprocessor
	Heads        []Head   // that are there, NoHead not among them
	Tokens       []string // of vocab.json, by number; nil without one
	Widened      DType    // F16 or BF16 when tensors of that type were found; their values become float32, which is exact
	Files        map[string][]byte
	tensors      map[string]stored // by canonical name
	files        []*safetensors.File
}

// DType is the type of stored numbers.
type DType = safetensors.DType

// MismatchError says how the tensors of a folder differ from what config.json asks for.
type MismatchError struct {
	Dir                                 string
	Missing, Unexpected, Shapes, DTypes []string
}

func (e *MismatchError) Error() string {
	var parts []string
	for _, p := range []struct {
		what  string
		names []string
	}{{"missing", e.Missing}, {"unexpected", e.Unexpected}, {"of another shape", e.Shapes}, {"of a type that is no float of at most 32 bits", e.DTypes}} {
		if len(p.names) > 0 {
			parts = append(parts, fmt.Sprintf("%d %s: %s", len(p.names), p.what, list(p.names)))
		}
	}
	return fmt.Sprintf("hf: %s: its tensors are not those of its %s: %s", e.Dir, ConfigFile, strings.Join(parts, "; "))
}

// list writes names, but not thousands of them.
func list(names []string) string {
	const most = 20
	if len(names) > most {
		return fmt.Sprintf("%q and %d more", names[:most], len(names)-most)
	}
	return fmt.Sprintf("%q", names)
}

// Open reads a model folder and checks all of it. The encoder must be complete; a head that is there must be complete, and those asked for must be there. Other
// tensors are errors. Elements are not looked at before they are asked for.
func Open(dir string, heads ...Head) (m *Model, err error) {
	if st, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("hf: %w", err)
	} else if !st.IsDir() {
		return nil, notFolder(dir)
	}
	raw, err := readFile(dir, ConfigFile, maxConfigBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("hf: %s has no %s and is no model folder", dir, ConfigFile)
	}
	if err != nil {
		return nil, err
	}
	m = &Model{Dir: dir, Files: map[string][]byte{}}
	defer func() {
		if err != nil {
			m.Close()
			m = nil
		}
	}()
	if m.Config, err = ParseConfig(raw); err != nil {
		return m, fmt.Errorf("%s: %w", dir, err)
	}
	if err = m.openTensors(heads); err != nil {
		return m, err
	}
	if err = m.readPreprocessor(); err != nil {
		return m, err
	}
	return m, m.readVocabulary()
}

// notFolder refuses a file, with advice for the kinds that people have.
func notFolder(path string) error {
	switch filepath.Ext(path) {
	case ".pt", ".pth", ".bin", ".ckpt":
		return fmt.Errorf("hf: %s is a Python pickle, which runs code when it is read and is not read here; write its tensors as %s with safetensors.torch.save_file"+
			" (fairseq's names are understood) beside a %s, or convert it with transformers and save_pretrained", path, WeightsFile, ConfigFile)
	case ".safetensors":
		return fmt.Errorf("hf: %s holds weights only; give the folder that has %s too", path, ConfigFile)
	}
	return fmt.Errorf("hf: %s is no folder", path)
}

// openTensors opens the weights and holds them against the configuration.
func (m *Model) openTensors(heads []Head) error {
	var found map[string]stored
	var err error
	m.files, found, err = openWeights(m.Dir)
	if err != nil {
		return err
	}
	names := make([]string, 0, len(found))
	for n := range found {
		names = append(names, n)
	}
	slices.Sort(names)
	from, err := canonical(names, m.Config)
	if err != nil {
		return fmt.Errorf("%s: %w", m.Dir, err)
	}
	m.tensors = make(map[string]stored, len(from))
	for ours, theirs := range from {
		m.tensors[ours] = found[theirs]
	}
	wanted := []Head{}
	for _, h := range []Head{Pretraining, CTC} {
		if slices.ContainsFunc(headSpecs(m.Config, h), func(s train.Spec) bool { return m.has(s.Name) }) {
			m.Heads = append(m.Heads, h)
			wanted = append(wanted, h)
		} else if slices.Contains(heads, h) {
			wanted = append(wanted, h)
		}
	}
	return m.check(Specs(m.Config, wanted...))
}

func (m *Model) has(name string) bool { _, ok := m.tensors[name]; return ok }

// check holds the tensors against what they must be.
func (m *Model) check(specs []train.Spec) error {
	e := &MismatchError{Dir: m.Dir}
	known := make(map[string]bool, len(specs))
	for _, s := range specs {
		known[s.Name] = true
		if !m.has(s.Name) {
			e.Missing = append(e.Missing, s.Name)
			continue
		}
		t, err := m.tensor(s.Name)
		if err != nil {
			return err
		}
		if !slices.Equal(t.Shape, s.Shape) {
			e.Shapes = append(e.Shapes, fmt.Sprintf("%s %v instead of %v", t.Name, t.Shape, s.Shape))
		}
		switch t.DType {
		case safetensors.F32:
		case safetensors.F16, safetensors.BF16:
			m.Widened = t.DType
		default:
			e.DTypes = append(e.DTypes, fmt.Sprintf("%s %v", t.Name, t.DType))
		}
	}
	// transformers makes the mask vector only for models that mask, but files may have it all the same.
	known[maskVector] = known[maskVector] || m.has(maskVector) && m.fitsMaskVector()
	for name, at := range m.tensors {
		if !known[name] {
			e.Unexpected = append(e.Unexpected, at.name)
		}
	}
	slices.Sort(e.Unexpected)
	if len(e.Missing)+len(e.Unexpected)+len(e.Shapes)+len(e.DTypes) > 0 {
		return e
	}
	return nil
}

const maskVector = prefix + "masked_spec_embed"

func (m *Model) fitsMaskVector() bool {
	t, err := m.tensor(maskVector)
	return err == nil && t.DType == safetensors.F32 && slices.Equal(t.Shape, []int{m.Config.HiddenSize})
}

func (m *Model) tensor(name string) (safetensors.Tensor, error) {
	at, ok := m.tensors[name]
	if !ok {
		return safetensors.Tensor{}, fmt.Errorf("hf: %s has no tensor %q", m.Dir, name)
	}
	return at.file.Tensor(at.name)
}

// Specs lists the tensors of the folder with their canonical names: all of them, in the order of [Specs].
func (m *Model) Specs() []train.Spec {
	specs := Specs(m.Config, m.Heads...)
	if !m.Config.MaskVector() && m.has(maskVector) {
		specs = append(specs, train.Spec{Name: maskVector, Shape: []int{m.Config.HiddenSize}})
	}
	return specs
}

// Float32 returns the elements of a tensor by its canonical name. They may be a view of the file: they must not be written to and end with Close.
func (m *Model) Float32(name string) ([]float32, error) {
	t, err := m.tensor(name)
	if err != nil {
		return nil, err
	}
	return safetensors.Float32(t)
}

// Close releases the files.
func (m *Model) Close() error {
	var errs []error
	for _, f := range m.files {
		errs = append(errs, f.Close())
	}
	m.files, m.tensors = nil, nil
	return errors.Join(errs...)
}

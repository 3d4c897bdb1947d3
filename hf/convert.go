package hf

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"

	"aural/safetensors"
	"aural/train"
)

// Options say how a folder is to be written.
type Options struct {
	Head       Head // "" keeps what the folder is for
	Spelling   Spelling
	ShardBytes int64 // see [Content]
}

// Report says what became of a folder.
type Report struct {
	Head       Head     `json:"head"`
	Tensors    int      `json:"tensors"`
	Parameters int64    `json:"parameters"`
	Left       []string `json:"left,omitempty"`    // tensors of heads that were not asked for
	Widened    string   `json:"widened,omitempty"` // the type of numbers that became float32
}

// Convert writes the model of one folder as another, new one: the import of foreign folders and the export of ours. Afterwards it opens what it wrote and
// compares every tensor bit by bit. The new folder appears only when that is done.
func Convert(from, to string, o Options) (Report, error) {
	var heads []Head
	if o.Head != "" {
		if err := o.Head.Check(); err != nil {
			return Report{}, err
		}
		heads = []Head{o.Head}
	}
	m, err := Open(from, heads...)
	if err != nil {
		return Report{}, err
	}
	defer m.Close()
	if o.Head == "" {
		if o.Head, err = m.purpose(); err != nil {
			return Report{}, err
		}
	}
	if _, err := os.Lstat(to); err == nil {
		return Report{}, fmt.Errorf("hf: %s is there already; give a new folder", to)
	}
	tmp, err := os.MkdirTemp(filepath.Dir(filepath.Clean(to)), "."+filepath.Base(to)+".tmp-")
	if err != nil {
		return Report{}, fmt.Errorf("hf: %w", err)
	}
	defer os.RemoveAll(tmp)
	if err := os.Chmod(tmp, 0o755); err != nil {
		return Report{}, fmt.Errorf("hf: %w", err)
	}
	c := m.content(o)
	if err := Write(tmp, c); err != nil {
		return Report{}, err
	}
	r := Report{Head: o.Head, Tensors: len(c.Specs)}
	if m.Widened != 0 {
		r.Widened = m.Widened.String()
	}
	for _, s := range c.Specs {
		r.Parameters += bytesOf(s) / 4
	}
	for _, s := range m.Specs() {
		if h := headOf(s.Name); h != NoHead && h != o.Head {
			r.Left = append(r.Left, s.Name)
		}
	}
	if err := m.verify(tmp, c.Specs); err != nil {
		return Report{}, err
	}
	if err := os.Rename(tmp, to); err != nil {
		return Report{}, fmt.Errorf("hf: %w", err)
	}
	return r, nil
}

// purpose is the head of the folder: what architectures says, else the one that is there.
func (m *Model) purpose() (Head, error) {
	switch h := m.Config.Head(); {
	case h == NoHead || h != "" && slices.Contains(m.Heads, h):
		return h, nil
	case h != "":
		var e MismatchError
		for _, s := range headSpecs(m.Config, h) {
			e.Missing = append(e.Missing, s.Name)
		}
		e.Dir = m.Dir
		return "", &e
	case len(m.Heads) > 1:
		return "", fmt.Errorf("hf: %s has more than one head and %s does not say which one it is for; ask for one", m.Dir, ConfigFile)
	case len(m.Heads) == 1:
		return m.Heads[0], nil
	}
	return NoHead, nil
}

// content is the folder with one head.
func (m *Model) content(o Options) Content {
	specs := slices.DeleteFunc(m.Specs(), func(s train.Spec) bool { h := headOf(s.Name); return h != NoHead && h != o.Head })
	return Content{Head: o.Head, Config: m.Config, Preprocessor: m.Preprocessor, Files: m.Files, Specs: specs, Spelling: o.Spelling, ShardBytes: o.ShardBytes,
		Value: func(name string) ([]byte, error) {
			x, err := m.Float32(name)
			if err != nil {
				return nil, err
			}
			t, err := safetensors.FromFloat32(name, []int{len(x)}, x)
			return t.Data, err
		}}
}

// verify compares a written folder with this one.
func (m *Model) verify(dir string, specs []train.Spec) error {
	w, err := Open(dir)
	if err != nil {
		return fmt.Errorf("hf: reading back what was written: %w", err)
	}
	defer w.Close()
	if err := w.Config.Agree(m.Config, Pretraining, CTC); err != nil {
		return fmt.Errorf("hf: reading back what was written: %w", err)
	}
	if len(w.tensors) != len(specs) {
		return fmt.Errorf("hf: reading back what was written: %d tensors, not %d", len(w.tensors), len(specs))
	}
	for _, s := range specs {
		a, err := m.Float32(s.Name)
		if err != nil {
			return err
		}
		b, err := w.Float32(s.Name)
		if err != nil {
			return err
		}
		if !slices.EqualFunc(a, b, func(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) }) {
			return fmt.Errorf("hf: tensor %q came back changed; the disk may be faulty", s.Name)
		}
	}
	for name, raw := range m.Files {
		if !bytes.Equal(w.Files[name], raw) {
			return fmt.Errorf("hf: %s came back changed; the disk may be faulty", name)
		}
	}
	return nil
}

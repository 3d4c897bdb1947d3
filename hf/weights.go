package hf

import (
	"fmt"

	"aural/kernels"
	"aural/train"
)

// ValueOf gives [Content] the elements of weights that are in the memory of a back end.
func ValueOf(w *train.Weights, be kernels.Backend) func(name string) ([]byte, error) {
	var raw []byte
	return func(name string) ([]byte, error) {
		b, ok := w.Param(name)
		if !ok {
			return nil, fmt.Errorf("hf: the model has no parameter %q", name)
		}
		if b.Bytes() > cap(raw) {
			raw = make([]byte, b.Bytes())
		}
		raw = raw[:b.Bytes()]
		return raw, be.Download(raw, b)
	}
}

// Load brings the tensors of a folder into the weights of a model of the same network.
func (m *Model) Load(w *train.Weights, be kernels.Backend) error {
	return m.load(w, be, func(string) bool { return true })
}

// LoadParts brings the encoder of a folder, and the heads asked for, into the weights of a model that has them. Other parameters keep their values, and so does a mask
// vector that the folder lacks.
func (m *Model) LoadParts(w *train.Weights, be kernels.Backend, heads ...Head) error {
	wanted := map[string]bool{}
	for _, s := range Specs(m.Config, heads...) {
		wanted[s.Name] = true
	}
	wanted[maskVector] = m.has(maskVector)
	return m.load(w, be, func(name string) bool { return wanted[name] })
}

func (m *Model) load(w *train.Weights, be kernels.Backend, want func(name string) bool) error {
	for _, s := range w.Specs() {
		if !want(s.Name) {
			continue
		}
		value, err := m.Float32(s.Name)
		if err != nil {
			return err
		}
		b, _ := w.Param(s.Name)
		if len(value) != b.Size() {
			return fmt.Errorf("hf: tensor %q of %s has %d elements, the model needs %v", s.Name, m.Dir, len(value), s.Shape)
		}
		if err := be.Upload(b, kernels.BytesOf(value)); err != nil {
			return err
		}
	}
	return nil
}

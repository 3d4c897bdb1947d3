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

// Load brings the tensors of a folder into the weights of a model of the same network, those for which want is true (nil: all).
func (m *Model) Load(w *train.Weights, be kernels.Backend, want func(name string) bool) error {
	for _, s := range w.Specs() {
		if want != nil && !want(s.Name) {
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

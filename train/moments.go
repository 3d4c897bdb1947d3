package train

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"aural/kernels"
	"aural/safetensors"
)

// optimizerFile holds the moments of every parameter, named as in PyTorch with the parameter's name behind.
const (
	optimizerFile = "optimizer.safetensors"
	firstMoment   = "exp_avg."
	secondMoment  = "exp_avg_sq."
)

// writeMoments writes the optimiser's state into a checkpoint.
func writeMoments(dir string, be kernels.Backend, w *Weights) error {
	infos := make([]safetensors.Info, 0, 2*len(w.specs))
	for _, s := range w.specs {
		for _, prefix := range []string{firstMoment, secondMoment} {
			infos = append(infos, safetensors.Info{Name: prefix + s.Name, DType: safetensors.F32, Shape: s.Shape})
		}
	}
	file, err := safetensors.Create(filepath.Join(dir, optimizerFile), map[string]string{"format": "pt", "optimizer": "adamw"}, infos)
	if err != nil {
		return err
	}
	defer file.Abort()
	var host []byte
	put := func(name string, b kernels.Buffer) error {
		host = slices.Grow(host[:0], b.Bytes())[:b.Bytes()]
		if err := be.Download(host, b); err != nil {
			return fmt.Errorf("tensor %q: %w", name, err)
		}
		return file.Put(name, host)
	}
	for _, s := range w.specs {
		m, v, ok := w.Moments(s.Name)
		if !ok {
			return fmt.Errorf("parameter %q has no moments", s.Name)
		}
		if err := errors.Join(put(firstMoment+s.Name, m), put(secondMoment+s.Name, v)); err != nil {
			return err
		}
	}
	return file.Commit()
}

// readMoments reads what writeMoments wrote. A file that does not fit the parameters exactly is refused.
func readMoments(dir string, be kernels.Backend, w *Weights) (err error) {
	path := filepath.Join(dir, optimizerFile)
	file, err := safetensors.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if n := len(file.Names()); n != 2*len(w.specs) {
		return fmt.Errorf("train: %s holds %d tensors, the model has %d parameters with two moments each: the checkpoint is of another model", path, n, len(w.specs))
	}
	for _, s := range w.specs {
		m, v, ok := w.Moments(s.Name)
		if !ok {
			return fmt.Errorf("train: parameter %q has no moments", s.Name)
		}
		if err := errors.Join(load(file, be, firstMoment+s.Name, m), load(file, be, secondMoment+s.Name, v)); err != nil {
			return fmt.Errorf("train: %s does not fit the model: %w", path, err)
		}
	}
	return nil
}

func load(file *safetensors.File, be kernels.Backend, name string, to kernels.Buffer) error {
	t, err := file.Tensor(name)
	if err != nil {
		return err
	}
	if t.DType != safetensors.F32 || !slices.Equal(t.Shape, to.Shape) {
		return fmt.Errorf("tensor %q is %v %v, want %v", name, t.DType, t.Shape, to.Desc)
	}
	return be.Upload(to, t.Data)
}

package main

import (
	"errors"
	"fmt"

	"aural/infer"
	"aural/kernels"
)

// recogniser is an open model with a CTC head and what computes it.
type recogniser struct {
	backend kernels.Backend
	model   *infer.Model
}

// openRecogniser starts the back end and opens a model folder that can write text.
func openRecogniser(dir, precision string, m machineFlags, o infer.Options) (r recogniser, err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, r.close())
		}
	}()
	m.precision = kernels.Precision(precision)
	if r.backend, err = newBackend(m); err != nil {
		return r, err
	}
	o.Backend = r.backend
	if r.model, err = infer.Open(dir, o); err != nil {
		return r, fmt.Errorf("--model: %w", err)
	}
	switch {
	case !r.model.Head():
		return r, fmt.Errorf("--model: %s has no CTC head, so it writes no text: fine-tune it with \"aural finetune --init %s\"", dir, dir)
	case r.model.Vocabulary() == nil:
		return r, fmt.Errorf("--model: %s has no vocab.json: nothing says what its outputs mean", dir)
	}
	return r, nil
}

func (r *recogniser) close() error {
	var errs []error
	if r.model != nil {
		errs = append(errs, r.model.Close())
	}
	if r.backend != nil {
		errs = append(errs, r.backend.Close())
	}
	r.model, r.backend = nil, nil
	return errors.Join(errs...)
}

package main

import (
	"context"
	"errors"
	"os"

	"aural/exec"
	"aural/kernels"
	"aural/kernels/cpu"
	"aural/pretrain"
	"aural/runlog"
	"aural/train"
)

// setup is everything that a run of pretraining needs, before it begins.
type setup struct {
	session
	recipe pretrain.Recipe
	task   *pretrain.Task
	ops    []exec.OpTime // where the time of timeUpdates went
}

// machineFlags say what computes.
type machineFlags struct {
	threads    int
	kernels    string
	precision  kernels.Precision // "" is float32
	fromRecipe bool              // the precision
	device     string            // as parseDevice takes it; "" is the CPU
	singly     bool              // ops one by one, none in chains
	say        func(format string, args ...any)
}

// kernelsVariable is the environment variable behind --kernels.
const kernelsVariable = "AURAL_CPU"

// newCPU starts the CPU back end.
func newCPU(m machineFlags) (*cpu.Backend, error) {
	variant, from := m.kernels, "--kernels"
	if v := os.Getenv(kernelsVariable); v != "" && variant == "auto" {
		variant, from = v, kernelsVariable
	}
	if variant == "auto" {
		variant = ""
	}
	if m.threads < 0 {
		return nil, usagef("--threads is %d, want 1 or more, or 0 for all CPUs", m.threads)
	}
	be, err := cpu.New(cpu.Options{Threads: m.threads, Variant: variant, Precision: m.precision})
	switch {
	case err == nil:
		return be, nil
	case variant != "":
		return nil, usagef("%s: %w", from, err)
	case m.precision != "" && m.precision != kernels.PrecisionFloat32:
		if m.fromRecipe {
			return nil, usagef("%w (the recipe asks for it; --set precision=float32 overrides that)", err)
		}
		return nil, usage(err)
	}
	return nil, err
}

// singly is a back end that offers nothing optional, no chains among it, so that every op is a kernel of its own.
type singly struct{ kernels.Backend }

// open opens a store and plans training on it. It refuses what does not fit into memory before it allocates it. A run that is continued has the weights of its
// checkpoint, so that it does not need the folder that it began from.
func open(r pretrain.Recipe, continued bool, storeDir string, m machineFlags) (*setup, error) {
	s := &setup{recipe: r}
	if err := s.prepare(continued, storeDir, m); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *setup) prepare(continued bool, storeDir string, m machineFlags) (err error) {
	r := s.recipe
	if s.store, err = openLocation(storeDir); err != nil {
		return err
	}
	rows, err := s.store.View()
	if err != nil {
		return err
	}
	if s.held, err = split(rows, r.Valid); err != nil {
		return err
	}
	n, err := parameters(r)
	if err != nil {
		return err
	}
	m.precision, m.fromRecipe = r.Precision, true
	if s.backend, err = newBackend(m); err != nil {
		return err
	}
	if err := checkWeights(r.Train.Accumulate, n, s.available()); err != nil {
		return err
	}
	begin := r
	if continued {
		begin.Init, begin.FreshHead = "", false
	}
	be := s.backend
	if m.singly {
		be = singly{be}
	}
	if s.task, err = pretrain.New(begin, s.store, s.held.Train, s.held.Valid, be); err != nil {
		return err
	}
	s.fill(s.task, r, r.Seed, r.Valid, r.Data, r.Train, r.Encoder.Frames)
	s.run = func(ctx context.Context, w *runlog.Writer, opt train.Options) error {
		return train.Run(ctx, s.task, s.backend, r.Train, w, opt)
	}
	s.plan, err = s.planFor(r.Data)
	return err
}

package main

import (
	"errors"
	"fmt"
	"os"

	"aural/datasets"
	"aural/kernels"
	"aural/kernels/cpu"
	"aural/pretrain"
)

// setup is everything that a run needs, before it begins.
type setup struct {
	recipe  pretrain.Recipe
	store   *datasets.Store
	held    datasets.Held
	backend *cpu.Backend
	task    *pretrain.Task
	plan    pretrain.Footprint

	temporary string // a folder that close removes, or empty
}

// machineFlags say what computes.
type machineFlags struct {
	threads   int
	kernels   string
	precision kernels.Precision // of a recipe or of bench products; "" is float32
}

// kernelsVariable is the environment variable behind --kernels.
const kernelsVariable = "AURAL_CPU"

// newBackend starts the CPU back end.
func newBackend(m machineFlags) (*cpu.Backend, error) {
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
		return nil, usage(err)
	}
	return nil, err
}

// open opens a store and plans training on it. It refuses what does not fit into memory before it allocates it.
func open(r pretrain.Recipe, storeDir string, m machineFlags) (*setup, error) {
	s := &setup{recipe: r}
	if err := s.prepare(storeDir, m); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *setup) prepare(storeDir string, m machineFlags) (err error) {
	r := s.recipe
	if s.store, err = openLocation(storeDir); err != nil {
		return err
	}
	rows, err := s.store.View()
	if err != nil {
		return err
	}
	if s.held, err = split(rows, r); err != nil {
		return err
	}
	n, err := parameters(r)
	if err != nil {
		return err
	}
	if err := checkMemory(r, pretrain.Footprint{WeightBytes: weightBytes(r, n)}, availableMemory()); err != nil {
		return err
	}
	m.precision = r.Precision
	if s.backend, err = newBackend(m); err != nil {
		return err
	}
	if s.task, err = pretrain.New(r, s.store, s.held.Train, s.held.Valid, s.backend); err != nil {
		return err
	}
	s.plan, err = s.task.Plan()
	return err
}

// split holds out what the recipe asks for.
func split(v datasets.View, r pretrain.Recipe) (datasets.Held, error) {
	if r.Valid.Seconds == 0 {
		return datasets.Held{Train: v}, nil
	}
	h, err := datasets.Split(v, datasets.SplitConfig{Seconds: r.Valid.Seconds, Seed: r.Valid.Seed})
	if err != nil {
		return h, fmt.Errorf("holding out %s of %s for validation: %w (change valid.seconds; 0 holds out nothing)",
			audioText(r.Valid.Seconds), audioText(v.Seconds()), err)
	}
	return h, nil
}

func (s *setup) close() error {
	var errs []error
	if s.task != nil {
		errs = append(errs, s.task.Weights().Free())
	}
	if s.backend != nil {
		errs = append(errs, s.backend.Close())
	}
	if s.store != nil {
		errs = append(errs, s.store.Close())
	}
	if s.temporary != "" {
		errs = append(errs, os.RemoveAll(s.temporary))
	}
	return errors.Join(errs...)
}

// closeAfter closes the setup and adds what fails to err.
func (s *setup) closeAfter(err error) error { return errors.Join(err, s.close()) }

// describe prints what is about to be trained.
func (s *setup) describe(a *app, recipe string) {
	r, f := s.recipe, s.plan
	shape := func(b datasets.Bucket) string {
		return fmt.Sprintf("%d x %.4g s (%d frames)", b.Rows, float64(b.Length)/datasets.Rate, r.Encoder.Frames(b.Length))
	}
	batches := shape(f.Shapes[0])
	if n := len(f.Shapes); n > 1 {
		batches = fmt.Sprintf("%d shapes, from %s to %s", n, batches, shape(f.Shapes[n-1]))
	}
	update := "1 micro-batch"
	if n := r.Train.Accumulate; n > 1 {
		update = fmt.Sprintf("%d micro-batches", n)
	}
	held := "nothing held out"
	if s.held.Valid.Len() > 0 {
		held = fmt.Sprintf("%s held out by %s", audioText(s.held.Valid.Seconds()), s.held.Mode)
	}
	rows := [][]string{
		{"recipe", fmt.Sprintf("%s, %s parameters", recipe, grouped(f.Parameters))},
		{"data", fmt.Sprintf("%s: %s for training in %s, %s", s.store.Where(), audioText(s.held.Train.Seconds()), plural(s.held.Train.Len(), "utterance"), held)},
	}
	if f.LeftOut > 0 {
		shortest := float64(f.Shapes[len(f.Shapes)-1].Length) / datasets.Rate
		rows = append(rows, []string{"left out", fmt.Sprintf("%s below %.4g s, the shortest batch (data.lengths and data.min_samples decide)", plural(f.LeftOut, "utterance"), shortest)})
	}
	memory := fmt.Sprintf("%s: weights and optimiser %s, activations %s", bytesText(need(r, f)), bytesText(f.WeightBytes), bytesText(f.ArenaBytes))
	if has := availableMemory(); has.known {
		memory += fmt.Sprintf("; %s available", bytesText(has.bytes))
	}
	table(a.out, append(rows, [][]string{
		{"batches", batches},
		{"update", fmt.Sprintf("%s, at most %s of audio, %s", update, audioText(float64(r.Train.Accumulate*r.Data.BatchSamples)/datasets.Rate),
			flopsText(1e9*float64(r.Train.Accumulate)*f.GFLOPs))},
		{"memory", memory},
		{"machine", fmt.Sprintf("%s, %s", s.backend.Name(), plural(s.backend.Threads(), "thread"))},
	}...), nil)
}

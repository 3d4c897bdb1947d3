package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"aural/datasets"
	"aural/kernels"
	"aural/recipes"
	"aural/runlog"
	"aural/train"
)

// session is a run of some task, ready to train.
type session struct {
	store   *datasets.Store
	held    datasets.Held
	backend kernels.Backend
	trained trained
	plan    train.Footprint

	settings recipes.Recipe // all of them
	seed     uint64
	valid    train.ValidConfig
	data     train.DataConfig
	loop     train.Config
	frames   func(samples int) int
	run      func(context.Context, *runlog.Writer, train.Options) error

	temporary string // a folder that close removes, or empty
}

// trained is what every task has, whatever its micro-batches are.
type trained interface {
	Weights() *train.Weights
	PlanFor(kernels.Backend, train.DataConfig) (train.Footprint, error)
	Reserve(train.Footprint) error
	Free() error
}

func (s *session) fill(t trained, r recipes.Recipe, seed uint64, v train.ValidConfig, d train.DataConfig, loop train.Config, frames func(int) int) {
	s.trained, s.settings, s.seed, s.valid, s.data, s.loop, s.frames = t, r, seed, v, d, loop, frames
}

// split holds out what the recipe asks for.
func split(v datasets.View, c train.ValidConfig) (datasets.Held, error) {
	if c.Seconds == 0 {
		return datasets.Held{Train: v}, nil
	}
	h, err := datasets.Split(v, datasets.SplitConfig{Seconds: c.Seconds, Seed: c.Seed})
	if err != nil {
		return h, fmt.Errorf("holding out %s of %s for validation: %w (change valid.seconds; 0 holds out nothing)",
			audioText(c.Seconds), audioText(v.Seconds()), err)
	}
	return h, nil
}

func (s *session) close() error {
	var errs []error
	if s.trained != nil {
		errs = append(errs, s.trained.Free())
	}
	if c, ok := s.trained.(io.Closer); ok {
		errs = append(errs, c.Close())
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

// closeAfter closes the session and adds what fails to err.
func (s *session) closeAfter(err error) error { return errors.Join(err, s.close()) }

// describe prints what is about to be trained.
func (s *session) describe(a *app, recipe string) {
	f := s.plan
	shape := func(b datasets.Bucket) string {
		return fmt.Sprintf("%d x %.4g s (%d frames)", b.Rows, float64(b.Length)/datasets.Rate, s.frames(b.Length))
	}
	batches := shape(f.Shapes[0])
	if n := len(f.Shapes); n > 1 {
		batches = fmt.Sprintf("%d shapes, from %s to %s", n, batches, shape(f.Shapes[n-1]))
	}
	update := "1 micro-batch"
	if n := s.loop.Accumulate; n > 1 {
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
		rows = append(rows, []string{"left out", fmt.Sprintf("%s %s", plural(f.LeftOut, "utterance"), f.WhyLeftOut)})
	}
	memory := fmt.Sprintf("%s: weights and optimiser %s, activations %s", bytesText(need(f)), bytesText(f.WeightBytes), bytesText(f.ArenaBytes))
	if has := s.available(); has.known {
		memory += fmt.Sprintf("; %s available", bytesText(has.bytes))
	}
	table(a.out, append(rows, [][]string{
		{"batches", batches},
		{"update", fmt.Sprintf("%s, at most %s of audio, %s", update, audioText(float64(s.loop.Accumulate*s.data.BatchSamples)/datasets.Rate),
			flopsText(1e9*float64(s.loop.Accumulate)*f.GFLOPs))},
		{"memory", memory},
		{"machine", machineText(s.backend)},
	}...), nil)
}

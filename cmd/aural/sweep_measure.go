package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"aural/datasets"
	"aural/decode"
	"aural/finetune"
	"aural/infer"
	"aural/score"
	"aural/sweep"
	"aural/vocab"
)

// reading is a way to read emissions.
type reading struct {
	name string // in the results
	open func(*vocab.Vocabulary) (func(emissions []float32, frames int) (string, error), error)
}

// greedily is the reading that is always taken.
func greedily() reading {
	return reading{sweep.Greedy, func(v *vocab.Vocabulary) (func([]float32, int) (string, error), error) {
		ignore := decode.SpecialTokens(v)
		return func(emissions []float32, frames int) (string, error) {
			h, err := decode.Greedy(v, emissions, frames, ignore...)
			return h.Text, err
		}, nil
	}}
}

// measure transcribes the test store with the checkpoint of a cell, in the ways in which that was not done yet.
func (w *sweeping) measure(ctx context.Context, c sweep.Cell) (err error) {
	o := w.results.Of(c)
	var open []reading
	for _, r := range w.readings {
		if _, done := o.By(r.name); !done {
			open = append(open, r)
		}
	}
	if len(open) == 0 {
		return nil
	}
	r, err := w.recipe(c)
	if err != nil {
		return err
	}
	heard, took, err := w.transcribe(ctx, filepath.Join(w.root, c.Name(), o.Trained.Checkpoint), r.Labels, open)
	if err != nil {
		return err
	}
	for i, how := range open {
		t := sweep.Tested{Decoder: how.name, Checkpoint: o.Trained.Checkpoint, Utterances: len(heard[i]), Took: took[i]}
		for unit, to := range map[score.Unit]*float64{score.Word: &t.WER, score.Char: &t.CER} {
			report, err := score.Score(heard[i], score.Options{Unit: unit})
			if err != nil {
				return err
			}
			*to = report.Total().Counts.Rate()
		}
		w.say("%s: WER %s, CER %s with %s (%s), %s", c.Name(), percent2(t.WER), percent2(t.CER), t.Checkpoint, o.Trained.Chosen, how.name)
		if err := w.results.Add(sweep.Record{Cell: c, Tested: &t}); err != nil {
			return err
		}
	}
	return nil
}

// transcribe reads every utterance of the test store in each way. took are the seconds of each, those of the network included.
func (w *sweeping) transcribe(ctx context.Context, dir string, l finetune.LabelConfig, ways []reading) (heard [][]score.Item, took []float64, err error) {
	store, err := openLocation(w.flags.test)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	be, err := newBackend(w.flags.machine)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, be.Close()) }()
	m, err := infer.Open(dir, infer.Options{Backend: be})
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	if m.Vocabulary() == nil {
		return nil, nil, fmt.Errorf("%s has no vocab.json: nothing says what its outputs mean", dir)
	}
	read := make([]func([]float32, int) (string, error), len(ways))
	for i, way := range ways {
		if read[i], err = way.open(m.Vocabulary()); err != nil {
			return nil, nil, err
		}
	}
	heard, took = make([][]score.Item, len(ways)), make([]float64, len(ways))
	var audio, emissions []float32
	for row := range store.Len() {
		var u datasets.Utterance
		if u, audio, err = readUtterance(store, row, audio); err != nil {
			return nil, nil, err
		}
		began := time.Now()
		var frames int
		if emissions, frames, err = m.Emissions(ctx, audio, emissions); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", u.ID, err)
		}
		network := time.Since(began)
		for i := range ways {
			began := time.Now()
			text := ""
			if frames > 0 {
				if text, err = read[i](emissions, frames); err != nil {
					return nil, nil, fmt.Errorf("%s: %w", u.ID, err)
				}
			}
			took[i] += (network + time.Since(began)).Seconds()
			heard[i] = append(heard[i], score.Item{ID: u.ID, Speaker: u.Speaker, Ref: l.Normalize(u.Transcript), Hyp: text})
		}
	}
	return heard, took, nil
}

// readUtterance reads a row, into memory that is used again.
func readUtterance(s *datasets.Store, row int, audio []float32) (datasets.Utterance, []float32, error) {
	u, err := s.Utterance(row)
	if err != nil {
		return u, audio, err
	}
	if cap(audio) < u.Samples {
		audio = make([]float32, u.Samples)
	}
	audio = audio[:u.Samples]
	return u, audio, s.Read(audio, row, 0)
}

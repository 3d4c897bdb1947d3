package main

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"time"

	"aural/finetune"
	"aural/sweep"
	"aural/vocab"
)

// measure transcribes the test store with the checkpoint of a cell.
func (w *sweeping) measure(c sweep.Cell) (err error) {
	o := w.results.Of(c)
	if _, ok := o.By(sweep.Greedy); ok {
		return nil
	}
	began := time.Now()
	r, err := w.recipe(c)
	if err != nil {
		return err
	}
	dir := filepath.Join(w.root, c.Name(), o.Trained.Checkpoint)
	v, err := vocab.Load(filepath.Join(dir, "vocab.json"))
	if err != nil {
		return err
	}
	store, err := openLocation(w.flags.test)
	if err != nil {
		return err
	}
	defer store.Close()
	rows, err := store.View()
	if err != nil {
		return err
	}
	be, err := newBackend(w.flags.machine)
	if err != nil {
		return err
	}
	defer be.Close()
	r.Mode, r.Init = finetune.Scratch, ""
	task, err := finetune.New(r, v, store, rows, rows, be)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, task.Weights().Free()) }()
	if err := task.LoadModel(dir); err != nil {
		return err
	}
	f, err := task.Plan()
	if err != nil {
		return err
	}
	if err := task.Reserve(f); err != nil {
		return err
	}
	out, err := task.Validate(context.Background())
	if err != nil {
		return err
	}
	text, err := json.Marshal(out.Metrics)
	if err != nil {
		return err
	}
	var m struct{ WER, CER float64 }
	if err := json.Unmarshal(text, &m); err != nil {
		return err
	}
	t := sweep.Tested{Decoder: sweep.Greedy, Checkpoint: o.Trained.Checkpoint, WER: m.WER, CER: m.CER, Utterances: rows.Len() - f.LeftOut, Took: time.Since(began).Seconds()}
	w.say("%s: WER %s, CER %s with %s (%s)", c.Name(), percent(t.WER), percent(t.CER), o.Trained.Checkpoint, o.Trained.Chosen)
	return w.results.Add(sweep.Record{Cell: c, Tested: &t})
}
func (w *sweeping) list() error { return nil }
func (w *sweeping) report() error { return nil }

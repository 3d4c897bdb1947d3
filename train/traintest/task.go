// Package traintest runs tasks of package train in tests: one micro-batch, a whole run with its log, and the gradient of a model against differences of its loss.
package traintest

import (
	"context"
	"iter"
	"path/filepath"
	"testing"

	"aural/datasets"
	"aural/kernels"
	"aural/runlog"
	"aural/train"
)

// Store imports items into a store, which is closed at the end of the test.
func Store(t testing.TB, items iter.Seq[datasets.Item]) *datasets.Store {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "store")
	if _, err := datasets.Import(context.Background(), &datasets.Generated{Name: "test corpus", Count: -1, Seq: items}, dir, datasets.ImportOptions{}, nil); err != nil {
		t.Fatal(err)
	}
	s, err := datasets.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// Compute prepares the micro-batch at a position and computes it: gradients are in the weights' Grad then, and its numbers in the task's Metrics.
func Compute[W any](t testing.TB, task train.Task[W], at train.Position, w W) {
	t.Helper()
	if _, _, err := task.Prepare(context.Background(), at, w); err != nil {
		t.Fatal(err)
	}
	var m train.Measured
	if err := task.Run(context.Background(), at, w, &m); err != nil {
		t.Fatal(err)
	}
	if err := task.Collect(&m); err != nil {
		t.Fatal(err)
	}
}

// Run trains a task with its log in a directory, from the start or, where opt.Resume is set, from that checkpoint.
func Run[W any](t testing.TB, task train.Task[W], be kernels.Backend, cfg train.Config, dir string, opt train.Options) {
	t.Helper()
	var w *runlog.Writer
	var err error
	if opt.Resume == nil {
		w, err = runlog.Create(dir, runlog.Meta{}, runlog.Options{})
	} else {
		w, err = runlog.Attach(dir, int64(opt.Resume.State.Position.Update), nil, runlog.Options{})
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := train.Run(context.Background(), task, be, cfg, w, opt); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(runlog.Finished, ""); err != nil {
		t.Fatal(err)
	}
}

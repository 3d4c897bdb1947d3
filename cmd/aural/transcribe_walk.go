package main

import (
	"context"
	"errors"
	"fmt"

	"aural/infer"
	"aural/transcript"
)

// walk is how a command goes through recordings: in groups, and past those that it cannot do, which it names and counts.
type walk struct {
	bar                 *ticker
	verb                string // what is done to them, as in "3 recordings transcribed"
	total, done, failed int
	seconds             float64 // of audio that is done
}

// groupSeconds is how much audio is read before it goes through the network, so that recordings of like length can share batches.
const groupSeconds = 120

// run reads all recordings, and calls do for each group of them. The last group may be empty.
func (w *walk) run(ctx context.Context, list *recordings, do func(context.Context, []heard) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var group []heard
	samples := 0
	for h := range list.readAhead(ctx) {
		for _, text := range h.warnings {
			w.bar.note(fmt.Sprintf("warning: %s: %s", printable(h.path), printable(text)))
		}
		if h.err != nil {
			w.fail(h.recording, h.err)
			continue
		}
		group, samples = append(group, h), samples+len(h.audio)
		if samples < groupSeconds*infer.Rate {
			continue
		}
		if err := do(ctx, group); err != nil {
			return err
		}
		group, samples = group[:0], 0
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return do(ctx, group)
}

// fail names a recording that is left out.
func (w *walk) fail(r recording, err error) {
	w.failed++
	w.bar.note(fmt.Sprintf("%s: %s", printable(r.name()), printable(err.Error())))
}

// write puts out what a recording gave. One that has no place there is left out: done is false then, and no error.
func (w *walk) write(out *output, r recording, t *transcript.Transcript) (done bool, err error) {
	err = out.write(t)
	var not notWritten
	if errors.As(err, &not) {
		w.fail(r, err)
		return false, nil
	}
	if err != nil {
		return false, err
	}
	w.done++
	return true, nil
}

// stopped is the error of a walk that did not come to its end.
func (w *walk) stopped(err error) error {
	if errors.Is(err, context.Canceled) {
		return coded{exitAborted, fmt.Errorf("interrupted: %d of %s %s", w.done, plural(w.total, "recording"), w.verb)}
	}
	return err
}

// leftOut is the error of a walk that left recordings out.
func (w *walk) leftOut() error {
	switch {
	case w.failed > 0 && w.done == 0:
		return fmt.Errorf("none of %s could be %s", plural(w.failed, "recording"), w.verb)
	case w.failed > 0:
		return coded{exitRejects, fmt.Errorf("%d of %s could not be %s", w.failed, plural(w.total, "recording"), w.verb)}
	}
	return nil
}

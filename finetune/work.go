package finetune

import (
	"context"
	"fmt"
	"slices"

	"aural/datasets"
	"aural/encoder"
	"aural/kernels"
	"aural/train"
)

// Work is one prepared micro-batch: everything that is fed to a program. Its slices are reused from one micro-batch to the next.
type Work struct {
	facts
	audio    train.Audio
	frames   []int32 // (B)
	mask     []uint8 // (B,T), empty without a mask
	channels []uint8 // (B,D), empty without a channel mask
	keep     []int32 // one a block; empty without LayerDrop
	targets  []int32 // (B,L)
	lengths  []int32 // (B) of targets

	rows       []int // of the store
	utterances []datasets.Utterance
	first      *train.Excerpt // kept for a snapshot, or nil

	masker, channelMasker encoder.Masker
	labelsOfRow           []int32
	counts                []int
}

// facts are what is needed of a micro-batch when its results are there.
type facts struct {
	shape   Shape
	samples int // of audio, padding not counted
	labels  int
	real    int // frames that are not padding
	masked  int
}

func newWork(r Recipe, be kernels.Backend) *Work {
	return &Work{audio: train.ForBackend(be), masker: encoder.Masker{Config: r.Mask}, channelMasker: encoder.Masker{Config: r.Channels, Stream: "channel_mask"}}
}

// grow gives a slice of n elements in reused memory.
func grow[T any](s *[]T, n int) []T {
	*s = slices.Grow((*s)[:0], n)[:n]
	return *s
}

// fill reads the audio and the targets of a batch.
func (w *Work) fill(ctx context.Context, l *labels, b datasets.Batch, places int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	rows := len(b.Cuts)
	w.shape = Shape{Rows: rows, Samples: b.Length, Labels: places, PCM: w.audio.PCM}
	if err := w.audio.Fill(l.store, b, l.recipe.Data.Normalize); err != nil {
		return err
	}
	w.samples, w.labels, w.real, w.masked = 0, 0, 0, 0
	grow(&w.frames, rows)
	grow(&w.lengths, rows)
	grow(&w.rows, rows)
	grow(&w.utterances, rows)
	clear(grow(&w.targets, rows*places))
	for i, c := range b.Cuts {
		var err error
		if w.labelsOfRow, w.utterances[i], err = l.append(w.labelsOfRow[:0], c.Row); err != nil {
			return err
		}
		n := len(w.labelsOfRow)
		if n > places {
			return fmt.Errorf("finetune: %s has %d labels, more than the %d places of its batch", w.utterances[i].ID, n, places)
		}
		copy(w.targets[i*places:], w.labelsOfRow)
		w.rows[i], w.lengths[i], w.frames[i] = c.Row, int32(n), int32(l.recipe.Encoder.Frames(c.Samples))
		w.samples += c.Samples
		w.labels += n
		w.real += int(w.frames[i])
	}
	w.mask, w.channels, w.keep = w.mask[:0], w.channels[:0], w.keep[:0]
	return nil
}

// target is the labels of a row.
func (w *Work) target(row int) []int32 { return w.targets[row*w.shape.Labels:][:w.lengths[row]] }

// draw makes what is random in training. It is a function of (seed, update, row number).
func (w *Work) draw(r Recipe, seed, update uint64, firstRow int) (err error) {
	rows, frames := w.shape.Rows, r.Encoder.Frames(w.shape.Samples)
	counts := grow(&w.counts, rows)
	if r.masks() {
		for i := range counts {
			counts[i] = int(w.frames[i])
		}
		if w.masked, err = w.masker.Draw(grow(&w.mask, rows*frames), counts, frames, seed, update, firstRow); err != nil {
			return err
		}
	}
	if r.masksChannels() {
		for i := range counts {
			counts[i] = r.Encoder.Width
		}
		if _, err := w.channelMasker.Draw(grow(&w.channels, rows*r.Encoder.Width), counts, r.Encoder.Width, seed, update, firstRow); err != nil {
			return fmt.Errorf("finetune: channel mask: %w", err)
		}
	}
	if r.dropsLayers() {
		for i := range grow(&w.keep, r.Encoder.Layers) {
			w.keep[i] = 0
			if encoder.KeepLayer(r.Encoder.LayerDrop, seed, update, i) {
				w.keep[i] = 1
			}
		}
	}
	return nil
}

package pretrain

import (
	"context"
	"fmt"
	"slices"

	"aural/contrastive"
	"aural/datasets"
	"aural/encoder"
	"aural/kernels"
	"aural/train"
)

// Work is one prepared micro-batch: everything that is fed to a program. Its slices are reused from one micro-batch to the next.
type Work struct {
	facts
	audio       train.Audio
	mask        []uint8        // (B,T)
	channels    []uint8        // (B,D), empty without a channel mask
	masked      []int32        // (N)
	distractors []int32        // (N,K)
	keep        []int32        // one a block; empty without LayerDrop
	first       *train.Excerpt // kept for a snapshot, or nil

	masker, channelMasker encoder.Masker
	sampler               contrastive.Sampler
	lengths, counts       []int
}

// facts are what is needed of a micro-batch when its results are there.
type facts struct {
	shape       Shape
	frames      int // T
	count       int // masked frames
	runs        int // runs of masked frames
	temperature float32
}

func newWork(r Recipe, be kernels.Backend) *Work {
	return &Work{
		audio:         train.ForBackend(be),
		masker:        encoder.Masker{Config: r.Mask},
		channelMasker: encoder.Masker{Config: r.Channels, Stream: "channel_mask"},
		sampler:       contrastive.Sampler{Config: r.Contrastive},
	}
}

// Seconds is the audio in the micro-batch.
func (w *Work) Seconds() float64 { return float64(w.shape.Rows*w.shape.Samples) / datasets.Rate }

// grow gives a slice of n elements in reused memory.
func grow[T any](s *[]T, n int) []T {
	*s = slices.Grow((*s)[:0], n)[:n]
	return *s
}

// fill reads the audio of a batch and draws its masks and distractors. Everything random is a function of (seed, update, row number).
func (w *Work) fill(ctx context.Context, r Recipe, store *datasets.Store, b datasets.Batch, seed, update uint64, firstRow int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	rows := len(b.Cuts)
	w.frames = r.Encoder.Frames(b.Length)
	if err := w.audio.Fill(store, b, r.Data.Normalize); err != nil {
		return err
	}
	lengths := grow(&w.lengths, rows)
	for i := range lengths {
		lengths[i] = w.frames
	}
	n, err := w.masker.Draw(grow(&w.mask, rows*w.frames), lengths, w.frames, seed, update, firstRow)
	if err != nil {
		return err
	}
	w.shape = Shape{Rows: rows, Samples: b.Length, Masked: places(n, rows*w.frames), PCM: w.audio.PCM}
	w.list(n)
	if err := w.sampler.Draw(grow(&w.distractors, w.shape.Masked*r.Contrastive.Total()), w.counts, seed, update, firstRow); err != nil {
		return err
	}
	w.channels = w.channels[:0]
	if r.Channels.Probability > 0 {
		for i := range lengths {
			lengths[i] = r.Encoder.Width
		}
		if _, err := w.channelMasker.Draw(grow(&w.channels, rows*r.Encoder.Width), lengths, r.Encoder.Width, seed, update, firstRow); err != nil {
			return fmt.Errorf("pretrain: channel mask: %w", err)
		}
	}
	w.keep = w.keep[:0]
	if p := r.Encoder.LayerDrop; p > 0 {
		for i := range grow(&w.keep, r.Encoder.Layers) {
			w.keep[i] = 0
			if encoder.KeepLayer(p, seed, update, i) {
				w.keep[i] = 1
			}
		}
	}
	w.temperature = float32(r.Quantizer.Temperature(update))
	return nil
}

// places rounds the number of masked frames up, so that few different programs are needed: to multiples of a 32nd of all frames.
func places(masked, frames int) int {
	step := max(1, (frames+31)/32)
	return (masked + step - 1) / step * step
}

// list writes the masked frames into the list that the program gathers, row after row.
func (w *Work) list(n int) {
	masked := grow(&w.masked, w.shape.Masked)[:0]
	counts := grow(&w.counts, w.shape.Rows)
	w.runs, w.count = 0, n
	for b := range counts {
		counts[b] = 0
		before := uint8(0)
		for t, on := range w.mask[b*w.frames : (b+1)*w.frames] {
			if on != 0 {
				masked = append(masked, int32(b*w.frames+t))
				counts[b]++
				if before == 0 {
					w.runs++
				}
			}
			before = on
		}
	}
	for len(masked) < w.shape.Masked {
		masked = append(masked, -1)
	}
	w.masked = masked
}

package train

import (
	"slices"

	"aural/datasets"
	"aural/kernels"
)

// Audio is the samples of a micro-batch, (B,S), in memory that is used again: as numbers, or, with PCM set, as they are in the store, with what makes them
// numbers (see kernels.Waveform).
type Audio struct {
	PCM     bool
	Numbers []float32
	Samples []int16
	Affine  []float32 // (B,3)
	Lengths []int32   // (B)
}

// ForBackend is empty audio of the kind that is best for a back end: with PCM where inputs take a way to a device, which are half the bytes then.
func ForBackend(be kernels.Backend) Audio {
	_, far := be.(kernels.Streamer)
	return Audio{PCM: far}
}

// Fill reads the audio of a batch.
func (a *Audio) Fill(store *datasets.Store, b datasets.Batch, normalize bool) error {
	rows, n := len(b.Cuts), len(b.Cuts)*b.Length
	if !a.PCM {
		return datasets.Collate(store, b, resized(&a.Numbers, n), normalize)
	}
	return datasets.CollateRaw(store, b, datasets.RawBatch{Samples: resized(&a.Samples, n), Affine: resized(&a.Affine, 3*rows), Lengths: resized(&a.Lengths, rows)}, normalize)
}

func resized[T any](s *[]T, n int) []T {
	*s = slices.Grow((*s)[:0], n)[:n]
	return *s
}

// Each calls feed with the parts, in the order of the names: samples, affine, lengths. Of numbers there is the first alone.
func (a *Audio) Each(feed func(name string, data []byte), samples, affine, lengths string) {
	if !a.PCM {
		feed(samples, kernels.BytesOf(a.Numbers))
		return
	}
	feed(samples, kernels.BytesOf(a.Samples))
	feed(affine, kernels.BytesOf(a.Affine))
	feed(lengths, kernels.BytesOf(a.Lengths))
}

package finetune

import (
	"fmt"

	"aural/runlog"
	"aural/train"
)

// Show describes the first row of the micro-batch that ran last, and what was masked in all of them.
func (t *Task) Show(at train.Position, w *Work) (*runlog.Batch, []int16, error) {
	f := w.first
	if f == nil {
		return nil, nil, fmt.Errorf("finetune: the micro-batch of update %d was not prepared to be shown", at.Update)
	}
	if f.Err != nil {
		return nil, nil, fmt.Errorf("finetune: its first row: %w", f.Err)
	}
	b := f.Batch(at)
	b.Rows, b.Width = w.shape.Rows, t.recipe.Encoder.Width
	for i := range b.Rows {
		r := runlog.PaddedRow{Frames: int(w.frames[i])}
		if n := len(w.mask) / b.Rows; n > 0 {
			r.Spans = train.Spans(w.mask[i*n:][:r.Frames])
		}
		if n := len(w.channels) / b.Rows; n > 0 {
			r.Channels = train.Spans(w.channels[i*n:][:n])
		}
		b.Padded = append(b.Padded, r)
	}
	b.Frames, b.Spans = b.Padded[0].Frames, b.Padded[0].Spans
	return b, f.Samples, nil
}

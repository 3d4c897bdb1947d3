package train

import (
	"aural/datasets"
	"aural/runlog"
)

// Excerpt is what a snapshot needs of a row of a micro-batch besides what is fed to a program.
type Excerpt struct {
	Utterance datasets.Utterance
	Samples   []int16
	Err       error // why it could not be read
}

// ReadExcerpt reads a cut anew, as it is in the store: what is fed may have been normalised.
func ReadExcerpt(store *datasets.Store, c datasets.Cut) *Excerpt {
	var e Excerpt
	if e.Utterance, e.Err = store.Utterance(c.Row); e.Err != nil {
		return &e
	}
	x := make([]float32, c.Samples)
	if e.Err = store.Read(x, c.Row, c.Offset); e.Err != nil {
		return &e
	}
	e.Samples = make([]int16, len(x))
	for i, v := range x {
		e.Samples[i] = int16(v * (1 << 15)) // exact: Read divides by a power of two
	}
	return &e
}

// Batch is the snapshot of the row, as far as any task has it.
func (e *Excerpt) Batch(at Position) *runlog.Batch {
	return &runlog.Batch{ID: e.Utterance.ID, Speaker: e.Utterance.Speaker, Text: e.Utterance.Transcript, Samples: len(e.Samples), Rate: datasets.Rate, Epoch: at.Epoch}
}

// Spans lists the runs of what a mask covers as first place and length.
func Spans(mask []uint8) [][2]int {
	var out [][2]int
	before := uint8(0)
	for t, on := range mask {
		switch {
		case on != 0 && before == 0:
			out = append(out, [2]int{t, 1})
		case on != 0:
			out[len(out)-1][1]++
		}
		before = on
	}
	return out
}

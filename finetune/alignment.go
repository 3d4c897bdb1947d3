package finetune

import (
	"math"

	"aural/datasets"
	"aural/decode"
	"aural/runlog"
)

// align shows which frames of an utterance carry which label: those of the reference (forced alignment), or where the reference does not fit those of the most probable path.
func (c *checker) align(row int, path []int32, logits []float32) error {
	v, w := c.labels.vocab, c.work
	n, hop := v.Len(), 1
	for _, l := range c.labels.recipe.Encoder.Conv {
		hop *= l.Stride
	}
	emissions := grow(&c.emissions, len(logits))
	logSoftmax(emissions, logits, n)
	a := &runlog.Alignment{ID: w.utterances[row].ID, Rate: datasets.Rate, Frames: len(path), FrameSeconds: float64(hop) / datasets.Rate}
	for t := range path {
		a.Blank = append(a.Blank, float32(math.Exp(float64(emissions[t*n+v.Blank()]))))
	}
	spans := c.spans(path, emissions)
	reference := w.target(row)
	a.Text = v.Text(v.Collapse(path))
	if forced, err := decode.Align(v, emissions, len(path), reference); err == nil && len(reference) > 0 {
		a.Text, a.Forced, spans = v.Text(reference), true, forced.Spans
	}
	for _, s := range spans {
		a.Tokens = append(a.Tokens, runlog.AlignedToken{Label: v.Token(int(s.Token)), Frame: s.Start, Frames: s.End - s.Start, Score: float32(s.Score)})
	}
	x := make([]float32, w.utterances[row].Samples)
	if err := c.labels.store.Read(x, w.rows[row], 0); err != nil {
		return err
	}
	c.sample = make([]int16, len(x))
	for i, s := range x {
		c.sample[i] = int16(s * (1 << 15)) // exact: Read divides by a power of two
	}
	c.alignment = a
	return nil
}

// spans are the runs of labels other than the blank on a path.
func (c *checker) spans(path []int32, emissions []float32) []decode.Span {
	n, blank := c.labels.vocab.Len(), int32(c.labels.vocab.Blank())
	var list []decode.Span
	for t := 0; t < len(path); {
		s := decode.Span{Token: path[t], Start: t}
		for ; t < len(path) && path[t] == s.Token; t++ {
			s.Score += math.Exp(float64(emissions[t*n+int(s.Token)]))
		}
		s.End = t
		s.Score /= float64(s.End - s.Start)
		if s.Token != blank {
			list = append(list, s)
		}
	}
	return list
}

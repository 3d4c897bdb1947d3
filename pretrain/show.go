package pretrain

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"aural/kernels"
	"aural/runlog"
	"aural/train"
)

// mostLogits is for how many masked frames a snapshot holds all logits.
const mostLogits = 32

// Show describes the first row of the micro-batch that ran last. Cosines and logits are rounded to four decimals.
func (t *Task) Show(at train.Position, w *Work) (*runlog.Batch, []int16, error) {
	f := w.first
	if f == nil || t.last == nil || t.shown == nil {
		return nil, nil, fmt.Errorf("pretrain: the micro-batch of update %d was not prepared to be shown", at.Update)
	}
	if f.Err != nil {
		return nil, nil, fmt.Errorf("pretrain: its first row: %w", f.Err)
	}
	c, err := t.contrast(w)
	if err != nil {
		return nil, nil, err
	}
	b := f.Batch(at)
	b.Frames, b.Rows, b.Spans = w.frames, w.shape.Rows, train.Spans(w.mask[:w.frames])
	masked := w.counts[0]
	for n := range masked {
		b.Masked = append(b.Masked, c.frame(n))
	}
	shown := min(masked, mostLogits)
	for i := range shown {
		b.Logits = append(b.Logits, c.logits(i*masked/shown))
	}
	return b, f.Samples, nil
}

// contrast is the contrastive task of a micro-batch on the host, as kernels.InfoNCE defines it.
type contrast struct {
	work            *Work
	out             *results
	context, target []float32    // (N, width)
	lengths         [2][]float64 // of their vectors, at least leastLength
	width, groups   int
	negatives       int // of a masked frame
	temperature     float64
	byVector        bool // equal targets are found by comparing vectors, not codes
}

func (t *Task) contrast(w *Work) (*contrast, error) {
	r := &t.recipe
	c := &contrast{
		work: w, out: t.shown, width: r.Loss.TargetDim, groups: r.Quantizer.Groups, negatives: r.Contrastive.Total(), temperature: r.Contrastive.Temperature,
		byVector: r.Quantizer.Soft,
	}
	c.context, c.target = make([]float32, w.shape.Masked*c.width), make([]float32, w.shape.Masked*c.width)
	err := errors.Join(t.last.Read(ContextOutput, kernels.BytesOf(c.context)), t.last.Read(TargetOutput, kernels.BytesOf(c.target)))
	for i, x := range [2][]float32{c.context, c.target} {
		for v := range slices.Chunk(x, c.width) {
			c.lengths[i] = append(c.lengths[i], max(math.Sqrt(dot(v, v)), leastLength))
		}
	}
	return c, err
}

// leastLength is what a cosine divides by at least, as in the kernel.
const leastLength = 1e-8

// of gives row n of an (N, width) array.
func of[T any](x []T, n, width int) []T { return x[n*width:][:width] }

func dot(x, y []float32) float64 {
	sum := 0.0
	for i, v := range x {
		sum += float64(v) * float64(y[i])
	}
	return sum
}

// cosine is that between the context vector of masked frame n and the target of m.
func (c *contrast) cosine(n, m int) float64 {
	return dot(of(c.context, n, c.width), of(c.target, m, c.width)) / (c.lengths[0][n] * c.lengths[1][m])
}

// equal reports whether masked frames n and m have the same target.
func (c *contrast) equal(n, m int) bool {
	if c.byVector {
		return same(of(c.target, n, c.width), of(c.target, m, c.width))
	}
	return same(of(c.out.codes, n, c.groups), of(c.out.codes, m, c.groups))
}

func same[T comparable](x, y []T) bool {
	for i, v := range x {
		if v != y[i] {
			return false
		}
	}
	return true
}

// frame tells how masked frame n, of the first row, was told from its distractors.
func (c *contrast) frame(n int) runlog.MaskedFrame {
	f := runlog.MaskedFrame{Frame: int(c.work.masked[n]), Correct: c.out.hits[2*n] > 0, Duplicates: int(c.out.hits[2*n+1]), Positive: decimals(c.cosine(n, n))}
	for _, code := range of(c.out.codes, n, c.groups) {
		f.Codes = append(f.Codes, int(code))
	}
	best := math.NaN()
	for _, m := range of(c.work.distractors, n, c.negatives) {
		if c.equal(n, int(m)) {
			continue
		}
		if x := c.cosine(n, int(m)); !(x <= best) {
			best = x
		}
	}
	f.BestNegative = decimals(best)
	return f
}

// logits lists all scores of masked frame n. A distractor of another row, of which the frame would tell nothing, is at -1.
func (c *contrast) logits(n int) runlog.FrameLogits {
	f := runlog.FrameLogits{Frame: int(c.work.masked[n]), Positive: decimals(c.cosine(n, n) / c.temperature)}
	for _, m := range of(c.work.distractors, n, c.negatives) {
		x := math.NaN()
		if !c.equal(n, int(m)) {
			x = c.cosine(n, int(m)) / c.temperature
		}
		at := int(c.work.masked[m])
		if at >= c.work.frames {
			at = -1
		}
		f.Negatives, f.At = append(f.Negatives, decimals(x)), append(f.At, at)
	}
	return f
}

// decimals rounds to four of them, which keeps the log small.
func decimals(x float64) float32 { return float32(math.Round(x*1e4) / 1e4) }

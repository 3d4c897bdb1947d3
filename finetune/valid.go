package finetune

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"aural/datasets"
	"aural/runlog"
	"aural/score"
	"aural/train"
	"aural/vocab"
)

// shownTranscripts is how many utterances of a validation are written out.
const shownTranscripts = 50

// checked is what a validation reports. Transcripts are the most probable path, collapsed, without a language model.
type checked struct {
	Loss       float64 `metric:"loss"`     // as in training
	CTC        float64 `metric:"ctc_loss"` // nats an utterance
	WER        float64 `metric:"wer"`
	CER        float64 `metric:"cer"` // of labels, so of phones where there are phones; of characters where there are pieces
	BlankShare float64 `metric:"blank_share"`
}

// checker measures held-out utterances.
type checker struct {
	labels    *labels
	work      *Work
	show      map[int]bool // rows whose transcripts are written out
	metrics   checked
	totals    counts
	list      []runlog.Transcript
	alignment *runlog.Alignment
	sample    []int16
	path      []int32
}

// counts add up over a validation.
type counts struct {
	loss                                 float64
	utterances, labels                   int
	wordErrors, words, charErrors, chars int
	frames, blanks                       int
}

// newChecker chooses the utterances to show evenly from the batches.
func newChecker(l *labels, batches []datasets.Batch) *checker {
	c := &checker{labels: l, work: newWork(l.recipe), show: map[int]bool{}}
	var rows []int
	for _, b := range batches {
		for _, cut := range b.Cuts {
			rows = append(rows, cut.Row)
		}
	}
	slices.Sort(rows)
	n := min(len(rows), shownTranscripts)
	for i := range n {
		c.show[rows[i*len(rows)/n]] = true
	}
	return c
}

// Validate transcribes the held-out utterances. The score is the word error rate; with phones, words are phones.
func (t *Task) Validate(ctx context.Context) (train.Validation, error) {
	c := t.checker
	out := train.Validation{Metrics: &c.metrics, Better: train.Lower}
	c.totals, c.list, c.alignment, c.sample = counts{}, nil, nil, nil
	for i, b := range t.valid {
		if err := c.work.fill(ctx, t.labels, b, t.places[b.Length]); err != nil {
			return out, fmt.Errorf("finetune: validation batch %d: %w", i, err)
		}
		p, err := t.checking.run(c.work, c.work.shape, &t.step)
		if err != nil {
			return out, err
		}
		for row := range c.work.shape.Rows {
			if err := c.row(p, row); err != nil {
				return out, fmt.Errorf("finetune: validation batch %d: %w", i, err)
			}
		}
	}
	c.metrics = c.totals.rates(t.recipe)
	out.Score = c.metrics.WER
	if len(c.list) > 0 {
		out.Snapshots = append(out.Snapshots, runlog.Snapshot{Transcripts: c.list})
	}
	if c.alignment != nil {
		out.Snapshots, out.Sample = append(out.Snapshots, runlog.Snapshot{Alignment: c.alignment}), c.sample
	}
	return out, nil
}

// rates are the metrics of what was counted; 0 of nothing.
func (n counts) rates(r Recipe) checked {
	of := func(a, b int) float64 { return float64(a) / float64(max(b, 1)) }
	m := checked{CTC: n.loss / float64(max(n.utterances, 1)), WER: of(n.wordErrors, n.words), CER: of(n.charErrors, n.chars), BlankShare: of(n.blanks, n.frames)}
	if m.Loss = m.CTC; r.Loss.Average == PerLabel {
		m.Loss = n.loss / float64(max(n.labels, 1))
	}
	return m
}

// row counts one utterance of a batch that has run.
func (c *checker) row(p *program, row int) error {
	v, w := c.labels.vocab, c.work
	classes, frames := v.Len(), int(w.frames[row])
	perRow := len(p.logits) / w.shape.Rows
	logits := p.logits[row*perRow:][:frames*classes]
	path, blanks := grow(&c.path, frames), 0
	for t := range path {
		path[t] = best(logits[t*classes:][:classes])
		if int(path[t]) == v.Blank() {
			blanks++
		}
	}
	reference := w.targets[row*w.shape.Labels:][:w.lengths[row]]
	hypothesis := v.Collapse(path)
	t := runlog.Transcript{
		ID: w.utterances[row].ID, Reference: v.Text(reference), Hypothesis: v.Text(hypothesis), Loss: float64(p.losses[row]),
		Seconds: w.utterances[row].Seconds(), BlankShare: float64(blanks) / float64(max(frames, 1)),
	}
	said, heard := strings.Fields(t.Reference), strings.Fields(t.Hypothesis)
	t.WordErrors, t.Words = score.Distance(said, heard), len(said)
	want, got := c.tokens(reference), c.tokens(hypothesis)
	t.CharErrors, t.Chars = score.Distance(want, got), len(want)
	n := &c.totals
	n.loss += t.Loss
	n.utterances++
	n.labels += len(reference)
	n.wordErrors += t.WordErrors
	n.words += t.Words
	n.charErrors += t.CharErrors
	n.chars += t.Chars
	n.frames += frames
	n.blanks += blanks
	if !c.show[w.rows[row]] {
		return nil
	}
	c.list = append(c.list, t)
	if c.alignment != nil {
		return nil
	}
	return c.align(row, t.Hypothesis, path, logits)
}

// tokens spells labels one by one, without boundaries at both ends and with one where there are several; pieces by their characters, so that error rates compare.
func (c *checker) tokens(ids []int32) []string {
	if c.labels.vocab.HasPieces() {
		return strings.Split(c.labels.vocab.Text(ids), "")
	}
	out := make([]string, 0, len(ids))
	for _, id := range ids {
		tok := c.labels.vocab.Token(int(id))
		if tok == vocab.BoundaryToken && (len(out) == 0 || out[len(out)-1] == tok) {
			continue
		}
		out = append(out, tok)
	}
	if n := len(out); n > 0 && out[n-1] == vocab.BoundaryToken {
		out = out[:n-1]
	}
	return out
}

func best(x []float32) int32 {
	k := 0
	for i, v := range x {
		if v > x[k] {
			k = i
		}
	}
	return int32(k)
}

// align says which frames of an utterance the most probable path gives to which label.
func (c *checker) align(row int, text string, path []int32, logits []float32) error {
	v, w := c.labels.vocab, c.work
	classes, blank := v.Len(), v.Blank()
	probability := func(t, k int) float64 {
		x := logits[t*classes:][:classes]
		sum := 0.0
		for _, z := range x {
			sum += math.Exp(float64(z - x[k]))
		}
		return 1 / sum
	}
	cfg := c.labels.recipe.Encoder
	hop := 1
	for _, l := range cfg.Conv {
		hop *= l.Stride
	}
	a := &runlog.Alignment{ID: w.utterances[row].ID, Text: text, Rate: datasets.Rate, Frames: len(path), FrameSeconds: float64(hop) / datasets.Rate}
	for t := 0; t < len(path); {
		k, from, sum := int(path[t]), t, 0.0
		for ; t < len(path) && int(path[t]) == k; t++ {
			sum += probability(t, k)
			a.Blank = append(a.Blank, float32(probability(t, blank)))
		}
		if k != blank {
			a.Tokens = append(a.Tokens, runlog.AlignedToken{Label: v.Token(k), Frame: from, Frames: t - from, Score: float32(sum / float64(t-from))})
		}
	}
	e := train.ReadExcerpt(c.labels.store, datasets.Cut{Row: w.rows[row], Samples: w.utterances[row].Samples})
	c.alignment, c.sample = a, e.Samples
	return e.Err
}

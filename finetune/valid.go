package finetune

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"aural/datasets"
	"aural/kernels"
	"aural/runlog"
	"aural/score"
	"aural/train"
	"aural/vocab"
)

// shownTranscripts is how many utterances of a validation are written out.
const shownTranscripts = 50

// checked is what a validation reports of the most probable path, collapsed: transcripts without a language model.
type checked struct {
	Loss       float64 `metric:"loss"`     // as in training
	CTC        float64 `metric:"ctc_loss"` // nats an utterance
	WER        float64 `metric:"wer"`
	CER        float64 `metric:"cer"` // of labels, so of phones where there are phones; of characters where there are pieces
	BlankShare float64 `metric:"blank_share"`
}

// searched is what it reports when the recipe names a language model.
type searched struct {
	checked
	WERLM float64 `metric:"wer_lm"` // of the search that [DecodeConfig] describes
}

// checker measures held-out utterances.
type checker struct {
	labels    *labels
	work      *Work
	search    *search      // nil without a language model
	show      map[int]bool // rows whose transcripts are written out
	metrics   searched
	totals    counts
	emissions []float32 // (B,T,V) of a batch
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
	searchErrors                         int // in words, of the search
	frames, blanks                       int
}

// newChecker chooses the utterances to show evenly from the batches.
func newChecker(l *labels, batches []datasets.Batch, be kernels.Backend) *checker {
	c := &checker{labels: l, work: newWork(l.recipe, be), show: map[int]bool{}}
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

// Validate transcribes the held-out utterances. The score is the word error rate of the most probable paths, with a language model too, so that the best checkpoint is that of
// the acoustic model; with phones, words are phones.
func (t *Task) Validate(ctx context.Context) (train.Validation, error) {
	c := t.checker
	out := train.Validation{Metrics: &c.metrics.checked, Better: train.Lower}
	if c.search != nil {
		out.Metrics = &c.metrics
	}
	c.totals, c.list, c.alignment, c.sample = counts{}, nil, nil, nil
	for i, b := range t.valid {
		if err := c.work.fill(ctx, t.labels, b, t.places[b.Length]); err != nil {
			return out, fmt.Errorf("finetune: validation batch %d: %w", i, err)
		}
		p, results, err := t.checking.run(c.work, false, &t.step)
		if err == nil {
			err = t.backend.Sync()
		}
		if err != nil {
			return out, err
		}
		err = c.batch(ctx, results)
		p.free = append(p.free, results)
		if err != nil {
			return out, fmt.Errorf("finetune: validation batch %d: %w", i, err)
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
func (n counts) rates(r Recipe) searched {
	of := func(a, b int) float64 { return float64(a) / float64(max(b, 1)) }
	m := searched{WERLM: of(n.searchErrors, n.words)}
	m.CTC, m.WER, m.CER, m.BlankShare = n.loss/float64(max(n.utterances, 1)), of(n.wordErrors, n.words), of(n.charErrors, n.chars), of(n.blanks, n.frames)
	if m.Loss = m.CTC; r.Loss.Average == PerLabel {
		m.Loss = n.loss / float64(max(n.labels, 1))
	}
	return m
}

// batch counts the utterances of a batch that has run.
func (c *checker) batch(ctx context.Context, p *results) error {
	w, classes := c.work, c.labels.vocab.Len()
	perRow := len(p.logits) / w.shape.Rows
	of := func(x []float32, row int) []float32 { return x[row*perRow:][:int(w.frames[row])*classes] }
	var texts []string
	if c.search != nil {
		grow(&c.emissions, len(p.logits))
		rows := make([][]float32, w.shape.Rows)
		for row := range rows {
			rows[row] = of(c.emissions, row)
			logSoftmax(rows[row], of(p.logits, row), classes)
		}
		var err error
		if texts, err = c.search.texts(ctx, rows); err != nil {
			return err
		}
	}
	for row := range w.shape.Rows {
		if c.search != nil {
			said := strings.Fields(c.labels.vocab.Text(w.target(row)))
			c.totals.searchErrors += score.Distance(said, strings.Fields(texts[row]))
		}
		if err := c.row(p, row, of(p.logits, row)); err != nil {
			return err
		}
	}
	return nil
}

// row counts the most probable path of one utterance.
func (c *checker) row(p *results, row int, logits []float32) error {
	v, w := c.labels.vocab, c.work
	classes, frames := v.Len(), int(w.frames[row])
	path, blanks := grow(&c.path, frames), 0
	for t := range path {
		path[t] = best(logits[t*classes:][:classes])
		if int(path[t]) == v.Blank() {
			blanks++
		}
	}
	reference := w.target(row)
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
	return c.align(row, path, logits)
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

package ctc

import (
	"fmt"

	"aural/probe"
	"aural/score"
	"aural/vocab"
)

// DefaultL2 is the usual weight of the penalty per label. A label has several frames, so it is less than that of a classifier. Of 1e-2, 1e-3 and 1e-4 it had
// the least error on spoken digits, one layer of one small model (63, 52 and 46 % of characters on the same held-out utterances); nothing smaller was tried.
const DefaultL2 = 1e-4

// DefaultMinimiser stops when an iteration gains less than a hundred-thousandth: float32 allows little more, and the error rate does not move any more.
func DefaultMinimiser() probe.Minimiser {
	return probe.Minimiser{Iterations: 200, Gradient: 1e-5, Decrease: 1e-5}
}

// Data is utterances with their features and transcripts.
type Data struct {
	Config
	Vocabulary *vocab.Vocabulary
	Unit       score.Unit // of the error rate: characters or phones
	Utterances []probe.Utterance
	Sequences  []Sequence
}

// Run splits, trains a head, and measures the error rate of its greedy transcripts, without a language model.
func Run(d *Data, o probe.Options) (probe.Result, error) {
	split, err := o.HoldOut.Split(d.Utterances)
	if err != nil {
		return probe.Result{}, err
	}
	var list []Sequence
	for _, i := range split.Train {
		list = append(list, d.Sequences[i])
	}
	m, err := Fit(list, d.Config)
	if err != nil {
		return probe.Result{}, err
	}
	r := probe.Result{Chance: 1, Classes: d.Classes, L2: d.L2, Iterations: m.Minimum.Iterations, Converged: m.Minimum.Converged, SplitBy: split.By}
	trained, err := d.report(m, split.Train, &r.Trained)
	if err != nil {
		return r, err
	}
	r.Train = trained.Total().Counts.Rate()
	held, err := d.report(m, split.Held, &r.Held)
	if err != nil {
		return r, err
	}
	b := o.Bootstrap
	b.Speakers = split.By == probe.Speakers && len(held.BySpeaker()) > 1
	r.Error, err = held.Interval(b)
	return r, err
}

// report transcribes some utterances and compares labels; it adds their frames to frames.
func (d *Data) report(m *probe.Model, utterances []int, frames *int) (*score.Report, error) {
	texts := make([]string, len(utterances))
	probe.Each(len(utterances), func(i int) { texts[i] = d.transcribe(m, d.Sequences[utterances[i]].Frames) })
	var items []score.Item
	for i, u := range utterances {
		*frames += len(d.Sequences[u].Frames) / d.Dim
		items = append(items, score.Item{ID: d.Utterances[u].ID, Speaker: d.Utterances[u].Speaker, Ref: d.Vocabulary.Text(d.Sequences[u].Target), Hyp: texts[i]})
	}
	r, err := score.Score(items, score.Options{Unit: d.Unit})
	if err != nil {
		return nil, fmt.Errorf("ctc: %w", err)
	}
	return r, nil
}

// transcribe takes the best label of each frame, merges runs and drops blanks.
func (d *Data) transcribe(m *probe.Model, frames []float32) string {
	path := make([]int32, 0, len(frames)/d.Dim)
	for at := 0; at < len(frames); at += d.Dim {
		path = append(path, int32(m.Predict(frames[at:][:d.Dim])))
	}
	return d.Vocabulary.Text(d.Vocabulary.Collapse(path))
}

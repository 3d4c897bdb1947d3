package ctc

import (
	"fmt"
	"math"

	"aural/probe"
	"aural/score"
	"aural/vocab"
)

// DefaultL2 is the weight of the penalty per label where the training utterances are too few to choose one. A label has several frames, so it is less than that of a
// classifier.
const DefaultL2 = 1e-4

// Grid is the weights of the penalty that Run chooses from, the largest first.
func Grid() []float64 { return []float64{1e-2, 1e-3, 1e-4, 1e-5} }

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

// Run splits, trains a head, and measures the error rate of its greedy transcripts, without a language model. An L2 of 0 is chosen on a part of the training utterances.
func Run(d *Data, o probe.Options) (probe.Result, error) {
	split, err := o.HoldOut.Split(d.Utterances)
	if err != nil {
		return probe.Result{}, err
	}
	c := d.Config
	if c.L2 == 0 {
		if c.L2, err = d.choose(split, o); err != nil {
			return probe.Result{}, err
		}
	}
	m, err := Fit(d.pick(split.Train), c)
	if err != nil {
		return probe.Result{}, err
	}
	r := probe.Result{Chance: 1, Classes: d.Classes, L2: c.L2, Iterations: m.Minimum.Iterations, Converged: m.Minimum.Converged, SplitBy: split.By}
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

func (d *Data) pick(utterances []int) []Sequence {
	list := make([]Sequence, len(utterances))
	for i, u := range utterances {
		list[i] = d.Sequences[u]
	}
	return list
}

// choose takes the penalty of the grid with the fewest errors on a fifth of the training utterances, split as the whole is; of equals the largest. Where they cannot be
// split again it is DefaultL2.
func (d *Data) choose(split probe.Split, o probe.Options) (float64, error) {
	again, err := o.HoldOut.Again(split, d.Utterances)
	if err != nil {
		return DefaultL2, nil
	}
	models, err := fit(d.pick(again.Train), d.Config, Grid())
	if err != nil {
		return 0, err
	}
	best, least := DefaultL2, math.Inf(1)
	for _, m := range models {
		var frames int
		r, err := d.report(m, again.Held, &frames)
		if err != nil {
			return 0, err
		}
		if rate := r.Total().Counts.Rate(); rate < least {
			best, least = m.L2, rate
		}
	}
	return best, nil
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

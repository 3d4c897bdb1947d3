package probe

import (
	"aural/score"
)

// Examples are vectors with the utterances that they come from, one vector each or many: utterances are what is split and resampled, since the frames of one are not
// independent.
type Examples struct {
	Set
	Names      []string // of the classes
	Utterances []Utterance
	Unit       []int // (N): the utterance of each vector
}

// Options say how a classifier is trained and measured.
type Options struct {
	HoldOut   HoldOut
	L2        float64 // weight of the penalty; 0: chosen on a part of the training utterances
	Minimiser Minimiser
	Bootstrap score.Bootstrap // Speakers is set where speakers are held out and there are several
}

// DefaultOptions choose the penalty and hold out a fifth.
func DefaultOptions() Options {
	return Options{HoldOut: DefaultHoldOut(), Minimiser: Minimiser{Iterations: 500, Gradient: 1e-5}}
}

// Result is what a probe found.
type Result struct {
	Error score.Interval `json:"error"` // share of the held-out vectors that are classified wrongly, or character error rate
	// Chance is the error of who always says the most frequent class of training, or nothing.
	Chance     float64 `json:"chance"`
	Train      float64 `json:"train_error"`
	Classes    int     `json:"classes"`
	Trained    int     `json:"trained"` // vectors
	Held       int     `json:"held"`
	L2         float64 `json:"l2"`
	Iterations int     `json:"iterations"`
	Converged  bool    `json:"converged"`
	SplitBy    By      `json:"split_by"`
}

// Accuracy is 1 less the error.
func (r Result) Accuracy() float64 { return 1 - r.Error.Estimate }

// Run splits, trains and measures. Held-out vectors of a class that training does not have count as errors.
func Run(e *Examples, o Options) (Result, error) {
	split, err := o.HoldOut.Split(e.Utterances)
	if err != nil {
		return Result{}, err
	}
	return e.run(split, o)
}

func (e *Examples) run(split Split, o Options) (Result, error) {
	train, held := e.vectors(split.Train), e.vectors(split.Held)
	l2 := o.L2
	if l2 == 0 {
		var err error
		if l2, err = e.choose(split, o); err != nil {
			return Result{}, err
		}
	}
	set := e.Pick(train)
	model, err := Fit(set, l2, o.Minimiser)
	if err != nil {
		return Result{}, err
	}
	r := Result{Classes: e.Classes, Trained: len(train), Held: len(held), L2: l2, Iterations: model.Minimum.Iterations, Converged: model.Minimum.Converged, SplitBy: split.By}
	report, frequent := e.report(model, held), mostFrequent(set)
	b := o.Bootstrap
	b.Speakers = split.By == Speakers && len(report.BySpeaker()) > 1
	if r.Error, err = report.Interval(b); err != nil {
		return r, err
	}
	r.Train = e.report(model, train).Total().Counts.Rate()
	wrong := 0
	for _, i := range held {
		if e.Class[i] != frequent {
			wrong++
		}
	}
	r.Chance = float64(wrong) / float64(len(held))
	return r, nil
}

// choose takes the penalty that is best on a fifth of the training utterances, split as the whole is. Where they cannot be split again it is DefaultL2.
func (e *Examples) choose(split Split, o Options) (float64, error) {
	again, err := o.HoldOut.Again(split, e.Utterances)
	if err != nil {
		return DefaultL2, nil
	}
	return Choose(&e.Set, e.vectors(again.Train), e.vectors(again.Held), Grid(), o.Minimiser)
}

// vectors lists the vectors of some utterances, given in rising order.
func (e *Examples) vectors(utterances []int) []int {
	in := make([]bool, len(e.Utterances))
	for _, u := range utterances {
		in[u] = true
	}
	var list []int
	for i, u := range e.Unit {
		if in[u] {
			list = append(list, i)
		}
	}
	return list
}

// report counts right and wrong vectors by utterance.
func (e *Examples) report(m *Model, vectors []int) *score.Report {
	right := make([]bool, len(vectors))
	Each(len(vectors), func(i int) { right[i] = m.Predict(e.At(vectors[i])) == e.Class[vectors[i]] })
	r, place := &score.Report{}, map[int]int{}
	for i, v := range vectors {
		u := e.Unit[v]
		at, ok := place[u]
		if !ok {
			at = len(r.Utterances)
			place[u] = at
			r.Utterances = append(r.Utterances, score.Utterance{ID: e.Utterances[u].ID, Speaker: e.Utterances[u].Speaker})
		}
		if c := &r.Utterances[at].Counts; right[i] {
			c.Correct++
		} else {
			c.Substitutions++
		}
	}
	return r
}

// mostFrequent is the class of most vectors, the first of equals.
func mostFrequent(s *Set) int {
	counts := make([]int, s.Classes)
	for _, c := range s.Class {
		counts[c]++
	}
	best := 0
	for c, n := range counts {
		if n > counts[best] {
			best = c
		}
	}
	return best
}

package score

import (
	"fmt"
	"math"
	"slices"

	"aural/rng"
)

// site is the place of resampling among the streams of package rng.
const site = 0x5C0E

// DefaultResamples is the usual number of resamples.
const DefaultResamples = 1000

// MaxResamples bounds the number of resamples: beyond it a percentile gains nothing.
const MaxResamples = 10_000_000

// Bootstrap says how a corpus is resampled. The zero value draws utterances 1000 times for an interval of 95 %.
type Bootstrap struct {
	Resamples int     // 0: DefaultResamples
	Level     float64 // share of resamples within the interval; 0: 0.95
	Seed      uint64
	Speakers  bool // draw speakers with all they said: utterances of a speaker are not independent, so that such intervals are wider
}

// Interval is a rate and the percentiles of its resamples.
type Interval struct {
	Estimate  float64 `json:"estimate"`
	Low       float64 `json:"low"`
	High      float64 `json:"high"`
	Level     float64 `json:"level"`
	Resamples int     `json:"resamples"`
	Over      string  `json:"over"`  // utterance or speaker
	Drawn     int     `json:"drawn"` // how many of them are drawn each time
}

// tally is what a unit of resampling adds to a rate; two systems share the reference.
type tally struct{ errors, other, reference int }

// Interval is the confidence interval of the error rate by the percentile method (Bisani and Ney 2004, "Bootstrap estimates for
// confidence intervals in ASR performance evaluation", section 3): utterances, or speakers, are drawn with replacement, as
// many as there are, and the rate of each resample is errors by reference tokens. Resamples without reference tokens have no
// rate and are drawn again, so there must be tokens. Resample n is a function of the seed and n alone.
func (r *Report) Interval(b Bootstrap) (Interval, error) {
	units, err := r.units(nil, b.Speakers)
	if err != nil {
		return Interval{}, err
	}
	return b.interval(units, func(t tally) float64 { return float64(t.errors) / float64(t.reference) }, nil)
}

// Comparison says how far another system is from this one on the same utterances.
type Comparison struct {
	Difference  Interval `json:"difference"`  // rate of the other system less that of this one: below 0 the other is better
	Improvement float64  `json:"improvement"` // share of resamples in which the other has fewer errors; ties count half
}

// Compare compares two systems by a paired bootstrap: both are resampled with the same draws, so that what makes an utterance
// hard for both cancels (Bisani and Ney 2004, section 4, where Improvement is the "probability of improvement"; there ties
// count nothing, here half, so that it and its reverse sum to 1). Both reports must hold the same utterances with equally long
// references, in any order.
func (r *Report) Compare(other *Report, b Bootstrap) (Comparison, error) {
	units, err := r.units(other, b.Speakers)
	if err != nil {
		return Comparison{}, err
	}
	var better float64
	d, err := b.interval(units, func(t tally) float64 { return float64(t.other-t.errors) / float64(t.reference) }, func(t tally) {
		switch {
		case t.other < t.errors:
			better++
		case t.other == t.errors:
			better += .5
		}
	})
	if err != nil {
		return Comparison{}, err
	}
	return Comparison{d, better / float64(d.Resamples)}, nil
}

// units lists what is drawn.
func (r *Report) units(other *Report, speakers bool) ([]tally, error) {
	others := map[string]Counts{}
	if other != nil {
		if r.Unit != other.Unit || !slices.Equal(r.Rules, other.Rules) {
			return nil, fmt.Errorf("score: comparing %ss after rules %q with %ss after %q", r.Unit, r.Rules, other.Unit, other.Rules)
		}
		for i := range other.Utterances {
			others[other.Utterances[i].ID] = other.Utterances[i].Counts
		}
		if len(others) != len(r.Utterances) {
			return nil, fmt.Errorf("score: comparing systems on %d and %d utterances; both must have the same", len(r.Utterances), len(others))
		}
	}
	var list []tally
	places := map[string]int{}
	for i := range r.Utterances {
		u := &r.Utterances[i]
		t := tally{errors: u.Counts.Errors(), reference: u.Counts.Reference()}
		if other != nil {
			c, ok := others[u.ID]
			if !ok || c.Reference() != t.reference {
				return nil, fmt.Errorf("score: utterance %q is not there, or with another reference, in the other system's report", u.ID)
			}
			t.other = c.Errors()
		}
		if !speakers {
			list = append(list, t)
			continue
		}
		if u.Speaker == "" {
			return nil, fmt.Errorf("score: resampling speakers, but utterance %q has none", u.ID)
		}
		place, ok := places[u.Speaker]
		if !ok {
			place = len(list)
			places[u.Speaker] = place
			list = append(list, tally{})
		}
		list[place].add(t)
	}
	return list, nil
}

func (t *tally) add(u tally) {
	t.errors, t.other, t.reference = t.errors+u.errors, t.other+u.other, t.reference+u.reference
}

func (b Bootstrap) interval(units []tally, rate func(tally) float64, see func(tally)) (Interval, error) {
	if b.Resamples == 0 {
		b.Resamples = DefaultResamples
	}
	if b.Level == 0 {
		b.Level = .95
	}
	if b.Resamples < 1 || b.Resamples > MaxResamples || !(b.Level > 0 && b.Level < 1) {
		return Interval{}, fmt.Errorf("score: %d resamples at level %g, want 1 to %d and a level between 0 and 1", b.Resamples, b.Level, MaxResamples)
	}
	var all tally
	for _, u := range units {
		all.add(u)
	}
	if all.reference == 0 {
		return Interval{}, fmt.Errorf("score: no reference tokens in %d units of resampling, so there is no rate", len(units))
	}
	rates := make([]float64, b.Resamples)
	var s rng.Stream
	for n := range rates {
		s.Reset(b.Seed, uint64(n), site)
		var t tally
		for t.reference == 0 {
			t = tally{}
			for range units {
				t.add(units[s.IntN(len(units))])
			}
		}
		rates[n] = rate(t)
		if see != nil {
			see(t)
		}
	}
	slices.Sort(rates)
	over := "utterance"
	if b.Speakers {
		over = "speaker"
	}
	tail := (1 - b.Level) / 2
	return Interval{rate(all), quantile(rates, tail), quantile(rates, 1-tail), b.Level, b.Resamples, over, len(units)}, nil
}

// quantile interpolates between the order statistics around p (the definition 7 of Hyndman and Fan 1996).
func quantile(sorted []float64, p float64) float64 {
	at := p * float64(len(sorted)-1)
	i := int(math.Floor(at))
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}

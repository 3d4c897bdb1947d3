package score

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"aural/rng"
)

// randomReport has n utterances of 10 words, each wrong with probability p; speakers differ by a factor when spread is above 0.
func randomReport(seed uint64, n, speakers int, p, spread float64) *Report {
	s := rng.At(seed, 0, 1)
	r := &Report{Unit: Word}
	var rates []float64
	for range speakers {
		rates = append(rates, p*(1+spread*(2*s.Float64()-1)))
	}
	for i := range n {
		u := Utterance{ID: fmt.Sprint(i), Speaker: fmt.Sprint(i % speakers)}
		for range 10 {
			if s.Float64() < rates[i%speakers] {
				u.Counts.Substitutions++
			} else {
				u.Counts.Correct++
			}
		}
		r.Utterances = append(r.Utterances, u)
	}
	return r
}

func mustInterval(t testing.TB, r *Report, b Bootstrap) Interval {
	t.Helper()
	i, err := r.Interval(b)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// Intervals of 90 % hold the true rate in about 90 % of corpora: 300 corpora have a standard deviation of 1.7 %, and percentile
// intervals of small samples fall a little short.
func TestCoverage(t *testing.T) {
	const corpora, p = 300, .2
	held := 0
	for seed := range uint64(corpora) {
		i := mustInterval(t, randomReport(seed, 60, 1, p, 0), Bootstrap{Resamples: 200, Level: .9, Seed: seed})
		if i.Low <= p && p <= i.High {
			held++
		}
	}
	if share := float64(held) / corpora; share < .83 || share > .95 {
		t.Errorf("%.3f of the intervals hold the rate", share)
	}
}

// The spread of resamples is that of theory: for equally long utterances the standard error of the mean.
func TestIntervalWidth(t *testing.T) {
	r := randomReport(7, 400, 1, .2, 0)
	var sum, squares float64
	for _, u := range r.Utterances {
		sum += u.Counts.Rate()
		squares += u.Counts.Rate() * u.Counts.Rate()
	}
	n := float64(len(r.Utterances))
	deviation := math.Sqrt(squares/n-(sum/n)*(sum/n)) / math.Sqrt(n)
	i := mustInterval(t, r, Bootstrap{Resamples: 10000, Seed: 1})
	if i.Estimate != r.Total().Counts.Rate() || i.Level != .95 || i.Resamples != 10000 || i.Over != "utterance" || i.Drawn != 400 {
		t.Errorf("%+v", i)
	}
	if got, want := i.High-i.Low, 2*1.96*deviation; math.Abs(got/want-1) > .05 {
		t.Errorf("width %g, want %g", got, want)
	}
	// Speakers who differ make intervals over speakers wider than those over utterances.
	r = randomReport(3, 400, 8, .2, .8)
	over := mustInterval(t, r, Bootstrap{Speakers: true})
	if plain := mustInterval(t, r, Bootstrap{}); over.High-over.Low < 1.5*(plain.High-plain.Low) || over.Over != "speaker" || over.Drawn != 8 || over.Estimate != plain.Estimate {
		t.Errorf("over speakers %+v, over utterances %+v", over, plain)
	}
}

func TestBootstrapIsDeterministic(t *testing.T) {
	r := randomReport(1, 50, 5, .3, 0)
	a := mustInterval(t, r, Bootstrap{Seed: 4})
	if b := mustInterval(t, r, Bootstrap{Seed: 4, Resamples: DefaultResamples, Level: .95}); a != b {
		t.Errorf("%+v, again %+v", a, b)
	}
	if c := mustInterval(t, r, Bootstrap{Seed: 5}); a == c {
		t.Error("the seed changes nothing")
	}
	// A resample may draw only utterances without reference; it has no rate and is drawn again.
	sparse := mustInterval(t, &Report{Utterances: []Utterance{{ID: "a"}, {ID: "b", Counts: Counts{Insertions: 1}}, {ID: "c", Counts: Counts{Correct: 4}}}}, Bootstrap{})
	if sparse.Low != 0 || sparse.High != .5 || sparse.Estimate != .25 {
		t.Errorf("%+v", sparse)
	}
	// One unit of resampling has one outcome.
	if one := mustInterval(t, &Report{Utterances: r.Utterances[:1]}, Bootstrap{}); one.Low != one.Estimate || one.High != one.Estimate {
		t.Errorf("%+v", one)
	}
}

func TestCompare(t *testing.T) {
	a, b := randomReport(1, 300, 6, .30, 0), randomReport(2, 300, 6, .20, 0)
	slices.Reverse(b.Utterances) // the order does not matter
	ab, err := a.Compare(b, Bootstrap{Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	if d := ab.Difference; d.Estimate != b.Total().Counts.Rate()-a.Total().Counts.Rate() && math.Abs(d.Estimate-(b.Total().Counts.Rate()-a.Total().Counts.Rate())) > 1e-15 || d.High >= 0 || ab.Improvement != 1 {
		t.Errorf("%+v", ab)
	}
	slices.Reverse(b.Utterances)
	ba, err := b.Compare(a, Bootstrap{Seed: 3})
	if err != nil || ba.Improvement != 0 || ba.Difference.Estimate != -ab.Difference.Estimate || math.Abs(ba.Difference.Low+ab.Difference.High) > 1e-12 {
		t.Errorf("%+v, %v", ba, err)
	}
	same, err := a.Compare(a, Bootstrap{Speakers: true})
	if err != nil || same.Improvement != .5 || same.Difference.Low != 0 || same.Difference.High != 0 {
		t.Errorf("%+v, %v", same, err)
	}
	// A slightly better system: its probability of improvement and that of the other sum to 1.
	c := randomReport(9, 300, 6, .29, 0)
	ac, _ := a.Compare(c, Bootstrap{})
	ca, _ := c.Compare(a, Bootstrap{})
	if ac.Improvement+ca.Improvement != 1 || ac.Improvement == 0 || ac.Improvement == 1 {
		t.Errorf("%g and %g", ac.Improvement, ca.Improvement)
	}

	for name, other := range map[string]*Report{
		"299 utterances":   {Unit: Word, Utterances: a.Utterances[:299]},
		"with chars after": {Unit: Char, Utterances: a.Utterances},
		`["lower"]`:        {Unit: Word, Rules: []string{"lower"}, Utterances: a.Utterances},
	} {
		if _, err := a.Compare(other, Bootstrap{}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	other := randomReport(1, 300, 6, .30, 0)
	other.Utterances[17].Counts.Correct++
	if _, err := a.Compare(other, Bootstrap{}); err == nil || !strings.Contains(err.Error(), `"17"`) {
		t.Error(err)
	}
}

func TestBootstrapRefuses(t *testing.T) {
	r := randomReport(1, 5, 1, .3, 0)
	for _, b := range []Bootstrap{{Resamples: -1}, {Resamples: MaxResamples + 1}, {Level: 1}, {Level: -.5}, {Level: math.NaN()}} {
		if _, err := r.Interval(b); err == nil || !strings.Contains(err.Error(), "resamples") {
			t.Errorf("%+v: %v", b, err)
		}
	}
	if _, err := (&Report{}).Interval(Bootstrap{}); err == nil {
		t.Error("no utterances")
	}
	if _, err := (&Report{Utterances: []Utterance{{ID: "a", Counts: Counts{Insertions: 1}}}}).Interval(Bootstrap{}); err == nil || !strings.Contains(err.Error(), "no reference tokens") {
		t.Error(err)
	}
	r.Utterances[2].Speaker = ""
	if _, err := r.Interval(Bootstrap{Speakers: true}); err == nil || !strings.Contains(err.Error(), `"2" has none`) {
		t.Error(err)
	}
	if got := []float64{quantile([]float64{1, 2, 3, 4, 5}, .5), quantile([]float64{1, 2}, .25), quantile([]float64{7}, .9), quantile([]float64{1, 2}, 1)}; !reflect.DeepEqual(got, []float64{3, 1.25, 7, 2}) {
		t.Error(got)
	}
}

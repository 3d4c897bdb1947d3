package probe

import (
	"math"
	"reflect"
	"runtime"
	"testing"

	"aural/rng"
)

// examples gives each utterance some vectors around the centre of its class, and a shift of its own that its vectors share.
func examples(list []Utterance, vectors, dim int, distance, own float64) *Examples {
	s := rng.At(4, 0, 1)
	e := &Examples{Utterances: list}
	e.Dim = dim
	var centres []float64
	for u, x := range list {
		e.Classes = max(e.Classes, x.Class+1)
		for len(centres) < e.Classes*dim {
			centres = append(centres, distance*s.NormFloat64())
		}
		shift := make([]float64, dim)
		for d := range shift {
			shift[d] = centres[x.Class*dim+d] + own*s.NormFloat64()
		}
		for range vectors {
			for d := range dim {
				e.X = append(e.X, float32(shift[d]+s.NormFloat64()))
			}
			e.Class, e.Unit = append(e.Class, x.Class), append(e.Unit, u)
		}
	}
	return e
}

func TestRun(t *testing.T) {
	e := examples(spoken(4, 10, 1), 1, 8, 3, 0)
	o := DefaultOptions()
	o.HoldOut.By = Recordings
	r, err := Run(e, o)
	if err != nil {
		t.Fatal(err)
	}
	if r.Accuracy() != 1 || r.Train != 0 || r.Held != 8 || r.Trained != 32 || r.Classes != 4 || !r.Converged || r.Error.Drawn != 8 || r.Error.Over != "utterance" {
		t.Errorf("%+v", r)
	}
	if r.Chance != 0.75 {
		t.Errorf("chance %v of four equal classes", r.Chance)
	}
	want := r
	for _, n := range []int{1, 3} {
		old := runtime.GOMAXPROCS(n)
		r, err := Run(e, o)
		runtime.GOMAXPROCS(old)
		if err != nil || !reflect.DeepEqual(r, want) {
			t.Errorf("with %d threads %+v, %v", n, r, err)
		}
	}
	// Labels at random are read as well as chance allows, and the interval knows how many utterances there are, not how many vectors.
	noise := examples(spoken(4, 40, 1), 5, 8, 0, 1)
	r, err = Run(noise, o)
	if err != nil {
		t.Fatal(err)
	}
	if r.Error.Low > 0.75 || r.Error.High < 0.6 || r.Error.Drawn != 32 || r.Held != 160 || r.Error.High-r.Error.Low < 0.1 {
		t.Errorf("of noise %+v", r)
	}
}

// A class that only held-out speakers have cannot be read, and counts as an error. Speakers are drawn where speakers are held out.
func TestRunBySpeaker(t *testing.T) {
	list := spoken(10, 4, 1)
	for i := range list {
		list[i].Class = i % 2
	}
	e := examples(list, 3, 6, 4, 0)
	o := DefaultOptions()
	r, err := Run(e, o)
	if err != nil || r.SplitBy != Speakers || r.Error.Over != "speaker" || r.Error.Drawn != 2 || r.Accuracy() != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	split, _ := o.HoldOut.Split(list)
	for i, u := range e.Unit {
		if u == split.Held[0] {
			e.Class[i] = 2
		}
	}
	e.Classes = 3
	r, err = Run(e, o)
	if want := 1.0 / float64(len(split.Held)); err != nil || math.Abs(r.Error.Estimate-want) > 1e-12 {
		t.Errorf("error %v with a class that training lacks, want %v; %v", r.Error.Estimate, want, err)
	}
}

// Where features are noise with a little signal, a strong penalty is chosen; where they tell everything, a weak one.
func TestChoose(t *testing.T) {
	weak := examples(spoken(2, 30, 1), 1, 60, 0.15, 0)
	strong := examples(spoken(2, 30, 1), 1, 4, 3, 0)
	pick := func(e *Examples) float64 {
		split, err := HoldOut{Share: 0.3, By: Recordings}.Split(e.Utterances)
		if err != nil {
			t.Fatal(err)
		}
		l2, err := Choose(&e.Set, split.Train, split.Held, Grid(), Minimiser{})
		if err != nil {
			t.Fatal(err)
		}
		return l2
	}
	if a, b := pick(weak), pick(strong); !(a > b) || a < 0.1 || b > 1e-2 {
		t.Errorf("penalties %v where there is little to learn and %v where there is much", a, b)
	}
	if _, err := Choose(&weak.Set, nil, []int{1}, Grid(), Minimiser{}); err == nil {
		t.Error("chose without training")
	}
}

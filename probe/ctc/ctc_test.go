package ctc

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"aural/kernels"
	"aural/kernels/cpu"
	"aural/kernels/ref"
	"aural/probe"
	"aural/rng"
	"aural/score"
	"aural/vocab"
)

func backend(t testing.TB, threads int) kernels.Backend {
	be, err := cpu.New(cpu.Options{Threads: threads})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { be.Close() })
	return be
}

// spelt makes utterances of random letters: each lasts some frames around a centre of its own, with noise, and gaps between are around another.
func spelt(t testing.TB, be kernels.Backend, utterances, dim int, noise float64) *Data {
	v, err := vocab.Characters(slices.Values([]string{"abcde"}))
	if err != nil {
		t.Fatal(err)
	}
	s := rng.At(11, 0, 1)
	centres := make([]float64, v.Len()*dim)
	for i := range centres {
		centres[i] = 2 * s.NormFloat64()
	}
	d := &Data{Config: Config{Dim: dim, Classes: v.Len(), Blank: v.Blank(), L2: DefaultL2, Minimiser: DefaultMinimiser(), Backend: be}, Vocabulary: v, Unit: score.Char}
	for u := range utterances {
		var q Sequence
		say := func(class, frames int) {
			for range frames {
				for i := range dim {
					q.Frames = append(q.Frames, float32(centres[class*dim+i]+noise*s.NormFloat64()))
				}
			}
		}
		for range 2 + s.IntN(5) {
			i, _ := v.Index(string(rune('a' + s.IntN(5))))
			q.Target = append(q.Target, int32(i))
			say(i, 2+s.IntN(4))
			say(v.Blank(), 1+s.IntN(3))
		}
		d.Sequences = append(d.Sequences, q)
		d.Utterances = append(d.Utterances, probe.Utterance{Row: u, ID: fmt.Sprint(u), Recording: fmt.Sprint(u), Speaker: "one"})
	}
	return d
}

// Letters that features tell apart are read without error, on utterances that were not trained on; what is noise is not read.
func TestRun(t *testing.T) {
	d := spelt(t, backend(t, 2), 60, 8, 0.5)
	r, err := Run(d, probe.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	if r.Error.Estimate > 0.02 || r.Train > 0.02 || r.Chance != 1 || r.Trained == 0 || r.Held == 0 || r.Error.Drawn != 12 || r.Iterations == 0 {
		t.Errorf("%+v", r)
	}
	noise := spelt(t, d.Backend, 60, 8, 1e4)
	n, err := Run(noise, probe.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	if n.Error.Estimate < 0.6 {
		t.Errorf("noise is read: %+v", n)
	}
	again, err := Run(spelt(t, backend(t, 1), 60, 8, 0.5), probe.DefaultOptions())
	if err != nil || !reflect.DeepEqual(again, r) {
		t.Errorf("with another number of threads %+v, want %+v; %v", again, r, err)
	}
	scaled := spelt(t, d.Backend, 60, 8, 0.5)
	for _, s := range scaled.Sequences {
		for i := range s.Frames {
			s.Frames[i] *= float32(math.Ldexp(1, i%8*2-6))
		}
	}
	if again, err = Run(scaled, probe.DefaultOptions()); err != nil || !reflect.DeepEqual(again, r) {
		t.Errorf("with features in other units %+v, want %+v; %v", again, r, err)
	}
}

// Without a weight of the penalty Run takes the one with the fewest errors on a part of what is trained on: what is held out has no say.
func TestRunChooses(t *testing.T) {
	d := spelt(t, backend(t, 2), 40, 6, 1.5)
	d.L2 = 0
	o := probe.DefaultOptions()
	r, err := Run(d, o)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(Grid(), r.L2) {
		t.Errorf("chose %v, not one of %v", r.L2, Grid())
	}
	split, err := o.HoldOut.Split(d.Utterances)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range split.Held { // nonsense that one weight reads as well as another
		for k := range d.Sequences[i].Frames {
			d.Sequences[i].Frames[k] = float32(k % 7)
		}
	}
	if blind, err := Run(d, o); err != nil || blind.L2 != r.L2 || blind.Train != r.Train {
		t.Errorf("with other held-out frames it chose %v and learned %v, before %v and %v; %v", blind.L2, blind.Train, r.L2, r.Train, err)
	}
	d.L2 = r.L2
	if given, err := Run(d, o); err != nil || given.Train != r.Train {
		t.Errorf("given the weight that was chosen: %+v, %v", given, err)
	}
	d.Utterances, d.Sequences, d.L2 = d.Utterances[:2], d.Sequences[:2], 0
	if few, err := Run(d, o); err != nil || few.L2 != DefaultL2 {
		t.Errorf("two utterances: %+v, %v", few, err)
	}
}

// The gradient along random directions is the slope of the objective, whatever the batches are. float32 leaves four digits.
func TestGradient(t *testing.T) {
	for _, be := range []kernels.Backend{ref.New(), backend(t, 2)} {
		d := spelt(t, be, 7, 5, 1)
		h := &head{Config: d.Config}
		h.L2 = 0.1
		var all []float32
		for _, s := range d.Sequences {
			all = append(all, s.Frames...)
			h.labels += float64(len(s.Target))
		}
		h.fill(d.Sequences, probe.Standardise(all, d.Dim))
		if err := h.allocate(); err != nil {
			t.Fatal(err)
		}
		defer h.free()
		n := (d.Dim + 1) * d.Classes
		theta, g, other := make([]float64, n), make([]float64, n), make([]float64, n)
		s := rng.At(2, 0, 1)
		for i := range theta {
			theta[i] = 0.5 * s.NormFloat64()
		}
		if _, err := h.evaluate(theta, g); err != nil {
			t.Fatal(err)
		}
		for range 5 {
			along, slope := make([]float64, n), 0.0
			for i := range along {
				along[i] = s.NormFloat64()
				slope += along[i] * g[i]
			}
			at := func(by float64) float64 {
				x := slices.Clone(theta)
				for i := range x {
					x[i] += by * along[i]
				}
				v, err := h.evaluate(x, other)
				if err != nil {
					t.Fatal(err)
				}
				return v
			}
			const by = 3e-3
			if got := (at(by) - at(-by)) / (2 * by); math.Abs(got-slope) > 2e-3*(1+math.Abs(slope)) {
				t.Errorf("%s: slope %v, gradient says %v", be.Name(), got, slope)
			}
		}
	}
}

// Many small batches are one large one.
func TestBatches(t *testing.T) {
	d := spelt(t, ref.New(), 30, 6, 0.5)
	h := &head{Config: d.Config}
	var all []float32
	for _, s := range d.Sequences {
		all = append(all, s.Frames...)
	}
	h.fill(d.Sequences, probe.Standardise(all, d.Dim))
	rows, labels := 0, int32(0)
	for i, b := range h.batches {
		rows += b.rows
		if b.rows*b.frames > framesPerBatch && b.rows > 1 || i > 0 && b.frames > h.batches[i-1].frames {
			t.Errorf("batch %d: %+v", i, b.shape)
		}
		for r := range b.rows {
			labels += b.labels[r]
			for k := int(b.lengths[r]) * d.Dim; k < b.frames*d.Dim; k++ {
				if b.x[r*b.frames*d.Dim+k] != 0 {
					t.Fatal("padding is not 0")
				}
			}
		}
	}
	want := int32(0)
	for _, s := range d.Sequences {
		want += int32(len(s.Target))
	}
	if rows != len(d.Sequences) || labels != want {
		t.Errorf("%d rows, %d labels; want %d, %d", rows, labels, len(d.Sequences), want)
	}
}

func TestFitRefuses(t *testing.T) {
	d := spelt(t, ref.New(), 2, 3, 1)
	good := d.Sequences
	for what, f := range map[string]func() ([]Sequence, Config){
		"no utterance": func() ([]Sequence, Config) { return nil, d.Config },
		"blank 9":      func() ([]Sequence, Config) { c := d.Config; c.Blank = 9; return good, c },
		"L2 penalty":   func() ([]Sequence, Config) { c := d.Config; c.L2 = 0; return good, c },
		"has label":    func() ([]Sequence, Config) { return []Sequence{{good[0].Frames, []int32{int32(d.Blank)}}}, d.Config },
		"utterance 1": func() ([]Sequence, Config) {
			return []Sequence{good[0], {good[1].Frames[:9], []int32{5, 5, 5}}}, d.Config
		},
	} {
		list, c := f()
		if _, err := Fit(list, c); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("want an error with %q, got %v", what, err)
		}
	}
}

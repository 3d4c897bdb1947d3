package pretrain

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aural/datasets"
	"aural/encoder"
	"aural/graph"
	"aural/kernels"
	"aural/probe"
	"aural/runlog"
	"aural/train"
	"aural/train/traintest"
)

// probing is a recipe that holds enough of corpus out for a probe.
func probing() Recipe {
	r := quick()
	r.Valid.Seconds = 15
	r.Train.MaxUpdates, r.Train.LogEvery, r.Train.ValidEvery, r.Train.SaveEvery, r.Train.SaveMinutes, r.Train.SnapshotEvery = 7, 1, 2, 3, 0, -1
	r.Train.Keep.Last, r.Train.Schedule = 9, train.ScheduleConfig{Kind: train.Constant, Peak: 1e-3}
	r.Probe.Every = 4
	return r
}

// trained runs a task in a directory and returns its weights and the probes that it logged.
func trained(t *testing.T, p *Task, dir string, from *train.Checkpoint) ([]float32, map[int64]float64) {
	t.Helper()
	traintest.Run(t, p, p.backend, p.recipe.Train, dir, train.Options{Seed: p.recipe.Seed, Resume: from})
	log, err := runlog.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	for more := true; more; {
		if _, more, err = log.Poll(runlog.Budget{}); err != nil {
			t.Fatal(err)
		}
	}
	found := map[int64]float64{}
	steps, values := log.Series("valid/probe/accuracy")
	for i, s := range steps {
		found[s] = values[i]
	}
	if _, chance, ok := log.Last("valid/probe/chance_accuracy"); ok != (len(steps) > 0) || ok && !(chance > 0 && chance < 1) {
		t.Errorf("chance %v, %v", chance, ok)
	}
	return slices.Clone(p.weights.Value.F32()), found
}

// A run with probes has the bits of a run without; probes come with the validations after 4 updates and at the end, and a resumed run logs the same.
func TestProbeDisturbsNothing(t *testing.T) {
	store := corpus(t)
	r := probing()
	dir := filepath.Join(t.TempDir(), "run")
	with, probes := trained(t, task(t, r, store, 2), dir, nil)
	if len(probes) != 2 || probes[4] == 0 || probes[7] == 0 {
		t.Errorf("probes %v, want those of updates 4 and 7", probes)
	}
	from, err := train.Find(dir, "checkpoint-3")
	if err != nil {
		t.Fatal(err)
	}
	again, others := trained(t, task(t, r, store, 1), dir, from)
	if fmt.Sprint(others) != fmt.Sprint(probes) || !slices.Equal(again, with) {
		t.Errorf("resumed, with another number of threads: probes %v, want %v; the same weights: %v", others, probes, slices.Equal(again, with))
	}
	r.Probe.Every = 0
	without, probes := trained(t, task(t, r, store, 2), filepath.Join(t.TempDir(), "run"), nil)
	if len(probes) != 0 {
		t.Errorf("probes %v without probe.every", probes)
	}
	if !slices.Equal(with, without) {
		t.Error("a probe changes the weights of training")
	}
}

// What a probe reads is the mean of the model's own hidden states, without masks.
func TestProbeReadsTheModel(t *testing.T) {
	store := corpus(t)
	for _, norm := range []encoder.ConvNorm{encoder.GroupNorm, encoder.LayerNorm} {
		for _, layer := range []int{2, -1, 3} {
			r := probing()
			r.Encoder.ConvNorm, r.Encoder.PreNorm, r.Encoder.ConvBias = norm, norm == encoder.LayerNorm, norm == encoder.LayerNorm
			r.Probe.Layer = layer
			p := task(t, r, store, 2)
			if _, err := p.prober.run(context.Background(), &p.step); err != nil {
				t.Fatal(err)
			}
			b := p.prober.batches[0]
			shape := Shape{Rows: len(b.Cuts), Samples: b.Length, Masked: 2}
			m, err := Build(r, shape, Mode{Float: kernels.Float32})
			if err != nil {
				t.Fatal(err)
			}
			want := m.Blocks[1]
			if layer == 3 {
				want = m.Blocks[2]
			}
			if layer == 3 && norm == encoder.LayerNorm {
				continue // there the output is after the final norm
			}
			programs := train.NewPrograms(p.arena, p.weights, func(Shape) (*program, error) {
				q, err := m.Plan(p.backend, false, graph.Output{Name: stateOutput, Node: want})
				return &program{Program: q}, err
			})
			q, err := programs.Get(shape)
			if err != nil {
				t.Fatal(err)
			}
			audio := make([]float32, shape.Rows*shape.Samples)
			if err := datasets.Collate(store, b, audio, false); err != nil {
				t.Fatal(err)
			}
			one := []float32{1}
			for name, data := range map[string][]byte{encoder.WaveInput: kernels.BytesOf(audio), MaskInput: make([]byte, shape.Rows*m.Frames),
				MaskedInput: kernels.BytesOf([]int32{0, 1}), DistractorInput: kernels.BytesOf(make([]int32, 2*r.Contrastive.Total())), TempInput: kernels.BytesOf(one),
				DiversityInput: kernels.BytesOf(one), PenaltyInput: kernels.BytesOf(one)} {
				if err := q.Feed(name, data); err != nil {
					t.Fatal(err)
				}
			}
			if err := q.Run(&p.step); err != nil {
				t.Fatal(err)
			}
			states := make([]float32, shape.Rows*m.Frames*r.Encoder.Width)
			if err := q.Read(stateOutput, kernels.BytesOf(states)); err != nil {
				t.Fatal(err)
			}
			for i, c := range b.Cuts {
				for d := range r.Encoder.Width {
					sum := 0.0
					for f := range m.Frames {
						sum += float64(states[(i*m.Frames+f)*r.Encoder.Width+d])
					}
					got := float64(p.prober.examples.At(p.prober.place[c.Row])[d])
					if mean := sum / float64(m.Frames); !(math.Abs(got-mean) <= 1e-5) {
						t.Fatalf("%s, layer %d: feature %d of row %d is %v, want %v", norm, layer, d, c.Row, got, mean)
					}
				}
			}
		}
	}
}

func TestProbeRefuses(t *testing.T) {
	store := corpus(t)
	for _, c := range []struct {
		edit func(r *Recipe)
		want string
	}{
		{func(r *Recipe) { r.Probe.Task = probe.Characters }, "probe.task"},
		{func(r *Recipe) { r.Probe.Seconds = math.NaN() }, "probe.seconds"},
		{func(r *Recipe) { r.Probe.Layer = 4 }, "probe.layer"},
		{func(r *Recipe) { r.Valid.Seconds = 0 }, "valid.seconds is 0"},
	} {
		r := probing()
		c.edit(&r)
		if err := r.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("want an error with %q, got %v", c.want, err)
		}
	}
	r := probing()
	r.Probe.Task = probe.Label
	rows, _ := store.View()
	p := task(t, probing(), store, 1)
	if _, err := New(r, store, rows, rows, p.backend); err == nil || !strings.Contains(err.Error(), "probe.task") {
		t.Errorf("labels without transcripts: %v", err)
	}
}

package health

import (
	"maps"
	"math"
	"slices"
	"time"

	"aural/reference"
	"aural/runlog"
)

// fake is a log made for a test.
type fake struct {
	steps  map[string][]int64
	values map[string][]float64
	rate   float64 // updates in a second
	times  map[string][]float64
}

func newFake() *fake {
	return &fake{steps: map[string][]int64{}, values: map[string][]float64{}, times: map[string][]float64{}, rate: 1}
}

func (f *fake) Dir() string     { return "fake" }
func (f *fake) Names() []string { return slices.Sorted(maps.Keys(f.steps)) }

func (f *fake) Series(name string) ([]int64, []float64) { return f.steps[name], f.values[name] }

// Elapsed is computed once for a log that does not grow.
func (f *fake) Elapsed(name string) []float64 {
	t := f.times[name]
	if len(t) != len(f.steps[name]) {
		t = make([]float64, len(f.steps[name]))
		for i, s := range f.steps[name] {
			t[i] = float64(s) / f.rate
		}
		f.times[name] = t
	}
	return t
}

func (f *fake) Last(name string) (int64, float64, bool) {
	n := len(f.steps[name])
	if n == 0 {
		return 0, 0, false
	}
	return f.steps[name][n-1], f.values[name][n-1], true
}

func (f *fake) add(step int64, values map[string]float64) {
	for name, v := range values {
		f.steps[name] = append(f.steps[name], step)
		f.values[name] = append(f.values[name], v)
	}
}

// set replaces the values of a series from an update on.
func (f *fake) set(name string, from int64, value func(step int64) float64) {
	for i, s := range f.steps[name] {
		if s >= from {
			f.values[name][i] = value(s)
		}
	}
}

func constant(v float64) func(int64) float64 { return func(int64) float64 { return v } }

// published is a run of the published task as the publications describe it, with a record for every so many updates: the accuracy and perplexity
// in the middle of their bands, and a valley. The loss is not published; it follows the accuracy here.
func published(batch float64, updates, every int64) *fake {
	f := newFake()
	accuracy, _ := reference.For("accuracy", batch, 0)
	perplexity, _ := reference.For("prob_perplexity", batch, 0)
	early := reference.EarlyShape(batch)
	for step := every; step <= updates; step += every {
		p, ok := middle(perplexity, step)
		if !ok {
			p = 400 // before 100 updates
			if step > 100 {
				p = 27
			}
		}
		a, ok := middle(accuracy, step)
		if !ok { // before the table begins
			a = 1 / 101.0
			if step >= early.LeavesChance/2 {
				first, _ := middle(accuracy, accuracy.Steps[0])
				a = max(a, first*math.Log(float64(step)/float64(early.LeavesChance/2))/math.Log(float64(accuracy.Steps[0])/float64(early.LeavesChance/2)))
			}
		}
		norm := 1 + .3*math.Sin(float64(step))
		code := p * .9
		duplicates := min(1, 4/(code*code)*3)
		loss := math.Log1p(100*(1-duplicates)) * (1 - 1.1*max(0, a-.0099))
		f.add(step, map[string]float64{
			"train/loss": loss + .1*(640-p)/640, "train/contrastive_loss": loss, "train/accuracy": a, "train/chance_loss": math.Log(101),
			"train/chance_accuracy": 1 / 101.0, "train/prob_perplexity": p, "train/code_perplexity": code, "train/code_perplexity/0": code / 2,
			"train/code_perplexity/1": code / 2, "train/max_perplexity": 640, "train/duplicate_distractors": duplicates, "train/mask_run": 14.7,
			"train/gradient_norm": norm, "train/audio_seconds": batch, "train/skipped_steps": 0, "train/learning_rate": 5e-4 * min(float64(step)/32e3, (432e3-float64(step))/400e3),
		})
		f.add(step, map[string]float64{"system/data_wait": .01, "system/time/step": 1000, "system/time/data": 10})
		if step%(20*every) == 0 {
			f.add(step, map[string]float64{"valid/contrastive_loss": loss, "valid/accuracy": a, "valid/prob_perplexity": p, "valid/code_perplexity": code})
		}
	}
	return f
}

func middle(b reference.Band, step int64) (float64, bool) {
	low, high, ok := b.At(step)
	return (low + high) / 2, ok
}

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// input examines a fake as a run that lives.
func (f *fake) input() Input {
	step, _, _ := f.Last("train/loss")
	s := runlog.State{Version: 1, Status: runlog.Running, Step: step, TotalSteps: 400_000, Time: noon, StepTime: noon, Host: "trainer", PID: 1234}
	return Input{Curves: f, State: s, Status: runlog.Running, Now: noon}
}

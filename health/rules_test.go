package health

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"aural/runlog"
)

// A run as published is healthy at every point, at every batch size that is published, also in its valley and while it is at chance.
func TestPublishedRunsAreHealthy(t *testing.T) {
	for _, batch := range []float64{87.5, 150, 300, 1200, 5600} {
		f := published(batch, 400_000, 200)
		for _, until := range []int64{0, 200, 400, 600, 1000, 1200, 1600, 2000, 3000, 4000, 6000, 8000, 10_000, 15_000, 20_000, 40_000, 60_000, 100_000, 200_000, 400_000} {
			r := Examine(f.cut(until).input())
			if r.Level != Healthy {
				t.Errorf("batch of %v s at update %d: %+v", batch, until, r.Findings)
			}
			for _, n := range r.Findings {
				if n.Rule != "small-batch" || batch >= batchGood.Value {
					t.Errorf("batch of %v s at update %d: note %+v", batch, until, n)
				}
			}
		}
	}
}

// cut is the log as it was at an update.
func (f *fake) cut(until int64) *fake {
	out := newFake()
	out.rate = f.rate
	for name, steps := range f.steps {
		n, _ := slices.BinarySearch(steps, until+1)
		if n > 0 {
			out.steps[name], out.values[name] = steps[:n], f.values[name][:n]
		}
	}
	return out
}

func TestNothingToJudge(t *testing.T) {
	for name, in := range map[string]Input{
		"empty": {}, "no records": {Curves: newFake()}, "no records yet": newFake().input(), "one record": published(300, 50, 50).input(),
	} {
		r := Examine(in)
		if r.Level != Healthy || len(r.Findings) > 0 || r.Summary != "nothing to judge yet" {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// signs are synthetic logs, each with the signature of a rule.
var signs = []struct {
	rule  string
	level Level
	since int64 // -1: any
	make  func() Input
}{
	{"uniform-death", Broken, 60_200, func() Input {
		f := published(1200, 80_000, 200)
		f.set("train/contrastive_loss", 60_200, constant(math.Log(101)))
		f.set("train/duplicate_distractors", 60_200, constant(0))
		f.set("train/prob_perplexity", 60_200, constant(639.979))
		f.set("train/gradient_norm", 60_200, constant(0))
		f.set("train/accuracy", 60_200, func(s int64) float64 { return .2 + .6*float64(s%3)/2 })
		return f.input()
	}},
	{"uniform-death", Broken, 60_200, func() Input { // imported from fairseq, which logs no number of entries
		f := published(1200, 80_000, 200)
		f.set("train/contrastive_loss", 60_200, constant(math.Log(101)))
		f.set("train/prob_perplexity", 60_200, constant(639.979))
		f.set("train/gradient_norm", 60_200, constant(0))
		return Input{Curves: f.without("max_perplexity", "chance_loss", "duplicate_distractors", "mask_run", "audio_seconds")}
	}},
	{"uniform-death", Broken, 60_200, func() Input { // imported from transformers, which logs the diversity loss
		f := published(1200, 80_000, 200)
		f.set("train/contrastive_loss", 60_200, constant(math.Log(101)))
		f.set("train/prob_perplexity", 60_200, constant(199.9))
		f.set("train/gradient_norm", 60_200, constant(0))
		for _, step := range f.steps["train/loss"] {
			f.add(step, map[string]float64{"train/diversity_loss": .0005})
		}
		return Input{Curves: f.without("max_perplexity", "chance_loss", "duplicate_distractors", "mask_run", "audio_seconds")}
	}},
	{"single-code", Broken, 5_000, func() Input {
		f := published(1200, 20_000, 200)
		for name, v := range map[string]float64{"contrastive_loss": 0, "duplicate_distractors": 1, "prob_perplexity": 2, "code_perplexity": 2, "gradient_norm": 1e-18, "accuracy": 1} {
			f.set("train/"+name, 5_000, constant(v))
		}
		return f.input()
	}},
	{"soft-hard-split", Broken, 12_000, func() Input {
		f := published(1200, 80_000, 200)
		f.set("valid/prob_perplexity", 12_000, constant(602.7))
		f.set("valid/code_perplexity", 12_000, constant(23.8))
		return f.input()
	}},
	{"soft-hard-split", Watch, 12_000, func() Input {
		f := published(1200, 80_000, 200)
		f.set("valid/prob_perplexity", 12_000, constant(500))
		f.set("valid/code_perplexity", 12_000, constant(90))
		return f.input()
	}},
	{"dead-codes", Watch, -1, func() Input {
		f := published(1200, 80_000, 200)
		in := f.input()
		for i := range 20 {
			c := &runlog.Codebook{Groups: 2, Entries: 320, Counts: make([]int64, 640), Updates: 100}
			for k := range c.Counts {
				if k%320 < 100 {
					c.Counts[k] = 50
				}
			}
			in.Codebooks = append(in.Codebooks, runlog.Snapshot{Step: int64(78_000 + 100*i), Codebook: c})
		}
		return in
	}},
	{"perplexity-reversal", Healthy, -1, func() Input {
		f := published(1200, 300_000, 200)
		f.set("train/prob_perplexity", 250_000, constant(180))
		return f.input()
	}},
	{"at-chance", Watch, -1, func() Input { return stuck(1200, 2_000) }},
	{"at-chance", Broken, -1, func() Input { return stuck(1200, 6_000) }},
	{"fell-to-chance", Broken, 60_200, func() Input {
		f := published(1200, 80_000, 200)
		f.set("train/contrastive_loss", 60_200, constant(4.61))
		f.set("train/accuracy", 60_200, constant(.012))
		return f.input()
	}},
	{"late-divergence", Watch, 60_200, func() Input {
		f := published(1200, 80_000, 200)
		f.set("train/contrastive_loss", 60_200, constant(4))
		f.set("train/accuracy", 60_200, constant(.2))
		return f.input()
	}},
	{"shortcut", Broken, 1_000, func() Input {
		f := published(1200, 10_000, 200)
		f.set("train/contrastive_loss", 1_000, constant(.0013))
		f.set("train/accuracy", 1_000, constant(1))
		return f.input()
	}},
	{"shortcut", Watch, 200_000, func() Input {
		f := published(1200, 300_000, 200)
		f.set("train/contrastive_loss", 200_000, constant(.02))
		f.set("train/accuracy", 200_000, constant(.99))
		return f.input()
	}},
	{"overfit", Watch, -1, func() Input {
		f := published(1200, 80_000, 200)
		f.set("valid/contrastive_loss", 40_000, func(s int64) float64 { return 2.9 + float64(s-40_000)/40_000 })
		f.set("train/contrastive_loss", 40_000, func(s int64) float64 { return 2.2 - float64(s-40_000)/40_000 })
		return f.input()
	}},
	{"warm-up", Watch, 200, func() Input {
		f := published(1200, 20_000, 200)
		in := f.input()
		in.State.TotalSteps = 30_000
		return in
	}},
	{"small-batch", Watch, 200, func() Input {
		f := published(1200, 2_000, 200)
		f.set("train/audio_seconds", 0, constant(20))
		return f.input()
	}},
	{"small-batch", Watch, 200, func() Input {
		f := published(1200, 2_000, 200)
		f.set("train/audio_seconds", 0, constant(2))
		f.set("train/mask_run", 0, constant(3.6))
		f.set("train/max_perplexity", 0, constant(80))
		f.set("train/prob_perplexity", 0, constant(60))
		f.set("train/code_perplexity", 0, constant(50))
		return f.input()
	}},
	{"non-finite", Broken, 9_800, func() Input {
		f := published(1200, 10_000, 200)
		f.set("train/loss", 9_800, constant(math.NaN()))
		return f.input()
	}},
	{"non-finite", Broken, 20_000, func() Input { // imported, with the infinity of a scaled loss
		f := published(1200, 20_000, 200)
		f.set("train/loss", 20_000, constant(math.Inf(1)))
		return Input{Curves: f}
	}},
	{"non-finite", Watch, 9_600, func() Input {
		f := published(1200, 10_000, 200)
		f.set("train/skipped_steps", 9_600, func(s int64) float64 { return float64(s-9_400) / 10 })
		return f.input()
	}},
	{"non-finite", Broken, 9_992, func() Input {
		in := published(1200, 10_000, 200).input()
		for i := range int64(10) {
			in.Events = append(in.Events, runlog.Event{Step: 9_991 + i, Kind: runlog.Alert, Severity: runlog.Warning,
				Message: fmt.Sprintf("update skipped: its loss is NaN (%d in a row, 10 allowed)", i+1), Data: map[string]string{"rule": "non-finite"}})
		}
		in.Events[0].Step = 9_900 // survived
		in.Status, in.State.Status, in.State.Message = runlog.Failed, runlog.Failed, "train: the last 10 updates had no finite loss"
		return in
	}},
	{"non-finite", Healthy, 9_800, func() Input {
		f := published(1200, 10_000, 200)
		f.set("train/skipped_steps", 9_800, constant(2))
		return f.input()
	}},
	{"gradient-explosion", Broken, 79_000, func() Input {
		f := published(1200, 80_000, 200)
		f.set("train/gradient_norm", 79_000, constant(300))
		return f.input()
	}},
	{"gradient-explosion", Watch, 78_600, func() Input {
		f := published(1200, 80_000, 200)
		f.set("train/gradient_norm", 78_600, func(s int64) float64 {
			if s%600 == 0 {
				return math.Inf(1)
			}
			return 1
		})
		return f.input()
	}},
	{"gradient-zero", Broken, 70_000, func() Input {
		f := published(1200, 80_000, 200)
		f.set("train/gradient_norm", 70_000, constant(1e-9))
		return f.input()
	}},
	{"data-stall", Watch, 79_000, func() Input {
		f := published(1200, 80_000, 200)
		f.set("system/data_wait", 79_000, constant(.4))
		f.set("system/time/data", 79_000, constant(400))
		return f.input()
	}},
	{"disk", Watch, 80_000, func() Input { return withHost(map[string]float64{"disk_free": 5e9}, 2e9) }},
	{"disk", Broken, 80_000, func() Input { return withHost(map[string]float64{"disk_free": 1.5e9}, 2e9) }},
	{"disk", Watch, 80_000, func() Input { return withHost(map[string]float64{"disk_free": 9e8}, 0) }},
	{"memory", Watch, 80_000, func() Input {
		return withHost(map[string]float64{"memory_available": 3e9, "memory_limit": 128e9}, 0)
	}},
	{"damaged-log", Watch, -1, func() Input {
		in := published(1200, 80_000, 200).input()
		in.Damage.Lines = 40
		return in
	}},
	{"damaged-log", Watch, -1, func() Input {
		in := published(1200, 80_000, 200).input()
		in.State.Dropped = 1
		return in
	}},
	{"damaged-log", Healthy, -1, func() Input {
		in := published(1200, 80_000, 200).input()
		in.Damage.Lines = 1
		return in
	}},
	{"silent", Broken, 80_000, func() Input {
		in := published(1200, 80_000, 200).input()
		in.Now, in.Status = noon.Add(10*time.Minute), runlog.Crashed
		return in
	}},
	{"silent", Watch, 80_000, func() Input {
		in := published(1200, 80_000, 200).input()
		in.Now = noon.Add(time.Minute)
		return in
	}},
	{"silent", Watch, 80_000, func() Input {
		in := published(1200, 80_000, 200).input()
		in.State.StepTime = noon.Add(-time.Hour)
		return in
	}},
	{"paused", Healthy, 80_000, func() Input {
		in := published(1200, 80_000, 200).input()
		in.State.Paused, in.Status = true, runlog.Paused
		in.State.StepTime = noon.Add(-time.Hour)
		return in
	}},
	{"failed", Broken, 80_000, func() Input {
		in := published(1200, 80_000, 200).input()
		in.State.Status, in.Status, in.State.Message = runlog.Failed, runlog.Failed, "read shard: input/output error"
		return in
	}},
	{"time-limit", Watch, 80_000, func() Input {
		in := published(1200, 80_000, 200).input()
		in.State.JobEnd, in.State.ETASeconds = noon.Add(time.Hour), 7200
		return in
	}},
}

// without leaves series out.
func (f *fake) without(names ...string) *fake {
	for _, name := range names {
		delete(f.steps, "train/"+name)
		delete(f.values, "train/"+name)
	}
	return f
}

// stuck is a run that has learnt nothing.
func stuck(batch float64, updates int64) Input {
	f := published(batch, updates, 50)
	f.set("train/contrastive_loss", 0, constant(4.61))
	f.set("train/duplicate_distractors", 0, constant(.001))
	f.set("train/accuracy", 0, constant(.011))
	return f.input()
}

func withHost(values map[string]float64, checkpoint int64) Input {
	f := published(1200, 80_000, 200)
	for name, v := range values {
		f.add(80_000, map[string]float64{"host/" + name: v})
	}
	in := f.input()
	in.CheckpointBytes = checkpoint
	return in
}

func TestSigns(t *testing.T) {
	shown := map[string]Level{}
	for i, s := range signs {
		r := Examine(s.make())
		if r.Level != s.level || len(r.Findings) != 1 {
			t.Errorf("sign %d, %s: %v with %+v, want %v and one finding", i, s.rule, r.Level, r.Findings, s.level)
			continue
		}
		f := r.Findings[0]
		if f.Rule != s.rule || f.Level != s.level || s.since >= 0 && f.Since != s.since {
			t.Errorf("sign %d: %s, %v since %d; want %s, %v since %d", i, f.Rule, f.Level, f.Since, s.rule, s.level, s.since)
		}
		if f.Title == "" || f.Evidence == "" || f.Advice == "" || strings.Contains(f.Evidence+f.Title, "%!") || strings.Contains(f.Evidence, "NaN") && s.rule != "non-finite" {
			t.Errorf("sign %d, %s: incomplete: %+v", i, s.rule, f)
		}
		if !strings.HasPrefix(r.Summary, f.Title) {
			t.Errorf("sign %d: summary %q", i, r.Summary)
		}
		shown[s.rule] = max(shown[s.rule], s.level)
	}
	for _, rule := range Rules() {
		if level, ok := shown[rule.Name]; !ok || level != rule.Level {
			t.Errorf("rule %s: no log shows its level %v", rule.Name, rule.Level)
		}
	}
}

// The table is complete, and what one rule explains exists.
func TestRules(t *testing.T) {
	names := map[string]bool{}
	for _, r := range Rules() {
		if r.Name == "" || names[r.Name] || r.Title == "" || r.Description == "" || r.check == nil {
			t.Errorf("rule %q is incomplete or double", r.Name)
		}
		names[r.Name] = true
		for _, l := range r.Limits {
			if l.Name == "" || l.Reason == "" || !(l.Value > 0) {
				t.Errorf("rule %s: limit %+v", r.Name, l)
			}
		}
	}
	for _, r := range Rules() {
		for _, e := range r.explains {
			if !names[e] {
				t.Errorf("rule %s explains %s, which does not exist", r.Name, e)
			}
		}
	}
}

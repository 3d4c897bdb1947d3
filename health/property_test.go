package health

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"testing"
	"time"

	"aural/runlog"

	"pgregory.net/rapid"
)

// randomLog draws a log of any series with any values.
func randomLog(t *rapid.T) *fake {
	names := []string{"loss", "contrastive_loss", "accuracy", "chance_loss", "prob_perplexity", "code_perplexity", "code_perplexity/0", "code_perplexity/1", "max_perplexity",
		"duplicate_distractors", "mask_run", "gradient_norm", "audio_seconds", "skipped_steps", "learning_rate", "data_wait", "time/step", "disk_free", "memory_available", "memory_limit"}
	value := rapid.OneOf(rapid.Float64(), rapid.Float64Range(0, 5), rapid.SampledFrom([]float64{0, 1, math.NaN(), math.Inf(1), math.Inf(-1), -1, 1e-18, 640, math.MaxFloat64}))
	f := newFake()
	for _, kind := range []string{"train", "valid", "system", "host"} {
		for _, name := range names {
			if !rapid.Bool().Draw(t, "logged") {
				continue
			}
			step := int64(0)
			n := rapid.SampledFrom([]int{1, 4, 5, 11, 40}).Draw(t, "records")
			level := value.Draw(t, "level")
			noisy := rapid.Bool().Draw(t, "noisy")
			for range n {
				step += int64(rapid.SampledFrom([]int{0, 1, 10, 200}).Draw(t, "gap"))
				v := level
				if noisy {
					v = value.Draw(t, "value")
				}
				f.add(step, map[string]float64{kind + "/" + name: v})
			}
		}
	}
	return f
}

// No log makes an examination panic, and reports are well formed, equal for equal input, and survive JSON.
func TestAnyLog(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := Input{Curves: randomLog(t)}
		in.Status = rapid.SampledFrom([]runlog.Status{"", runlog.Running, runlog.Paused, runlog.Stopped, runlog.Finished, runlog.Failed, runlog.Crashed}).Draw(t, "status")
		if in.Status != "" {
			in.State = runlog.State{Status: in.Status, Step: rapid.Int64Range(0, 500).Draw(t, "step"), TotalSteps: rapid.Int64Range(0, 500).Draw(t, "total"),
				ETASeconds: rapid.Float64().Draw(t, "eta"), Time: noon, StepTime: noon, JobEnd: noon}
			in.Now = noon.Add(time.Duration(rapid.Int64().Draw(t, "now")))
		}
		for range rapid.IntRange(0, 3).Draw(t, "codebooks") {
			groups, entries := rapid.IntRange(0, 2).Draw(t, "groups"), rapid.IntRange(0, 4).Draw(t, "entries")
			in.Codebooks = append(in.Codebooks, runlog.Snapshot{Codebook: &runlog.Codebook{Groups: groups, Entries: entries,
				Counts: make([]int64, rapid.SampledFrom([]int{groups * entries, 3}).Draw(t, "counts")), Updates: 300}})
		}
		in.Events = []runlog.Event{{Kind: runlog.Alert, Data: map[string]string{"rule": "non-finite"}}, {Kind: runlog.Alert}}
		r := Examine(in)
		if again := Examine(in); !reflect.DeepEqual(r, again) {
			t.Fatalf("%+v, then %+v", r, again)
		}
		worst := Healthy
		for i, f := range r.Findings {
			rule := ruleNamed(f.Rule)
			if rule.Name == "" || f.Level > rule.Level || f.Title == "" || f.Evidence == "" || f.Advice == "" || !slices.Contains(r.Rules, f.Rule) {
				t.Fatalf("bad finding %+v", f)
			}
			if i > 0 && f.Level > r.Findings[i-1].Level {
				t.Fatalf("findings out of order: %+v", r.Findings)
			}
			worst = max(worst, f.Level)
		}
		if r.Level != worst || r.Summary == "" {
			t.Fatalf("level %v with %+v", r.Level, r.Findings)
		}
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var back Report
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatal(err)
		}
		if again, err := json.Marshal(back); err != nil || !bytes.Equal(text, again) {
			t.Fatalf("%s comes back as %s, %v", text, again, err)
		}
	})
}

// A run that is scaled in no way but has more records, or fewer, gets the same verdict: rules do not depend on how often a run logs.
func TestLoggingRate(t *testing.T) {
	for _, every := range []int64{25, 50, 100, 200} {
		f := published(1200, 20_000, every)
		f.set("train/contrastive_loss", 12_000, constant(4.61))
		f.set("train/accuracy", 12_000, constant(.012))
		r := Examine(f.input())
		if len(r.Findings) != 1 || r.Findings[0].Rule != "fell-to-chance" || r.Findings[0].Since != 12_000 {
			t.Errorf("a record every %d updates: %+v", every, r)
		}
		if r := Examine(f.cut(11_900).input()); r.Level != Healthy {
			t.Errorf("a record every %d updates, before: %+v", every, r)
		}
	}
}

func TestLevelText(t *testing.T) {
	for _, l := range []Level{Healthy, Watch, Broken} {
		text, _ := l.MarshalText()
		var back Level
		if err := back.UnmarshalText(text); err != nil || back != l {
			t.Errorf("%v: %v, %v", l, back, err)
		}
	}
	var l Level
	if err := l.UnmarshalText([]byte("sick")); err == nil {
		t.Error("unknown level accepted")
	}
}

// One verdict a second on a long log must cost next to nothing.
func BenchmarkExamine(b *testing.B) {
	for _, c := range []struct {
		name  string
		every int64
	}{{"20000", 20}, {"200000", 2}} {
		in := published(1200, 400_000, c.every).input()
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Examine(in)
			}
		})
	}
}

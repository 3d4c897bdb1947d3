package train

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestRetention(t *testing.T) {
	score := func(x float64) *Score { return &Score{Number(x), "lower"} }
	all := []saved{{1, score(5)}, {2, nil}, {3, score(2)}, {4, score(math.NaN())}, {5, score(2)}, {6, score(9)}, {7, nil}, {8, score(3)}}
	for _, c := range []struct {
		keep Keep
		stay []uint64
	}{
		{Keep{Last: 1}, []uint64{8}},
		{Keep{Last: 3}, []uint64{6, 7, 8}},
		{Keep{Last: 1, Best: 1}, []uint64{3, 8}}, // of equal ones the older
		{Keep{Last: 1, Best: 3}, []uint64{3, 5, 8}},
		{Keep{Last: 1, Every: 2}, []uint64{2, 4, 6, 8}},
		{Keep{Last: 1, Best: 6}, []uint64{1, 3, 4, 5, 6, 8}}, // NaN is the worst
		{Keep{Last: 100}, []uint64{1, 2, 3, 4, 5, 6, 7, 8}},
	} {
		k := keeper{keep: c.keep, all: all}
		doomed := k.doomed()
		var stay []uint64
		for _, s := range all {
			if !slices.Contains(doomed, s.update) {
				stay = append(stay, s.update)
			}
		}
		if !slices.Equal(stay, c.stay) {
			t.Errorf("%+v keeps %v, want %v", c.keep, stay, c.stay)
		}
	}
}

// The newest checkpoint and the best one are never removed, and no more stay than the rules ask for.
func TestRetentionNeverRemovesTheNewestOrBest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		better := rapid.SampledFrom([]string{"lower", "higher"}).Draw(t, "better")
		k := keeper{keep: Keep{Last: rapid.IntRange(1, 4).Draw(t, "last"), Best: rapid.IntRange(1, 3).Draw(t, "best")}}
		best := math.NaN()
		for u := range uint64(rapid.IntRange(1, 20).Draw(t, "checkpoints")) {
			s := Score{Number(rapid.IntRange(0, 9).Draw(t, "score")), better}
			x := float64(s.Value)
			improves := math.IsNaN(best) || better == "lower" && x < best || better == "higher" && x > best
			if improves {
				best = x
				if !k.wants(s) {
					t.Fatalf("the best score so far, %v, asks for no checkpoint", x)
				}
			}
			k.all = append(k.all, saved{u, &s})
			for _, d := range k.doomed() {
				if d == u {
					t.Fatalf("the newest checkpoint would be removed")
				}
				k.forget(d)
			}
			if float64(k.ranked()[0].score.Value) != best {
				t.Fatalf("the best of %v is gone", best)
			}
			if len(k.all) > k.keep.Last+k.keep.Best {
				t.Fatalf("%d checkpoints stay", len(k.all))
			}
		}
	})
}

// A whole run: validations among the best save checkpoints of their own, and the links follow.
func TestBestCheckpointsStay(t *testing.T) {
	r := newRegression(t, testBackend(t), 8, false)
	scores := map[uint64]float64{3: 5, 6: 4, 9: 7, 12: 6, 15: 4.5, 18: 9, 20: 8}
	r.valid = func(u uint64) float64 { return scores[u] }
	cfg := testConfig(20)
	cfg.ValidEvery, cfg.SaveEvery = 3, 8
	cfg.Keep = Keep{Last: 1, Best: 2, Every: 16}
	dir := finished(t, r, cfg)
	// Saved: 3, 6 (best so far), 8, 15 (second best), 16, 20.
	if got, want := checkpoints(t, dir), []string{"checkpoint-6", "checkpoint-15", "checkpoint-16", "checkpoint-20"}; !slices.Equal(got, want) {
		t.Errorf("checkpoints %v, want %v", got, want)
	}
	for name, want := range map[string]uint64{"last": 20, "best": 6} {
		if c, err := Find(dir, name); err != nil || c.State.Position.Update != want {
			t.Errorf("%s: %+v, %v; want update %d", name, c, err, want)
		}
	}
	if c, _ := Find(dir, "best"); c.State.Score == nil || c.State.Score.Value != 4 || c.State.Score.Better != "lower" {
		t.Errorf("the best checkpoint has score %+v", c.State.Score)
	}
	// What is known about the checkpoints is read back by the next process.
	k, err := newKeeper(dir, cfg.Keep)
	if err != nil || fmt.Sprint(k.doomed()) != "[]" || k.ranked()[0].update != 6 {
		t.Errorf("read back %+v, %v", k, err)
	}
	// Continuing from the best makes it the newest, and both links follow.
	c, err := Find(dir, "best")
	if err != nil {
		t.Fatal(err)
	}
	k, err = newKeeper(dir, cfg.Keep)
	if err != nil {
		t.Fatal(err)
	}
	if aside, err := k.rewind(c.State.Position.Update); err != nil || len(aside) != 3 {
		t.Errorf("set aside %v, %v", aside, err)
	}
	for _, name := range []string{"last", "best"} {
		if target, err := os.Readlink(filepath.Join(dir, name)); err != nil || target != "checkpoint-6" {
			t.Errorf("%s leads to %q, %v", name, target, err)
		}
	}
}

// Saving by time: with a pause of next to nothing, every update saves.
func TestSaveByTime(t *testing.T) {
	cfg := testConfig(4)
	cfg.SaveEvery, cfg.SaveMinutes, cfg.Keep.Last = 0, 1e-9, 9
	dir := finished(t, newRegression(t, testBackend(t), 8, false), cfg)
	if got := checkpoints(t, dir); len(got) != 4 {
		t.Errorf("checkpoints %v, want four", got)
	}
}

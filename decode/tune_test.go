package decode

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestTune(t *testing.T) {
	g := DefaultGrid()
	setup := map[string]string{"model": "a", "lm": "b"}
	bowl := func(alpha, beta float64) (float64, error) {
		return math.Abs(alpha-0.91)*3 + math.Abs(beta+1.3), nil
	}
	best, trials, err := Tune(g, "", setup, bowl)
	if err != nil || math.Abs(best.Alpha-0.91) > 0.06 || math.Abs(best.Beta+1.3) > 0.15 {
		t.Fatalf("best %+v, %v, want near alpha 0.91, beta -1.3", best, err)
	}

	level, _, err := Tune(g, "", setup, func(_, _ float64) (float64, error) { return 1, nil })
	if err != nil || level.Alpha != g.AlphaMin || level.Beta != g.BetaMin {
		t.Errorf("of equal values %+v wins, %v, want the first", level, err)
	}

	// The search breaks off after some trials, goes on from its file, and ends the same.
	path := filepath.Join(t.TempDir(), "trials.json")
	stop, calls := errors.New("stop"), 0
	counted := func(limit int) func(alpha, beta float64) (float64, error) {
		return func(alpha, beta float64) (float64, error) {
			if calls++; calls > limit {
				return 0, stop
			}
			return bowl(alpha, beta)
		}
	}
	if _, part, err := Tune(g, path, setup, counted(40)); !errors.Is(err, stop) || len(part) != 40 {
		t.Fatalf("stopped search: %d trials, %v", len(part), err)
	}
	calls = 0
	again, all, err := Tune(g, path, setup, counted(1000))
	if err != nil || again != best || !slices.Equal(all, trials) || calls != len(trials)-40 {
		t.Fatalf("resumed search: best %+v, %d trials, %d evaluated, %v; want %+v, %d, %d", again, len(all), calls, err, best, len(trials), len(trials)-40)
	}
	calls = 0
	if again, _, err = Tune(g, path, setup, counted(0)); err != nil || again != best {
		t.Fatalf("finished search evaluates again: %+v, %v", again, err)
	}

	for what, other := range map[string]map[string]string{`of lm "b", not of "c"`: {"model": "a", "lm": "c"}, `of model "a", not of ""`: {"lm": "b"},
		`of beam "", not of "5"`: {"model": "a", "lm": "b", "beam": "5"}, `of lm "b", not of ""`: nil} {
		if _, _, err := Tune(g, path, other, bowl); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("file of another setup: error %v, want %s", err, what)
		}
	}

	g.Rounds++
	calls = 0
	if _, more, err := Tune(g, path, setup, counted(1000)); err != nil || calls == 0 || calls != len(more)-len(trials) || !slices.Equal(more[:len(trials)], trials) {
		t.Errorf("one round more evaluates %d, %v", calls, err)
	}
	g.Steps++
	if _, _, err := Tune(g, path, setup, bowl); err == nil || !strings.Contains(err.Error(), "remove the file") {
		t.Errorf("file of another grid: error %v", err)
	}
	if err := os.WriteFile(path, []byte(`{"grid":`), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Tune(g, path, setup, bowl); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("broken file: error %v", err)
	}
	if _, _, err := Tune(g, "", setup, func(_, _ float64) (float64, error) { return math.NaN(), nil }); err == nil {
		t.Error("a value that is NaN is taken")
	}
}

func FuzzReadTuning(f *testing.F) {
	f.Add([]byte(`{"grid":{"alpha_min":0,"steps":3},"trials":[{"alpha":1,"beta":-1,"value":0.25}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := readTuning(data)
		if err != nil && (s.Grid != Grid{} || s.Trials != nil) {
			t.Errorf("error %v with trials %+v", err, s)
		}
	})
}

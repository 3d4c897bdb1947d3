package datasets

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestSplitProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		speakers := rapid.IntRange(1, 30).Draw(t, "speakers")
		lengths := rapid.SliceOfN(rapid.IntRange(400, 500_000), 1, 200).Draw(t, "lengths")
		rows := make([]row, len(lengths))
		for i, n := range lengths {
			rows[i] = row{i, n, fmt.Sprint("s", rapid.IntRange(0, speakers-1).Draw(t, "speaker"))}
		}
		view := makeView(rows)
		cfg := SplitConfig{Seed: rapid.Uint64().Draw(t, "seed"), Fraction: rapid.Float64Range(0.01, 0.6).Draw(t, "fraction"),
			Mode: rapid.SampledFrom([]SplitMode{"", SplitAuto, SplitSpeakers, SplitUtterances}).Draw(t, "mode")}
		held, err := Split(view, cfg)
		if err != nil {
			if view.Len() > 1 && cfg.Mode == SplitUtterances || cfg.Mode == SplitAuto && view.Speakers() >= minSplitSpeakers {
				t.Fatalf("%v", err)
			}
			return
		}
		if held.Mode == SplitSpeakers {
			heldOut := map[string]bool{}
			for _, e := range rowsOf(held.Valid) {
				heldOut[e.Speaker] = true
			}
			if slices.ContainsFunc(rowsOf(held.Train), func(e row) bool { return heldOut[e.Speaker] }) {
				t.Fatalf("a speaker is on both sides")
			}
		}
		both := append(rowsOf(held.Train), rowsOf(held.Valid)...)
		slices.SortFunc(both, func(a, b row) int { return a.Row - b.Row })
		if !slices.Equal(both, rows) || held.Train.Len() == 0 || held.Valid.Len() == 0 {
			t.Fatalf("%d and %d rows of %d", held.Train.Len(), held.Valid.Len(), view.Len())
		}
		again, err := Split(view, cfg)
		if err != nil || !slices.Equal(rowsOf(again.Valid), rowsOf(held.Valid)) {
			t.Fatalf("the second split differs (%v)", err)
		}
	})
}

func TestSplitReachesTheAmount(t *testing.T) {
	var rows []row
	for i := range 3000 {
		rows = append(rows, row{i, Rate * (2 + i%13), fmt.Sprint("s", i%100)})
	}
	view := makeView(rows)
	for _, mode := range []SplitMode{SplitSpeakers, SplitUtterances} {
		for _, cfg := range []SplitConfig{{Fraction: 0.05}, {Seconds: 1000}} {
			cfg.Mode = mode
			held, err := Split(view, cfg)
			want := max(cfg.Seconds, cfg.Fraction*view.Seconds())
			if got := held.Valid.Seconds(); err != nil || got < want || got > 1.5*want {
				t.Errorf("%s: %.0f s held out, want %.0f; %v", mode, got, want, err)
			}
			if held.Mode != mode {
				t.Errorf("mode %s became %s", mode, held.Mode)
			}
		}
	}
	if held, err := Split(view, SplitConfig{Fraction: 0.1}); err != nil || held.Mode != SplitSpeakers {
		t.Errorf("auto with 100 speakers: %s, %v", held.Mode, err)
	}
	if held, err := Split(view.Slice(0, 2), SplitConfig{Fraction: 0.1}); err != nil || held.Mode != SplitUtterances {
		t.Errorf("auto with 2 speakers: %s, %v", held.Mode, err)
	}
}

func TestSplitLeavesATalkativeSpeakerInTraining(t *testing.T) {
	rows := []row{{Row: 0, Samples: 2000 * Rate, Speaker: "radio"}}
	for i := range 50 {
		rows = append(rows, row{i + 1, 100 * Rate, fmt.Sprint("s", i)})
	}
	for seed := range uint64(50) {
		held, err := Split(makeView(rows), SplitConfig{Fraction: 0.05, Seed: seed})
		if err != nil || held.Valid.Seconds() > 525 || held.Valid.At(0).Row == 0 {
			t.Fatalf("seed %d: %.0f s held out, first row %d, %v", seed, held.Valid.Seconds(), held.Valid.At(0).Row, err)
		}
	}
}

// A new speaker must not move others across the border between training and validation, except to make room.
func TestSplitIsStableWhenSpeakersAreAdded(t *testing.T) {
	var rows []row
	for i := range 200 {
		rows = append(rows, row{i, 10 * Rate, fmt.Sprint("s", i)})
	}
	order := func(rows []row) (names []string) {
		v := makeView(rows)
		for _, speaker := range groupView(v, SplitSpeakers, 7).order {
			if name := v.Name(int(speaker)); name != "s66" {
				names = append(names, name)
			}
		}
		return names
	}
	if !slices.Equal(order(rows), order(slices.Delete(slices.Clone(rows), 66, 67))) {
		t.Error("the order of the others changed")
	}
}

func TestSplitConfigIsChecked(t *testing.T) {
	view := viewOf(Rate, Rate, Rate)
	for _, cfg := range []SplitConfig{{}, {Fraction: 0.5, Seconds: 1}, {Fraction: 1}, {Fraction: -1}, {Fraction: math.NaN()}, {Seconds: 3},
		{Seconds: math.Inf(1)}, {Fraction: 0.5, Mode: "rows"}} {
		if _, err := Split(view, cfg); err == nil {
			t.Errorf("%+v was accepted", cfg)
		}
	}
	if _, err := Split(View{}, SplitConfig{Fraction: 0.5}); err == nil {
		t.Error("nothing was split")
	}
}

package datasets

import (
	"fmt"
	"math"
	"slices"
	"strings"
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

func TestSplitIntoProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := drawCorpus(t)
		view, seed := makeView(rows), rapid.Uint64().Draw(t, "seed")
		weights := rapid.SliceOfN(rapid.IntRange(1, 20), 2, 5).Draw(t, "weights")
		sum, parts := 0, make([]Part, len(weights))
		for _, w := range weights {
			sum += w
		}
		for i, w := range weights {
			parts[i] = Part{fmt.Sprint("part", i), float64(w) / float64(sum)}
		}
		mode := rapid.SampledFrom([]SplitMode{"", SplitAuto, SplitSpeakers, SplitUtterances}).Draw(t, "mode")
		views, chosen, err := SplitInto(view, parts, mode, seed)
		if err != nil {
			enough := map[SplitMode]int{SplitSpeakers: view.Speakers(), SplitUtterances: view.Len()}[chosen]
			if enough > 60 || !strings.Contains(err.Error(), "nothing is left for part") {
				t.Fatalf("%d groups: %v", enough, err)
			}
			return
		}
		var all []row
		partOf := map[string]int{}
		for i, v := range views {
			if v.Len() == 0 {
				t.Fatalf("part %d is empty", i)
			}
			all = append(all, rowsOf(v)...)
			for speaker := range speech(rowsOf(v)) {
				if other, taken := partOf[speaker]; taken && chosen == SplitSpeakers {
					t.Fatalf("%q is in parts %d and %d", speaker, other, i)
				}
				partOf[speaker] = i
			}
		}
		slices.SortFunc(all, func(a, b row) int { return a.Row - b.Row })
		if !slices.Equal(all, rows) || chosen != SplitSpeakers && chosen != SplitUtterances {
			t.Fatalf("%d rows of %d are divided by %q", len(all), len(rows), chosen)
		}
	})
}

func TestSplitIntoReachesTheFractions(t *testing.T) {
	var rows []row
	for i := range 6000 {
		rows = append(rows, row{i, Rate * (2 + i%13), fmt.Sprint("s", i%200)})
	}
	view := makeView(rows)
	for _, mode := range []SplitMode{SplitSpeakers, SplitUtterances} {
		for _, parts := range [][]Part{{{"train", 0.8}, {"dev", 0.1}, {"test", 0.1}}, {{"dev", 0.05}, {"train", 0.95}}} {
			views, _, err := SplitInto(view, parts, mode, 3)
			if err != nil {
				t.Fatal(err)
			}
			for i, p := range parts {
				if got := views[i].Seconds() / view.Seconds(); math.Abs(got-p.Fraction) > 0.01 {
					t.Errorf("by %s: %s is %.3f of all, want %g", mode, p.Name, got, p.Fraction)
				}
			}
			held, err := Split(view, SplitConfig{Mode: mode, Fraction: 0.05, Seed: 3})
			if err != nil || len(parts) == 2 && !slices.Equal(rowsOf(held.Valid), rowsOf(views[0])) {
				t.Errorf("by %s: Split holds out %d rows, SplitInto %d; %v", mode, held.Valid.Len(), views[0].Len(), err)
			}
		}
	}
}

func TestPartsAreChecked(t *testing.T) {
	view := viewOf(Rate, Rate, Rate)
	for want, parts := range map[string][]Part{
		"into 1 parts":       {{"train", 1}},
		"needs a name":       {{"train", 0.5}, {"train", 0.5}},
		`part 2 is called "`: {{"train", 0.5}, {"", 0.5}},
		"dev is 0":           {{"dev", 0}, {"train", 1}},
		"dev is -0.1":        {{"dev", -0.1}, {"train", 0.5}},
		"dev is NaN":         {{"dev", math.NaN()}, {"train", 0.5}},
		"sum to 1":           {{"dev", 0.1}, {"train", 0.8}},
		"left for part":      {{"a", 0.2}, {"b", 0.2}, {"c", 0.2}, {"d", 0.4}},
	} {
		if _, _, err := SplitInto(view, parts, SplitUtterances, 0); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", parts, err, want)
		}
	}
	if _, _, err := SplitInto(view, []Part{{"train", 0.5}, {"dev", 0.5}}, "rows", 0); err == nil {
		t.Error("split by rows")
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

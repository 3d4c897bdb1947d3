package datasets

import (
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var subsetModes = []SubsetMode{SubsetSpeakers, SubsetUtterances, SubsetBalanced}

// drawCorpus makes a view in which the first row always has a speaker.
func drawCorpus(t *rapid.T) []row {
	speakers := rapid.IntRange(1, 12).Draw(t, "speakers")
	lengths := rapid.SliceOfN(rapid.IntRange(400, 500_000), 1, 150).Draw(t, "lengths")
	rows, at := make([]row, len(lengths)), 0
	for i, n := range lengths {
		at += rapid.IntRange(1, 3).Draw(t, "step")
		rows[i] = row{at, n, fmt.Sprint("s", rapid.IntRange(0, speakers).Draw(t, "speaker"))}
		if rows[i].Speaker == "s0" && i > 0 {
			rows[i].Speaker = ""
		}
	}
	return rows
}

func mustSubset(t interface{ Fatalf(string, ...any) }, v View, c SubsetConfig) View {
	s, err := Subset(v, c)
	if err != nil {
		t.Fatalf("%+v: %v", c, err)
	}
	return s
}

func isPart(part, whole []row) bool {
	return !slices.ContainsFunc(part, func(r row) bool { return !slices.Contains(whole, r) })
}

// speech returns the samples of each speaker.
func speech(rows []row) map[string]int {
	sum := map[string]int{}
	for _, r := range rows {
		sum[r.Speaker] += r.Samples
	}
	return sum
}

func TestSubsetProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := drawCorpus(t)
		view := makeView(rows)
		total := view.Seconds()
		c := SubsetConfig{Seed: rapid.Uint64().Draw(t, "seed"), By: rapid.SampledFrom(subsetModes).Draw(t, "mode")}
		var last []row
		for _, share := range []float64{0.001, rapid.Float64Range(0.01, 0.5).Draw(t, "share"), rapid.Float64Range(0.5, 1).Draw(t, "larger share"), 1} {
			c.Seconds = share * total
			part := rowsOf(mustSubset(t, view, c))
			got, longest := 0, 0
			for _, r := range part {
				got += r.Samples
				longest = max(longest, r.Samples)
			}
			if seconds := float64(got) / Rate; seconds < c.Seconds-1e-6 || seconds-float64(longest)/Rate > c.Seconds {
				t.Fatalf("%g s are asked for and %g s chosen, the longest utterance has %g s", c.Seconds, seconds, float64(longest)/Rate)
			}
			if !isPart(last, part) || !isPart(part, rows) || !slices.IsSortedFunc(part, func(a, b row) int { return a.Row - b.Row }) {
				t.Fatalf("%v is no part of %v", last, part)
			}
			if again := rowsOf(mustSubset(t, view, c)); !slices.Equal(again, part) {
				t.Fatalf("the second subset differs")
			}
			checkMode(t, c.By, part, rows, longest)
			last = part
		}
		if len(last) != len(rows) {
			t.Fatalf("%d rows are all of %d", len(last), len(rows))
		}
	})
}

// checkMode makes sure that a subset takes speakers one after another, or all for the same time.
func checkMode(t *rapid.T, by SubsetMode, part, rows []row, longest int) {
	have, all := speech(part), speech(rows)
	switch by {
	case SubsetSpeakers:
		begun := 0
		for speaker, n := range have {
			if n < all[speaker] {
				begun++
			}
		}
		if begun > 1 {
			t.Fatalf("%d speakers are there in part", begun)
		}
	case SubsetBalanced:
		for speaker := range all { // who has more to say is at most one utterance behind
			for other := range have {
				if have[speaker] < all[speaker] && have[other]-have[speaker] > longest {
					t.Fatalf("%q speaks for %d samples of %d, %q for %d", speaker, have[speaker], all[speaker], other, have[other])
				}
			}
		}
	}
}

// Speakers who come to the corpus, anywhere, must not change the order of the others.
func TestSubsetIsStableWhenSpeakersAreAdded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := drawCorpus(t)
		rows[0].Speaker = "somebody else"
		kept := slices.DeleteFunc(slices.Clone(rows), func(r row) bool { return r.Speaker == "s1" || r.Speaker == "s4" })
		renumbered := slices.Clone(kept)
		for i := range renumbered {
			renumbered[i].Row = i
		}
		seed := rapid.Uint64().Draw(t, "seed")
		for what, order := range map[SubsetMode]func(v View) []uint32{
			SubsetSpeakers: func(v View) []uint32 { return slices.Collect(orderOfSpeakers(shuffledSpeakers(v, seed))) },
			SubsetBalanced: func(v View) []uint32 { return slices.Collect(orderOfBalance(v, shuffledSpeakers(v, seed))) },
		} {
			var before, after []row // the rows in order, with their place among those that are kept
			for _, i := range order(makeView(renumbered)) {
				before = append(before, renumbered[i])
			}
			for _, r := range order(makeView(rows)) {
				if i := slices.IndexFunc(kept, func(k row) bool { return k.Row == int(r) }); i >= 0 {
					after = append(after, renumbered[i])
				}
			}
			if !slices.Equal(before, after) {
				t.Fatalf("%s: %v became %v", what, before, after)
			}
		}
	})
}

func TestSubsetsOfSeedsDiffer(t *testing.T) {
	var rows []row
	for i := range 2000 {
		rows = append(rows, row{i, Rate * (2 + i%13), fmt.Sprint("s", i*i%101)})
	}
	for _, by := range subsetModes {
		one := rowsOf(mustSubset(t, makeView(rows), SubsetConfig{Seconds: 600, Seed: 1, By: by}))
		two := rowsOf(mustSubset(t, makeView(rows), SubsetConfig{Seconds: 600, Seed: 2, By: by}))
		if slices.Equal(one, two) || isPart(one, rows[:1000]) || isPart(one, rows[1000:]) {
			t.Errorf("%s: rows %v and %v", by, one, two)
		}
	}
}

// A subset of a seed belongs to the record of an experiment: FNV-1a hashes of its rows, made when the orders were fixed.
func TestSubsetStaysAsItWas(t *testing.T) {
	var rows []row
	for i := range 3000 {
		rows = append(rows, row{2 * i, Rate * (2 + i%13), fmt.Sprint("s", i*i%101)})
	}
	for by, want := range map[SubsetMode]string{SubsetSpeakers: "c4d5e3418f14a1ba",
		SubsetUtterances: "3a49ee65790b5045", SubsetBalanced: "ca8ed84ecd3a9657"} {
		h := fnv.New64a()
		for _, r := range rowsOf(mustSubset(t, makeView(rows), SubsetConfig{Seconds: 3600, Seed: 7, By: by})) {
			fmt.Fprintln(h, r)
		}
		if got := fmt.Sprintf("%016x", h.Sum64()); got != want {
			t.Errorf("%s: %s, want %s", by, got, want)
		}
	}
}

func TestSubsetConfigIsChecked(t *testing.T) {
	view := viewOf(Rate, Rate, Rate)
	for want, c := range map[string]SubsetConfig{
		"only 3":        {Seconds: 3.1, By: SubsetUtterances},
		"of +Inf":       {Seconds: math.Inf(1), By: SubsetUtterances},
		"of NaN":        {Seconds: math.NaN(), By: SubsetUtterances},
		"more than 0":   {By: SubsetUtterances},
		`by ""`:         {Seconds: 1},
		`by "rows"`:     {Seconds: 1, By: "rows"},
		"by speakers: ": {Seconds: 1, By: SubsetSpeakers},
		"by balanced: ": {Seconds: 1, By: SubsetBalanced},
	} {
		if _, err := Subset(view, c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", c, err, want)
		}
	}
	if _, err := Subset(View{}, SubsetConfig{Seconds: 1, By: SubsetBalanced}); err == nil {
		t.Error("a subset of nothing")
	}
}

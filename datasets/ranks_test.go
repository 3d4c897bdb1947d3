package datasets

import (
	"fmt"
	"hash/fnv"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// samplersOf makes the samplers of all ranks.
func samplersOf(t interface{ Fatalf(string, ...any) }, view View, cfg SamplerConfig, ranks int) []*Sampler {
	all := make([]*Sampler, ranks)
	for r := range all {
		cfg.Rank, cfg.Ranks = r, ranks
		var err error
		if all[r], err = NewSampler(view, cfg); err != nil {
			t.Fatalf("rank %d of %d: %v", r, ranks, err)
		}
	}
	return all
}

func TestRanksShareAnEpoch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg, ranks := drawConfig(t), rapid.IntRange(1, 9).Draw(t, "ranks")
		lengths := rapid.SliceOfN(rapid.IntRange(cfg.MinSamples, cfg.MaxSamples), ranks, 400).Draw(t, "lengths")
		if len(lengths) > 20 && rapid.Bool().Draw(t, "odd ones") {
			lengths[3], lengths[17] = 1, 3*cfg.MaxSamples
		}
		view := viewOf(lengths...)
		if s, err := NewSampler(view, cfg); err != nil || len(s.rows) < ranks { // utterances below the shortest length may be too many
			t.Skip(err)
		}
		all := samplersOf(t, view, cfg, ranks)
		for epoch := range 2 {
			var batches []Batch
			for step := range all[0].Len() {
				first := all[0].Batch(epoch, step)
				for r, s := range all {
					b := s.Batch(epoch, step)
					if b.Length != first.Length || len(b.Cuts) != len(first.Cuts) {
						t.Fatalf("step %d: rank %d has (%d, %d), rank 0 (%d, %d)", step, r, len(b.Cuts), b.Length, len(first.Cuts), first.Length)
					}
					batches = append(batches, b)
				}
			}
			used, usable := checkBatches(t, view, cfg, all[0].Buckets(), batches), len(all[0].rows)
			last := all[0].Buckets()[len(all[0].Buckets())-1]
			if missing := usable - len(used); missing < 0 || missing >= last.Rows*ranks && missing > 0 {
				t.Fatalf("%d of %d utterances are missing from an epoch, the last bucket has %d rows for each of %d ranks", missing, usable, last.Rows, ranks)
			}
		}
		for r, s := range all {
			if s.Len() != all[0].Len() || s.Len() < 1 || !reflect.DeepEqual(s.Buckets(), all[0].Buckets()) || !reflect.DeepEqual(s.Sequential(), all[0].Sequential()) {
				t.Fatalf("rank %d has %d batches in %v, rank 0 %d in %v", r, s.Len(), s.Buckets(), all[0].Len(), all[0].Buckets())
			}
		}
	})
}

func TestOneRankIsNoRank(t *testing.T) {
	view, cfg := speechLike(700), DefaultSamplerConfig()
	plain, err := NewSampler(view, cfg)
	if err != nil {
		t.Fatal(err)
	}
	one := samplersOf(t, view, cfg, 1)[0]
	if !reflect.DeepEqual(one.Buckets(), plain.Buckets()) {
		t.Fatalf("buckets %v, want %v", one.Buckets(), plain.Buckets())
	}
	for i := range 2 * plain.Len() {
		if epoch, i := i/plain.Len(), i%plain.Len(); !reflect.DeepEqual(one.Batch(epoch, i), plain.Batch(epoch, i)) {
			t.Fatalf("batch %d of epoch %d differs", i, epoch)
		}
	}
}

// The batches of three ranks, as FNV-1a hash, made when rounds were fixed; see TestBatchesStayAsTheyWere.
func TestRanksStayAsTheyWere(t *testing.T) {
	h := fnv.New64a()
	for _, s := range samplersOf(t, speechLike(3000), DefaultSamplerConfig(), 3) {
		for i := range s.Len() {
			fmt.Fprintln(h, s.Batch(2, i))
		}
	}
	if got := fmt.Sprintf("%016x", h.Sum64()); got != "8cbecc6b4f8e7921" {
		t.Errorf("%s, want 8cbecc6b4f8e7921", got)
	}
}

// Validation is the same whatever the number of ranks, when it has the lengths of training.
func TestSequentialKnowsNoRanks(t *testing.T) {
	view, cfg := speechLike(101), DefaultSamplerConfig()
	plain, err := NewSampler(view, cfg)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Lengths = plain.Lengths()
	for _, s := range samplersOf(t, view, cfg, 4) {
		if !reflect.DeepEqual(s.Sequential(), plain.Sequential()) {
			t.Errorf("rank %d has another validation pass", s.cfg.Rank)
		}
	}
}

// A run may stop anywhere and go on with the same or another number of ranks, on samplers that never made the batches before.
func TestRanksResume(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		view, cfg := speechLike(300), DefaultSamplerConfig()
		cfg.Seed = rapid.Uint64().Draw(t, "seed")
		ranks, steps := rapid.IntRange(1, 5).Draw(t, "ranks"), rapid.IntRange(0, 70).Draw(t, "steps")
		before := samplersOf(t, view, cfg, ranks)
		st := before[0].Start()
		for range steps {
			_, st = before[0].Next(st)
		}
		after := samplersOf(t, view, cfg, ranks)
		for r, s := range after {
			here, there := st, st
			for range 5 {
				var got, want Batch
				got, here = s.Next(here)
				want, there = before[r].Next(there)
				if !reflect.DeepEqual(got, want) || here != there {
					t.Fatalf("rank %d of %d goes on differently at %+v", r, ranks, there)
				}
			}
		}
		others := rapid.IntRange(1, 5).Draw(t, "ranks afterwards")
		states, seen := make([]State, others), map[int]bool{}
		for r, s := range samplersOf(t, view, cfg, others) {
			var b Batch
			b, states[r] = s.Next(st)
			for _, c := range b.Cuts {
				if seen[c.Row] {
					t.Fatalf("row %d twice in a step of %d ranks", c.Row, others)
				}
				seen[c.Row] = true
			}
			if states[r] != states[0] {
				t.Fatalf("rank %d is at %+v, rank 0 at %+v", r, states[r], states[0])
			}
		}
	})
}

func TestRanksAreChecked(t *testing.T) {
	for want, change := range map[string]func(*SamplerConfig){
		"Rank 2 of Ranks 2": func(c *SamplerConfig) { c.Rank, c.Ranks = 2, 2 },
		"Rank 1 of Ranks 0": func(c *SamplerConfig) { c.Rank = 1 },
		"Rank -1 of Rank":   func(c *SamplerConfig) { c.Rank, c.Ranks = -1, 3 },
		"of Ranks -1":       func(c *SamplerConfig) { c.Ranks = -1 },
		"4 ranks need":      func(c *SamplerConfig) { c.Ranks = 4 },
	} {
		cfg := DefaultSamplerConfig()
		change(&cfg)
		if _, err := NewSampler(viewOf(100_000, 100_000, 100_000), cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

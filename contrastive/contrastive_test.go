package contrastive

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestDistractorProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := Config{Distractors: rapid.IntRange(0, 12).Draw(t, "k"), CrossDistractors: rapid.IntRange(0, 5).Draw(t, "cross"), Temperature: 0.1}
		if cfg.Total() == 0 {
			cfg.Distractors = 1
		}
		counts := rapid.SliceOfN(rapid.IntRange(2, 40), 1, 6).Draw(t, "counts")
		all := 0
		for _, n := range counts {
			all += n
		}
		pad, k := rapid.IntRange(0, 9).Draw(t, "pad"), cfg.Total()
		dst := make([]int32, (all+pad)*k)
		s := Sampler{Config: cfg}
		if err := s.Draw(dst, counts, rapid.Uint64().Draw(t, "seed"), rapid.Uint64Range(0, 1<<40).Draw(t, "update"), 0); err != nil {
			t.Fatal(err)
		}
		start := 0
		for r, n := range counts {
			for i := start; i < start+n; i++ {
				for j, d := range dst[i*k : (i+1)*k] {
					lo, hi := start, start+n
					if j >= cfg.Distractors {
						lo, hi = 0, all
					}
					if int(d) == i || int(d) < lo || int(d) >= hi {
						t.Fatalf("row %d: distractor %d of frame %d is %d, outside [%d,%d) or the positive", r, j, i, d, lo, hi)
					}
				}
			}
			start += n
		}
		for _, d := range dst[all*k:] {
			if d != -1 {
				t.Fatalf("an unused place holds %d", d)
			}
		}
	})
}

// Each of the other masked frames of the utterance is equally likely.
func TestDistractorsAreUniform(t *testing.T) {
	const n, k, updates = 7, 10, 3000
	s, dst := Sampler{Config: Config{Distractors: k, Temperature: 1}}, make([]int32, 2*n*k)
	var seen [n][n]int
	for u := range uint64(updates) {
		if err := s.Draw(dst, []int{n, n}, 1, u, 0); err != nil {
			t.Fatal(err)
		}
		for i := range n {
			for _, d := range dst[(n+i)*k : (n+i+1)*k] { // second row, so that its offset matters
				seen[i][int(d)-n]++
			}
		}
	}
	want := float64(k*updates) / (n - 1)
	for i := range n {
		x := 0.0
		for j := range n {
			if j == i {
				if seen[i][j] > 0 {
					t.Fatalf("frame %d drew itself", i)
				}
				continue
			}
			x += math.Pow(float64(seen[i][j])-want, 2) / want
		}
		if x > 5+5*math.Sqrt(10) { // chi square with 5 degrees of freedom
			t.Errorf("frame %d: chi square %.1f, counts %v", i, x, seen[i])
		}
	}
}

func TestDistractorsDoNotDependOnMicroBatches(t *testing.T) {
	const k = 6
	s := Sampler{Config: Config{Distractors: k, Temperature: 1}}
	whole, cut := make([]int32, 9*k), make([]int32, 4*k)
	if err := s.Draw(whole, []int{5, 4}, 1, 2, 0); err != nil {
		t.Fatal(err)
	}
	if err := s.Draw(cut, []int{4}, 1, 2, 1); err != nil {
		t.Fatal(err)
	}
	for i, d := range cut {
		if whole[5*k+i] != d+5 {
			t.Fatalf("place %d: %d in the micro-batch, %d in the batch", i, d, whole[5*k+i])
		}
	}
}

func TestSingleMaskedFrameIsRefused(t *testing.T) {
	s := Sampler{Config: Default()}
	if err := s.Draw(make([]int32, 100), []int{1}, 1, 1, 0); err == nil {
		t.Error("a row with one masked frame got distractors")
	}
}

func TestReadScore(t *testing.T) {
	if got, want := ReadScore([]int32{1, 0, 0, 3, -1, 0, 1, 2}), (Score{Frames: 3, Correct: 2, Duplicates: 5}); got != want {
		t.Errorf("score %+v, want %+v", got, want)
	}
}

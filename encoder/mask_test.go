package encoder

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// runs returns the lengths of runs of ones.
func runs(row []uint8) []int {
	var out []int
	n := 0
	for i := 0; i <= len(row); i++ {
		if i < len(row) && row[i] == 1 {
			n++
		} else if n > 0 {
			out, n = append(out, n), 0
		}
	}
	return out
}

// The published statistics of the base recipe: 49.1 % of the frames masked (49.08 % by simulation of the reference), mean run 14.7 frames (14.73).
// Without SameCount, which cuts runs.
func TestMaskStatistics(t *testing.T) {
	for _, semantics := range []Semantics{Fairseq, HF} {
		cfg := DefaultMask()
		cfg.SameCount, cfg.Semantics = false, semantics
		m := Masker{Config: cfg}
		const rows, frames = 4, 781
		dst, lengths := make([]uint8, rows*frames), []int{frames, frames, frames, frames}
		masked, total, spans := 0, 0, 0
		for u := range uint64(1000) {
			n, err := m.Draw(dst, lengths, frames, 3, u, 0)
			if err != nil {
				t.Fatal(err)
			}
			masked, total = masked+n, total+rows*frames
			for r := range rows {
				spans += len(runs(dst[r*frames : (r+1)*frames]))
			}
		}
		share, mean := float64(masked)/float64(total), float64(masked)/float64(spans)
		// 4,000 rows with a standard deviation of 0.023 each: the mean is known to 0.0004.
		if math.Abs(share-0.4908) > 0.002 || math.Abs(mean-14.73) > 0.1 {
			t.Errorf("%s: %.4f masked in runs of %.2f; want 0.4908 and 14.73", semantics, share, mean)
		}
	}
}

func drawConfig(t *rapid.T) MaskConfig {
	cfg := MaskConfig{
		Probability: rapid.Float64Range(0.01, 0.95).Draw(t, "p"), Length: rapid.IntRange(1, 12).Draw(t, "len"),
		Selection: rapid.SampledFrom([]SpanLength{Static, Uniform, Normal, Poisson}).Draw(t, "selection"), Other: rapid.Float64Range(0, 3).Draw(t, "other"),
		MinSpans: rapid.IntRange(0, 3).Draw(t, "min"), NoOverlap: rapid.Bool().Draw(t, "apart"), MinSpace: rapid.IntRange(0, 4).Draw(t, "space"),
		SameCount: rapid.Bool().Draw(t, "same"), Semantics: Fairseq,
	}
	if cfg.Selection == Uniform {
		cfg.Other = math.Min(cfg.Other, float64(2*cfg.Length))
	}
	if rapid.Bool().Draw(t, "hf") {
		cfg.Semantics, cfg.Selection, cfg.NoOverlap = HF, Static, false
	}
	return cfg
}

func TestMaskProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := drawConfig(t)
		if err := cfg.Validate(); err != nil {
			t.Fatal(err)
		}
		rows, frames := rapid.IntRange(1, 5).Draw(t, "rows"), rapid.IntRange(cfg.MinFrames(), 120).Draw(t, "frames")
		lengths := make([]int, rows)
		for r := range lengths {
			lengths[r] = rapid.IntRange(cfg.MinFrames(), frames).Draw(t, "length")
		}
		seed, update := rapid.Uint64().Draw(t, "seed"), rapid.Uint64Range(0, 1<<40).Draw(t, "update")
		m, dst := Masker{Config: cfg}, make([]uint8, rows*frames)
		n, err := m.Draw(dst, lengths, frames, seed, update, 0)
		if err != nil {
			t.Fatal(err)
		}
		total, first := 0, -1
		for r, length := range lengths {
			row := dst[r*frames : (r+1)*frames]
			c := count(row)
			total += c
			if count(row[:length]) != c {
				t.Fatalf("row %d: padding is masked", r)
			}
			if c == length && cfg.Semantics == Fairseq && !cfg.NoOverlap {
				t.Fatalf("row %d: all %d frames are masked", r, length)
			}
			if most := cfg.Most(length); cfg.Selection == Static && c > most {
				t.Fatalf("row %d: %d of %d frames are masked, at most %d can be", r, c, length, most)
			}
			if first < 0 {
				first = c
			}
			if cfg.SameCount && c != first {
				t.Fatalf("row %d has %d masked frames, row 0 has %d", r, c, first)
			}
			if cfg.NoOverlap && !cfg.SameCount && cfg.Selection == Static {
				for _, run := range runs(row) {
					if cfg.MinSpace > 0 && run != cfg.Length {
						t.Fatalf("row %d: a run of %d, want %d", r, run, cfg.Length)
					}
				}
			}
			if !cfg.NoOverlap && !cfg.SameCount && cfg.Semantics == HF {
				for _, run := range runs(row) {
					if run < cfg.Length {
						t.Fatalf("row %d: a run of %d, shorter than the span", r, run)
					}
				}
			}
		}
		if total != n {
			t.Fatalf("said %d masked frames, drew %d", n, total)
		}
		again := make([]uint8, len(dst))
		if _, err := m.Draw(again, lengths, frames, seed, update, 0); err != nil || string(again) != string(dst) {
			t.Fatal("the same stream gave another mask")
		}
	})
}

// A batch cut into micro-batches has the masks of the whole batch.
func TestMaskDoesNotDependOnMicroBatches(t *testing.T) {
	cfg := DefaultMask()
	cfg.SameCount = false
	const rows, frames = 6, 99
	lengths := make([]int, rows)
	for i := range lengths {
		lengths[i] = frames
	}
	m, whole, cut := Masker{Config: cfg}, make([]uint8, rows*frames), make([]uint8, rows*frames)
	if _, err := m.Draw(whole, lengths, frames, 1, 7, 0); err != nil {
		t.Fatal(err)
	}
	for _, r := range [][2]int{{0, 2}, {2, 6}} {
		if _, err := m.Draw(cut[r[0]*frames:r[1]*frames], lengths[r[0]:r[1]], frames, 1, 7, r[0]); err != nil {
			t.Fatal(err)
		}
	}
	if string(whole) != string(cut) {
		t.Error("masks of micro-batches differ from those of the batch")
	}
}

// Every span start that the reference allows occurs: fairseq starts in [0, T-M), Hugging Face also at T-M.
func TestMaskStarts(t *testing.T) {
	for semantics, last := range map[Semantics]int{Fairseq: 29, HF: 30} {
		cfg := MaskConfig{Probability: 0.01, Length: 10, Selection: Static, MinSpans: 1, Semantics: semantics}
		m, dst, seen := Masker{Config: cfg}, make([]uint8, 40), map[int]bool{}
		for u := range uint64(3000) {
			if _, err := m.Draw(dst, []int{40}, 40, 1, u, 0); err != nil {
				t.Fatal(err)
			}
			for i, v := range dst {
				if v == 1 {
					seen[i] = true
					break
				}
			}
		}
		if len(seen) != last+1 || !seen[0] || !seen[last] {
			t.Errorf("%s: spans start at %d places, want 0..%d", semantics, len(seen), last)
		}
	}
}

func TestMaskRefusesShortRows(t *testing.T) {
	m := Masker{Config: DefaultMask()}
	if _, err := m.Draw(make([]uint8, 10), []int{10}, 10, 1, 1, 0); err == nil {
		t.Error("a row of 10 frames took a span of 10")
	}
}

func TestMaskDoesNotAllocate(t *testing.T) {
	m, dst, lengths := Masker{Config: DefaultMask()}, make([]uint8, 8*499), []int{499, 499, 499, 499, 499, 499, 499, 499}
	u := uint64(0)
	draw := func() {
		u++
		if _, err := m.Draw(dst, lengths, 499, 1, u, 0); err != nil {
			t.Fatal(err)
		}
	}
	for range 50 {
		draw()
	}
	if n := testing.AllocsPerRun(100, draw); n > 0 {
		t.Errorf("drawing a mask allocates %v times", n)
	}
}

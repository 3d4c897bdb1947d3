package reference

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// Numbers of the publications come out where they went in.
func TestPublished(t *testing.T) {
	for _, c := range []struct {
		metric    string
		seconds   float64
		step      int64
		low, high float64
	}{
		{"accuracy", 300, 5_000, .144, .175},    // 150 s and 600 s
		{"accuracy", 1200, 400_000, .502, .554}, // 10 and 40 min
		{"accuracy", 87.5, 400_000, .390, interpolate(accuracyRows, 175, 6)},
		{"accuracy", 5600, 50_000, .469, .513},
		{"accuracy", 5600, 400_000, .615, .643},
		{"accuracy", 2400, 75_000, .494, .534}, // half way between two rows
		{"prob_perplexity", 4800, 100, 265, 430},
		{"prob_perplexity", 4800, 1_200, 18, 27},
		{"prob_perplexity", 300, 3_000, 18, 27},
		{"codebook_cosine", 100, 400_000, .53, .57},
		{"gradient_norm", 100, 1234, .5, 2},
	} {
		b, ok := For(c.metric, c.seconds, 0)
		if !ok {
			t.Errorf("%s at %v s: no band", c.metric, c.seconds)
			continue
		}
		low, high, ok := b.At(c.step)
		if !ok || math.Abs(low-c.low) > 1e-9 || math.Abs(high-c.high) > 1e-9 {
			t.Errorf("%s at %v s, update %d: %v to %v (%v), want %v to %v", c.metric, c.seconds, c.step, low, high, ok, c.low, c.high)
		}
	}
	if got, want := EarlyShape(1200), (Early{700, 1_700, 8_100}); got != want {
		t.Errorf("early shape at 20 min: %v, want %v", got, want)
	}
}

// Eight seeds at 50,000 updates had .471 to .514, at 400,000 updates .614 to .636: the band of two deviations covers most of it.
func TestSeedsInBand(t *testing.T) {
	b, _ := For("accuracy", PublishedBatchSeconds, 0)
	for _, c := range []struct {
		step int64
		a    float64
	}{{50_000, .471}, {400_000, .636}, {400_000, .617}} {
		if low, high, ok := b.At(c.step); !ok || c.a < low || c.a > high {
			t.Errorf("%v at update %d is not in %v to %v", c.a, c.step, low, high)
		}
	}
}

func TestUnknown(t *testing.T) {
	for _, c := range []struct {
		metric  string
		seconds float64
		entries int
	}{{"loss", 100, 0}, {"accuracy", 20, 0}, {"accuracy", math.NaN(), 0}, {"accuracy", math.Inf(1), 0}, {"accuracy", -5, 0},
		{"train/accuracy", 100, 0}, {"prob_perplexity", 100, -1}} {
		if b, ok := For(c.metric, c.seconds, c.entries); ok || len(b.Steps) > 0 {
			t.Errorf("For(%q, %v, %d) gives %v", c.metric, c.seconds, c.entries, b)
		}
	}
	b, _ := For("accuracy", 100, 0)
	for _, step := range []int64{-1, 0, 4_999, 400_001} {
		if _, _, ok := b.At(step); ok {
			t.Errorf("something is known of update %d", step)
		}
	}
	if _, _, ok := (Band{}).At(0); ok {
		t.Error("the empty band knows something")
	}
}

// Bands are well formed for all batches, scale with the codebook, and larger batches are never worse.
func TestBands(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		metric := rapid.SampledFrom([]string{"accuracy", "prob_perplexity", "codebook_cosine", "gradient_norm"}).Draw(t, "metric")
		seconds := rapid.Float64Range(60, 20_000).Draw(t, "seconds")
		entries := rapid.IntRange(2, 2000).Draw(t, "entries")
		b, ok := For(metric, seconds, entries)
		if !ok || len(b.Steps) < 2 || len(b.Low) != len(b.Steps) || len(b.High) != len(b.Steps) || b.Label == "" || b.Source == "" {
			t.Fatalf("bad band %+v", b)
		}
		for i := range b.Steps {
			if i > 0 && b.Steps[i] <= b.Steps[i-1] || !(b.Low[i] > 0) || b.Low[i] > b.High[i] {
				t.Fatalf("bad band at %d: %+v", i, b)
			}
			if metric == "prob_perplexity" && b.High[i] > float64(entries) {
				t.Fatalf("perplexity %v of %d entries", b.High[i], entries)
			}
		}
		step := rapid.Int64Range(b.Steps[0], b.Steps[len(b.Steps)-1]).Draw(t, "step")
		if low, high, ok := b.At(step); !ok || low > high {
			t.Fatalf("at %d: %v to %v, %v", step, low, high, ok)
		}
		more := rapid.Float64Range(1, 4).Draw(t, "more")
		e, f := EarlyShape(seconds), EarlyShape(seconds*more)
		if f.LeavesChance > e.LeavesChance || f.Valley > e.Valley || f.Fifth > e.Fifth || e.LeavesChance >= e.Valley || e.Valley >= e.Fifth {
			t.Fatalf("early shape %v at %v s, %v at %v s", e, seconds, f, seconds*more)
		}
	})
}

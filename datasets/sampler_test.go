package datasets

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"aural/rng"
)

// speechLike has the shape of LibriSpeech's lengths: most utterances between 12 and 16 s, a tail down to 1.5 s, a few of up
// to 35 s.
func speechLike(n int) View {
	r, lengths := rng.At(5, 0, 0), make([]int, n)
	for i := range lengths {
		lengths[i] = speechLength(r)
	}
	return viewOf(lengths...)
}

func speechLength(r *rng.Stream) int {
	switch u := r.Float64(); {
	case u < 0.65:
		return Rate*12 + r.IntN(Rate*4)
	case u < 0.99:
		return Rate*3/2 + r.IntN(Rate*21/2)
	default:
		return Rate*16 + r.IntN(Rate*19)
	}
}

func drawConfig(t *rapid.T) SamplerConfig {
	low := rapid.IntRange(minSamples, 5000).Draw(t, "min")
	high := low + rapid.IntRange(0, 20000).Draw(t, "range")
	return SamplerConfig{BatchSamples: high + rapid.IntRange(0, 100_000).Draw(t, "batch"), MinSamples: low, MaxSamples: high,
		Buckets: rapid.IntRange(1, 10).Draw(t, "buckets"), Mode: LengthMode(rapid.IntRange(0, 1).Draw(t, "mode")), Seed: rapid.Uint64().Draw(t, "seed")}
}

// fits says whether the sampler must use an utterance of n samples.
func fits(cfg SamplerConfig, n int) bool {
	return n >= cfg.MinSamples && (cfg.Mode == Crop || n <= cfg.MaxSamples)
}

// checkBatches makes sure that every cut lies in its utterance, every row is used at most once, every batch has one of the
// announced shapes and keeps to the limit. It returns how often each row occurs.
func checkBatches(t interface{ Fatalf(string, ...any) }, view View, cfg SamplerConfig, buckets []Bucket, batches []Batch) map[int]int {
	samples, used := map[int]int{}, map[int]int{}
	for e := range view.All() {
		samples[e.Row] = e.Samples
	}
	for i, b := range batches {
		last := i == len(batches)-1
		known := slices.ContainsFunc(buckets, func(k Bucket) bool {
			return k.Length == b.Length && (len(b.Cuts) == k.Rows || last && len(b.Cuts) < k.Rows)
		})
		if !known || len(b.Cuts) == 0 || len(b.Cuts)*b.Length > cfg.BatchSamples {
			t.Fatalf("batch %d of shape (%d, %d); buckets %v", i, len(b.Cuts), b.Length, buckets)
		}
		for _, c := range b.Cuts {
			n, exists := samples[c.Row]
			used[c.Row]++
			switch {
			case !exists || !fits(cfg, n) || used[c.Row] > 1 || c.Offset < 0 || c.Offset+c.Samples > n || c.Samples > b.Length:
				t.Fatalf("batch %d of length %d: cut %+v of an utterance of %d samples, used %d times", i, b.Length, c, n, used[c.Row])
			case cfg.Mode == Crop && c.Samples != b.Length, cfg.Mode == Pad && c.Samples != n:
				t.Fatalf("batch %d of length %d: cut %+v of an utterance of %d samples", i, b.Length, c, n)
			}
		}
	}
	return used
}

func TestSamplerProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		view := viewOf(rapid.SliceOfN(rapid.IntRange(1, 30000), 1, 300).Draw(t, "lengths")...)
		cfg := drawConfig(t)
		usable := 0
		for e := range view.All() {
			if fits(cfg, e.Samples) {
				usable++
			}
		}
		s, err := NewSampler(view, cfg)
		if usable == 0 {
			if err == nil {
				t.Fatalf("a sampler without an utterance")
			}
			return
		}
		if err != nil {
			t.Fatalf("%v", err)
		}
		for e := range view.All() { // when cropping, utterances below the shortest length are left out too
			if n := s.Buckets()[len(s.Buckets())-1].Length; cfg.Mode == Crop && fits(cfg, e.Samples) && e.Samples < n {
				usable--
			}
		}
		if s.LeftOut() != view.Len()-usable || len(s.Buckets()) > cfg.Buckets || s.Len() < 1 {
			t.Fatalf("left out %d of %d, buckets %v, %d batches", s.LeftOut(), view.Len(), s.Buckets(), s.Len())
		}
		for epoch := range 2 {
			batches := make([]Batch, s.Len())
			for i := range batches {
				batches[i] = s.Batch(epoch, i)
			}
			used := checkBatches(t, view, cfg, s.Buckets(), batches)
			last := s.Buckets()[len(s.Buckets())-1]
			if missing := usable - len(used); missing < 0 || missing >= last.Rows && missing > 0 {
				t.Fatalf("%d of %d utterances are missing from an epoch, the last bucket has %d rows", missing, usable, last.Rows)
			}
		}
		if used := checkBatches(t, view, cfg, s.Buckets(), s.Sequential()); len(used) != usable {
			t.Fatalf("validation uses %d of %d utterances", len(used), usable)
		}
	})
}

// No utterance may starve: over some epochs each is drawn.
func TestEveryUtteranceIsDrawn(t *testing.T) {
	for _, view := range []View{speechLike(500), viewOf(slices.Repeat([]int{240_000}, 29)...), viewOf(append(slices.Repeat([]int{240_000}, 29), 40_000)...),
		viewOf(33_000), viewOf(400_000, 33_000)} {
		s, err := NewSampler(view, DefaultSamplerConfig())
		if err != nil {
			t.Fatal(err)
		}
		used := map[int]bool{}
		for epoch := range 60 {
			for i := range s.Len() {
				for _, c := range s.Batch(epoch, i).Cuts {
					used[c.Row] = true
				}
			}
		}
		if len(used) != view.Len()-s.LeftOut() {
			t.Errorf("%d of %d utterances were drawn in 60 epochs; buckets %+v", len(used), view.Len(), s.Buckets())
		}
	}
}

func TestBatchIsAPureFunction(t *testing.T) {
	view, cfg := speechLike(400), DefaultSamplerConfig()
	cfg.Seed = 11
	one, err := NewSampler(view, cfg)
	if err != nil {
		t.Fatal(err)
	}
	two, err := NewSampler(view, cfg)
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	for w := range 4 { // any order, many at once, epochs mixed
		running.Go(func() {
			for j := range 2 * two.Len() {
				epoch, i := (j+w)%2, (j*7+w)%two.Len()
				if !reflect.DeepEqual(one.Batch(epoch, i), two.Batch(epoch, i)) {
					t.Errorf("batch %d of epoch %d differs", i, epoch)
				}
			}
		})
	}
	running.Wait()
	st, n := one.Start(), 0
	for st.Epoch < 3 {
		want := two.Batch(n/one.Len(), n%one.Len())
		var got Batch
		if got, st = one.Next(st); !reflect.DeepEqual(got, want) {
			t.Fatalf("batch %d from Next differs", n)
		}
		n++
	}
	if n != 3*one.Len() {
		t.Errorf("%d batches in 3 epochs of %d", n, one.Len())
	}
	if b, next := one.Next(State{11, 4, one.Len()}); !reflect.DeepEqual(b, one.Batch(5, 0)) || next != (State{11, 5, 1}) {
		t.Errorf("past the end of epoch 4 comes %+v", next)
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("an epoch has a batch more than Len says")
			}
		}()
		one.Batch(0, one.Len())
	}()
	cfg.Seed++
	other, err := NewSampler(view, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if reflect.DeepEqual(one.Batch(0, 0), other.Batch(0, 0)) || reflect.DeepEqual(one.Batch(0, 0), one.Batch(1, 0)) {
		t.Error("another seed or epoch gave the same batch")
	}
}

// The random numbers of an utterance do not depend on the other utterances of the view.
func TestCropsAreKeyedByRow(t *testing.T) {
	cfg := SamplerConfig{BatchSamples: 10_000, MinSamples: 1000, MaxSamples: 1000, Buckets: 1, Seed: 3}
	view := viewOf(slices.Repeat([]int{50_000}, 100)...)
	offsets := func(v View) map[int]int {
		s, err := NewSampler(v, cfg)
		if err != nil {
			t.Fatal(err)
		}
		out := map[int]int{}
		for i := range s.Len() {
			for _, c := range s.Batch(4, i).Cuts {
				out[c.Row] = c.Offset
			}
		}
		return out
	}
	all, half := offsets(view), offsets(view.Slice(0, 50))
	for row, offset := range half {
		if all[row] != offset {
			t.Fatalf("row %d is cropped at %d alone and at %d among others", row, offset, all[row])
		}
	}
}

func TestCropsAreUniform(t *testing.T) {
	s, err := NewSampler(viewOf(slices.Repeat([]int{1009}, 200)...), SamplerConfig{BatchSamples: 200_000, MinSamples: 1000, MaxSamples: 1000, Buckets: 1})
	if err != nil {
		t.Fatal(err)
	}
	counts, n := make([]float64, 10), 0.0
	for epoch := range 50 {
		for _, c := range s.Batch(epoch, 0).Cuts {
			counts[c.Offset]++
			n++
		}
	}
	chi := 0.0
	for _, c := range counts {
		chi += (c - n/10) * (c - n/10) / (n / 10)
	}
	if chi > 9+5*math.Sqrt(18) { // 9 degrees of freedom, five standard deviations
		t.Errorf("offsets %v: chi square %.1f", counts, chi)
	}
}

// chooseLengths against every division of a few bins.
func TestLengthsAreOptimal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lengths := rapid.SliceOfN(rapid.IntRange(400, 4000), 1, 40).Draw(t, "lengths")
		mode, k := LengthMode(rapid.IntRange(0, 1).Draw(t, "mode")), rapid.IntRange(1, 4).Draw(t, "k")
		batch, ranks := rapid.IntRange(4000, 20_000).Draw(t, "batch"), rapid.IntRange(1, 3).Draw(t, "ranks")
		bins := lengthBins(viewOf(lengths...), SamplerConfig{MinSamples: 400, MaxSamples: 4000, Mode: mode})
		lost := func(chosen []int) (sum int, ok bool) {
			b := 0
			held := make([]int, len(chosen))
			for _, bin := range bins {
				for b < len(chosen) && flowOrder(bin.length, chosen[b], mode) > 0 {
					b++
				}
				if b == len(chosen) { // shorter than all lengths: left out
					sum += bin.count * bin.length
					continue
				}
				held[b] += bin.count
				sum += bin.count * max(bin.length-chosen[b], chosen[b]-bin.length)
			}
			for i, n := range held {
				ok = n >= ranks*batchRows(chosen[i], batch)
				if !ok {
					break
				}
			}
			return sum, ok
		}
		got := chooseLengths(bins, SamplerConfig{Mode: mode, Buckets: k, BatchSamples: batch, Ranks: ranks})
		gotLost, gotOK := lost(got)
		best, any := math.MaxInt, false
		if len(bins) <= 12 {
			for set := range 1 << len(bins) {
				var chosen []int
				for i, b := range bins {
					if i == len(bins)-1 && mode == Pad || set>>i&1 == 1 { // padding leaves nobody out
						chosen = append(chosen, b.length)
					}
				}
				if len(chosen) == 0 || len(chosen) > k {
					continue
				}
				if sum, ok := lost(chosen); ok {
					best, any = min(best, sum), true
				}
			}
			if any && (gotLost != best || !gotOK) || !any && len(got) != 1 {
				t.Fatalf("lengths %v lose %d, the best division loses %d (possible: %v); bins %v", got, gotLost, best, any, bins)
			}
		}
	})
}

// What cropping costs on speech: 8 lengths must keep most of what fairseq's rule (crop to the shortest of a batch) could.
func TestCropLossIsBounded(t *testing.T) {
	view, cfg := speechLike(20_000), DefaultSamplerConfig()
	last := 1.0
	for _, k := range []int{1, 2, 4, 8, 16} {
		cfg.Buckets = k
		s, err := NewSampler(view, cfg)
		if err != nil {
			t.Fatal(err)
		}
		kept, usable := 0, 0
		for _, b := range s.Buckets() {
			kept += b.Batches * b.Rows * b.Length
		}
		for e := range s.view.All() {
			if fits(cfg, e.Samples) {
				usable += min(e.Samples, cfg.MaxSamples)
			}
		}
		loss := 1 - float64(kept)/float64(usable)
		t.Logf("%2d lengths: %5.1f %% of the audio lost, %d batches", k, 100*loss, s.Len())
		if loss > last || k == 8 && loss > 0.08 {
			t.Errorf("%d lengths lose %.3f of the audio, fewer lengths %.3f", k, loss, last)
		}
		last = loss
	}
}

func TestLengthsOfAnotherSampler(t *testing.T) {
	train, err := NewSampler(speechLike(2000), DefaultSamplerConfig())
	if err != nil {
		t.Fatal(err)
	}
	cfg := DefaultSamplerConfig()
	cfg.Lengths = train.Lengths()
	view := speechLike(60)
	valid, err := NewSampler(view, cfg)
	if err != nil {
		t.Fatal(err)
	}
	used := checkBatches(t, view, cfg, train.Buckets(), valid.Sequential())
	if len(used)+valid.LeftOut() != view.Len() {
		t.Errorf("%d used and %d left out of %d", len(used), valid.LeftOut(), view.Len())
	}
}

func TestSamplerConfigIsChecked(t *testing.T) {
	for want, change := range map[string]func(*SamplerConfig){
		"MinSamples 399":   func(c *SamplerConfig) { c.MinSamples = 399 },
		"is below MinSam":  func(c *SamplerConfig) { c.MaxSamples = c.MinSamples - 1 },
		"BatchSamples":     func(c *SamplerConfig) { c.BatchSamples = c.MaxSamples - 1 },
		"0 buckets":        func(c *SamplerConfig) { c.Buckets = 0 },
		"mode 2":           func(c *SamplerConfig) { c.Mode = 2 },
		"length 1 is not":  func(c *SamplerConfig) { c.Lengths = []int{1} },
		"none of 1 uttera": func(c *SamplerConfig) { c.MinSamples = 150_000 },
	} {
		cfg := DefaultSamplerConfig()
		change(&cfg)
		if _, err := NewSampler(viewOf(100_000), cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

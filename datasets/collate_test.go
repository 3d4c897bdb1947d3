package datasets

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"aural/rng"
)

// reference is the definition: floats on the [-1, 1) scale, then Normalize, which computes in float64.
func reference(pcm []int16) []float32 {
	x := make([]float32, len(pcm))
	for i, v := range pcm {
		x[i] = float32(v) / 32768
	}
	Normalize(x)
	return x
}

func checkNormalized(t interface{ Fatalf(string, ...any) }, what string, pcm []int16) {
	got, want := make([]float32, len(pcm)), reference(pcm)
	normalizePCM(got, pcmBytes(pcm))
	for i := range got {
		if d := math.Abs(float64(got[i]) - float64(want[i])); !(d <= 1e-6*max(1, math.Abs(float64(want[i])))) {
			t.Fatalf("%s: sample %d of %d, %d, became %v, want %v", what, i, len(pcm), pcm[i], got[i], want[i])
		}
	}
}

func TestNormalizePCM(t *testing.T) {
	filled := func(n int, f func(i int) int16) []int16 {
		pcm := make([]int16, n)
		for i := range pcm {
			pcm[i] = f(i)
		}
		return pcm
	}
	for what, pcm := range map[string][]int16{
		"nothing":       {},
		"one sample":    {-32768},
		"silence":       make([]int16, 1001),
		"full scale":    filled(4003, func(i int) int16 { return int16(65535*(i%2) - 32768) }),
		"far from zero": filled(250_000, func(i int) int16 { return int16(32000 + i%3) }),
		"farther below": filled(250_001, func(i int) int16 { return int16(-32768 + i*i%7) }),
		"a click": filled(250_000, func(i int) int16 {
			return int16(32767 * (max(i, 1000) - 1000) / max(i, 1) * (1 - min(i-1000, 1)*min(i-1000, 1)))
		}),
		"least noise":      filled(250_000, func(i int) int16 { return int16(i % 2) }),
		"the lowest value": slices.Repeat([]int16{-32768}, 250_000),
		"noise":            noise(3, 250_000),
	} {
		checkNormalized(t, what, pcm)
	}
}

func TestNormalizePCMProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		checkNormalized(t, "random samples", rapid.SliceOf(rapid.Int16()).Draw(t, "pcm"))
	})
}

// Sums of every 16-bit value at every place of the unrolled loop, against one value at a time.
func TestMomentsAndAffineOfEveryValue(t *testing.T) {
	all := make([]int16, 1<<16+7)
	for i := range all {
		all[i] = int16(i)
	}
	for skip := range 9 {
		pcm := all[skip:]
		var sum, squares int64
		for _, v := range pcm {
			sum += int64(v)
			squares += int64(v) * int64(v)
		}
		if a, b := moments(pcmBytes(pcm)); a != sum || b != squares {
			t.Fatalf("skipping %d: sums %d and %d, want %d and %d", skip, a, b, sum, squares)
		}
		got := make([]float32, len(pcm))
		affine(got, pcmBytes(pcm), -5, 0.37, 11.1)
		for i, v := range pcm {
			if product := float32(int32(v)+5) * 0.37; got[i] != product+11.1 {
				t.Fatalf("skipping %d: %d became %v", skip, v, got[i])
			}
		}
	}
}

func TestCollate(t *testing.T) {
	s := openStore(t, makeStore(t, ImportOptions{ShardBytes: 3000}, 1000, 800, 900))
	b := Batch{[]Cut{{2, 0, 900}, {0, 100, 900}, {1, 799, 1}, {1, 3, 0}}, 900}
	for _, normalize := range []bool{false, true} {
		got := slices.Repeat([]float32{77}, 4*900)
		if err := Collate(s, b, got, normalize); err != nil {
			t.Fatal(err)
		}
		for i, c := range b.Cuts {
			want := make([]float32, c.Samples, 900)
			if err := s.Read(want, c.Row, c.Offset); err != nil {
				t.Fatal(err)
			}
			if normalize {
				Normalize(want)
			}
			for j, w := range want[:900] { // zeros follow the cut
				if g := got[900*i+j]; math.Abs(float64(g-w)) > 1e-6*max(1, math.Abs(float64(w))) || !normalize && g != w {
					t.Fatalf("normalize %v: row %d, sample %d is %v, want %v", normalize, i, j, g, w)
				}
			}
		}
	}
	for _, normalize := range []bool{false, true} {
		numbers := make([]float32, 4*900)
		pcm := RawBatch{slices.Repeat([]int16{77}, 4*900), make([]float32, 12), make([]int32, 4)}
		if err := errors.Join(Collate(s, b, numbers, normalize), CollateRaw(s, b, pcm, normalize)); err != nil {
			t.Fatal(err)
		}
		for i, v := range pcm.Samples {
			a, got := pcm.Affine[i/900*3:], float32(0)
			if i%900 < int(pcm.Lengths[i/900]) {
				got = float32((float32(v)-a[0])*a[1]) + a[2]
			} else if v != 0 {
				t.Fatalf("sample %d behind row %d is %d", i%900, i/900, v)
			}
			if got != numbers[i] {
				t.Fatalf("normalize %v: row %d, sample %d is %v, want the bits of %v", normalize, i/900, i%900, got, numbers[i])
			}
		}
	}
	if err := CollateRaw(s, b, RawBatch{make([]int16, 4*900), make([]float32, 11), make([]int32, 4)}, true); err == nil {
		t.Error("11 factors for 4 rows")
	}
	for want, c := range map[string]struct {
		batch Batch
		n     int
	}{
		"899 values for 1 rows of 900": {Batch{[]Cut{{0, 0, 900}}, 900}, 899},
		"cut of 901 samples":           {Batch{[]Cut{{0, 0, 901}}, 900}, 900},
		"cut of -1 samples":            {Batch{[]Cut{{0, 0, -1}}, 900}, 900},
		"which has 800 samples":        {Batch{[]Cut{{1, 0, 801}}, 900}, 900},
		"samples from -1 of row 1":     {Batch{[]Cut{{1, -1, 3}}, 900}, 900},
		"row 3":                        {Batch{[]Cut{{3, 0, 1}}, 900}, 900},
	} {
		if err := Collate(s, c.batch, make([]float32, c.n), true); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// collateStore has 640 rows of 3 to 30 s, 320 MB, and a sampler over them with batches of 87.5 s.
func collateStore(b *testing.B) (string, *Sampler) {
	r, lengths := rng.At(8, 0, 0), make([]int, 640)
	for i := range lengths {
		lengths[i] = Rate*3 + r.IntN(Rate*27)
	}
	dir := makeStore(b, ImportOptions{}, lengths...)
	s, err := NewSampler(viewOf(lengths...), DefaultSamplerConfig())
	if err != nil {
		b.Fatal(err)
	}
	return dir, s
}

// collateBatches collates some batches from st on and returns the position after them and how many samples they have.
func collateBatches(b *testing.B, store *Store, s *Sampler, st State, batches int, dst []float32) (State, int) {
	samples := 0
	for range batches {
		var batch Batch
		batch, st = s.Next(st)
		for i := range batch.Cuts {
			batch.Cuts[i].Row = (batch.Cuts[i].Row - 1) / 3 // viewOf numbers the rows 1, 4, 7 ...
		}
		n := len(batch.Cuts) * batch.Length
		if err := Collate(store, batch, dst[:n], true); err != nil {
			b.Fatal(err)
		}
		samples += n
	}
	return st, samples
}

func reportSpeed(b *testing.B, samples int) {
	seconds := b.Elapsed().Seconds()
	b.ReportMetric(2*float64(samples)/seconds/1e9, "GB/s")
	b.ReportMetric(float64(samples)/Rate/seconds, "audio-s/s")
}

// BenchmarkCollate is one batch of the sampler, at most 87.5 s of audio, from a store in the page cache, on one core.
func BenchmarkCollate(b *testing.B) {
	dir, s := collateStore(b)
	store, dst := openStore(b, dir), make([]float32, DefaultSamplerConfig().BatchSamples)
	st, _ := collateBatches(b, store, s, s.Start(), s.Len(), dst) // maps the pages
	total := 0
	for b.Loop() {
		var n int
		st, n = collateBatches(b, store, s, st, 1, dst)
		total += n
	}
	reportSpeed(b, total)
}

func BenchmarkNormalizePCM(b *testing.B) {
	pcm := pcmBytes(noise(1, 250_000))
	dst := make([]float32, len(pcm)/2)
	b.SetBytes(int64(len(pcm)))
	for b.Loop() {
		normalizePCM(dst, pcm)
	}
}

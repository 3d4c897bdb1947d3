package datasets

import (
	"context"
	"errors"
	"math"
	"reflect"
	"runtime"
	"slices"
	"testing"
	"time"
)

func TestCollate(t *testing.T) {
	s := openStore(t, makeStore(t, ImportOptions{}, 1000, 500))
	got := make([]float32, 2*600)
	for i := range got {
		got[i] = float32(math.NaN()) // whatever is left in the buffer must not show
	}
	if err := Collate(s, Batch{[]Cut{{0, 100, 600}, {1, 0, 500}}, 600}, got, true); err != nil {
		t.Fatal(err)
	}
	for r, pcm := range [][]int16{testItem(0, 1000).PCM[100:700], testItem(1, 500).PCM} {
		x := make([]float64, len(pcm))
		mean, variance := 0.0, 0.0
		for i, v := range pcm {
			x[i] = float64(v) / 32768
			mean += x[i] / float64(len(pcm))
		}
		for _, v := range x {
			variance += (v - mean) * (v - mean) / float64(len(pcm))
		}
		for i, v := range got[600*r:][:600] {
			want := 0.0
			if i < len(x) {
				want = (x[i] - mean) / math.Sqrt(variance+1e-5)
			}
			if !(math.Abs(float64(v)-want) <= 1e-6) { // NaN fails
				t.Fatalf("row %d, sample %d = %v, want %v", r, i, v, want)
			}
		}
	}
	for _, b := range []Batch{{[]Cut{{0, 0, 600}}, 600}, {[]Cut{{0, 0, 601}, {1, 0, 500}}, 600}, {[]Cut{{0, 0, 600}, {1, 0, 501}}, 600}, {[]Cut{{0, 0, -1}, {1, 0, 1}}, 600}} {
		if err := Collate(s, b, got, false); err == nil {
			t.Errorf("%v was collated", b)
		}
	}
}

func TestNormalizeSilence(t *testing.T) {
	x := []float32{0.25, 0.25, 0.25}
	Normalize(x)
	if !slices.Equal(x, []float32{0, 0, 0}) {
		t.Errorf("constant signal became %v", x)
	}
	Normalize(nil)
}

func prefetchSetup(t testing.TB) (*Store, *Sampler) {
	lengths := make([]int, 120)
	for i := range lengths {
		lengths[i] = 4000 + i*37%4000
	}
	s := openStore(t, makeStore(t, ImportOptions{}, lengths...))
	sampler, err := NewSampler(s.View(), SamplerConfig{BatchSamples: 50_000, MinSamples: 4000, MaxSamples: 8000, Buckets: 4, Seed: 2})
	if err != nil {
		t.Fatal(err)
	}
	return s, sampler
}

func TestPrefetchDeliversInOrder(t *testing.T) {
	store, sampler := prefetchSetup(t)
	for _, cfg := range []PrefetchConfig{{1, 1, false}, {3, 1, true}, {2, 5, true}} {
		from := State{Seed: 2, Epoch: 1, Index: sampler.Len() - 2}
		p, err := NewPrefetcher(context.Background(), store, sampler, from, cfg)
		if err != nil {
			t.Fatal(err)
		}
		st := from
		for range 3 * sampler.Len() {
			got, err := p.Next()
			if err != nil {
				t.Fatal(err)
			}
			var want Batch
			want, st = sampler.Next(st)
			wave := make([]float32, len(want.Cuts)*want.Length)
			if err := Collate(store, want, wave, cfg.Normalize); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got.Batch, want) || got.Next != st || !slices.Equal(got.Wave, wave) {
				t.Fatalf("%+v: a batch differs from the one made directly", cfg)
			}
			p.Release(got)
		}
		p.Close()
		if p.Waited() <= 0 {
			t.Error("no time was measured")
		}
	}
}

func TestPrefetchStops(t *testing.T) {
	store, sampler := prefetchSetup(t)
	before := runtime.NumGoroutine()
	for _, taken := range []int{0, 1, 7} {
		ctx, cancel := context.WithCancel(context.Background())
		p, err := NewPrefetcher(ctx, store, sampler, sampler.Start(), PrefetchConfig{Depth: 2, Workers: 2})
		if err != nil {
			t.Fatal(err)
		}
		for range taken {
			if _, err := p.Next(); err != nil {
				t.Fatal(err)
			}
		}
		cancel()
		if _, err := p.Next(); !errors.Is(err, context.Canceled) {
			t.Errorf("after %d batches: %v", taken, err)
		}
		p.Close()
		p.Close()
	}
	// A goroutine that has told the WaitGroup it is done may need a moment to be gone.
	for deadline := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, before %d", runtime.NumGoroutine(), before)
		}
	}
}

func TestPrefetchRefuses(t *testing.T) {
	store, sampler := prefetchSetup(t)
	if _, err := NewPrefetcher(context.Background(), store, sampler, State{Seed: 3}, PrefetchConfig{Depth: 1, Workers: 1}); err == nil {
		t.Error("a position with another seed was accepted")
	}
	if _, err := NewPrefetcher(context.Background(), store, sampler, sampler.Start(), PrefetchConfig{}); err == nil {
		t.Error("depth 0 was accepted")
	}
	// A sampler of another store asks for rows that are not there.
	small := openStore(t, makeStore(t, ImportOptions{}, 4000))
	p, err := NewPrefetcher(context.Background(), small, sampler, sampler.Start(), PrefetchConfig{Depth: 1, Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, err := p.Next(); err == nil {
		t.Error("rows of another store were read")
	}
}

func BenchmarkCollate(b *testing.B) {
	s := openStore(b, makeStore(b, ImportOptions{}, slices.Repeat([]int{250_000}, 100)...))
	sampler, err := NewSampler(s.View(), DefaultSamplerConfig())
	if err != nil {
		b.Fatal(err)
	}
	st := sampler.Start()
	dst := make([]float32, 5*250_000)
	b.SetBytes(int64(2 * len(dst)))
	for b.Loop() {
		var batch Batch
		batch, st = sampler.Next(st)
		if err := Collate(s, batch, dst, true); err != nil {
			b.Fatal(err)
		}
	}
}

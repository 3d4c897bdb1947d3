package datasets

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"aural/rng"
)

// tenMillion is the view of a store of 10 million rows by 100,000 speakers, 36,000 hours.
func tenMillion() View {
	const n, speakers = 10_000_000, 100_000
	t := &table{samples: make([]uint32, n), speakers: make([]uint32, n), names: make([]string, speakers+1)}
	for i := 1; i < len(t.names); i++ {
		t.names[i] = fmt.Sprintf("speaker-%06d", i)
	}
	for i, r := 0, rng.At(5, 0, 0); i < n; i++ {
		t.samples[i], t.speakers[i] = uint32(speechLength(r)), uint32(1+i*speakers/n)
	}
	return newView(t)
}

// BenchmarkTenMillionSampler makes a sampler and the plans of two epochs. live is what the view and the sampler hold
// afterwards; B/op is all that NewSampler and the two plans allocated, so no peak is above the sum of both.
func BenchmarkTenMillionSampler(b *testing.B) {
	live := func() float64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc)
	}
	before := live()
	view := tenMillion()
	var s *Sampler
	b.ReportAllocs()
	for b.Loop() {
		began := time.Now()
		var err error
		if s, err = NewSampler(view, DefaultSamplerConfig()); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(time.Since(began).Seconds(), "s/new")
		began = time.Now()
		s.Batch(0, 0)
		b.ReportMetric(time.Since(began).Seconds(), "s/epoch")
		s.Batch(1, 0)
	}
	b.ReportMetric((live()-before)/float64(view.Len()), "live-B/row")
	runtime.KeepAlive(s)
}

func BenchmarkTenMillionSplit(b *testing.B) {
	view := tenMillion()
	for _, mode := range []SplitMode{SplitSpeakers, SplitUtterances} {
		b.Run(string(mode), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Split(view, SplitConfig{Mode: mode, Fraction: 0.01}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkTenMillionSubset(b *testing.B) {
	view := tenMillion()
	for _, by := range []SubsetMode{SubsetSpeakers, SubsetUtterances, SubsetBalanced} {
		b.Run(string(by), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Subset(view, SubsetConfig{Seconds: 36_000_000, By: by}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEpochPlan(b *testing.B) {
	view := speechLike(281_241) // rows of LibriSpeech 960 h
	s, err := NewSampler(view, DefaultSamplerConfig())
	if err != nil {
		b.Fatal(err)
	}
	b.Log(fmt.Sprint(s.Buckets()))
	for i := 0; b.Loop(); i++ {
		s.Batch(i, 0)
	}
}

func BenchmarkNewSampler(b *testing.B) {
	view := speechLike(281_241)
	for b.Loop() {
		if _, err := NewSampler(view, DefaultSamplerConfig()); err != nil {
			b.Fatal(err)
		}
	}
}

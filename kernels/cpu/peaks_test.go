package cpu

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The numbers are rates of this machine, so only what must hold between them anywhere is checked.
func TestPeaks(t *testing.T) {
	for _, threads := range []int{1, 3} {
		b := start(t, Options{Threads: threads})
		p, err := b.Peaks(time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		rates := []Rate{p.Compute}
		var names []string
		for _, v := range p.Variants {
			names, rates = append(names, v.Variant), append(rates, v.Rate)
		}
		if !slices.Equal(names, Variants()) {
			t.Errorf("peaks of %v, want those of %v", names, Variants())
		}
		last := 0
		for _, w := range p.Bandwidth {
			if w.Bytes <= last {
				t.Errorf("a working set of %d bytes after one of %d", w.Bytes, last)
			}
			last = w.Bytes
			rates = append(rates, w.Read, w.Copy)
			if roof := p.Roof(int64(w.Bytes)); roof != max(w.Read.All, w.Copy.All) {
				t.Errorf("roof of %d bytes is %v, want that of %+v", w.Bytes, roof, w)
			}
		}
		if p.Roof(0) != p.Roof(int64(p.Bandwidth[0].Bytes)) {
			t.Error("the roof of nothing is not that of the smallest working set")
		}
		for _, r := range rates {
			if !(r.One > 1e6 && r.All > 1e6) || threads == 1 && r.One != r.All {
				t.Errorf("%d threads: rate %+v", threads, r)
			}
		}
		if p.ForkPolling <= 0 || p.ForkParked <= 0 {
			t.Errorf("%d threads: a phase takes %v, %v", threads, p.ForkPolling, p.ForkParked)
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Peaks(time.Millisecond); err == nil {
			t.Error("a closed back end measures peaks")
		}
		if _, err := b.ComputePeak(time.Millisecond); err == nil {
			t.Error("a closed back end measures its peak")
		}
	}
}

// Whatever a machine has, working sets grow, fit the loops that go through them, and stay within bounds.
func TestWorkingSets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := cacheSizes{rapid.IntRange(1, 1<<20).Draw(t, "l1"), rapid.IntRange(1, 1<<24).Draw(t, "l2"), rapid.IntRange(1, 1<<32).Draw(t, "l3")}
		threads := rapid.IntRange(1, 4096).Draw(t, "threads")
		last := 0
		if len(s.blocks(threads)) == 0 {
			t.Error("nothing to measure")
		}
		for _, w := range s.blocks(threads) {
			if w.Bytes <= last || w.Bytes > mostProbed || w.Bytes%(threads*partsOfOne*probeUnit) != 0 || w.Level == "" {
				t.Errorf("%v, %d threads: %+v after %d bytes", s, threads, w, last)
			}
			last = w.Bytes
		}
	})
}

package vad

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestAlwaysDivides goes to the bound that Validate sets: with MaxSeconds no larger than it has to be, every layout of
// speech has a division. The layouts come from outside the detector and are worse than what it finds.
func TestAlwaysDivides(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := Default()
		c.MinSeconds = rapid.Float64Range(0.1, 3).Draw(t, "min")
		c.Padding = rapid.Float64Range(0, 1).Draw(t, "padding")
		c.MinSilence = rapid.Float64Range(0.05, min(0.5, c.MinSeconds)).Draw(t, "min silence")
		c.MaxSeconds = c.leastMax()
		c.TargetSeconds = c.MaxSeconds
		s, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		total := layout(t, s, 30)
		if total < s.min {
			t.Skip("shorter than a piece")
		}
		pieces := s.divide(nil, total)
		end := 0
		for i, p := range pieces {
			if p.Start < end || p.Len() < s.min || p.Len() > s.max || p.End > total {
				t.Fatalf("piece %d of %v: lengths are %d to %d, the recording has %d", i, pieces, s.min, s.max, total)
			}
			end = p.End
		}
		var speech []Span
		for _, f := range s.speech {
			speech = append(speech, f.samples(total))
		}
		if lost := uncovered(pieces, speech); lost > 0 {
			t.Fatalf("%d samples of %v are not in %v", lost, speech, pieces)
		}
	})
}

// layout fills the speech, levels and thresholds of s at random and returns the length of the recording in samples.
func layout(t *rapid.T, s *Segmenter, most int) int {
	s.speech = s.speech[:0]
	at := rapid.IntRange(0, 500).Draw(t, "before")
	for i := range rapid.IntRange(1, most).Draw(t, "stretches") {
		if i > 0 {
			at += rapid.OneOf(rapid.IntRange(1, 100), rapid.IntRange(1, 1500)).Draw(t, "silence")
		}
		n := rapid.OneOf(rapid.IntRange(1, 60), rapid.IntRange(1, 3000)).Draw(t, "speech")
		s.speech = append(s.speech, frameSpan{at, at + n})
		at += n
	}
	rest := rapid.IntRange(-hop+1, 300*hop).Draw(t, "after") // the last frame may lack samples
	total := at*hop + rest
	s.track.level, s.bars = s.track.level[:0], s.bars[:0]
	draw := rapid.IntRange(0, 300)
	pattern := rapid.SliceOfN(draw, 1, 50).Draw(t, "levels")
	for i := range (total + hop - 1) / hop {
		s.track.level = append(s.track.level, int16(pattern[i%len(pattern)]))
		if i%step == 0 {
			s.bars = append(s.bars, threshold{floor: int16(pattern[i%len(pattern)] / 2)})
		}
	}
	return total
}

// TestDivisionIsCheapest compares with all divisions that there are.
func TestDivisionIsCheapest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := Default()
		c.MinSeconds, c.MaxSeconds, c.TargetSeconds = 1, 5, rapid.Float64Range(1, 5).Draw(t, "target")
		s, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		total := layout(t, s, 4)
		if total < s.min || total > 25*Rate {
			t.Skip("shorter than a piece, or too many divisions")
		}
		pieces := s.divide(nil, total)
		cheapest := exhaust(s, 0, map[int]int64{})
		var cost int64
		i := 0
		for _, p := range pieces { // the path that the pieces stand for, priced anew
			j := slices.IndexFunc(s.cuts, func(c cut) bool { return c.end.End > 0 && p.End >= c.end.Start && p.End <= c.end.End })
			if j <= i {
				t.Fatalf("piece %v of %v ends at no cut", p, pieces)
			}
			cost += plainPrice(s, i, j)
			i = j
		}
		if cost != cheapest || i != len(s.cuts)-1 {
			t.Fatalf("%v costs %d, the cheapest division costs %d", pieces, cost, cheapest)
		}
	})
}

// exhaust returns the least cost of the pieces from cut i to the end by trying all.
func exhaust(s *Segmenter, i int, known map[int]int64) int64 {
	if i == len(s.cuts)-1 {
		return 0
	}
	if cost, ok := known[i]; ok {
		return cost
	}
	least := int64(math.MaxInt64)
	for j := i + 1; j < len(s.cuts); j++ {
		if rest := exhaust(s, j, known); rest < math.MaxInt64 {
			if price := plainPrice(s, i, j); price < math.MaxInt64 {
				least = min(least, price+rest)
			}
		}
	}
	known[i] = least
	return least
}

// plainPrice is the price of a piece from cut i to cut j by the words of the constants, or MaxInt64 if it cannot be.
func plainPrice(s *Segmenter, i, j int) int64 {
	needs := s.cuts[j].end.Start - s.cuts[i].begin.End
	if s.cuts[j].end.End-s.cuts[i].begin.Start < s.min || needs > s.max {
		return math.MaxInt64
	}
	off := int64(max(needs, s.min) - s.target)
	cost := 1000*off*off/(int64(s.target)*int64(s.target)) + 2000*int64(max(0, s.min-needs))/Rate
	for k, f := range s.speech[:len(s.speech)-1] { // long silences inside
		middle := (f.end + s.speech[k+1].start) * hop / 2
		frames := s.speech[k+1].start - f.end
		if middle > s.cuts[i].begin.End && middle < s.cuts[j].end.Start && frames >= s.minSilence {
			cost += 20 * int64(max(0, frames-s.maxSilence))
		}
	}
	return cost + s.cuts[j].price
}

// TestLongestSilenceWins: of several silences that make pieces of like length, the longest is cut, and no cut is made in
// speech while there is one.
func TestLongestSilenceWins(t *testing.T) {
	s := newSegmenter(t, Default())
	var level []int16
	say := func(frames int) { level = append(level, slices.Repeat([]int16{250}, frames)...) }
	quiet := func(frames int) { level = append(level, slices.Repeat([]int16{100}, frames)...) }
	say(1200)
	quiet(30)
	say(60)
	quiet(80)
	say(60)
	quiet(30)
	say(1200)
	s.track.level = level
	s.bars = slices.Repeat([]threshold{{100, 140, 160}}, len(level)/step+1)
	s.speech = []frameSpan{{0, 1200}, {1230, 1290}, {1370, 1430}, {1460, 2660}}
	got := s.divide(nil, 2660*hop)
	want := []Span{{0, 1310 * hop}, {1350 * hop, 2660 * hop}} // with 0.2 s of padding
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

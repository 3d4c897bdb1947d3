package infer

import (
	"cmp"
	"slices"
)

// cut is a piece of an utterance that goes through the network as one row.
type cut struct {
	utterance     int
	start         int // first sample
	samples       int
	first         int // frame of the utterance that is the first of the cut
	keep, keepEnd int // frames of the utterance that are taken from it
}

// appendCuts cuts an utterance: whole when it is no longer than a chunk, else in chunks of equal length that begin at whole frames and lie evenly, with the
// seams in the middle of their overlaps.
func (m *Model) appendCuts(cuts []cut, utterance, samples int) []cut {
	frames := m.Frames(samples)
	if frames == 0 {
		return cuts
	}
	size := m.Frames(m.chunk)
	if frames <= size {
		return append(cuts, cut{utterance: utterance, samples: samples, keepEnd: frames})
	}
	count := 1 + (frames-size+size-m.overlap-1)/(size-m.overlap)
	seam := 0
	for i := range count {
		first := i * (frames - size) / (count - 1)
		c := cut{utterance: utterance, start: first * m.hop, samples: m.chunk, first: first, keep: seam, keepEnd: frames}
		if i+1 < count {
			next := (i + 1) * (frames - size) / (count - 1)
			c.keepEnd = (first + size + next) / 2
		}
		seam = c.keepEnd
		cuts = append(cuts, c)
	}
	return cuts
}

// order sorts cuts so that those that can share a batch are neighbours, the longest first: the arena grows once.
func order(cuts []cut) {
	slices.SortStableFunc(cuts, func(a, b cut) int { return cmp.Compare(b.samples, a.samples) })
}

// together is how many of the cuts, which are in order, make the next batch: as many as hold no more than m.batch samples, of equal length unless padding can be masked,
// and with at most a quarter of the longest as padding.
func (m *Model) together(cuts []cut) int {
	longest := cuts[0].samples
	n := 1
	for n < len(cuts) && (n+1)*longest <= m.batch && (cuts[n].samples == longest || m.masks() && 4*cuts[n].samples >= 3*longest) {
		n++
	}
	return n
}

package vad

import (
	"math"
	"slices"
)

// What a division costs, in thousandths.
const (
	lengthCost  = 1000  // times ((length - target) / target)², for every piece
	silenceCost = 300   // times MinSilence / length, for a cut in a silence: long ones are better
	speechCost  = 10000 // for a cut without silence, more than a choice of lengths can save
	depthCost   = 1000  // more per dB above the noise floor: the quietest point wins, whatever the lengths
	idleCost    = 2000  // per second of silence that a piece holds in vain: beyond MaxSilence inside, beyond Padding at its ends
)

const (
	block = 25 // frames in which the quietest one is a candidate, where there is no silence
	quiet = 5  // frames on both sides over which a candidate has to be quiet
)

// cut is a place where a piece may end and the next begin, in samples. In a silence there is room: the left piece may
// end, and the right one begin, anywhere between its padding and the middle of the silence.
type cut struct {
	end   Span  // the left piece ends at end.Start or later, at end.End at most
	begin Span  // the right piece begins at begin.End or earlier, at begin.Start at least
	price int64 // cost of cutting here
	long  int64 // cost of keeping the silences up to and including this one inside pieces

	cost int64 // least cost of all pieces up to here
	from int   // the cut at which the last of them begins
}

// divide appends the cheapest division of a recording of total samples to dst. There must be speech, and total must not be
// less than min.
//
// It is a shortest path over the cuts. One exists: go from each cut i to the first cut j where the room for a piece
// reaches min. At the cut before j it did not, so the piece up to there is shorter than min, and so is the right half of
// a silence there, being as long as the left half. Speech without a cut is shorter than 2·block. So the piece needs at
// most 2·min + 2·block + padding, or 2·block and two paddings if nothing lies between i and j. If the room after the last
// cut is below min, that rest joins the piece before, which adds less than 2·min. Validate demands that max is no less
// than all of it.
func (s *Segmenter) divide(dst []Span, total int) []Span {
	s.candidates(total)
	last := len(s.cuts) - 1
	for j := 1; j <= last; j++ {
		c := &s.cuts[j]
		c.cost = math.MaxInt64
		for i := j - 1; i >= 0; i-- {
			length, ok := s.length(i, j)
			if length > s.max {
				break
			}
			if before := s.cuts[i].cost; ok && before < math.MaxInt64 {
				if cost := before + s.price(i, j, length); cost < c.cost {
					c.cost, c.from = cost, i
				}
			}
		}
	}
	first := len(dst)
	for j := last; j > 0; j = s.cuts[j].from {
		dst = append(dst, s.piece(s.cuts[j].from, j))
	}
	slices.Reverse(dst[first:])
	return dst
}

// length returns the length of a piece from cut i to cut j, and whether there is room for min.
func (s *Segmenter) length(i, j int) (int, bool) {
	room := s.cuts[j].end.End - s.cuts[i].begin.Start
	return max(s.min, s.cuts[j].end.Start-s.cuts[i].begin.End), room >= s.min
}

// price returns the cost of a piece with the cut at its end.
func (s *Segmenter) price(i, j, length int) int64 {
	off, target := int64(length-s.target), int64(s.target)
	extra := int64(length - (s.cuts[j].end.Start - s.cuts[i].begin.End))
	return lengthCost*off*off/(target*target) + idleCost*extra/Rate + s.cuts[j].price + s.cuts[j-1].long - s.cuts[i].long
}

// piece returns the piece from cut i to cut j. One that is shorter than min takes more of the silence around it, from both
// sides alike while there is any.
func (s *Segmenter) piece(i, j int) Span {
	left, right := s.cuts[i].begin, s.cuts[j].end
	p := Span{left.End, right.Start}
	if lack := s.min - p.Len(); lack > 0 {
		take := min(left.Len(), max(lack/2, lack-right.Len()))
		p.Start -= take
		p.End += lack - take
	}
	return p
}

// candidates fills s.cuts: the beginning, the end, every silence of at least minSilence between stretches with speech, and
// where there is none the quietest frame of every block.
func (s *Segmenter) candidates(total int) {
	first, last := s.speech[0], s.speech[len(s.speech)-1]
	s.cuts = append(s.cuts[:0], cut{begin: Span{0, max(0, first.start*hop-s.padding)}})
	from := first.start
	for k, f := range s.speech[1:] {
		if silence := (frameSpan{s.speech[k].end, f.start}); silence.end-silence.start >= s.minSilence {
			s.addQuietest(frameSpan{from, silence.start})
			s.addSilence(silence)
			from = f.start
		}
	}
	s.addQuietest(frameSpan{from, last.end})
	s.cuts = append(s.cuts, cut{end: Span{min(total, last.end*hop+s.padding), total}})
}

// addSilence adds the cut in a silence.
func (s *Segmenter) addSilence(f frameSpan) {
	silence := Span{f.start * hop, f.end * hop}
	padding, middle := min(s.padding, silence.Len()/2), (silence.Start+silence.End)/2
	frames := f.end - f.start
	s.cuts = append(s.cuts, cut{
		end:   Span{silence.Start + padding, middle},
		begin: Span{middle, silence.End - padding},
		price: int64(silenceCost * s.minSilence / frames),
		long:  s.cuts[len(s.cuts)-1].long + int64(idleCost*hop/Rate*max(0, frames-s.maxSilence)),
	})
}

// addQuietest adds a cut in every block of a stretch without long silences: in the middle of its quietest 110 ms, so that a
// pause between words wins over the closure of a stop, which is as quiet but shorter.
func (s *Segmenter) addQuietest(f frameSpan) {
	for ; f.start+block <= f.end; f.start += block {
		best, least := f.start, math.MaxInt
		for i := f.start; i < f.start+block; i++ {
			around := s.track.level[max(0, i-quiet):min(len(s.track.level), i+quiet+1)]
			if loudness := int(slices.Max(around))*levels + int(s.track.level[i]); loudness < least {
				best, least = i, loudness
			}
		}
		depth := max(0, least/levels-int(s.bars[best/step].floor))
		at := best*hop + hop/2
		s.cuts = append(s.cuts, cut{
			end: Span{at, at}, begin: Span{at, at},
			price: speechCost + int64(depth)*depthCost/perDB,
			long:  s.cuts[len(s.cuts)-1].long,
		})
	}
}

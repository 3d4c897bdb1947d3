package vad

import "math"

const (
	shortest     = 5  // frames above the upper threshold that a stretch needs: a click of 10 ms touches 4 windows
	hangover     = 5  // frames added on both sides, the decay of a word
	fricative    = 25 // frames in which crossings may pull an edge outwards, as in the paper
	fricativeMin = 3  // frames with many crossings that it takes
	crossingMin  = 75 // crossings in 30 ms that a fricative has at least, the paper's 25 in 10 ms
)

// detect finds the stretches with speech, s.speech: runs of frames above the lower threshold of which enough reach the
// upper one, widened by fricatives at their edges and by the hangover, and joined where they then touch.
func (s *Segmenter) detect(samples []int16) {
	s.track.extract(&s.features, samples)
	s.thresholds()
	s.speech = s.speech[:0]
	level := s.track.level
	many := s.manyCrossings()
	for i := 0; i < len(level); {
		if level[i] <= s.bars[i/step].low {
			i++
			continue
		}
		run, sure := frameSpan{i, i}, 0
		for ; i < len(level) && level[i] > s.bars[i/step].low; i++ {
			if level[i] > s.bars[i/step].high {
				sure++
			}
		}
		if run.end = i; sure >= shortest {
			s.add(s.widen(run, many))
		}
	}
}

// widen moves the edges of a run to the outermost frame of a fricative beside it, then by the hangover.
func (s *Segmenter) widen(run frameSpan, many int16) frameSpan {
	hits, edge := 0, run.start
	for i := run.start - 1; i >= max(0, run.start-fricative); i-- {
		if s.fricative(i, many) {
			hits, edge = hits+1, i
		}
	}
	if hits >= fricativeMin {
		run.start = edge
	}
	hits, edge = 0, run.end
	for i := run.end; i < min(len(s.track.level), run.end+fricative); i++ {
		if s.fricative(i, many) {
			hits, edge = hits+1, i+1
		}
	}
	if hits >= fricativeMin {
		run.end = edge
	}
	return frameSpan{max(0, run.start-hangover), min(len(s.track.level), run.end+hangover)}
}

// fricative says whether frame i crosses zero more often than the noise does and is louder than most of the noise.
func (s *Segmenter) fricative(i int, many int16) bool {
	bar := s.bars[i/step]
	return s.track.crossing[i] >= many && s.track.level[i] > bar.floor+(bar.low-bar.floor)/2
}

// add appends a stretch, or joins it to the last one where they touch.
func (s *Segmenter) add(f frameSpan) {
	if n := len(s.speech); n > 0 && f.start <= s.speech[n-1].end {
		s.speech[n-1].end = max(s.speech[n-1].end, f.end)
		return
	}
	s.speech = append(s.speech, f)
}

// manyCrossings returns the number of zero crossings from which a frame may be a fricative: two standard deviations above
// the mean of the noise (the frames near the floor), as in the paper, but no less than crossingMin. In hiss, which
// crosses zero as often as a fricative, energy alone decides.
func (s *Segmenter) manyCrossings() int16 {
	var n, sum, squares int64
	for i, l := range s.track.level {
		if l >= dead && l <= s.bars[i/step].floor+2*perDB {
			c := int64(s.track.crossing[i])
			n, sum, squares = n+1, sum+c, squares+c*c
		}
	}
	if n == 0 {
		return crossingMin
	}
	mean := float64(sum) / float64(n)
	deviation := math.Sqrt(max(float64(squares)/float64(n)-mean*mean, 0))
	return int16(max(crossingMin, math.Ceil(mean+2*deviation)))
}

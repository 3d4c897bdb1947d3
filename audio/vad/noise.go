package vad

const (
	step      = 50 // frames between two estimates, 0.5 s
	floorRank = 10 // per cent of the live frames in the window that lie below the noise floor
	loudRank  = 95 // per cent that lie below the level of loud speech

	// Frames below -88 dB are digital silence (dither of one bit lies at -96 dB). They are silence and say nothing about
	// the noise between the words of what was recorded; the floor is taken over the others, the live frames.
	dead = 12 * perDB
	// Where so much of a window (per cent) is digital silence, the pauses were muted and all live frames may be speech.
	// There the floor lies at least so far below the loud frames.
	mutedShare = 10
	mutedRange = 30 * perDB

	riseDivisor = 4 // the upper threshold is a quarter of the range above the floor, within MinRise and MaxRise
)

// threshold is what the detector holds levels against in the frames of a step.
type threshold struct {
	floor int16 // level of the noise
	low   int16 // speech goes on above this
	high  int16 // speech is sure above this
}

// thresholds fills s.bars with an estimate per step: floor and rise from a histogram of the levels in a window around it,
// which moves along the recording. Near its ends the window is cut.
func (s *Segmenter) thresholds() {
	level := s.track.level
	s.bars = s.bars[:0]
	s.histogram = [levels]int32{}
	from, to := 0, 0 // the frames that the histogram holds
	for start := 0; start < len(level); start += step {
		middle := start + step/2
		for end := min(middle+s.floorWindow/2, len(level)); to < end; to++ {
			s.histogram[level[to]]++
		}
		for begin := max(middle-s.floorWindow/2, 0); from < begin; from++ {
			s.histogram[level[from]]--
		}
		s.bars = append(s.bars, s.estimate(to-from))
	}
}

// estimate reads the thresholds off the histogram, which holds n frames.
func (s *Segmenter) estimate(n int) threshold {
	silent := 0
	for _, count := range s.histogram[:dead] {
		silent += int(count)
	}
	live := n - silent
	floor, loud := s.rank(live*floorRank/100), s.rank(live*loudRank/100)
	if silent*100 >= n*mutedShare {
		floor = max(dead, min(floor, loud-mutedRange))
	}
	rise := min(max((loud-floor)/riseDivisor, s.minRise), s.maxRise)
	return threshold{floor: int16(floor), low: int16(floor + rise*2/3), high: int16(floor + rise)}
}

// rank returns the level of the live frame that has k live frames below it.
func (s *Segmenter) rank(k int) int {
	for l := dead; l < levels; l++ {
		if k -= int(s.histogram[l]); k < 0 {
			return l
		}
	}
	return dead // there is no live frame
}

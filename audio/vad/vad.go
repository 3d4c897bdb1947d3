// Package vad finds speech in long recordings and cuts them at silence into pieces of training size.
//
// Pretraining wants pieces of a few seconds up to the longest crop of a batch. Audiobooks and radio come in hours. A cut
// in the middle of a word costs a little, minutes of silence cost much (they teach nothing, and the contrastive task
// becomes trivial on them), and lost speech is lost for good. So the detector leans towards speech, and the division is
// optimal for a stated cost instead of greedy.
//
// The detector follows Rabiner and Sambur, "An Algorithm for Determining the Endpoints of Isolated Utterances" (Bell
// System Technical Journal 54, 1975): short-time energy with two thresholds, and zero crossings that pull weak fricatives
// at the edges of words in. Instead of assuming that a recording begins with silence, the noise floor is a low percentile
// of the energy over a window that moves along the recording. A zero-phase high-pass filter goes first, so that an offset
// and mains hum have no energy; what is too short for a syllable is a click.
//
//	samples ─ features ─> level and crossings per 10 ms ─ noise ─> floor per 0.5 s ─ detect ─> speech ─ divide ─> pieces
//
// All arithmetic but one logarithm per frame is in integers: equal samples give equal pieces.
//
// What it cannot do: speech that is not MinRise above steady noise is lost in it, music and other voices count as speech,
// and a word of less than 50 ms of sound far from all others counts as a click.
package vad

import (
	"fmt"
	"math"
)

// Rate is the sampling rate, in Hz, of all signals of this package.
const Rate = 16000

// Span is a stretch of a recording: samples Start up to but without End.
type Span struct{ Start, End int }

// Len returns the number of samples.
func (s Span) Len() int { return s.End - s.Start }

// Config says what pieces are wanted and what counts as speech. Times are in seconds, rounded to frames of 10 ms.
type Config struct {
	// Every piece is from MinSeconds to MaxSeconds long, and as near to TargetSeconds as the silences allow.
	MinSeconds, MaxSeconds, TargetSeconds float64

	// MinSilence is the shortest silence that is a good place for a cut. Shorter ones are the closures of stops and the
	// gaps between words.
	MinSilence float64
	// MaxSilence is the longest silence that a piece holds inside for free. Each second beyond costs as much as two
	// pieces of no length: longer ones are cut out unless they are hardly longer and a piece would be far from
	// TargetSeconds, or would fall below MinSeconds.
	MaxSilence float64
	// Padding is the silence kept on both sides of a piece where it is cut in silence; half of the silence where that is
	// less.
	Padding float64

	// FloorSeconds is the length of the moving window over which the noise floor is taken.
	FloorSeconds float64
	// Speech rises above the noise floor by a quarter of the range from the floor to the loud frames, but by no less than
	// MinRise and no more than MaxRise, in dB. Lower values keep more.
	MinRise, MaxRise float64
}

// Default returns the settings for wav2vec 2.0 pretraining.
//
//   - 2 to 15.6 s: batches crop at 250,000 samples (15.625 s), so what a longer piece has beyond that is read in vain; below 2 s
//     a piece has less than 50 masked frames to draw 100 distractors from.
//   - 14 s as the target leaves the division room on both sides of it; pieces of fluent reading are then 11 to 13 s in the
//     mean, like LibriSpeech's.
//   - 0.2 s as the shortest silence, or 0.3 s with the 0.05 s that the detector adds to both sides of speech: closures of stops
//     last up to 0.15 s, pauses between phrases mostly more than 0.3 s.
//   - 1 s as the longest silence inside, the pause between sentences of a slow reader.
//   - 0.2 s of padding, more than the decay of a word in a living room that the detector may miss.
//   - 20 s of window for the floor: even fluent readers pause for a tenth of that, and a change of room is followed in time.
//   - a rise of 6 to 15 dB: the energy of steady noise hardly varies by 3 dB between windows of 30 ms, and in clean
//     recordings breaths and the room's echo stand out by more than 6.
func Default() Config {
	return Config{
		MinSeconds: 2, MaxSeconds: 15.6, TargetSeconds: 14,
		MinSilence: 0.2, MaxSilence: 1, Padding: 0.2,
		FloorSeconds: 20, MinRise: 6, MaxRise: 15,
	}
}

// Validate reports the first setting that cannot work.
func (c Config) Validate() error {
	for _, f := range []struct {
		name        string
		value       float64
		least, most float64
	}{
		{"MinSeconds", c.MinSeconds, 0.1, 3600},
		{"MaxSeconds", c.MaxSeconds, 0.1, 3600},
		{"TargetSeconds", c.TargetSeconds, 0.1, 3600},
		{"MinSilence", c.MinSilence, 0.05, 60},
		{"MaxSilence", c.MaxSilence, 0.05, 3600},
		{"Padding", c.Padding, 0, 60},
		{"FloorSeconds", c.FloorSeconds, 1, 3600},
		{"MinRise", c.MinRise, 1, 60},
		{"MaxRise", c.MaxRise, 1, 60},
	} {
		if !(f.value >= f.least && f.value <= f.most) { // NaN fails too
			return fmt.Errorf("vad: %s is %g: want %g to %g", f.name, f.value, f.least, f.most)
		}
	}
	switch {
	case c.MaxSilence < c.MinSilence:
		return fmt.Errorf("vad: MaxSilence %g is below MinSilence %g", c.MaxSilence, c.MinSilence)
	case c.MinSilence > c.MinSeconds: // a piece could lie inside a silence
		return fmt.Errorf("vad: MinSilence %g is above MinSeconds %g", c.MinSilence, c.MinSeconds)
	case c.MaxRise < c.MinRise:
		return fmt.Errorf("vad: MaxRise %g is below MinRise %g", c.MaxRise, c.MinRise)
	case c.TargetSeconds < c.MinSeconds || c.TargetSeconds > c.MaxSeconds:
		return fmt.Errorf("vad: TargetSeconds %g is not between MinSeconds %g and MaxSeconds %g",
			c.TargetSeconds, c.MinSeconds, c.MaxSeconds)
	case c.MaxSeconds < c.leastMax():
		return fmt.Errorf("vad: MaxSeconds %g is too near to MinSeconds %g for a division to exist in every recording: "+
			"want at least %.4g (4·MinSeconds + 2·Padding + 0.5)", c.MaxSeconds, c.MinSeconds, c.leastMax())
	}
	return nil
}

// leastMax is the bound on MaxSeconds from which every recording has a division; see divide.
func (c Config) leastMax() float64 { return 4*c.MinSeconds + 2*c.Padding + 2*block*hop/float64(Rate) }

// Segmenter cuts recordings. It keeps its memory from one recording to the next, about 8 bytes per 10 ms of the longest,
// and so serves one goroutine at a time.
type Segmenter struct {
	min, max, target, padding int // samples
	minSilence, maxSilence    int // frames
	floorWindow               int // frames
	minRise, maxRise          int // steps of level

	features  features
	track     track
	histogram [levels]int32
	bars      []threshold
	speech    []frameSpan
	cuts      []cut
}

// New returns a Segmenter, or what Validate says of the settings.
func New(c Config) (*Segmenter, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	samples := func(seconds float64) int { return int(math.Round(seconds * Rate)) }
	frames := func(seconds float64) int { return int(math.Round(seconds * Rate / hop)) }
	return &Segmenter{
		min:         samples(c.MinSeconds),
		max:         samples(c.MaxSeconds),
		target:      samples(c.TargetSeconds),
		padding:     samples(c.Padding),
		minSilence:  frames(c.MinSilence),
		maxSilence:  frames(c.MaxSilence),
		floorWindow: frames(c.FloorSeconds),
		minRise:     int(math.Round(c.MinRise * perDB)),
		maxRise:     int(math.Round(c.MaxRise * perDB)),
	}, nil
}

// Speech appends the stretches with speech in samples (mono, 16 kHz) to dst: ordered, apart from each other, without
// padding.
func (s *Segmenter) Speech(dst []Span, samples []int16) []Span {
	s.detect(samples)
	for _, f := range s.speech {
		dst = append(dst, f.samples(len(samples)))
	}
	return dst
}

// Segment appends the pieces of samples (mono, 16 kHz) to dst: ordered, without overlap, each from MinSeconds to
// MaxSeconds long. They hold everything that Speech finds. What they leave out is silence. A piece ends where the next
// one begins only where there was no silence of MinSilence to cut in.
//
// Of a recording without speech nothing is kept. One with speech that is shorter than MinSeconds is a single piece, the
// one exception to the lower bound: whether to keep it is for the caller to say.
func (s *Segmenter) Segment(dst []Span, samples []int16) []Span {
	s.detect(samples)
	if len(s.speech) == 0 {
		return dst
	}
	if len(samples) < s.min {
		return append(dst, Span{0, len(samples)})
	}
	return s.divide(dst, len(samples))
}

// frameSpan is a stretch of frames, from start up to but without end.
type frameSpan struct{ start, end int }

// samples returns the samples of a stretch; the last frame of a recording may be shorter than the others.
func (f frameSpan) samples(total int) Span { return Span{f.start * hop, min(f.end*hop, total)} }

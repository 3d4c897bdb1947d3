// Package synth makes small corpora of artificial speech, so that every part of the workbench can be tried without any
// recording at hand.
//
// It is a source-filter formant synthesizer in the tradition of Klatt (JASA 67, 1980): a glottal pulse train and noise
// excite a cascade of resonators whose centres glide between the formant targets of some twenty phones. Words come from an
// invented language; several talkers differ in pitch, vocal tract length, voice quality, speaking rate and level.
//
// What it is good for: checking that a pipeline runs, that a loss falls, and that learnt units line up with known phones.
// What it is not: natural speech. It has none of its variety of articulation, prosody, rooms and microphones, so no number
// measured on it says anything about performance on recordings.
package synth

import (
	"fmt"
	"iter"
	"strings"

	"aural/rng"
)

// Rate is the sampling rate of every utterance in Hz.
const Rate = 16000

// frame is the number of samples, 5 ms, for which the synthesizer's controls are constant. All labels are multiples of it.
const frame = Rate / 200

// Options choose a corpus. A field that is 0 or negative takes the default given with it.
type Options struct {
	Seed       uint64  // equal options give equal corpora
	Utterances int     // default 100
	Speakers   int     // default 8; utterance i is spoken by talker i mod Speakers
	MinSeconds float64 // default 2
	MaxSeconds float64 // default 6; raised to MinSeconds where it is less, and at most 600
}

func (o Options) withDefaults() Options {
	if o.Utterances <= 0 {
		o.Utterances = 100
	}
	if o.Speakers <= 0 {
		o.Speakers = 8
	}
	if !(o.MinSeconds > 0) {
		o.MinSeconds = 2
	}
	if !(o.MaxSeconds > 0) {
		o.MaxSeconds = 6
	}
	o.MinSeconds = min(o.MinSeconds, 600)
	o.MaxSeconds = min(max(o.MinSeconds, o.MaxSeconds), 600)
	return o
}

// Utterance is one spoken sentence with its exact labels.
type Utterance struct {
	ID         string    // talker and number, for example "synth03-0011"
	Speaker    string    // for example "synth03"
	Samples    []int16   // mono at Rate
	Phones     []Segment // adjoining segments from sample 0 to len(Samples)
	Transcript string    // upper-case words of A-Z with single spaces; empty when no word fits into the time
}

// Segment is one phone and the samples Start ≤ i < End in which it is spoken.
type Segment struct {
	Phone      string // one of Phones()
	Start, End int
}

// Corpus yields opt.Utterances utterances in order. They are made one at a time while the loop runs.
func Corpus(opt Options) iter.Seq[Utterance] {
	opt = opt.withDefaults()
	return func(yield func(Utterance) bool) {
		for i := range opt.Utterances {
			if !yield(Speak(opt, i)) {
				return
			}
		}
	}
}

// Speak makes utterance i ≥ 0 of the corpus alone. It depends on nothing but its arguments, so utterances can be made in
// any order and by several goroutines.
func Speak(opt Options, i int) Utterance {
	opt = opt.withDefaults()
	who := i % opt.Speakers
	t := newTalker(opt.Seed, who)
	r := rng.At(opt.Seed, uint64(i), rng.Site("synth.utterance"))
	frames := int((opt.MinSeconds + r.Float64()*(opt.MaxSeconds-opt.MinSeconds)) * Rate / frame)
	words, spoken := sentence(t, r, max(frames, 1))
	pitch := intonation(t, r, spoken)
	voice := t.speak(controlTracks(t, spoken), pitch, rng.At(opt.Seed, uint64(i), rng.Site("synth.noise")))

	u := Utterance{Speaker: fmt.Sprintf("synth%02d", who), Transcript: strings.Join(words, " ")}
	u.ID = fmt.Sprintf("%s-%04d", u.Speaker, i)
	u.Samples = record(t, r, voice, spoken)
	at := 0
	for _, s := range spoken {
		end := at + s.frames*frame
		u.Phones = append(u.Phones, Segment{Phone: s.phone.name, Start: at, End: end})
		at = end
	}
	return u
}

package synth

import (
	"math"
	"slices"

	"aural/rng"
)

// vocabulary is the number of words of the language.
const vocabulary = 80

// word is a pronunciation and its spelling, which determine each other.
type word struct {
	phones   []phone
	spelling string
}

// lexicon returns the words of the language, the frequent ones first. It does not depend on the corpus seed: corpora of
// different seeds are in the same language.
//
// A word has two phones or more in one to three syllables (onset) vowel (coda); an onset is one consonant or a cluster that English has too.
func lexicon() []word {
	set := phoneSet()
	r := rng.At(1, 0, rng.Site("synth.lexicon"))
	pick := func(names ...string) phone { return set[names[r.IntN(len(names))]] }
	var words []word
	seen := make(map[string]bool)
	for len(words) < vocabulary {
		var w word
		for range 1 + r.IntN(3) {
			switch onset := r.Float64(); {
			case onset < 0.70:
				w.phones = append(w.phones, pick("M", "N", "L", "W", "S", "SH", "F", "Z", "P", "T", "K", "B", "D", "G"))
			case onset < 0.78:
				w.phones = append(w.phones, set["S"], pick("P", "T", "K", "M", "N", "L", "W"))
			case onset < 0.86:
				w.phones = append(w.phones, pick("P", "K", "B", "G", "F"), set["L"])
			}
			w.phones = append(w.phones, pick("IY", "EH", "AA", "AO", "UW", "ER"))
			if r.Float64() < 0.4 {
				w.phones = append(w.phones, pick("M", "N", "L", "S", "Z", "P", "T", "K"))
			}
		}
		for _, p := range w.phones {
			w.spelling += p.letters
		}
		if len(w.phones) > 1 && !seen[w.spelling] {
			seen[w.spelling] = true
			words = append(words, w)
		}
	}
	slices.SortStableFunc(words, func(a, b word) int { return len(a.phones) - len(b.phones) }) // frequent words are short
	return words
}

// spokenPhone is a phone with its length and place in the sentence.
type spokenPhone struct {
	phone
	frames   int  // length in frames
	accented bool // the first vowel of a word carries a pitch accent
}

// sentence draws words until the given number of frames is full, and returns their spellings and all phones. The silence
// at both ends takes up what the words leave, so the phones add up to frames exactly.
func sentence(t talker, r *rng.Stream, frames int) ([]string, []spokenPhone) {
	words, quiet := lexicon(), phoneSet()["SIL"]
	const margin = 20 // frames of silence at each end, at least, where there is room
	var spellings []string
	var spoken []spokenPhone
	used := 0
	for {
		w := words[zipf(r, len(words))]
		var next []spokenPhone
		if len(spellings) > 0 && r.Float64() < 0.15 {
			next = append(next, spokenPhone{phone: quiet, frames: t.length(quiet, r)})
		}
		accent := true
		for _, p := range w.phones {
			next = append(next, spokenPhone{phone: p, frames: t.length(p, r), accented: accent && p.class == vowel})
			accent = accent && p.class != vowel
		}
		length := 0
		for _, s := range next {
			length += s.frames
		}
		if used+length+2*margin > frames {
			break
		}
		spellings, spoken, used = append(spellings, w.spelling), append(spoken, next...), used+length
	}
	before := (frames - used) / 2
	if len(spoken) == 0 { // too short for any word
		return nil, []spokenPhone{{phone: quiet, frames: frames}}
	}
	spoken = slices.Insert(spoken, 0, spokenPhone{phone: quiet, frames: before})
	return spellings, append(spoken, spokenPhone{phone: quiet, frames: frames - used - before})
}

// zipf draws a rank from [0,n) with probability proportional to 1/(rank+4).
func zipf(r *rng.Stream, n int) int {
	total := 0.0
	for k := range n {
		total += 1 / float64(k+4)
	}
	u := r.Float64() * total
	for k := range n {
		if u -= 1 / float64(k+4); u < 0 {
			return k
		}
	}
	return n - 1
}

// intonation returns the pitch in Hz of every frame: a slow fall over the sentence, a rise on accented vowels, and a fall
// or, in one sentence of five, a rise at the end.
func intonation(t talker, r *rng.Stream, spoken []spokenPhone) []float64 {
	n := 0
	for _, s := range spoken {
		n += s.frames
	}
	ending := -0.15
	if r.Float64() < 0.2 {
		ending = 0.25
	}
	pitch := make([]float64, n)
	for i := range pitch {
		along := float64(i) / float64(n)
		pitch[i] = 1.08 - 0.16*along + ending*math.Max(0, along-0.8)/0.2
	}
	at := 0
	for _, s := range spoken {
		if s.accented {
			height := 0.08 + 0.14*r.Float64()
			for k := range s.frames {
				pitch[at+k] += height
			}
		}
		at += s.frames
	}
	pitch = smooth(pitch, 12)
	for i := range pitch {
		pitch[i] *= t.pitch
	}
	return pitch
}

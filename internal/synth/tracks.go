package synth

import "math"

// The controls of the synthesizer, one track of values each, one value a frame.
const (
	ctlF1 = iota // formant frequencies in Hz
	ctlF2
	ctlF3
	ctlF4
	ctlZero   // frequency of the nasal zero in Hz; where it equals nasalPole the pair has no effect
	ctlVoice  // amplitude of voicing
	ctlBreath // amplitude of aspiration, noise at the glottis
	ctlNoise  // amplitude of the noise at the constriction
	ctlCentre // its centre in Hz, 0 for flat
	ctlWidth  // its bandwidth in Hz
	controls
)

// nasalPole is the fixed resonance of the nasal cavity in Hz (Klatt 1980, table I).
const nasalPole = 270

// controlTracks lays out the phones' targets in time and smooths them: tongue and jaw glide over 60 ms, so formants never
// jump, a short vowel does not reach its target, and a consonant is heard in its neighbours. Amplitudes change in 20 ms,
// and in 10 ms at the constriction, which keeps bursts short. The result is (controls, frame).
func controlTracks(t talker, spoken []spokenPhone) [][]float64 {
	tracks := make([][]float64, controls)
	for _, s := range spoken {
		for k := range s.frames {
			for c, v := range target(t, s, k) {
				tracks[c] = append(tracks[c], v)
			}
		}
	}
	for c := ctlF1; c <= ctlZero; c++ {
		tracks[c] = smooth(tracks[c], 6)
	}
	tracks[ctlVoice] = smooth(tracks[ctlVoice], 2)
	tracks[ctlBreath] = smooth(tracks[ctlBreath], 2)
	tracks[ctlNoise] = smooth(tracks[ctlNoise], 1)
	return tracks
}

// target returns the controls that a phone aims at in its frame k.
func target(t talker, s spokenPhone, k int) (c [controls]float64) {
	for i, f := range s.formant {
		c[ctlF1+i] = f * t.tract
	}
	c[ctlZero] = nasalPole * t.tract
	if s.zero > 0 {
		c[ctlZero] = s.zero * t.tract
	}
	c[ctlVoice] = s.voice
	c[ctlBreath] = s.voice * t.breath
	c[ctlNoise], c[ctlCentre], c[ctlWidth] = s.noise, math.Min(s.centre*t.tract, 7000), s.width
	if s.class == plosive {
		voiceless := s.voice == 0
		burst := s.frames * 3 / 4 // where the closure opens
		if voiceless {
			burst = s.frames * 3 / 5
		}
		switch {
		case k < burst:
			c[ctlNoise] = 0
		case k >= burst+2: // the burst lasts 10 ms
			c[ctlNoise] = 0
			if voiceless {
				c[ctlBreath] = 0.12
			} else {
				c[ctlVoice] = 0.6
			}
		}
	}
	return c
}

// smooth returns the average of x over 2·half+1 frames with the weights of a Hann window; beyond its ends x is constant.
func smooth(x []float64, half int) []float64 {
	out := make([]float64, len(x))
	weights := make([]float64, 2*half+1)
	total := 0.0
	for k := range weights {
		weights[k] = 0.5 - 0.5*math.Cos(2*math.Pi*float64(k+1)/float64(2*half+2))
		total += weights[k]
	}
	for i := range out {
		for k, w := range weights {
			out[i] += w * x[min(max(i+k-half, 0), len(x)-1)]
		}
		out[i] /= total
	}
	return out
}

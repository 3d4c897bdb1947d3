package vad

import (
	"math"
	"math/rand/v2"
)

// scene is a synthetic recording of which it is known where somebody speaks.
type scene struct {
	samples []int16
	speech  []Span
}

// noise adds white noise of the given level in dB of full scale.
func (s *scene) noise(r *rand.Rand, db float64) *scene {
	a := 32768 * math.Pow(10, db/20)
	return s.each(func(int) float64 { return a * r.NormFloat64() })
}

// tone adds a sine of the given frequency and peak.
func (s *scene) tone(hz, peak float64) *scene {
	return s.each(func(i int) float64 { return peak * math.Sin(2*math.Pi*hz*float64(i)/Rate) })
}

// offset adds a constant.
func (s *scene) offset(v float64) *scene { return s.each(func(int) float64 { return v }) }

func (s *scene) each(f func(i int) float64) *scene {
	for i, v := range s.samples {
		s.samples[i] = clip(float64(v) + f(i))
	}
	return s
}

func clip(v float64) int16 { return int16(math.Round(min(max(v, -32768), 32767))) }

// quiet appends silence.
func (s *scene) quiet(seconds float64) *scene {
	s.samples = append(s.samples, make([]int16, int(seconds*Rate))...)
	return s
}

// say appends something that looks like speech to a detector: syllables of 200 ms, each a pulse train at 120 Hz through
// two resonances with a smooth rise and fall, and between them closures 40 dB lower. rms of the loud parts is about the
// given level.
func (s *scene) say(r *rand.Rand, seconds, db float64) *scene {
	n, start := int(seconds*Rate), len(s.samples)
	peak := 32768 * math.Pow(10, db/20) * math.Sqrt2
	f1, f2 := 500.0, 1500.0
	for i := range n {
		if i%3200 == 0 { // another vowel
			f1, f2 = 300+500*r.Float64(), 900+1400*r.Float64()
		}
		t := float64(i) / Rate
		rise := math.Sin(math.Pi * float64(i%3200) / 3200)
		envelope := 0.01 + 0.99*rise*rise
		pulse := 0.5 + 0.5*math.Cos(2*math.Pi*120*t)
		v := 0.7*math.Sin(2*math.Pi*f1*t) + 0.6*math.Sin(2*math.Pi*f2*t)
		s.samples = append(s.samples, clip(peak*envelope*pulse*v*1.5))
	}
	s.speech = append(s.speech, Span{start, start + n})
	return s
}

// randomScene returns up to ten stretches of speech with silences of any length between them, in noise, hum and an offset.
func randomScene(seed uint64) *scene {
	r := rand.New(rand.NewPCG(seed, 0))
	s := &scene{}
	s.quiet(3 * r.Float64() * r.Float64())
	for range r.IntN(10) {
		s.say(r, 0.2+min(25, r.ExpFloat64()*3), -35+20*r.Float64())
		s.quiet(min(30, r.ExpFloat64()*1.5*float64(r.IntN(4))))
	}
	if r.IntN(4) > 0 {
		s.noise(r, -90+25*r.Float64())
	}
	if r.IntN(3) == 0 {
		s.tone(50, 6000*r.Float64()).tone(100, 1000*r.Float64()).offset(4000 * (r.Float64() - 0.5))
	}
	return s
}

// uncovered returns how many samples of the stretches no piece holds.
func uncovered(pieces, stretches []Span) int {
	lost := 0
	for _, f := range stretches {
		lost += f.Len()
		for _, p := range pieces {
			lost -= max(0, min(p.End, f.End)-max(p.Start, f.Start))
		}
	}
	return lost
}

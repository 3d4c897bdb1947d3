package synth

import (
	"math"

	"aural/rng"
)

// talker is what makes one voice differ from another.
type talker struct {
	pitch    float64 // mean fundamental frequency in Hz
	tract    float64 // factor on all resonances: 1 for an adult male, above 1 for a shorter vocal tract
	jitter   float64 // standard deviation of a glottal period, relative
	shimmer  float64 // standard deviation of a glottal amplitude, relative
	breath   float64 // aspiration noise relative to voicing
	openness float64 // part of the glottal period in which the folds are open
	rate     float64 // speaking rate relative to the inventory's lengths
	level    float64 // mean level in dB relative to full scale
	noise    float64 // mean background noise in dB relative to the speech
}

// newTalker draws talker number who. Pitches of consecutive talkers are spread by the golden ratio, so that even a few
// talkers cover the range from 85 to 280 Hz and no two have the same pitch; short tracts go with high pitch, as in people.
func newTalker(seed uint64, who int) talker {
	start := rng.At(seed, 0, rng.Site("synth.talkers")).Float64()
	r := rng.At(seed, uint64(who), rng.Site("synth.talker"))
	_, place := math.Modf(start + float64(who)*(math.Phi-1))
	return talker{
		pitch:    85 * math.Pow(280.0/85, place),
		tract:    0.95 + 0.2*place + 0.08*(r.Float64()-0.5),
		jitter:   0.003 + 0.012*r.Float64(),
		shimmer:  0.02 + 0.06*r.Float64(),
		breath:   0.005 + 0.04*r.Float64()*r.Float64(),
		openness: 0.45 + 0.25*r.Float64(),
		rate:     0.85 + 0.4*r.Float64(),
		level:    -29 + 8*r.Float64(),
		noise:    -45 + 15*r.Float64(),
	}
}

// length draws the length of a phone in frames, at least 4 (20 ms): its median over the talker's rate, with a spread of
// about 15 %.
func (t talker) length(p phone, r *rng.Stream) int {
	spread := math.Exp(0.15 * math.Max(-2, math.Min(2, r.NormFloat64())))
	return max(4, int(math.Round(p.ms*spread/t.rate*Rate/1000/frame)))
}

// record turns synthesized speech into what a microphone would have stored: at the talker's level, which varies by 3 dB
// between sentences, over low-pass background noise. The level gives way where peaks would come near full scale.
func record(t talker, r *rng.Stream, voice []float64, spoken []spokenPhone) []int16 {
	energy, count, at := 0.0, 0, 0
	for _, s := range spoken {
		for _, v := range voice[at : at+s.frames*frame] {
			if s.class != silence {
				energy += v * v
				count++
			}
		}
		at += s.frames * frame
	}
	gain := 1.0
	rms := math.Pow(10, (t.level+3*(2*r.Float64()-1))/20)
	if energy > 0 {
		gain = rms / math.Sqrt(energy/float64(count))
	}
	// White noise with variance 1/3 through y += a(x-y) has variance a/(2-a)/3.
	const pole = 0.3
	noiseGain := rms * math.Pow(10, t.noise/20) / math.Sqrt(pole/(2-pole)/3)
	mixed := make([]float64, len(voice))
	peak, hum := 0.0, 0.0
	for i, v := range voice {
		hum += pole * (uniform(r) - hum)
		mixed[i] = gain*v + noiseGain*hum
		peak = math.Max(peak, math.Abs(mixed[i]))
	}
	const ceiling = 0.9
	scale := 32768 * math.Min(1, ceiling/peak)
	out := make([]int16, len(mixed))
	for i, v := range mixed {
		out[i] = int16(math.Round(v * scale))
	}
	return out
}

// uniform draws from [-1,1).
func uniform(r *rng.Stream) float64 { return float64(int32(r.Uint32())) * (1.0 / (1 << 31)) }

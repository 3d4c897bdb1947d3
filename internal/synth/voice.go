package synth

import (
	"math"

	"aural/rng"
)

// bandwidths of F1 to F5 in Hz, and the centre of F5, which no phone moves (Klatt 1980, table I).
const (
	f5Hz    = 4500
	f5Width = 250
)

func formantWidths() [4]float64 { return [4]float64{60, 90, 130, 180} }

// resonator is a second-order digital filter (Klatt 1980, eqs. 1 and 2): y = a·x + b·y₁ + c·y₂.
type resonator struct{ a, b, c, y1, y2 float64 }

// tune sets centre and bandwidth in Hz, with a gain of 1 at 0 Hz.
func (r *resonator) tune(hz, width float64) {
	radius := math.Exp(-math.Pi * width / Rate)
	r.c = -radius * radius
	r.b = 2 * radius * math.Cos(2*math.Pi*hz/Rate)
	r.a = 1 - r.b - r.c
}

// tunePeak is tune with a gain of about 1 at the centre, for bands of noise.
func (r *resonator) tunePeak(hz, width float64) {
	r.tune(hz, width)
	radius, angle := math.Exp(-math.Pi*width/Rate), 2*math.Pi*hz/Rate
	r.a = (1 - radius) * math.Sqrt(1-2*radius*math.Cos(2*angle)+radius*radius)
}

func (r *resonator) filter(x float64) float64 {
	y := r.a*x + r.b*r.y1 + r.c*r.y2
	r.y2, r.y1 = r.y1, y
	return y
}

// antiresonator is the inverse of a resonator (Klatt 1980, eq. 3) and makes a zero.
type antiresonator struct{ a, b, c, x1, x2 float64 }

func (z *antiresonator) tune(hz, width float64) {
	var r resonator
	r.tune(hz, width)
	z.a, z.b, z.c = 1/r.a, -r.b/r.a, -r.c/r.a
}

func (z *antiresonator) filter(x float64) float64 {
	y := z.a*x + z.b*z.x1 + z.c*z.x2
	z.x2, z.x1 = z.x1, x
	return y
}

// glottis makes the pulses of voicing.
type glottis struct {
	phase     float64 // position in the period, 0 to 1
	stretch   float64 // factor on this period's frequency
	amplitude float64 // of this period
}

// next returns the derivative of the glottal flow (which includes the radiation from the lips) for one sample at hz, and
// whether the folds are open. The open phase is the polynomial x²-x³ of KLGLOTT88 (Klatt and Klatt, JASA 87, 1990).
func (g *glottis) next(t talker, hz float64, r *rng.Stream) (flow float64, open bool) {
	g.phase += hz * g.stretch / Rate
	if g.phase >= 1 {
		g.phase -= math.Floor(g.phase)
		g.stretch = 1 + t.jitter*gauss(r)
		g.amplitude = 1 + t.shimmer*gauss(r)
	}
	if g.phase >= t.openness {
		return 0, false
	}
	x := g.phase / t.openness
	return g.amplitude * (2*x - 3*x*x), true
}

// gauss draws a normal deviate cut off at ±3, so that a glottal period never vanishes.
func gauss(r *rng.Stream) float64 { return math.Max(-3, math.Min(3, r.NormFloat64())) }

// speak synthesizes the tracks (controls, frame) with the pitch (frame) in Hz and returns frame samples for each frame, at
// no particular level. r drives the noise and the irregularities of the voice.
func (t talker) speak(tracks [][]float64, pitch []float64, r *rng.Stream) []float64 {
	var (
		out     = make([]float64, 0, frame*len(pitch))
		source  = glottis{stretch: 1, amplitude: 1}
		tract   [4]resonator
		top     resonator
		nose    resonator
		zero    antiresonator
		band    resonator
		widths  = formantWidths()
		levels  [controls]float64 // amplitudes glide from frame to frame, sample by sample
		centred bool
	)
	top.tune(f5Hz*t.tract, f5Width)
	nose.tune(nasalPole*t.tract, 100)
	for i, hz := range pitch {
		for k := range tract {
			tract[k].tune(tracks[ctlF1+k][i], widths[k])
		}
		zero.tune(tracks[ctlZero][i], 100)
		if centred = tracks[ctlCentre][i] > 0; centred {
			band.tunePeak(tracks[ctlCentre][i], tracks[ctlWidth][i])
		}
		var step [controls]float64
		for c := ctlVoice; c <= ctlNoise; c++ {
			step[c] = (tracks[c][i] - levels[c]) / frame
		}
		for range frame {
			for c := ctlVoice; c <= ctlNoise; c++ {
				levels[c] += step[c]
			}
			flow, open := source.next(t, hz, r)
			breath := levels[ctlBreath] * uniform(r)
			if !open { // air rushes through open folds
				breath *= 0.3
			}
			y := zero.filter(nose.filter(levels[ctlVoice]*flow + breath))
			for k := range tract {
				y = tract[k].filter(y)
			}
			y = top.filter(y)
			hiss := levels[ctlNoise] * uniform(r)
			if centred {
				hiss = band.filter(hiss)
			}
			out = append(out, y+hiss)
		}
	}
	return out
}

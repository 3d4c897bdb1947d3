package audio

import (
	"math"
	"testing"
)

// TestResampleResponse holds what the comments of the qualities say against sines. Frequencies are fractions of the lower
// of the two Nyquist frequencies. The filter scales with it, so the figures hold for every pair of rates.
func TestResampleResponse(t *testing.T) {
	for _, c := range []struct {
		q            Quality
		flat, ripple float64 // up to flat the gain is within ±ripple dB
		half         float64 // where it is -3 dB
		stop         []stopBand
		residual     float64 // dB of what is not the sine, in the flat band, when the rate goes down
	}{
		{SincHann, 0.74, 0.1, 0.92, []stopBand{{1.16, 20}, {1.24, 40}, {1.55, 60}}, -70},
		{SincKaiser, 0.54, 0.1, 0.88, []stopBand{{1.25, 20}, {1.45, 40}, {1.57, 60}, {1.66, 80}, {1.72, 100}}, -130},
		{KaiserBest, 0.89, 0.01, 0.936, []stopBand{{1, 50}, {1.008, 80}, {1.015, 100}}, -130},
	} {
		for _, rates := range [][2]int{{44100, 16000}, {48000, 16000}, {22050, 16000}, {11025, 16000}, {8000, 16000}, {16000, 44100}} {
			from, to := rates[0], rates[1]
			r := newResampler(t, from, to, c.q)
			nyquist := float64(min(from, to)) / 2
			for k := range 60 {
				f := c.flat * float64(k) / 59
				gain, residual := tone(r.Process(sine(f*nyquist, from, from/3)), f*nyquist, to)
				if math.Abs(gain) > c.ripple {
					t.Errorf("%v %v: gain of %.3f dB at %.3f, want ±%g up to %g", c.q, rates, gain, f, c.ripple, c.flat)
				}
				if from > to && residual > c.residual {
					t.Errorf("%v %v: %.1f dB of the output at %.3f are not the sine, want at most %g", c.q, rates, residual, f, c.residual)
				}
				if from < to { // the image of f lies at 2 - f
					checkStop(t, c.q, rates, 2-f, residual, c.stop)
				}
			}
			for _, side := range []float64{-0.01, 0.01} {
				f := c.half + side
				if gain, _ := tone(r.Process(sine(f*nyquist, from, from/3)), f*nyquist, to); (gain > -3) != (side < 0) {
					t.Errorf("%v %v: gain of %.2f dB at %.3f, want -3 dB at %g", c.q, rates, gain, f, c.half)
				}
			}
			for k := 0; from > to && k < 200; k++ {
				f := 1 + float64(k)/200
				if f*nyquist >= float64(from)/2 {
					break
				}
				checkStop(t, c.q, rates, f, level(r.Process(sine(f*nyquist, from, from/3))), c.stop)
			}
		}
	}
}

// stopBand says that aliases and images of frequencies from a fraction of the Nyquist frequency on are at least so many
// dB down.
type stopBand struct{ from, db float64 }

func checkStop(t *testing.T, q Quality, rates [2]int, f, db float64, stop []stopBand) {
	t.Helper()
	for _, s := range stop {
		if f >= s.from && db > -s.db {
			t.Errorf("%v %v: %.1f dB of what lies at %.3f come through, want at most -%g from %g on", q, rates, db, f, s.db, s.from)
		}
	}
}

// tone returns the gain in dB of the sine in y, which sine made with peak 0.5, and how much of y is anything else, in dB
// of y. Both are taken from the middle half of y by least squares.
func tone(y []float32, hz float64, rate int) (gain, residual float64) {
	from, to := len(y)/4, len(y)*3/4
	var cc, cs, ss, yc, ys, yy float64
	for j := from; j < to; j++ {
		s, c := math.Sincos(2*math.Pi*hz*float64(j)/float64(rate) + 0.3)
		v := float64(y[j])
		cc, cs, ss, yc, ys, yy = cc+c*c, cs+c*s, ss+s*s, yc+v*c, ys+v*s, yy+v*v
	}
	a, b := yc/cc, 0.0
	if d := cc*ss - cs*cs; d > 1e-6*cc*cc { // at 0 Hz the sine is a multiple of the cosine
		a, b = (yc*ss-ys*cs)/d, (ys*cc-yc*cs)/d
	}
	rest := max(yy-a*yc-b*ys, 1e-16*yy)
	return 20 * math.Log10(math.Hypot(a, b)/0.5), 10 * math.Log10(rest/yy)
}

// level returns the energy of the middle half of y in dB of a sine of peak 0.5.
func level(y []float32) float64 {
	var energy float64
	middle := y[len(y)/4 : len(y)*3/4]
	for _, v := range middle {
		energy += float64(v) * float64(v)
	}
	return 10 * math.Log10(max(energy, 1e-20)/(0.125*float64(len(middle))))
}

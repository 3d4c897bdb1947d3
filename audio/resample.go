package audio

import (
	"fmt"
	"math"
)

// Quality chooses the windowed sinc of a [Resampler]. The zero value is torchaudio's default.
type Quality uint8

const (
	// SincHann: Hann window, 6 zero crossings on each side, roll-off 0.99 (torchaudio "sinc_interp_hann").
	SincHann Quality = iota
	// SincKaiser: the same with a Kaiser window, β = 14.77 (torchaudio "sinc_interp_kaiser").
	SincKaiser
	// KaiserBest: Kaiser window, β = 14.77, 64 zero crossings, roll-off 0.9476 (resampy and librosa "kaiser_best"). About
	// ten times the cost of the others, a far sharper edge and a stop band below -100 dB.
	KaiserBest
)

// kaiserBeta is the window parameter that resampy found for its kaiser_best filter, torchaudio's default too.
const kaiserBeta = 14.769656459379492

// maxKernel bounds the memory of a filter bank: 2^24 coefficients, 64 MiB. Only odd rates with hardly a common divisor
// and a large ratio come near it.
const maxKernel = 1 << 24

// sincFilter holds the parameters that a Quality stands for.
type sincFilter struct {
	zeros   float64 // zero crossings of the sinc on each side ("lowpass_filter_width")
	rolloff float64 // cutoff as a fraction of the lower of the two Nyquist frequencies
	window  func(u float64) float64
}

func (q Quality) filter() (sincFilter, error) {
	hann := func(u float64) float64 { c := math.Cos(u * math.Pi / 2); return c * c }
	kaiser := func(u float64) float64 { return besselI0(kaiserBeta*math.Sqrt(1-u*u)) / besselI0(kaiserBeta) }
	switch q {
	case SincHann:
		return sincFilter{zeros: 6, rolloff: 0.99, window: hann}, nil
	case SincKaiser:
		return sincFilter{zeros: 6, rolloff: 0.99, window: kaiser}, nil
	case KaiserBest:
		return sincFilter{zeros: 64, rolloff: 0.9475937167399596, window: kaiser}, nil
	}
	return sincFilter{}, fmt.Errorf("audio: resample: unknown quality %d: want SincHann, SincKaiser or KaiserBest", q)
}

// String returns the name that ParseQuality reads.
func (q Quality) String() string {
	switch q {
	case SincHann:
		return "sinc_hann"
	case SincKaiser:
		return "sinc_kaiser"
	case KaiserBest:
		return "kaiser_best"
	}
	return fmt.Sprintf("Quality(%d)", uint8(q))
}

// ParseQuality reads "sinc_hann", "sinc_kaiser" or "kaiser_best".
func ParseQuality(s string) (Quality, error) {
	for _, q := range []Quality{SincHann, SincKaiser, KaiserBest} {
		if s == q.String() {
			return q, nil
		}
	}
	return 0, fmt.Errorf("audio: resample quality %q: want sinc_hann, sinc_kaiser or kaiser_best", s)
}

// Resampler changes the sampling rate of signals by band-limited interpolation (J. O. Smith, "Digital Audio Resampling").
// It computes what torchaudio.functional.resample computes: with the rates reduced to from/to, output j is
//
//	y[j] = Σᵢ x[i]·h(i/from - j/to),   h(τ) = (b/from)·w(bτ/zeros)·sinc(bτ),   b = rolloff·min(from, to)
//
// where x is 0 outside the signal, sinc(t) = sin(πt)/πt, and the window w ends where |bτ| = zeros. h depends on j only
// through j mod to, so the filter is kept as one row for each of these phases, cut to the taps inside the window; the cost
// is outputs × taps.
//
// A Resampler does not change after it is made and may be used by several goroutines at once.
type Resampler struct {
	from, to int       // rates divided by their greatest common divisor; to is the number of phases
	taps     int       // coefficients of a phase, a multiple of 4
	kernel   []float32 // (to, taps)
	first    []int     // (to): input index of a phase's first tap, relative to the block of from inputs
}

// NewResampler prepares the filter for signals at from Hz that become signals at to Hz.
func NewResampler(from, to int, q Quality) (*Resampler, error) {
	if from <= 0 || to <= 0 || from > math.MaxInt32 || to > math.MaxInt32 {
		return nil, fmt.Errorf("audio: resample from %d Hz to %d Hz: want rates from 1 to %d", from, to, math.MaxInt32)
	}
	filter, err := q.filter()
	if err != nil {
		return nil, err
	}
	divisor := gcd(from, to)
	r := &Resampler{from: from / divisor, to: to / divisor}
	if r.from == r.to {
		return r, nil
	}
	base := filter.rolloff * float64(min(r.from, r.to))
	half := filter.zeros * float64(r.from) / base // half width of the window in input samples
	r.taps = (int(2*half) + 1 + 3) &^ 3           // at most floor(2·half)+1 samples lie inside
	if int64(r.taps)*int64(r.to) > maxKernel {
		return nil, fmt.Errorf("audio: resample from %d Hz to %d Hz: the filter has %d phases of %d taps, more than 2^24: "+
			"resample in two steps or correct the rate", from, to, r.to, r.taps)
	}
	r.kernel = make([]float32, r.taps*r.to)
	r.first = make([]int, r.to)
	for phase := range r.to {
		centre := float64(phase) * float64(r.from) / float64(r.to)
		r.first[phase] = int(math.Ceil(centre - half))
		row := r.kernel[phase*r.taps:][:r.taps]
		for k := range row {
			// i/from - j/to over a common denominator, so that the peak of the sinc is hit exactly
			numerator := int64(r.first[phase]+k)*int64(r.to) - int64(phase)*int64(r.from)
			t := float64(numerator) / (float64(r.from) * float64(r.to)) * base
			if math.Abs(t) < filter.zeros {
				row[k] = float32(base / float64(r.from) * filter.window(t/filter.zeros) * sinc(t))
			}
		}
	}
	return r, nil
}

// Len returns the number of samples that Process makes of n: ceil(n·to/from).
func (r *Resampler) Len(n int) int { return (n*r.to + r.from - 1) / r.from }

// Process returns x at the new rate, Len(len(x)) samples. Before and after x the signal counts as 0. The result is always
// new memory, also when the rates are equal.
func (r *Resampler) Process(x []float32) []float32 {
	y := make([]float32, r.Len(len(x)))
	if r.from == r.to {
		copy(y, x)
		return y
	}
	phase, block := 0, 0
	for j := range y {
		row := r.kernel[phase*r.taps:][:r.taps]
		if at := block + r.first[phase]; at >= 0 && at+r.taps <= len(x) {
			y[j] = dot(row, x[at:at+r.taps])
		} else {
			y[j] = dotEdge(row, x, at)
		}
		if phase++; phase == r.to {
			phase, block = 0, block+r.from
		}
	}
	return y
}

// dot returns the inner product of two slices of the same length, a multiple of 4. Four sums break the chain of additions
// that would otherwise bound the speed.
func dot(a, b []float32) float32 {
	var s0, s1, s2, s3 float32
	for len(a) >= 4 && len(b) >= 4 {
		s0 += a[0] * b[0]
		s1 += a[1] * b[1]
		s2 += a[2] * b[2]
		s3 += a[3] * b[3]
		a, b = a[4:], b[4:]
	}
	return (s0 + s1) + (s2 + s3)
}

// dotEdge is dot of row with x[at:at+len(row)], where x counts as 0 outside its bounds.
func dotEdge(row, x []float32, at int) float32 {
	var sum float32
	for k := max(0, -at); k < len(row) && at+k < len(x); k++ {
		sum += row[k] * x[at+k]
	}
	return sum
}

func sinc(t float64) float64 {
	if t == 0 {
		return 1
	}
	return math.Sin(math.Pi*t) / (math.Pi * t)
}

// besselI0 is the modified Bessel function of the first kind and order 0 by its power series, Σ ((x/2)^k / k!)²
// (Abramowitz and Stegun 9.6.12). For 0 ≤ x ≤ 15 all terms are positive and 50 of them reach full precision.
func besselI0(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1.0; term > 1e-17*sum; k++ {
		f := x / (2 * k)
		term *= f * f
		sum += term
	}
	return sum
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

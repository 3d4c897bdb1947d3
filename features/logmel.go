package features

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/dsp/fourier"
)

// Config says how a log-mel spectrogram is computed.
type Config struct {
	Rate      int     // of the samples, Hz
	Window    int     // samples in a frame
	Hop       int     // samples from the beginning of a frame to that of the next
	FFT       int     // length of the transform; the frame is padded with zeros to it
	Bands     int     // mel bands
	Low, High float64 // where the first band begins and the last one ends, Hz
	Scale     Scale
	Floor     float64 // added to the power before the logarithm, above 0
}

// Default is 80 bands of windows of 25 ms every 10 ms at 16 kHz, with a transform of 512 points.
func Default() Config {
	return Config{Rate: 16000, Window: 400, Hop: 160, FFT: 512, Bands: 80, Low: 0, High: 8000, Scale: HTK, Floor: 1e-10}
}

// The bounds of a Config keep the memory of a single frame small.
const (
	maxFFT   = 1 << 16
	maxBands = 1 << 12
)

// Check says what is wrong with c.
func (c Config) Check() error {
	switch {
	case c.Rate < 1 || c.Hop < 1:
		return fmt.Errorf("features: rate %d Hz and hop %d: want at least 1", c.Rate, c.Hop)
	case c.Window < 2 || c.FFT < c.Window || c.FFT > maxFFT:
		return fmt.Errorf("features: window %d and transform %d: want 2 <= window <= transform <= %d", c.Window, c.FFT, maxFFT)
	case c.Bands < 1 || c.Bands > maxBands:
		return fmt.Errorf("features: %d bands: want 1 to %d", c.Bands, maxBands)
	case !(c.Low >= 0 && c.Low < c.High && c.High <= float64(c.Rate)/2):
		return fmt.Errorf("features: bands from %g to %g Hz: want a range inside 0 to %g Hz, half the rate", c.Low, c.High, float64(c.Rate)/2)
	case c.Scale != HTK && c.Scale != Slaney:
		return fmt.Errorf("features: unknown mel scale %d", c.Scale)
	case !(c.Floor > 0) || math.IsInf(c.Floor, 0):
		return fmt.Errorf("features: floor %g: want a number above 0", c.Floor)
	}
	return nil
}

// Frames returns how many whole frames there are in n samples: 1 + (n-Window)/Hop, rounded down, and 0 when there is none.
func (c Config) Frames(n int) int {
	if n < c.Window {
		return 0
	}
	return 1 + (n-c.Window)/c.Hop
}

// LogMel returns the log-mel spectrogram of samples in [-1, 1]: Frames(len(samples)) frames of Bands values, the lowest band
// first. Band m of frame t is
//
//	L[t,m] = ln( Σ_k H[m,k] |X[t,k]|² + Floor )
//	X[t,k] = Σ_n w[n] x[t·Hop+n] exp(-2πi k n / FFT),  n = 0 … Window-1,  k = 0 … FFT/2
//	w[n]   = 1/2 - 1/2 cos(2π n / Window)              (periodic Hann)
//
// and H is [Config.Filters]. Frames are not centred: no samples are made up at the ends, and what does not fill the last
// frame is left out. The filters are those of librosa.filters.mel, with htk=True and norm=None for HTK, and of torchaudio.
func LogMel(samples []float32, c Config) ([][]float32, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	window := make([]float64, c.Window)
	for n := range window {
		window[n] = 0.5 - 0.5*math.Cos(2*math.Pi*float64(n)/float64(c.Window))
	}
	filters := c.Filters()
	fft := fourier.NewFFT(c.FFT)
	frame := make([]float64, c.FFT)
	spectrum := make([]complex128, c.FFT/2+1)
	power := make([]float64, c.FFT/2+1)
	out := make([][]float32, c.Frames(len(samples)))
	values := make([]float32, len(out)*c.Bands)
	for t := range out {
		for n, w := range window {
			frame[n] = w * float64(samples[t*c.Hop+n])
		}
		spectrum = fft.Coefficients(spectrum, frame)
		for k, x := range spectrum {
			power[k] = real(x)*real(x) + imag(x)*imag(x)
		}
		out[t] = values[t*c.Bands : (t+1)*c.Bands : (t+1)*c.Bands]
		for m := range filters {
			out[t][m] = float32(math.Log(filters[m].apply(power) + c.Floor))
		}
	}
	return out, nil
}

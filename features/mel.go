package features

import "math"

// Scale is a mel scale, with the height of its filters.
type Scale int

// The scales.
const (
	// HTK is mel = 2595 log10(1 + f/700) (Young et al., The HTK Book, equation 5.13), with filters of height 1.
	HTK Scale = iota
	// Slaney is linear below 1 kHz, 3 mel for 200 Hz, and above it has 27 mel for a factor of 6.4 (Slaney, Auditory Toolbox,
	// 1998), with filters of height 2/(width in Hz), which give white noise the same power in every band.
	Slaney
)

// The corner of the Slaney scale and its slopes.
const (
	slaneyCorner = 1000.0      // Hz
	slaneyLinear = 3.0 / 200.0 // mel a Hz below
	slaneyMel    = 15.0        // mel at the corner
)

// Mel returns the place of a frequency in Hz on the scale.
func (s Scale) Mel(hz float64) float64 {
	switch {
	case s == HTK:
		return 2595 * math.Log10(1+hz/700)
	case hz < slaneyCorner:
		return hz * slaneyLinear
	}
	return slaneyMel + 27/math.Log(6.4)*math.Log(hz/slaneyCorner)
}

// Hz is the inverse of Mel.
func (s Scale) Hz(mel float64) float64 {
	switch {
	case s == HTK:
		return 700 * (math.Pow(10, mel/2595) - 1)
	case mel < slaneyMel:
		return mel / slaneyLinear
	}
	return slaneyCorner * math.Exp(math.Log(6.4)/27*(mel-slaneyMel))
}

// Filter is a triangle over the bins of a power spectrum: Weights[i] belongs to bin First+i, and all other weights are 0. A
// band narrower than the distance of two bins may have no weight at all.
type Filter struct {
	First   int
	Weights []float64
}

// Filters returns a filter for each band. With edges e[0] … e[Bands+1] in Hz that divide the range from Low to High evenly
// on the scale, and the frequency f of bin k, k·Rate/FFT, the weight of band m is
//
//	max(0, min((f - e[m]) / (e[m+1] - e[m]), (e[m+2] - f) / (e[m+2] - e[m+1])))
//
// times 2 / (e[m+2] - e[m]) on the Slaney scale.
func (c Config) Filters() []Filter {
	edges := c.edges()
	filters := make([]Filter, c.Bands)
	for m := range filters {
		left, centre, right := edges[m], edges[m+1], edges[m+2]
		height := 1.0
		if c.Scale == Slaney {
			height = 2 / (right - left)
		}
		f := &filters[m]
		for k := range c.FFT/2 + 1 {
			hz := float64(k) * float64(c.Rate) / float64(c.FFT)
			weight := height * min((hz-left)/(centre-left), (right-hz)/(right-centre))
			if !(weight > 0) {
				continue
			}
			if len(f.Weights) == 0 {
				f.First = k
			}
			f.Weights = append(f.Weights, weight)
		}
	}
	return filters
}

// edges returns the Bands+2 frequencies in Hz that bound the bands.
func (c Config) edges() []float64 {
	edges := make([]float64, c.Bands+2)
	low, high := c.Scale.Mel(c.Low), c.Scale.Mel(c.High)
	for i := range edges {
		edges[i] = c.Scale.Hz(low + (high-low)*float64(i)/float64(c.Bands+1))
	}
	return edges
}

// Centres returns the frequency of the peak of each band in Hz.
func (c Config) Centres() []float64 { return c.edges()[1 : c.Bands+1] }

// apply returns the weighted sum of a power spectrum.
func (f *Filter) apply(power []float64) (sum float64) {
	for i, w := range f.Weights {
		sum += w * power[f.First+i]
	}
	return sum
}

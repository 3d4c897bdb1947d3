package audio

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// resampleGolden is written by testdata/gen_resample.py with torchaudio itself.
//
//go:embed testdata/resample.json
var resampleGolden []byte

func newResampler(t testing.TB, from, to int, q Quality) *Resampler {
	t.Helper()
	r, err := NewResampler(from, to, q)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestResampleMatchesTorchaudio(t *testing.T) {
	var golden struct {
		Cases []struct {
			Quality     string
			From, To, N int
			Y           []float64
		}
	}
	if err := json.Unmarshal(resampleGolden, &golden); err != nil {
		t.Fatal(err)
	}
	if len(golden.Cases) != 24 {
		t.Fatalf("%d golden cases, want 24", len(golden.Cases))
	}
	for _, c := range golden.Cases {
		t.Run(fmt.Sprintf("%s/%d-%d", c.Quality, c.From, c.To), func(t *testing.T) {
			q, err := ParseQuality(c.Quality)
			if err != nil {
				t.Fatal(err)
			}
			x := make([]float32, c.N)
			for i := range x {
				x[i] = float32(float64(7919*(i+1)%1009)/504 - 1)
			}
			y := newResampler(t, c.From, c.To, q).Process(x)
			if len(y) != len(c.Y) {
				t.Fatalf("%d outputs, torchaudio has %d", len(y), len(c.Y))
			}
			for j := range y {
				if d := math.Abs(float64(y[j]) - c.Y[j]); d > 1e-6 {
					t.Fatalf("y[%d] = %.9f, torchaudio has %.9f", j, y[j], c.Y[j])
				}
			}
		})
	}
}

func TestResampleLength(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from := rapid.IntRange(1, 400).Draw(t, "from")
		to := rapid.IntRange(1, 400).Draw(t, "to")
		n := rapid.IntRange(0, 300).Draw(t, "n")
		r, err := NewResampler(from, to, SincHann)
		if err != nil {
			t.Fatal(err)
		}
		want := int(math.Ceil(float64(n*to) / float64(from)))
		if got := len(r.Process(make([]float32, n))); got != want || r.Len(n) != want {
			t.Fatalf("%d samples %d to %d Hz: %d outputs, Len %d, want %d", n, from, to, got, r.Len(n), want)
		}
	})
}

func TestResampleIdentity(t *testing.T) {
	x := []float32{0.25, -1, 1, 0.125}
	y := newResampler(t, 16000, 16000, KaiserBest).Process(x)
	if !slices.Equal(x, y) {
		t.Fatalf("equal rates gave %v of %v", y, x)
	}
	if y[0] = 9; x[0] == 9 {
		t.Fatal("the result shares memory with the input")
	}
}

// TestResampleSines checks the response in the middle of a long signal: sines below the cutoff keep their amplitude and
// phase, and sines above the new Nyquist frequency vanish instead of aliasing. A constant is the sine of 0 Hz with phase
// π/2. The bounds are what the windows can do; torchaudio's default with 6 zero crossings is modest.
func TestResampleSines(t *testing.T) {
	type tone struct {
		hz    float64
		snrDB float64 // least ratio of the ideal output to the error
	}
	tests := []struct {
		q        Quality
		from, to int
		keep     []tone
		stop     []tone // snrDB is the least attenuation
	}{
		{SincHann, 44100, 16000, []tone{{0, 55}, {1000, 55}, {4000, 50}}, []tone{{10000, 30}, {15000, 55}}},
		{SincKaiser, 44100, 16000, []tone{{0, 90}, {1000, 90}, {4000, 40}}, []tone{{13000, 70}, {15000, 90}}},
		{KaiserBest, 44100, 16000, []tone{{0, 100}, {1000, 100}, {7000, 100}}, []tone{{8300, 100}, {15000, 100}}},
		{SincHann, 8000, 16000, []tone{{0, 55}, {1000, 50}, {2500, 40}}, nil},
		{KaiserBest, 8000, 16000, []tone{{0, 100}, {1000, 100}, {3400, 100}}, nil},
		{KaiserBest, 48000, 16000, []tone{{440, 100}, {7000, 100}}, []tone{{8300, 100}, {20000, 100}}},
	}
	for _, c := range tests {
		r := newResampler(t, c.from, c.to, c.q)
		for _, f := range slices.Concat(c.keep, c.stop) {
			stop := f.hz > float64(c.to)/2
			y := r.Process(sine(f.hz, c.from, c.from/4))
			want := sine(f.hz, c.to, len(y))
			var signal, noise float64
			for j := len(y) / 4; j < len(y)*3/4; j++ {
				e := float64(y[j])
				if !stop {
					e -= float64(want[j])
				}
				signal += float64(want[j]) * float64(want[j])
				noise += e * e
			}
			if snr := 10 * math.Log10(signal/noise); snr < f.snrDB {
				t.Errorf("%v %d to %d Hz, sine of %g Hz: %.1f dB, want at least %g", c.q, c.from, c.to, f.hz, snr, f.snrDB)
			}
		}
	}
}

// sine returns n samples of 0.5·cos(2πft + 0.3) at the given rate.
func sine(hz float64, rate, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(0.5 * math.Cos(2*math.Pi*hz*float64(i)/float64(rate)+0.3))
	}
	return x
}

// TestResampleLinearPhase: a linear-phase filter maps a signal that is symmetric about a sample to one that is symmetric
// about the same instant.
func TestResampleLinearPhase(t *testing.T) {
	for _, q := range []Quality{SincHann, SincKaiser, KaiserBest} {
		for _, rates := range [][2]int{{44100, 16000}, {8000, 16000}, {48000, 16000}, {16000, 11025}} {
			r := newResampler(t, rates[0], rates[1], q)
			centre := 3 * r.from // an input index that falls on an output index
			x := make([]float32, 2*centre+1)
			for i := range x {
				d := float64(i-centre) / 5
				x[i] = float32(math.Exp(-d*d) * math.Cos(d))
			}
			y := r.Process(x)
			mid := 3 * r.to
			for k := 1; k <= mid && mid+k < len(y); k++ {
				if d := math.Abs(float64(y[mid-k] - y[mid+k])); d > 2e-7 {
					t.Fatalf("%v %v: y[%d-%d] = %v and y[%d+%d] = %v", q, rates, mid, k, y[mid-k], mid, k, y[mid+k])
				}
			}
		}
	}
}

// TestResampleIsLinear compares the fast inner product with the padded one at every length around the edges: the response
// to a signal is the sum of the responses to its parts.
func TestResampleIsLinear(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rates := rapid.SampledFrom([][2]int{{3, 2}, {2, 3}, {441, 160}, {1, 2}, {5, 1}}).Draw(t, "rates")
		x := rapid.SliceOfN(rapid.Float32Range(-1, 1), 1, 200).Draw(t, "x")
		r, err := NewResampler(rates[0], rates[1], SincHann)
		if err != nil {
			t.Fatal(err)
		}
		y := r.Process(x)
		sum := make([]float32, len(y))
		for i, v := range x {
			one := make([]float32, len(x))
			one[i] = v
			for j, u := range r.Process(one) {
				sum[j] += u
			}
		}
		for j := range y {
			if math.Abs(float64(y[j]-sum[j])) > 1e-5 {
				t.Fatalf("y[%d] = %v, the parts add up to %v", j, y[j], sum[j])
			}
		}
	})
}

func TestResamplerRefuses(t *testing.T) {
	for _, c := range []struct {
		from, to int
		q        Quality
	}{{0, 16000, SincHann}, {16000, -1, SincHann}, {16000, 8000, 9}, {math.MaxInt32, 16000, SincHann}, {16000, math.MaxInt32, SincHann}} {
		if r, err := NewResampler(c.from, c.to, c.q); err == nil {
			t.Errorf("NewResampler(%d, %d, %v) = %v, want an error", c.from, c.to, c.q, r)
		}
	}
	if _, err := ParseQuality("best"); err == nil {
		t.Error("ParseQuality accepted an unknown name")
	}
}

func BenchmarkResample(b *testing.B) {
	for _, q := range []Quality{SincHann, KaiserBest} {
		for _, from := range []int{8000, 22050, 44100, 48000} {
			b.Run(fmt.Sprintf("%v/%d-16000", q, from), func(b *testing.B) {
				r := newResampler(b, from, 16000, q)
				x := sine(440, from, 10*from)
				var y []float32
				for b.Loop() {
					y = r.Append(y[:0], x)
				}
				b.ReportMetric(10*float64(b.N)/b.Elapsed().Seconds(), "x-real-time")
			})
		}
	}
}

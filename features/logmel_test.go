package features

import (
	"encoding/json"
	"math"
	"os"
	"testing"
)

// signal is that of testdata/logmel.py.
func signal(n int) []float32 {
	x := make([]float32, n)
	state := uint32(1)
	for i := range x {
		state = state*1664525 + 1013904223
		noise := float64(state>>8)/(1<<24) - 0.5
		at := 2 * math.Pi * float64(i) / 16000
		x[i] = float32(0.4*math.Sin(440*at) + 0.2*math.Sin(3000*at) + 0.05*noise)
	}
	return x
}

// The numbers of numpy with the filters of librosa, see testdata/logmel.py.
func TestGolden(t *testing.T) {
	data, err := os.ReadFile("testdata/logmel.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden map[string][][]float64
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	for name, scale := range map[string]Scale{"htk": HTK, "slaney": Slaney} {
		c := Default()
		c.Scale = scale
		got, err := LogMel(signal(1000), c)
		if err != nil || len(got) != 4 || len(golden[name]) != 4 {
			t.Fatalf("%s: %d frames, golden %d, %v", name, len(got), len(golden[name]), err)
		}
		for f, frame := range golden[name] {
			for m, want := range frame {
				if math.Abs(float64(got[f][m])-want) > 2e-5 { // the samples are rounded to float32 by both, the results too
					t.Errorf("%s: frame %d band %d: %v, want %v", name, f, m, got[f][m], want)
				}
			}
		}
	}
}

// A tone is loudest in the band whose centre is nearest.
func TestTone(t *testing.T) {
	for _, scale := range []Scale{HTK, Slaney} {
		c := Default()
		c.Scale = scale
		for band := 10; band < c.Bands; band += 7 {
			hz := c.Centres()[band]
			x := make([]float32, 800)
			for i := range x {
				x[i] = float32(math.Sin(2 * math.Pi * hz * float64(i) / 16000))
			}
			frames, err := LogMel(x, c)
			if err != nil {
				t.Fatal(err)
			}
			loudest := 0
			for m, v := range frames[0] {
				if v > frames[0][loudest] {
					loudest = m
				}
			}
			if loudest < band-1 || loudest > band+1 {
				t.Errorf("scale %d: %g Hz is loudest in band %d, want %d", scale, hz, loudest, band)
			}
		}
	}
}

func TestScales(t *testing.T) {
	for _, c := range []struct {
		scale   Scale
		hz, mel float64
	}{{HTK, 0, 0}, {HTK, 1000, 999.9856}, {HTK, 8000, 2840.0230}, {Slaney, 0, 0}, {Slaney, 500, 7.5}, {Slaney, 1000, 15}, {Slaney, 6400, 42}} {
		if got := c.scale.Mel(c.hz); math.Abs(got-c.mel) > 1e-3 {
			t.Errorf("scale %d: %g Hz is %g mel, want %g", c.scale, c.hz, got, c.mel)
		}
		if got := c.scale.Hz(c.scale.Mel(c.hz)); math.Abs(got-c.hz) > 1e-9 {
			t.Errorf("scale %d: %g Hz comes back as %g", c.scale, c.hz, got)
		}
	}
}

func TestFrames(t *testing.T) {
	for n, want := range map[int]int{0: 0, 399: 0, 400: 1, 559: 1, 560: 2, 16000: 98} {
		got, err := LogMel(make([]float32, n), Default())
		if err != nil || len(got) != want || Default().Frames(n) != want {
			t.Errorf("%d samples: %d frames, want %d, %v", n, len(got), want, err)
		}
		for _, frame := range got {
			if len(frame) != 80 || math.Abs(float64(frame[0])-math.Log(1e-10)) > 1e-5 {
				t.Fatalf("silence is %v", frame)
			}
		}
	}
}

func TestCheck(t *testing.T) {
	for name, spoil := range map[string]func(*Config){
		"rate": func(c *Config) { c.Rate = 0 }, "hop": func(c *Config) { c.Hop = 0 }, "window": func(c *Config) { c.Window = 1 },
		"transform": func(c *Config) { c.FFT = 256 }, "bands": func(c *Config) { c.Bands = 0 }, "high": func(c *Config) { c.High = 8001 },
		"range": func(c *Config) { c.Low = 8000 }, "scale": func(c *Config) { c.Scale = 2 }, "floor": func(c *Config) { c.Floor = 0 },
		"nan": func(c *Config) { c.Low = math.NaN() }, "huge": func(c *Config) { c.FFT = 1 << 30 },
	} {
		c := Default()
		spoil(&c)
		if _, err := LogMel(signal(1000), c); err == nil {
			t.Errorf("%s: %+v is accepted", name, c)
		}
	}
}

// LogMel of 15 s of speech: the time for which a command line may wait.
func BenchmarkLogMel(b *testing.B) {
	x := signal(15 * 16000)
	for b.Loop() {
		if _, err := LogMel(x, Default()); err != nil {
			b.Fatal(err)
		}
	}
}

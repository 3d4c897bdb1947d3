package mp3

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// golden is what another decoder makes of a file in testdata; testdata/gen.py says how it was made.
type golden struct {
	Name     string
	Oracle   string
	Rate     int
	Channels int
	Frames   int
	Samples  []packed // (channel, n): every 97th sample
	Energies []packed // (channel, n): of blocks of 576 samples
}

type packed []float32

func (p *packed) UnmarshalJSON(b []byte) error {
	var raw []byte
	if err := json.Unmarshal(b, &raw); err != nil {
		return err
	}
	*p = make(packed, len(raw)/4)
	return binary.Read(bytes.NewReader(raw), binary.LittleEndian, []float32(*p))
}

const (
	goldenEvery = 97
	goldenBlock = 576
)

func loadGoldens(t testing.TB) []golden {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "golden.json"))
	if err != nil {
		t.Fatal(err)
	}
	var g []golden
	if err := json.Unmarshal(b, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

func readTestdata(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name+".mp3"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestGoldens(t *testing.T) {
	goldens := loadGoldens(t)
	if len(goldens) < 20 {
		t.Fatalf("only %d goldens", len(goldens))
	}
	for _, g := range goldens {
		t.Run(g.Name, func(t *testing.T) {
			a, err := Decode(readTestdata(t, g.Name), Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if a.Rate != g.Rate || len(a.Channels) != g.Channels || len(a.Channels[0]) != g.Frames {
				t.Fatalf("got %d Hz, %d channels, %d samples, want %d, %d, %d",
					a.Rate, len(a.Channels), len(a.Channels[0]), g.Rate, g.Channels, g.Frames)
			}
			if a.Layer != 3 || a.Truncated || a.BadFrames != 0 || len(a.Warnings) != 0 {
				t.Errorf("layer %d, truncated %v, %d bad frames, warnings %q", a.Layer, a.Truncated, a.BadFrames, a.Warnings)
			}
			tolerance := 3e-7
			if g.Oracle == "lame" {
				tolerance = 1.3e-5 // rounding to 16 bits has an RMS error of 0.9e-5, and few samples are compared
			}
			for ch, x := range a.Channels {
				compareToGolden(t, ch, x, g, tolerance)
			}
		})
	}
}

func compareToGolden(t *testing.T, ch int, x []float32, g golden, tolerance float64) {
	t.Helper()
	sum, peak := 0.0, 0.0
	for i, want := range g.Samples[ch] {
		d := float64(x[i*goldenEvery]) - float64(want)
		sum += d * d
		peak = max(peak, math.Abs(float64(want)))
	}
	rms := math.Sqrt(sum / float64(len(g.Samples[ch])))
	if !(rms <= tolerance*max(1, peak)) {
		t.Errorf("channel %d: RMS error %.3g, want at most %.3g", ch, rms, tolerance)
	}
	if want := (len(x) + goldenBlock - 1) / goldenBlock; len(g.Energies[ch]) != want {
		t.Fatalf("channel %d: %d energies, want %d", ch, len(g.Energies[ch]), want)
	}
	for i, want := range g.Energies[ch] {
		block := x[i*goldenBlock : min((i+1)*goldenBlock, len(x))]
		got := energy(block)
		// An error e of the signal s changes the energy by about 2·e·s.
		allow := 4*tolerance*max(1, peak)*math.Sqrt(float64(want)*float64(len(block))) + 1e-7
		if !(math.Abs(got-float64(want)) <= allow) {
			t.Errorf("channel %d, block %d: energy %.7g, want %.7g within %.2g", ch, i, got, want, allow)
		}
	}
}

func energy(x []float32) float64 {
	e := 0.0
	for _, v := range x {
		e += float64(v) * float64(v)
	}
	return e
}

package audio

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"aural/internal/testkit"
)

// reference is what ffmpeg, and for Opus libopus, makes of a file; see testdata/gen_formats.py.
type reference struct {
	Rate     int       `json:"rate"`
	Channels int       `json:"channels"`
	Frames   int       `json:"frames"`
	SHA256   string    `json:"sha256"`   // lossless codings: of the samples as little-endian float32, frame by frame
	Samples  []float64 `json:"samples"`  // lossy ones: every 97th of that list
	Energies []float64 `json:"energies"` // and the energies of its blocks of 1024
}

func readReferences(t *testing.T, name string) map[string]reference {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var table map[string]reference
	if err := json.Unmarshal(data, &table); err != nil {
		t.Fatal(err)
	}
	return table
}

// interleaved returns the samples of a clip frame by frame.
func interleaved(c *Clip) []float32 {
	out := make([]float32, 0, c.Frames()*len(c.Channels))
	for i := range c.Frames() {
		for _, ch := range c.Channels {
			out = append(out, ch[i])
		}
	}
	return out
}

func (want *reference) compare(t *testing.T, c *Clip) {
	t.Helper()
	if c.Rate != want.Rate || len(c.Channels) != want.Channels || c.Frames() != want.Frames {
		t.Errorf("%d Hz, %d channels, %d frames; want %d, %d, %d", c.Rate, len(c.Channels), c.Frames(), want.Rate, want.Channels, want.Frames)
		return
	}
	x := interleaved(c)
	if want.SHA256 != "" {
		h := sha256.New()
		for _, v := range x {
			h.Write(binary.LittleEndian.AppendUint32(nil, math.Float32bits(v)))
		}
		if got := hex.EncodeToString(h.Sum(nil)); got != want.SHA256 {
			t.Errorf("the samples differ (first ones %v)", x[:min(8, len(x))])
		}
		return
	}
	squares := 0.0
	for i, v := range want.Samples {
		d := float64(x[97*i]) - v
		squares += d * d
	}
	if rmse := math.Sqrt(squares / float64(len(want.Samples))); rmse > 1e-3 || len(want.Samples) != (len(x)+96)/97 {
		t.Errorf("RMSE %.3g over %d of %d samples", rmse, len(want.Samples), len(x))
	}
	for i, energy := range want.Energies {
		got := 0.0
		for _, v := range x[1024*i : min(1024*(i+1), len(x))] {
			got += float64(v) * float64(v)
		}
		// The RMS of 1024 samples. This is to find samples in the wrong place; how exact they are is said above.
		if level := math.Sqrt(energy) / 32; math.Abs(math.Sqrt(got)/32-level) > 1e-3+1e-2*level {
			t.Errorf("block %d has energy %g, want %g", i, got, energy)
		}
	}
}

// TestFormats decodes a small file of every container and coding.
func TestFormats(t *testing.T) {
	table := readReferences(t, "formats.json")
	if len(table) < 60 {
		t.Fatalf("%d files", len(table))
	}
	for name, want := range table {
		t.Run(name, func(t *testing.T) {
			clip, err := DecodeFile(filepath.Join("testdata", "formats", name), Limits{})
			if err != nil {
				t.Fatal(err)
			}
			want.compare(t, clip)
		})
	}
}

// TestOddSamples compares every odd file that is decoded whole with what ffmpeg makes of it.
func TestOddSamples(t *testing.T) {
	dir := filepath.Join(testkit.DataDir(t), "odd")
	for name, want := range readReferences(t, "odd.json") {
		t.Run(name, func(t *testing.T) {
			clip, err := DecodeFile(filepath.Join(dir, name), Limits{})
			if err != nil {
				t.Skipf("not decoded, which TestOddFiles judges: %v", err)
			}
			want.compare(t, clip)
		})
	}
}

// FuzzFormats feeds the whole package damaged files of every format. What is decoded must keep the promises of Clip and the
// limits.
func FuzzFormats(f *testing.F) {
	entries, err := os.ReadDir(filepath.Join("testdata", "formats"))
	if err != nil {
		f.Fatal(err)
	}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join("testdata", "formats", e.Name()))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
		f.Add(data[:len(data)/2])
	}
	lim := Limits{MaxBytes: 1 << 20, MaxSeconds: 60, MaxSamples: 1 << 20}
	f.Fuzz(func(t *testing.T, data []byte) {
		clip, err := Decode(data, lim)
		if err != nil {
			return
		}
		if clip.Rate <= 0 || clip.Frames() == 0 || int64(clip.Frames()*len(clip.Channels)) > lim.MaxSamples {
			t.Fatalf("%d Hz, %d frames of %d channels", clip.Rate, clip.Frames(), len(clip.Channels))
		}
		for _, ch := range clip.Channels {
			if len(ch) != clip.Frames() {
				t.Fatalf("channels of %d and %d frames", len(ch), clip.Frames())
			}
			for i, v := range ch {
				if v-v != 0 {
					t.Fatalf("sample %d is %v", i, v)
				}
			}
		}
	})
}

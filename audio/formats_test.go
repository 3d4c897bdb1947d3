package audio

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aural/internal/testkit"
)

// reference is what another decoder makes of a file; testdata/gen_formats.py says how it was made. Numbers are in the
// order of the frames, with the channels of each side by side.
type reference struct {
	Rate, Channels, Frames int
	SHA256                 string    // of the samples as little-endian 32-bit floats; lossless codings only
	Samples                []float64 // every 97th; lossy codings only
	Energies               []float64 // of blocks of 1024
}

const (
	referenceEvery = 97
	referenceBlock = 1024
	// lossyRMS is how far decoders of MP3 and Vorbis may differ, full scale 1. Rounding a reference to 16 bits makes 0.9e-5.
	lossyRMS = 2e-5
	// opusRMS is that for Opus, whose specification (RFC 6716 section 6) asks for quality and not for equality.
	opusRMS = 1e-3
)

func loadReferences(t testing.TB, name string) map[string]reference {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]reference
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// compare reports how a clip differs from what it should be, "" when it does not.
func (r reference) compare(t *testing.T, clip *Clip) {
	t.Helper()
	if clip.Rate != r.Rate || len(clip.Channels) != r.Channels || clip.Frames() != r.Frames {
		t.Fatalf("%d Hz, %d channels, %d frames; want %d, %d, %d", clip.Rate, len(clip.Channels), clip.Frames(), r.Rate, r.Channels, r.Frames)
	}
	x := interleave(clip)
	if r.SHA256 != "" {
		b := make([]byte, 0, 4*len(x))
		for _, v := range x {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
		if sum := sha256.Sum256(b); hex.EncodeToString(sum[:]) != r.SHA256 {
			t.Errorf("samples with SHA-256 %x, want %s; they begin with %v", sum, r.SHA256, x[:min(len(x), 8)])
		}
		return
	}
	if want := (len(x) + referenceEvery - 1) / referenceEvery; len(r.Samples) != want || len(r.Energies) != (len(x)+referenceBlock-1)/referenceBlock {
		t.Fatalf("the reference has %d samples and %d energies for %d values", len(r.Samples), len(r.Energies), len(x))
	}
	tolerance, sum := lossyRMS, 0.0
	if clip.Format == "ogg/opus" {
		tolerance = opusRMS
	}
	for i, want := range r.Samples {
		d := float64(x[i*referenceEvery]) - want
		sum += d * d
	}
	if rms := math.Sqrt(sum / float64(len(r.Samples))); !(rms <= tolerance) {
		t.Errorf("RMS error %.3g, want at most %g", rms, tolerance)
	}
	for i, want := range r.Energies {
		block, got := x[i*referenceBlock:min((i+1)*referenceBlock, len(x))], 0.0
		for _, v := range block {
			got += float64(v) * float64(v)
		}
		// By Cauchy and Schwarz an error of RMS e changes the root of the energy by at most e·√n; blocks may have more of it.
		if d := math.Abs(math.Sqrt(got) - math.Sqrt(want)); !(d <= 3*tolerance*math.Sqrt(float64(len(block)))) {
			t.Errorf("block %d has the energy %.6g, want %.6g", i, got, want)
		}
	}
}

func interleave(clip *Clip) []float32 {
	x := make([]float32, 0, clip.Frames()*len(clip.Channels))
	for i := range clip.Frames() {
		for _, plane := range clip.Channels {
			x = append(x, plane[i])
		}
	}
	return x
}

// TestFormats decodes a small file of every container and coding and compares it with what ffmpeg, libopus and libvorbis
// make of it.
func TestFormats(t *testing.T) {
	references := loadReferences(t, "formats.json")
	files, err := os.ReadDir(filepath.Join("testdata", "formats"))
	if err != nil || len(files) < 65 || len(files) != len(references)+1 {
		t.Fatalf("%d files and %d references: %v", len(files), len(references), err)
	}
	for _, f := range files {
		t.Run(f.Name(), func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join("testdata", "formats", f.Name()))
			if err != nil {
				t.Fatal(err)
			}
			clip, err := Decode(data, Limits{})
			if f.Name() == "six.opus" { // several Opus streams in one
				if err == nil || !strings.Contains(err.Error(), "multistream") {
					t.Fatalf("got %v, want a refusal of multistream Opus", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(clip.Warnings) > 0 || clip.Truncated {
				t.Errorf("warnings for a good file: %q", clip.Warnings)
			}
			references[f.Name()].compare(t, clip)
		})
	}
}

// TestOddFilesByReference compares what decodes of the shared odd files with what ffmpeg makes of them.
func TestOddFilesByReference(t *testing.T) {
	dir := filepath.Join(testkit.DataDir(t), "odd")
	references := loadReferences(t, "odd.json")
	if len(references) < 50 {
		t.Fatalf("only %d references", len(references))
	}
	for name, want := range references {
		t.Run(name, func(t *testing.T) {
			clip, err := DecodeFile(filepath.Join(dir, name), Limits{})
			if err != nil {
				t.Fatal(err)
			}
			want.compare(t, clip)
		})
	}
}

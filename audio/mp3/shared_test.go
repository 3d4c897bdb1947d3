package mp3

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"aural/internal/testkit"
)

// TestSharedRecordings decodes real recordings. Lengths and energies are those of
// `ffmpeg -cpuflags 0 -i X -f f32le -` (5.1).
func TestSharedRecordings(t *testing.T) {
	dir := testkit.DataDir(t)
	for _, c := range []struct {
		path   string
		rate   int
		frames int
		energy float64
	}{
		{"odd/mp3_id3.mp3", 16000, 40000, 160.990408},
		{"odd/mp3_vbr_noxing.mp3", 16000, 41472, 177.311558},
		{"odd/mp3_named.wav", 16000, 40000, 160.990408},
		{"fleurs_du_mal/fleursdumal_002_baudelaire_64kb.mp3", 22050, 1920687, 3694.41075},
		{"fleurs_du_mal/fleursdumal_003_baudelaire_64kb.mp3", 22050, 2365728, 4811.19997},
		{"pool-mp3/asterisk_en/agent-incorrect.mp3", 16000, 82478, 2148.77028},
		{"pool-mp3/asterisk_fr/cancelled.mp3", 16000, 13134, 241.982018},
		{"pool-mp3/dspspeech20/15307110189-03-05.mp3", 16000, 32768, 1688.25847},
		{"pool-mp3/kathleen/a0005.mp3", 16000, 26221, 35.8540927},
		{"pool-mp3/librispeech/1263-138246-0000.mp3", 16000, 227440, 301.225331},
		{"pool-mp3/wakeword/alexa_101.mp3", 16000, 41920, 176.980493},
	} {
		data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(c.path)))
		if err != nil {
			t.Error(err)
			continue
		}
		a, err := Decode(data, Limits{})
		if err != nil {
			t.Errorf("%s: %v", c.path, err)
			continue
		}
		if a.Rate != c.rate || len(a.Channels) != 1 || len(a.Channels[0]) != c.frames {
			t.Errorf("%s: %d Hz, %d channels, %d samples, want %d, 1, %d",
				c.path, a.Rate, len(a.Channels), len(a.Channels[0]), c.rate, c.frames)
			continue
		}
		if got := energy(a.Channels[0]); math.Abs(got-c.energy) > 1e-6*c.energy {
			t.Errorf("%s: energy %.9g, want %.9g", c.path, got, c.energy)
		}
		if a.BadFrames != 0 || a.Truncated || len(a.Warnings) != 0 {
			t.Errorf("%s: %d bad frames, truncated %v, warnings %q", c.path, a.BadFrames, a.Truncated, a.Warnings)
		}
	}
}

package audio

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"aural/internal/testkit"
)

var benchFiles = flag.String("files", "", "glob of `files` that BenchmarkFiles decodes")

// BenchmarkOddFiles decodes 2.5 s of the same speech in every format.
func BenchmarkOddFiles(b *testing.B) {
	dir := filepath.Join(testkit.DataDir(b), "odd")
	for _, name := range []string{"src16k.wav", "alaw_8k.wav", "msadpcm.wav", "imaadpcm.wav", "gsm610_8k.wav", "be.aiff", "be.au", "nist.sph",
		"w64.w64", "caf.caf", "reference.flac", "flac_in.oga", "mp3_id3.mp3", "vorbis.ogg", "opus.opus"} {
		benchmarkFile(b, filepath.Join(dir, name))
	}
}

// BenchmarkFiles decodes the files of -files, for example long ones that other programs made:
//
//	go test ./audio -bench Files -files '/tmp/long.*'
func BenchmarkFiles(b *testing.B) {
	names, err := filepath.Glob(*benchFiles)
	if err != nil {
		b.Fatal(err)
	}
	if len(names) == 0 {
		b.Skip("no -files")
	}
	for _, name := range names {
		benchmarkFile(b, name)
	}
}

// benchmarkFile reports how many seconds of sound one second decodes.
func benchmarkFile(b *testing.B, path string) {
	data, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	b.Run(filepath.Base(path), func(b *testing.B) {
		b.ReportAllocs()
		seconds := 0.0
		for b.Loop() {
			clip, err := Decode(data, Limits{})
			if err != nil {
				b.Fatal(err)
			}
			seconds += clip.Seconds()
		}
		b.ReportMetric(seconds/b.Elapsed().Seconds(), "audio-s/s")
	})
}

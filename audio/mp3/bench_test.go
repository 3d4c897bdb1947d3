package mp3

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"aural/internal/testkit"
)

// BenchmarkDecode reports how many seconds of sound one second decodes.
func BenchmarkDecode(b *testing.B) {
	for _, name := range []string{
		"mpeg2-16k-mono-untagged", "mpeg2-22k-short-blocks", "mpeg1-44k-joint-vbr", "mpeg1-44k-stereo-cbr320",
	} {
		b.Run(name, func(b *testing.B) { benchmark(b, readTestdata(b, name)) })
	}
}

// BenchmarkSpeech decodes what a training set has: 16 kHz, mono, variable bitrate.
func BenchmarkSpeech(b *testing.B) {
	files, err := filepath.Glob(filepath.Join(testkit.DataDir(b), "pool-mp3", "kathleen", "*.mp3"))
	if err != nil || len(files) == 0 {
		b.Skip("no recordings")
	}
	var all bytes.Buffer
	for _, name := range files[:min(100, len(files))] {
		data, err := os.ReadFile(name)
		if err != nil {
			b.Fatal(err)
		}
		all.Write(data)
	}
	benchmark(b, all.Bytes())
}

func benchmark(b *testing.B, data []byte) {
	seconds := 0.0
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		a, err := Decode(data, Limits{})
		if err != nil {
			b.Fatal(err)
		}
		seconds += float64(len(a.Channels[0])) / float64(a.Rate)
	}
	b.ReportMetric(seconds/b.Elapsed().Seconds(), "audio-s/s")
}

package flac

import (
	"os"
	"slices"
	"testing"
	"bytes"
	"time"
)

func TestEncX(t *testing.T) {
	raw, err := os.ReadFile("/tmp/flacbench.vX3R/all.raw")
	if err != nil {
		t.Skip(err)
	}
	x := make([]int16, len(raw)/2)
	for i := range x {
		x[i] = int16(raw[2*i]) | int16(raw[2*i+1])<<8
	}
	best := time.Hour
	var data []byte
	for range 1 {
	tt := time.Now()
	data = Append16(data[:0], 16000, x)
	best = min(best, time.Since(tt))
	}
	t.Logf("%d bytes, ratio %.4f, %.2f ns/sample", len(data), float64(len(data))/float64(len(raw)), float64(best.Nanoseconds())/float64(len(x)))
	y, err := Decode16(nil, data)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(x, y) {
		t.Fatal("differ")
	}
	for range 1 {
	tt := time.Now()
	y, _ = Decode16(y[:0], data)
	best = min(best, time.Since(tt))
	}
	t.Logf("decode16 %.2f ns/sample",  float64(best.Nanoseconds())/float64(len(x)))
	os.WriteFile("/tmp/flacbench.vX3R/ours.flac", data, 0o644)
	_ = bytes.Equal
}

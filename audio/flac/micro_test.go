package flac

import (
	"os"
	"testing"
	"time"
)

func minTime(f func()) time.Duration {
	best := time.Hour
	for range 3000 {
		t := time.Now()
		f()
		best = min(best, time.Since(t))
	}
	return best
}

func TestMicro(t *testing.T) {
	name := os.Getenv("FLACFILE")
	if name == "" {
		return
	}
	data, _ := os.ReadFile(name)
	d, _ := NewDecoder(data)
	d.SkipMD5()
	total := time.Duration(0)
	rice := time.Duration(0)
	for range 200 {
		at := d.at
		d.Next()
		n := len(d.block[0])
		best := time.Hour
		for range 100 {
			tt := time.Now()
			d.frame(data[at:])
			best = min(best, time.Since(tt))
		}
		total += best
		_ = n
	}
	t.Logf("frames %.2f ns %v", float64(total.Nanoseconds())/200/4096, rice)
}

package flac

import (
	"io"
	"os"
	"testing"
)

func BenchmarkX(b *testing.B) {
	data, err := os.ReadFile(os.Getenv("FLACFILE"))
	if err != nil {
		b.Skip(err)
	}
	for _, md := range []bool{true, false} {
		name := "md5"
		if !md {
			name = "nomd5"
		}
		b.Run(name, func(b *testing.B) {
			n := 0
			for b.Loop() {
				d, err := NewDecoder(data)
				if err != nil {
					b.Fatal(err)
				}
				if !md {
					d.SkipMD5()
				}
				n = 0
				for {
					x, err := d.Next()
					if err == io.EOF {
						break
					}
					if err != nil {
						b.Fatal(err)
					}
					n += len(x[0])
				}
				if md && d.MD5() != d.Info().MD5 {
					b.Fatal("md5")
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/sample")
		})
	}
}

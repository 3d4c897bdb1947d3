package datasets

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// forget writes the files of dir to the disk and drops them from the page cache, where no process maps them.
func forget(b *testing.B, dir string) {
	files, err := filepath.Glob(filepath.Join(dir, "*.arrow"))
	if err != nil {
		b.Fatal(err)
	}
	for _, path := range files {
		f, err := os.Open(path)
		if err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
		if err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil {
			b.Fatal(err)
		}
		if err := f.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCollateCold is an epoch of random crops of a store that was just opened: from the disk, or from the page cache
// but with pages that are not mapped yet.
func BenchmarkCollateCold(b *testing.B) {
	dir, s := collateStore(b)
	dst := make([]float32, DefaultSamplerConfig().BatchSamples)
	for _, from := range []string{"disk", "cache"} {
		b.Run(from, func(b *testing.B) {
			st, total := s.Start(), 0
			for b.Loop() {
				b.StopTimer()
				if from == "disk" {
					forget(b, dir)
				}
				store, err := Open(dir)
				if err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
				var n int
				st, n = collateBatches(b, store, s, st, s.Len(), dst)
				total += n
				b.StopTimer()
				if err := store.Close(); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
			reportSpeed(b, total)
		})
	}
}

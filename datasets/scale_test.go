package datasets

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"aural/internal/atomicfile"
	"aural/rng"
)

// syntheticStore makes a store of many rows that holds no audio: the index is real, the shards are holes of the right size.
// Rows are 12 s long, as in LibriSpeech, and the shards of a store of ten million have 3.8 TB.
func syntheticStore(t testing.TB, rows int) string {
	t.Helper()
	const shardRows, samples = 1 << 20, 12 * Rate
	const rowBytes = 44 + 2*samples + 64
	dir := t.TempDir()
	in := &Info{FormatVersion: FormatVersion, Codec: PCM, Rate: Rate, Rows: rows, Samples: int64(rows) * samples}
	shards := (rows + shardRows - 1) / shardRows
	for s := range shards {
		n := min(shardRows, rows-s*shardRows)
		in.Shards = append(in.Shards, FileSum{Name: shardName(s, shards), Rows: n, Bytes: int64(n) * rowBytes, SHA256: strings.Repeat("0", 64)})
		f, err := os.Create(filepath.Join(dir, in.Shards[s].Name))
		if err == nil {
			err = f.Truncate(in.Shards[s].Bytes)
		}
		if err != nil {
			t.Skipf("no sparse file of %d bytes here: %v", in.Shards[s].Bytes, err)
		}
		f.Close()
	}
	data, err := in.encode()
	if err == nil {
		err = atomicfile.Write(filepath.Join(dir, InfoFile), data, 0o644)
	}
	if err == nil {
		err = atomicfile.Create(filepath.Join(dir, indexFile), 0o644, func(f *os.File) error {
			b := newIndexBuilder(f, in)
			for i := range rows {
				at := int64(i%shardRows) * rowBytes
				r := rowIndex{samples: samples, shard: i / shardRows, audio: span{at, 44 + 2*samples}, id: span{at + rowBytes - 64, 20},
					transcript: null, split: null, path: null}
				if err := b.put(&r, fmt.Sprintf("speaker %d", i%5000)); err != nil {
					return err
				}
			}
			return b.finish()
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// Opening a store reads the ends of its index. What it takes in memory is a few bytes for each 4096 rows.
func TestOpeningDoesNotDependOnTheRows(t *testing.T) {
	var bytes [2]uint64
	for i, rows := range []int{20_000, 400_000} {
		dir := syntheticStore(t, rows)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		s, err := Open(dir)
		runtime.ReadMemStats(&after)
		if err != nil {
			t.Fatal(err)
		}
		if notes := s.Notes(); len(notes) > 0 {
			t.Errorf("notes %q", notes)
		}
		bytes[i] = after.TotalAlloc - before.TotalAlloc
		if pcm, err := s.PCM(rows / 2); err == nil { // a hole is no WAV file
			t.Errorf("%d bytes from a hole", len(pcm))
		}
		if n, err := s.Samples(rows - 1); err != nil || n != 12*Rate {
			t.Errorf("%d samples, %v", n, err)
		}
		s.Close()
	}
	if more := int64(bytes[1]) - int64(bytes[0]); more > 380_000/32 { // the index has 120 bytes a row
		t.Errorf("380,000 rows more took %d bytes more to open (%d and %d)", more, bytes[0], bytes[1])
	}
}

// BenchmarkTenMillionRows measures what a very large store costs. The setting up writes 1.2 GB.
func BenchmarkTenMillionRows(b *testing.B) {
	const rows = 10_000_000
	dir := syntheticStore(b, rows)
	for b.Loop() {
		heap := func() float64 {
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			return float64(m.HeapAlloc) / 1e6
		}
		start, empty := time.Now(), heap()
		lap := func(name string) {
			b.ReportMetric(float64(time.Since(start).Microseconds())/1000, name+"-ms")
			b.ReportMetric(heap()-empty, name+"-MB")
			start = time.Now()
		}
		s, err := Open(dir)
		if err != nil {
			b.Fatal(err)
		}
		lap("open")
		r := rng.At(1, 2, 3)
		for range 1000 {
			if _, err := s.find(r.IntN(rows)); err != nil {
				b.Fatal(err)
			}
		}
		lap("1000-rows")
		view, err := s.View()
		if err != nil {
			b.Fatal(err)
		}
		lap("view")
		sampler, err := NewSampler(view, DefaultSamplerConfig())
		if err != nil {
			b.Fatal(err)
		}
		lap("sampler")
		sampler.Batch(0, 0)
		lap("epoch")
		runtime.KeepAlive(sampler)
		s.Close()
	}
}

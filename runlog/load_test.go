package runlog

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// BenchmarkLoad reads a million points with checksums, as records of 20 values and of one.
func BenchmarkLoad(b *testing.B) {
	for _, values := range []int{20, 1} {
		b.Run(fmt.Sprintf("values=%d", values), func(b *testing.B) {
			const points = 1_000_000
			dir := b.TempDir()
			metrics := manyRecords(points/values, values)
			for name, data := range map[string][]byte{lockFile: nil, metricsFile: metrics} {
				if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
					b.Fatal(err)
				}
			}
			b.SetBytes(int64(len(metrics)))
			metrics = nil
			var before, after runtime.MemStats
			for b.Loop() {
				runtime.GC()
				runtime.ReadMemStats(&before)
				r, err := Open(dir)
				if err != nil {
					b.Fatal(err)
				}
				if n, _, err := r.Poll(Budget{}); err != nil || n != points/values || r.Damage() != (Damage{}) {
					b.Fatalf("%d lines, %+v, %v", n, r.Damage(), err)
				}
				b.StopTimer()
				runtime.GC()
				runtime.ReadMemStats(&after)
				b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/points, "B/point")
				b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/points, "allocated-B/point")
				r.Close()
				b.StartTimer()
			}
		})
	}
}

// manyRecords returns the metrics of a long run, with numbers of full precision.
func manyRecords(records, values int) []byte {
	random := rand.New(rand.NewPCG(1, 2))
	r := &Record{Kind: Train, Values: make([]Value, values)}
	var data []byte
	for i := range records {
		r.Step, r.Time = int64(i+1), testTime.Add(time.Duration(i)*700*time.Millisecond)
		for j := range r.Values {
			r.Values[j] = Value{metricTable[j].Name, random.NormFloat64()}
		}
		data = appendRecord(data, r)
	}
	return data
}

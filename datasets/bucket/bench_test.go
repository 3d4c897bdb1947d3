package bucket

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// utterance is the size of a typical read: 12.5 s of 16 kHz, 16 bit audio.
const utterance = 400_000

// BenchmarkRead reads utterances of one 120 MB shard, each once and then from the start again, in file order by one reader or in random
// order by eight. Cold starts each pass with an empty cache, warm with a full one, and small has room for a quarter of the
// shard, as for a store that does not fit the disk. delay is what a request waits before it is answered, as on the way to a bucket far away.
// network/useful is how many bytes were requested for each byte that was read.
func BenchmarkRead(b *testing.B) {
	s := startServer(b)
	const reads = 300
	s.put(b, "f", randomBytes(1, reads*utterance))
	for _, delay := range []time.Duration{0, 25 * time.Millisecond} {
		p := newProxy(b, s, func(int64, *http.Request) fault { return fault{delay: delay} })
		for _, order := range []string{"sequential", "random"} {
			for _, state := range []string{"cold", "warm", "small"} {
				if state == "warm" && delay > 0 {
					continue // it makes no request
				}
				for _, block := range []int{256 << 10, 1 << 20, 4 << 20, 16 << 20} {
					b.Run(fmt.Sprintf("delay=%v/%s/%s/block=%dK", delay, order, state, block>>10), func(b *testing.B) {
						cfg := s.config(b)
						cfg.Stall, cfg.BlockBytes, cfg.CacheBytes, cfg.Endpoint = time.Minute, block, 1<<30, s.address
						if delay > 0 {
							cfg.Endpoint = p.address
						}
						if state == "small" {
							cfg.CacheBytes = max(reads*utterance/4, 4*int64(block))
						}
						benchmarkRead(b, cfg, reads, order == "random", state == "cold")
					})
				}
			}
		}
	}
}

func benchmarkRead(b *testing.B, cfg Config, reads int, random, cold bool) {
	order := make([]int, reads)
	for i := range order {
		order[i] = i
	}
	readers := 1
	if random {
		readers = 8
		rand.New(rand.NewPCG(1, 2)).Shuffle(reads, func(i, j int) { order[i], order[j] = order[j], order[i] })
	}
	bucket := openBucket(b, cfg)
	o := openObject(b, bucket, "f")
	pass := func(n int) {
		var next atomic.Int64
		var work sync.WaitGroup
		for range readers {
			work.Go(func() {
				p := make([]byte, utterance)
				for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
					if _, err := o.ReadAt(p, int64(order[i])*utterance); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		work.Wait()
	}
	if !cold {
		pass(reads)
	}
	settled(b, bucket)
	fetched := -bucket.Stats().BytesRead
	b.SetBytes(utterance)
	b.ReportAllocs()
	b.ResetTimer()
	for left := b.N; left > 0; left -= reads {
		if cold {
			b.StopTimer()
			fetched += bucket.Stats().BytesRead
			cfg.CacheDir = b.TempDir()
			bucket = openBucket(b, cfg)
			o = openObject(b, bucket, "f")
			b.StartTimer()
		}
		pass(min(left, reads))
	}
	b.StopTimer()
	fetched += bucket.Stats().BytesRead
	b.ReportMetric(float64(fetched)/float64(b.N)/utterance, "network/useful")
}

// BenchmarkUpload sends a store of 34 MB.
func BenchmarkUpload(b *testing.B) {
	s := startServer(b)
	dir, names, files := makeStore(b)
	var total int64
	for _, data := range files {
		total += int64(len(data))
	}
	b.SetBytes(total)
	for i := range b.N {
		cfg := s.config(b)
		cfg.Prefix = fmt.Sprint("store", i)
		if err := openBucket(b, cfg).Upload(b.Context(), dir, names, nil); err != nil {
			b.Fatal(err)
		}
	}
}

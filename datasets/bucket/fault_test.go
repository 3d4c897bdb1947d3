package bucket

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Whatever happens to every second request, the bytes are right, and each fault was met by a retry.
func TestFaultsAreRetried(t *testing.T) {
	s := startServer(t)
	const block = 64 << 10
	data := randomBytes(5, 6*block+block-7)
	s.put(t, "f", data)
	for _, c := range []struct {
		name  string
		fault fault
	}{
		{name: "503", fault: fault{status: 503, code: "SlowDown"}},
		{name: "500", fault: fault{status: 500, code: "InternalError"}},
		{name: "429", fault: fault{status: 429, code: "TooManyRequests"}},
		{name: "request timeout", fault: fault{status: 400, code: "RequestTimeout"}},
		{name: "dropped", fault: fault{drop: true}},
		{name: "cut", fault: fault{cut: 500}},
		{name: "cut late", fault: fault{cut: block - 8}},
		{name: "stalled", fault: fault{stall: 500}},
		{name: "silent", fault: fault{delay: 400 * time.Millisecond}},
		{name: "one byte short", fault: fault{shrink: true}},
		{name: "no range", fault: fault{without: "Range"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newProxy(t, s, func(n int64, _ *http.Request) fault {
				if n%2 == 1 {
					return c.fault
				}
				return fault{}
			})
			cfg := s.config(t)
			cfg.Endpoint = p.address
			if c.fault.stall > 0 || c.fault.delay > 0 {
				cfg.Stall = 200 * time.Millisecond
			}
			b := openBucket(t, cfg)
			o := openObject(t, b, "f")
			for off := 0; off < len(data); off += block / 2 {
				checkRead(t, o, data, off, block/2)
			}
			got := b.Stats()
			// net/http itself repeats a request whose connection was closed before the first byte, if it was a reused one.
			if got.Misses != 7 || p.seen.Load() < 13 || p.seen.Load() != 7+got.Retries && !c.fault.drop {
				t.Errorf("%+v, %d requests for 7 blocks", got, p.seen.Load())
			}
			if got.BytesRead != int64(len(data)) {
				t.Errorf("%d bytes of a file of %d were counted", got.BytesRead, len(data))
			}
		})
	}
}

// A request that went on where the other was cut asks for the rest only.
func TestCutBlockIsContinued(t *testing.T) {
	s := startServer(t)
	data := randomBytes(6, 64<<10)
	s.put(t, "f", data)
	var mu sync.Mutex
	var ranges []string
	p := newProxy(t, s, func(n int64, r *http.Request) fault {
		mu.Lock()
		defer mu.Unlock()
		ranges = append(ranges, r.Header.Get("Range"))
		if n < 3 {
			return fault{cut: 1000}
		}
		return fault{}
	})
	cfg := s.config(t)
	cfg.Endpoint = p.address
	checkRead(t, openObject(t, openBucket(t, cfg), "f"), data, 0, len(data))
	if got := strings.Join(ranges, " "); got != "bytes=0-65535 bytes=1000-65535 bytes=2000-65535" {
		t.Errorf("ranges %s", got)
	}
}

// The server dies and comes back while many read.
func TestServerRestart(t *testing.T) {
	s := startServer(t)
	data := randomBytes(7, 8<<20)
	s.put(t, "f", data)
	cfg := s.config(t)
	cfg.CacheBytes = 1 << 20 // most reads need the server
	b := openBucket(t, cfg)
	o := openObject(t, b, "f")
	var stop atomic.Bool
	var done atomic.Int64
	var readers sync.WaitGroup
	for i := range 8 {
		readers.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(i), 7))
			for !stop.Load() {
				off := rng.IntN(len(data) - 30000)
				p := make([]byte, 30000)
				if _, err := o.ReadAt(p, int64(off)); err != nil || !bytes.Equal(p, data[off:off+len(p)]) {
					t.Errorf("at %d: %v", off, err)
					return
				}
				done.Add(1)
			}
		})
	}
	for range 2 {
		time.Sleep(100 * time.Millisecond)
		s.kill()
		time.Sleep(200 * time.Millisecond)
		before := done.Load()
		s.restart(t)
		for looks := 0; done.Load() < before+20 && looks < 20000; looks++ { // not a time: the machine may be slow
			time.Sleep(time.Millisecond)
		}
		if done.Load() < before+20 {
			t.Errorf("only %d reads after the restart", done.Load()-before)
		}
	}
	stop.Store(true)
	readers.Wait()
	if got := b.Stats(); got.Retries == 0 {
		t.Errorf("%+v: the server was away and nobody noticed", got)
	}
}

// Waits double up to the bound, and half of each is random.
func TestBackoff(t *testing.T) {
	b := &Bucket{cfg: Config{Backoff: 100 * time.Millisecond, MaxBackoff: time.Second}}
	for n, full := range map[int]time.Duration{1: 100e6, 2: 200e6, 3: 400e6, 4: 800e6, 5: time.Second, 50: time.Second, 100: time.Second} {
		different := map[time.Duration]bool{}
		for range 100 {
			wait := b.backoff(n)
			if wait < full/2 || wait > full {
				t.Fatalf("wait %d: %v, want %v to %v", n, wait, full/2, full)
			}
			different[wait] = true
		}
		if len(different) < 50 {
			t.Errorf("wait %d takes only %d values", n, len(different))
		}
	}
}

// An answer is not believed for its size: memory is taken when the last byte came.
func TestReadFileOfAnObjectThatShrank(t *testing.T) {
	s := startServer(t)
	s.put(t, "f", make([]byte, 200<<10))
	b := openBucket(t, s.config(t))
	o := openObject(t, b, "f")
	o.v.size = 1 << 33 // as a server might claim
	if err := o.read(make([]byte, 1), o.v.size-1); !errors.Is(err, ErrChanged) {
		t.Errorf("the last byte of a size that is not there: %v", err)
	}
}

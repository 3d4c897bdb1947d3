package bucket

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Reads anywhere equal the content, for sizes around the borders of blocks and of pieces, cold and warm.
func TestReadAt(t *testing.T) {
	s := startServer(t)
	const block = 128 << 10
	sizes := []int{0, 1, pieceBytes - 1, pieceBytes, pieceBytes + 1, block - 1, block, block + 1, 2*block - 1, 2 * block, 2*block + 1,
		5*block + 12345}
	files := map[int][]byte{}
	for _, size := range sizes {
		files[size] = randomBytes(uint64(size), size)
		s.put(t, "file-"+strings.Repeat("x", 1+len(files)), files[size])
	}
	names := map[int]string{}
	for i, size := range sizes {
		names[size] = "file-" + strings.Repeat("x", 2+i)
	}
	cfg := s.config(t)
	cfg.BlockBytes = block
	for _, memory := range []int64{-1, 2 * block} {
		cfg.MemoryBytes = memory
		cfg.CacheDir = t.TempDir()
		b := openBucket(t, cfg)
		for size, data := range files {
			if got, err := b.ReadFile(names[size]); err != nil || !bytes.Equal(got, data) {
				t.Fatalf("ReadFile of %d bytes: %d bytes, %v", size, len(got), err)
			}
		}
		rapid.Check(t, func(rt *rapid.T) {
			size := rapid.SampledFrom(sizes).Draw(rt, "size")
			o := openObject(t, b, names[size])
			if o.Size() != int64(size) {
				t.Fatalf("size %d and not %d", o.Size(), size)
			}
			edge := rapid.IntRange(0, 6).Draw(rt, "block") * block
			off := max(0, edge+rapid.IntRange(-3, 3).Draw(rt, "beside"))
			n := rapid.OneOf(rapid.IntRange(0, 5), rapid.IntRange(block-3, block+3), rapid.IntRange(0, 3*block)).Draw(rt, "n")
			checkRead(t, o, files[size], off, max(1, n))
		})
		blocks := int64(0)
		for _, size := range sizes {
			blocks += int64((size + block - 1) / block)
		}
		if got := b.Stats(); got.Misses != blocks || got.Retries != 0 || got.Corrupt != 0 || got.Unsaved != 0 {
			t.Errorf("memory %d: %+v; want each of %d blocks requested once", memory, got, blocks)
		}
	}
}

func TestReadAtArguments(t *testing.T) {
	s := startServer(t)
	s.put(t, "f", []byte("abc"))
	b := openBucket(t, s.config(t))
	o := openObject(t, b, "f")
	if n, err := o.ReadAt(make([]byte, 1), -1); n != 0 || !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("negative offset: %d, %v", n, err)
	}
	if n, err := o.ReadAt(nil, 1); n != 0 || err != nil {
		t.Errorf("no bytes: %d, %v", n, err)
	}
	for _, name := range []string{"", ".", "../f", "/f", "a//b", `a\b`, "a/./b"} {
		if _, err := b.Open(name); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("name %q: %v", name, err)
		}
	}
	if err := o.Close(); err != nil {
		t.Error(err)
	}
	if _, err := o.ReadAt(make([]byte, 1), 0); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("closed object: %v", err)
	}
	o = openObject(t, b, "f")
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if _, err := o.ReadAt(make([]byte, 1), 0); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("closed bucket: %v", err)
	}
	if _, err := b.Open("f"); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("open in a closed bucket: %v", err)
	}
}

// The errors that a user can mend say how, and none holds a key.
func TestErrorsSayWhatToCheck(t *testing.T) {
	s := startServer(t)
	s.put(t, "f", []byte("abc"))
	refused := newProxy(t, s, nil)
	for _, c := range []struct {
		name    string
		change  func(*Config)
		plan    fault
		says    string
		missing bool
		tries   int64
	}{
		{name: "missing object", says: "NoSuchKey", missing: true},
		{name: "missing bucket", change: func(c *Config) { c.Bucket = "nosuch" }, says: "check the name of the bucket"},
		{name: "wrong key", change: func(c *Config) { c.Credentials.AccessKey = "somebody" }, says: "check the credentials (static keys)"},
		{name: "wrong secret", change: func(c *Config) { c.Credentials.SecretKey = "geheim-geheim" }, says: "check the credentials (static keys)"},
		{name: "anonymous", change: func(c *Config) { c.Credentials = Credentials{Anonymous: true} }, says: "credentials (anonymous)"},
		{name: "wrong region", change: func(c *Config) { c.Region = "eu-west-7" }, says: "check the region"},
		{name: "https to http", change: func(c *Config) { c.Secure = true }, says: "write http:// in the endpoint"},
		{name: "nobody listens", change: func(c *Config) { c.Endpoint, c.Attempts = "127.0.0.1:1", 3 }, says: "check the endpoint 127.0.0.1:1", tries: 2},
		{name: "forbidden", plan: fault{status: 403, code: "AccessDenied"}, says: "may do this in bucket stores"},
		{name: "expired", plan: fault{status: 400, code: "ExpiredToken"}, says: "AWS_SESSION_TOKEN"},
		{name: "clock", plan: fault{status: 403, code: "RequestTimeTooSkewed"}, says: "check the clock"},
		{name: "redirect", plan: fault{status: 301, code: "PermanentRedirect"}, says: "check the region"},
		{name: "always busy", plan: fault{status: 503, code: "SlowDown"}, says: "failed 4 times", tries: 3},
		{name: "not implemented", plan: fault{status: 501, code: "NotImplemented"}, says: "NotImplemented"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := s.config(t)
			cfg.Attempts = 4
			name := "missing"
			if c.plan.status != 0 {
				refused.plan = func(int64, *http.Request) fault { return c.plan }
				cfg.Endpoint = refused.address
				name = "f"
			}
			if c.change != nil {
				c.change(&cfg)
			}
			b := openBucket(t, cfg)
			_, err := b.ReadFile(name)
			if err == nil || !strings.Contains(err.Error(), c.says) || errors.Is(err, fs.ErrNotExist) != c.missing {
				t.Errorf("%v; want %q, missing: %v", err, c.says, c.missing)
			}
			for _, secret := range []string{testKey, testSecret, "somebody", "geheim"} {
				if err != nil && strings.Contains(err.Error(), secret) {
					t.Errorf("%v: holds %s", err, secret)
				}
			}
			if got := b.Stats().Retries; got != c.tries {
				t.Errorf("%d retries, want %d", got, c.tries)
			}
		})
	}
}

// A replaced object is an error, never a mix of old and new bytes, whether the server minds the condition or not.
func TestReplacedObject(t *testing.T) {
	s := startServer(t)
	old, fresh := randomBytes(1, 300<<10), randomBytes(2, 300<<10)
	s.put(t, "f", old)
	b := openBucket(t, s.config(t))
	o := openObject(t, b, "f")
	checkRead(t, o, old, 0, 1000)
	s.put(t, "f", fresh)
	if _, err := o.ReadAt(make([]byte, 10), 200<<10); !errors.Is(err, ErrChanged) {
		t.Fatalf("read of a replaced object: %v", err)
	}
	checkRead(t, o, old, 100, 1000) // the old version, from the cache
	again := openObject(t, b, "f")
	checkRead(t, again, fresh, 0, 300<<10)
	checkRead(t, o, old, 0, 1000)

	s.put(t, "f", fresh[:100]) // shorter: the range is beyond its end
	if _, err := o.ReadAt(make([]byte, 10), 250<<10); !errors.Is(err, ErrChanged) {
		t.Errorf("read of a shorter object: %v", err)
	}
	if got := b.Stats().Retries; got != 0 {
		t.Errorf("%d retries of what cannot succeed", got)
	}
}

func TestReplacedObjectOnServerWithoutConditions(t *testing.T) {
	s := startServer(t)
	old, fresh := randomBytes(1, 300<<10), randomBytes(2, 300<<10)
	s.put(t, "f", old)
	p := newProxy(t, s, func(int64, *http.Request) fault { return fault{without: "If-Match"} })
	cfg := s.config(t)
	cfg.Endpoint = p.address
	b := openBucket(t, cfg)
	o := openObject(t, b, "f")
	checkRead(t, o, old, 0, 1000)
	s.put(t, "f", fresh)
	if _, err := o.ReadAt(make([]byte, 10), 200<<10); !errors.Is(err, ErrChanged) {
		t.Fatalf("read of a replaced object: %v", err)
	}
}

// Readers who want the same block at the same time cause one request for it.
func TestSingleFlight(t *testing.T) {
	s := startServer(t)
	data := randomBytes(3, 4*(64<<10))
	s.put(t, "f", data)
	p := newProxy(t, s, func(int64, *http.Request) fault { return fault{delay: 50 * time.Millisecond} })
	cfg := s.config(t)
	cfg.Endpoint = p.address
	b := openBucket(t, cfg)
	var readers sync.WaitGroup
	for i := range 32 {
		readers.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(i), 1))
			o, err := b.Open("f")
			if err != nil {
				t.Error(err)
				return
			}
			for range 20 {
				off, n := rng.IntN(len(data)), 1+rng.IntN(100<<10)
				n = min(n, len(data)-off)
				got := make([]byte, n)
				if _, err := o.ReadAt(got, int64(off)); err != nil || !bytes.Equal(got, data[off:off+n]) {
					t.Errorf("%d bytes at %d: %v, equal: %v", n, off, err, bytes.Equal(got, data[off:off+n]))
				}
			}
		})
	}
	readers.Wait()
	if got := b.Stats(); got.Misses != 4 || p.seen.Load() != 4 || got.BytesRead != int64(len(data)) {
		t.Errorf("%+v, %d requests for 4 blocks", got, p.seen.Load())
	}
}

func TestPrefetch(t *testing.T) {
	s := startServer(t)
	const block = 64 << 10
	data := randomBytes(4, 10*block+5)
	s.put(t, "f", data)
	b := openBucket(t, s.config(t))
	b.Prefetch("f", Range{0, block}) // not opened yet: left out
	o := openObject(t, b, "f")
	b.Prefetch("f", Range{-5, 10}, Range{3*block + 1, block}, Range{10 * block, 1 << 62}, Range{7 * block, 0}, Range{1 << 40, 1})
	const want = 5 // blocks 0, 3, 4 and 10, and not one for the empty ranges
	// Its end is a number of looks, not a time: the machine may be slow.
	for looks := 0; b.Stats().Misses < want-1 && looks < 20000; looks++ {
		time.Sleep(time.Millisecond)
	}
	for _, off := range []int{0, 3 * block, 4 * block, 10 * block} {
		checkRead(t, o, data, off, 5)
	}
	if got := b.Stats(); got.Misses != 4 || got.Hits != 4 {
		t.Errorf("%+v; want 4 blocks fetched ahead and then hit", got)
	}
	checkRead(t, o, data, block, 5)
	if got := b.Stats(); got.Misses != 5 {
		t.Errorf("%+v; block 1 was never hinted at", got)
	}
}

// Hints beyond the queue are dropped, and Close ends those that wait.
func TestPrefetchIsBounded(t *testing.T) {
	s := startServer(t)
	const block = minBlockBytes
	s.put(t, "f", make([]byte, 3*queueLength*block))
	p := newProxy(t, s, func(int64, *http.Request) fault { return fault{delay: 20 * time.Millisecond} })
	cfg := s.config(t)
	cfg.Endpoint, cfg.BlockBytes, cfg.Parallel = p.address, block, 2
	b := openBucket(t, cfg)
	openObject(t, b, "f")
	b.Prefetch("f", Range{0, 1 << 50})
	if got := b.Stats().Dropped; got < 2*queueLength-10 || got > 2*queueLength {
		t.Errorf("%d hints dropped of %d for a queue of %d", got, 3*queueLength, queueLength)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if n := p.seen.Load(); n > 10 {
		t.Errorf("%d requests before Close", n)
	}
}

// The context of Open ends reads that wait for the network.
func TestContextEndsReads(t *testing.T) {
	s := startServer(t)
	s.put(t, "f", make([]byte, 100<<10))
	p := newProxy(t, s, func(int64, *http.Request) fault { return fault{stall: 10} })
	cfg := s.config(t)
	cfg.Endpoint, cfg.Stall = p.address, time.Hour
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	b, err := Open(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	o := openObject(t, b, "f")
	time.AfterFunc(100*time.Millisecond, cancel)
	if _, err := o.ReadAt(make([]byte, 10), 0); !errors.Is(err, context.Canceled) {
		t.Errorf("read of a cancelled bucket: %v", err)
	}
}

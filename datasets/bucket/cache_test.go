package bucket

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func cacheOf(t testing.TB, dir string, bound int64) *cache {
	t.Helper()
	c, err := openCache(dir, bound)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.close() })
	return c
}

// usage is the sum of the sizes of all files in dir but the ledger.
func usage(t testing.TB, dir string) (sum int64) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && e.Name() != ledgerName {
			sum += info.Size()
		}
	}
	return sum
}

// The directory never holds more than the bound, with several users at random access, and nothing but sound blocks is left.
func TestCacheIsBounded(t *testing.T) {
	s := startServer(t)
	data := randomBytes(8, 6<<20)
	s.put(t, "f", data)
	cfg := s.config(t)
	cfg.CacheBytes, cfg.Parallel = 1<<20, 2 // what is being written by all must leave room for blocks
	var buckets []*Bucket
	for range 3 { // each with a lock of its own, as in different processes
		buckets = append(buckets, openBucket(t, cfg))
	}
	var readers sync.WaitGroup
	for i := range 9 {
		readers.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(i), 8))
			o, err := buckets[i%3].Open("f")
			if err != nil {
				t.Error(err)
				return
			}
			for range 40 {
				off := rng.IntN(len(data) - 40000)
				p := make([]byte, 40000)
				if _, err := o.ReadAt(p, int64(off)); err != nil || !bytes.Equal(p, data[off:off+len(p)]) {
					t.Errorf("at %d: %v", off, err)
				}
			}
		})
	}
	finished := make(chan struct{})
	go func() { readers.Wait(); close(finished) }()
	var most int64
	for looking := true; looking; {
		select {
		case <-finished:
			looking = false
		case <-time.After(time.Millisecond):
		}
		most = max(most, usage(t, cfg.CacheDir))
	}
	// A listing is not one moment: a block may be counted under both of its names, once for each write in flight.
	if limit := cfg.CacheBytes + 3*int64(cfg.Parallel)*blockFileSize(strings.Repeat("k", 200), cfg.BlockBytes); most > limit {
		t.Errorf("%d bytes in a cache of %d", most, cfg.CacheBytes)
	}
	if rest := usage(t, cfg.CacheDir); rest > cfg.CacheBytes || rest < cfg.CacheBytes/2 {
		t.Errorf("%d bytes left in a cache of %d", rest, cfg.CacheBytes)
	}
	for i, b := range buckets {
		if got := b.Stats(); got.Unsaved != 0 || got.Corrupt != 0 || got.Hits == 0 {
			t.Errorf("bucket %d: %+v", i, got)
		}
	}
}

// One writer alone never exceeds the bound at any moment, and the ledger is exact.
func TestCacheBoundIsExact(t *testing.T) {
	dir := t.TempDir()
	size := blockFileSize("k00", 1000)
	c := cacheOf(t, dir, 32*size)
	for i := range 200 {
		if err := c.write(fmt.Sprintf("k%02d", i%100), make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
		if sum := usage(t, dir); sum > 32*size || sum < int64(min(i+1, 28))*size {
			t.Fatalf("%d bytes after %d writes of %d into %d", sum, i+1, size, 32*size)
		}
		if sum := usage(t, dir); c.ledger() != sum {
			t.Fatalf("the ledger says %d of %d bytes", c.ledger(), sum)
		}
	}
	if err := c.write("huge", make([]byte, 32*size)); !errors.Is(err, errFull) {
		t.Errorf("a block larger than the cache: %v", err)
	}
}

// The blocks that were read last stay.
func TestCacheEvictsLeastRecentlyUsed(t *testing.T) {
	dir := t.TempDir()
	size := blockFileSize("k0", 1000)
	c := cacheOf(t, dir, 10*size)
	p := make([]byte, 1000)
	for i := range 10 {
		if err := c.write(fmt.Sprint("k", i), make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
		past := time.Now().Add(time.Duration(i-100) * time.Hour)
		if err := os.Chtimes(c.path(fmt.Sprint("k", i)), past, past); err != nil {
			t.Fatal(err)
		}
	}
	for _, used := range []string{"k0", "k3"} {
		if err := c.read(p, used, 1000, 0); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 5 {
		if err := c.write(fmt.Sprint("n", i), make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
	}
	left := ""
	for i := range 10 {
		if c.touch(fmt.Sprint("k", i)) {
			left += fmt.Sprint(i)
		}
	}
	// 15 of 10 blocks were written; the scans leave room for one more than is needed.
	if left != "0389" {
		t.Errorf("blocks %s are left, want 0389: 0 and 3 were read, 8 and 9 are the youngest", left)
	}
}

// A block that anything was done to is fetched again and replaced.
func TestDamagedBlocksAreFetchedAgain(t *testing.T) {
	s := startServer(t)
	data := randomBytes(9, 64<<10)
	s.put(t, "f", data)
	s.put(t, "g", randomBytes(10, 64<<10))
	cfg := s.config(t)
	b := openBucket(t, cfg)
	o, other := openObject(t, b, "f"), openObject(t, b, "g")
	checkRead(t, o, data, 0, len(data))
	if _, err := other.ReadAt(make([]byte, 1), 0); err != nil {
		t.Fatal(err)
	}
	settled(t, b)
	path := b.disk.path(b.blockKey(o.v, 0))
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := os.ReadFile(b.disk.path(b.blockKey(other.v, 0)))
	if err != nil {
		t.Fatal(err)
	}
	flipped := func(at int) []byte {
		raw := bytes.Clone(sound)
		raw[at] ^= 4
		return raw
	}
	cases := map[string][]byte{
		"empty": {}, "truncated": sound[:len(sound)-1], "longer": append(bytes.Clone(sound), 0), "zeros": make([]byte, len(sound)),
		"magic": flipped(3), "lengths": flipped(9), "key": flipped(20), "header sum": flipped(len(sound) - len(data) - 1),
		"first byte": flipped(len(sound) - len(data)), "last byte": flipped(len(sound) - 1), "another block": foreign,
	}
	want := b.Stats()
	for name, raw := range cases {
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		checkRead(t, o, data, 0, len(data))
		settled(t, b)
		want.Misses++
		want.Corrupt++
		want.BytesRead += int64(len(data))
		if got := b.Stats(); got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
		if again, err := os.ReadFile(path); err != nil || !bytes.Equal(again, sound) {
			t.Errorf("%s: the block was not replaced: %v", name, err)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	checkRead(t, o, data, 0, len(data))
	if got := b.Stats(); got.Misses != want.Misses+1 || got.Corrupt != want.Corrupt {
		t.Errorf("removed block: %+v", got)
	}
}

// A second user of the directory reads what the first one fetched, also later, and a cache of another store does no harm.
func TestSharedCache(t *testing.T) {
	s := startServer(t)
	data := randomBytes(11, 300<<10)
	s.put(t, "f", data)
	cfg := s.config(t)
	first, second := openBucket(t, cfg), openBucket(t, cfg)
	checkRead(t, openObject(t, first, "f"), data, 0, len(data))
	settled(t, first)
	checkRead(t, openObject(t, second, "f"), data, 0, len(data))
	if got := second.Stats(); got.Misses != 0 || got.Hits != 5 || got.BytesRead != 0 {
		t.Errorf("second user: %+v", got)
	}
	elsewhere := cfg
	elsewhere.Prefix = "another/store"
	third := openBucket(t, elsewhere)
	if _, err := third.Open("f"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("another store: %v", err)
	}
}

// A cache that cannot be written costs speed and nothing else.
func TestBrokenCache(t *testing.T) {
	s := startServer(t)
	data := randomBytes(12, 300<<10)
	s.put(t, "f", data)
	cfg := s.config(t)
	cfg.CacheDir = filepath.Join(t.TempDir(), "cache")
	b := openBucket(t, cfg)
	o := openObject(t, b, "f")
	checkRead(t, o, data, 0, 100<<10)
	settled(t, b)
	if err := os.RemoveAll(cfg.CacheDir); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(cfg.CacheDir, nil, 0o600); err != nil { // also root cannot write below a file
		t.Fatal(err)
	}
	checkRead(t, o, data, 0, len(data))
	settled(t, b)
	if got := b.Stats(); got.Unsaved != 5 || got.Retries != 0 {
		t.Errorf("%+v, want 5 blocks that were not saved", got)
	}
	if _, err := Open(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "another directory") {
		t.Errorf("a file as the cache: %v", err)
	}
}

// Parts of writers that died are removed, and a ledger that is damaged is made anew from the directory.
func TestCacheRecovers(t *testing.T) {
	dir := t.TempDir()
	size := blockFileSize("k0", 1000)
	c := cacheOf(t, dir, 8*size)
	old := time.Now().Add(-2 * staleAfter)
	for i, age := range []time.Time{old, time.Now()} {
		path := filepath.Join(dir, fmt.Sprint(i, partSuffix))
		if err := os.WriteFile(path, make([]byte, 2*size), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, age, age); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 20 {
		if err := os.WriteFile(filepath.Join(dir, ledgerName), []byte("garbage garbage garbage"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := c.write(fmt.Sprint("k", i), make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
		if sum := usage(t, dir); sum > 8*size || c.ledger() != sum {
			t.Fatalf("%d bytes in %d, the ledger says %d", sum, 8*size, c.ledger())
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "0"+partSuffix)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the old part is still there: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "1"+partSuffix)); err != nil {
		t.Errorf("the part of a living writer was removed: %v", err)
	}
}

// FuzzBlockFile: a file that is not exactly what was written is an error, whatever it holds, and never other bytes.
func FuzzBlockFile(f *testing.F) {
	const key, length = "endpoint\nbucket\nkey\netag\n70000\n70000\n0", 70000
	data := randomBytes(13, length)
	var w bytes.Buffer
	if err := writeBlockFile(&w, key, data); err != nil {
		f.Fatal(err)
	}
	sound := w.Bytes()
	f.Add(uint32(0), []byte{}, 0, 1)
	f.Add(uint32(8), []byte{0xff, 0xff, 0xff, 0xff}, 10, 70000)
	f.Add(uint32(len(sound)-1), []byte{1, 2}, pieceBytes-1, 2)
	f.Fuzz(func(t *testing.T, where uint32, what []byte, at, n int) {
		raw := bytes.Clone(sound)
		where %= uint32(len(raw)) + 1
		raw = append(raw[:where], append(bytes.Clone(what), raw[min(len(raw), int(where)+len(what)):]...)...)
		at, n = ((at%length)+length)%length, ((n%length)+length)%length+1
		n = min(n, length-at)
		dst := make([]byte, n)
		err := readBlockFile(bytes.NewReader(raw), int64(len(raw)), key, length, dst, at)
		if err != nil && !errors.Is(err, errDamaged) {
			t.Fatalf("error %v", err)
		}
		if err == nil && !bytes.Equal(dst, data[at:at+n]) {
			t.Fatal("wrong bytes were returned")
		}
		if err != nil && bytes.Equal(raw, sound) {
			t.Fatalf("sound file: %v", err)
		}
	})
}

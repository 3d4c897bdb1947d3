package bucket

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// cache is a directory of block files whose sizes stay together below a bound. Any number of processes may use it at once:
// nothing about it is kept in memory. Recency is the time of modification of a block, and the sum of the sizes stands in a
// ledger that is only touched under a lock. A block gets its name when it is complete; readers need no lock, because whatever
// they find is checked.
type cache struct {
	dir   string
	bound int64
	mu    sync.Mutex // the lock of the file is between processes, this one between goroutines
	lock  *os.File   // holds the ledger
}

const (
	ledgerName   = "ledger"
	blockSuffix  = ".block"
	partSuffix   = ".part"
	touchEvery   = time.Minute      // how exact the recency of a block is: a read of 400 KB should not also write
	staleAfter   = 15 * time.Minute // a part that old was left by a process that died
	lockPatience = 2 * time.Second
)

var errFull = errors.New("the block is larger than the cache")

func openCache(dir string, bound int64) (*cache, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("bucket: make the cache; choose another directory, or none by a negative size: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(dir, ledgerName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("bucket: open the cache; choose another directory, or none by a negative size: %w", err)
	}
	return &cache{dir: dir, bound: bound, lock: lock}, nil
}

func (c *cache) close() error { return c.lock.Close() }

func (c *cache) path(key string) string { return filepath.Join(c.dir, fileName(key)+blockSuffix) }

// touch says whether there is a block with this key, sound or not, and makes it the most recently used one.
func (c *cache) touch(key string) bool {
	now := time.Now()
	return os.Chtimes(c.path(key), now, now) == nil
}

// read fills dst from at on with the block of the given length. A damaged block is removed and errDamaged returned.
func (c *cache) read(dst []byte, key string, length, at int) error {
	path := c.path(key)
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil {
		err = readBlockFile(f, info.Size(), key, length, dst, at)
	}
	if err != nil {
		os.Remove(path) // another process may just have replaced it by a sound one: then it is fetched once more
		return err
	}
	if time.Since(info.ModTime()) > touchEvery {
		c.touch(key)
	}
	return nil
}

// write saves a block. Room is made before the first byte is written.
func (c *cache) write(key string, data []byte) error {
	size := blockFileSize(key, len(data))
	part, err := c.reserve(size)
	if err != nil {
		return err
	}
	err = writeBlockFile(part, key, data)
	err = errors.Join(err, part.Close())
	if err == nil {
		err = os.Rename(part.Name(), c.path(key))
	}
	if err != nil {
		os.Remove(part.Name())
		return errors.Join(err, c.locked(func() error { return c.setLedger(max(0, c.ledger()-size)) }))
	}
	return nil
}

// reserve returns a file of the given size under a temporary name, for which there is room: its bytes count from now on.
func (c *cache) reserve(size int64) (part *os.File, err error) {
	err = c.locked(func() error {
		total := c.ledger()
		if total < 0 || total+size > c.bound {
			if total, err = c.evict(size); err != nil {
				return err
			}
		}
		if part, err = os.CreateTemp(c.dir, "*"+partSuffix); err != nil {
			return err
		}
		if err = part.Truncate(size); err == nil { // so that a scan by another process counts it in full
			err = c.setLedger(total + size)
		}
		if err != nil {
			part.Close()
			os.Remove(part.Name())
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return part, nil
}

// evict removes the blocks that were not used for the longest time until there is room for size bytes and a sixteenth of
// the bound beside, so that not every block needs a scan of the directory. It returns the sum of what is left.
func (c *cache) evict(size int64) (total int64, err error) {
	if size > c.bound {
		return 0, errFull
	}
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return 0, err
	}
	var blocks []fs.FileInfo
	for _, e := range entries {
		isPart := strings.HasSuffix(e.Name(), partSuffix)
		if !isPart && !strings.HasSuffix(e.Name(), blockSuffix) {
			continue
		}
		info, err := e.Info()
		if err != nil {
			continue // it went away
		}
		if isPart && time.Since(info.ModTime()) > staleAfter && os.Remove(filepath.Join(c.dir, e.Name())) == nil {
			continue
		}
		total += info.Size()
		if !isPart {
			blocks = append(blocks, info)
		}
	}
	slices.SortFunc(blocks, func(a, b fs.FileInfo) int {
		return cmp.Or(a.ModTime().Compare(b.ModTime()), cmp.Compare(a.Name(), b.Name()))
	})
	for _, info := range blocks {
		if total+size <= c.bound-c.bound/16 {
			break
		}
		err := os.Remove(filepath.Join(c.dir, info.Name()))
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			total -= info.Size()
		}
	}
	if total+size > c.bound { // blocks that cannot be removed, or parts of others
		return 0, fmt.Errorf("no room in the cache: %d of %d bytes cannot be removed now", total, c.bound)
	}
	return total, nil
}

// ledger returns the sum of the sizes of blocks and parts, or -1 when it is unknown. It may be too high, after a crash or when
// two processes fetched the same block, which the next scan puts right; it is not too low unless blocks were copied in.
func (c *cache) ledger() int64 {
	var raw [16]byte
	if _, err := c.lock.ReadAt(raw[:], 0); err != nil {
		return -1
	}
	total := binary.LittleEndian.Uint64(raw[:8])
	if binary.LittleEndian.Uint64(raw[8:]) != ^total || total > 1<<62 {
		return -1
	}
	return int64(total)
}

func (c *cache) setLedger(total int64) error {
	var raw [16]byte
	binary.LittleEndian.PutUint64(raw[:8], uint64(total))
	binary.LittleEndian.PutUint64(raw[8:], ^uint64(total))
	_, err := c.lock.WriteAt(raw[:], 0)
	return err
}

// locked runs f alone among all users of the directory. A process that stops with the lock held costs the others the cache and not
// their reads: they give up after a while.
func (c *cache) locked(f func() error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for start := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		err := tryLock(c.lock)
		if err == nil {
			break
		}
		if !errors.Is(err, errBusy) || time.Since(start) > lockPatience {
			return fmt.Errorf("lock the cache: %w", err)
		}
	}
	return errors.Join(f(), unlock(c.lock))
}

var errBusy = errors.New("another process holds it")

package mirror

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"aural/internal/filelock"
)

const (
	// forgottenAfter is when a copy that nobody opened is removed.
	forgottenAfter = 30 * 24 * time.Hour
	// atOnce is how many processes may mirror one run; each has its own copy.
	atOnce = 16

	copyLock = "in-use"
)

// localCopy is the directory of a copy, which this process alone writes:
//
//	cache/<hash of host and path>[-n]/in-use    locked
//	cache/<hash of host and path>[-n]/<name>/   the run directory
type localCopy struct {
	dir  string
	lock *os.File
}

// openCopy returns the copy of a run, with what it has from earlier times.
func openCopy(cache, host, dir string) (*localCopy, error) {
	name := path.Base(path.Clean(dir))
	if strings.Trim(name, "./~") == "" {
		name = "run"
	}
	sum := sha256.Sum256([]byte(host + "\x00" + dir))
	for i := range atOnce {
		place := filepath.Join(cache, hex.EncodeToString(sum[:8]))
		if i > 0 {
			place += fmt.Sprintf("-%d", i+1)
		}
		lock, err := occupy(place)
		if err != nil {
			return nil, err
		}
		if lock == nil {
			continue
		}
		c := &localCopy{filepath.Join(place, name), lock}
		if err := c.prepare(); err != nil {
			lock.Close()
			return nil, err
		}
		removeForgotten(cache, place)
		return c, nil
	}
	return nil, fmt.Errorf("%d processes mirror it already", atOnce)
}

// occupy makes the directory of a copy and locks it. The lock is nil when another process has it.
func occupy(place string) (*os.File, error) {
	if err := os.MkdirAll(place, 0o700); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(place, copyLock), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	held, err := filelock.Try(lock)
	if !held || err != nil {
		lock.Close()
		return nil, err
	}
	now := time.Now()
	return lock, os.Chtimes(lock.Name(), now, now)
}

// prepare makes a run of the copy, also before anything was copied. Audio is copied again: a file of the same name may
// be another one.
func (c *localCopy) prepare() error {
	samples := filepath.Join(c.dir, "samples")
	if err := os.RemoveAll(samples); err != nil {
		return err
	}
	if err := os.MkdirAll(samples, 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(c.dir, metricsFile), os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	return f.Close()
}

func (c *localCopy) close() { c.lock.Close() }

// removeForgotten removes old copies. It is no loss when it fails: they are only in the way.
func removeForgotten(cache, but string) {
	entries, err := os.ReadDir(cache)
	if err != nil {
		return
	}
	for _, e := range entries {
		place := filepath.Join(cache, e.Name())
		info, err := os.Stat(filepath.Join(place, copyLock))
		if place == but || err != nil || time.Since(info.ModTime()) < forgottenAfter {
			continue
		}
		lock, err := os.OpenFile(filepath.Join(place, copyLock), os.O_RDWR, 0)
		if err != nil {
			continue
		}
		if held, err := filelock.Try(lock); held && err == nil {
			if err := os.RemoveAll(place); errors.Is(err, fs.ErrPermission) {
				lock.Close()
				return
			}
		}
		lock.Close()
	}
}

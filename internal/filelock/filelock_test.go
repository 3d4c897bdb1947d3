//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package filelock

import (
	"os"
	"path/filepath"
	"testing"
)

// One opening of a file holds the lock until it is closed.
func TestTry(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	open := func() *os.File {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	a, b := open(), open()
	for _, c := range []struct {
		f    *os.File
		held bool
	}{{a, true}, {b, false}, {a, true}} {
		if held, err := Try(c.f); held != c.held || err != nil {
			t.Errorf("held %v, %v; want %v", held, err, c.held)
		}
	}
	a.Close()
	if held, err := Try(b); !held || err != nil {
		t.Errorf("after the other was closed: held %v, %v", held, err)
	}
}

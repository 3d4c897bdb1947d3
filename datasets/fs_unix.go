//go:build unix

package datasets

import (
	"fmt"
	"math"
	"os"

	"golang.org/x/sys/unix"
)

// mapping is a file in memory. Here the kernel maps it: pages are read when they are touched and shared between processes.
type mapping struct{ data []byte }

// mapFile maps the file at path, read only. The caller checks the size: a file that shrinks after this would end the
// program with SIGBUS when the missing pages are touched.
func mapFile(path string) (mapping, error) {
	f, err := os.Open(path)
	if err != nil {
		return mapping{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return mapping{}, err
	}
	switch size := info.Size(); {
	case !info.Mode().IsRegular():
		return mapping{}, fmt.Errorf("%s is not a regular file", path)
	case size > math.MaxInt:
		return mapping{}, fmt.Errorf("%s has %d bytes, more than this machine can address", path, size)
	case size == 0: // the kernel refuses to map nothing
		return mapping{}, nil
	default:
		data, err := unix.Mmap(int(f.Fd()), 0, int(size), unix.PROT_READ, unix.MAP_SHARED)
		if err != nil {
			return mapping{}, fmt.Errorf("map %s (%d bytes): %w", path, size, err)
		}
		return mapping{data}, nil
	}
}

// Close unmaps the file.
func (m *mapping) Close() error {
	if m.data == nil {
		return nil
	}
	data := m.data
	m.data = nil
	return unix.Munmap(data)
}

// lockFile takes the lock that path stands for, which the kernel frees when the file is closed or the process dies.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock: %w", err)
	}
	return f, nil
}

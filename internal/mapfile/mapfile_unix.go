//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package mapfile

import (
	"fmt"
	"math"
	"os"
	"syscall"
)

// Mapping is a file in memory, read only. Here the kernel maps it: pages are read when they are touched and shared between processes.
type Mapping struct{ Data []byte }

// Open maps the file at path. The caller checks the size: a file that shrinks after this would end the program with SIGBUS when the missing pages
// are touched.
func Open(path string) (Mapping, error) {
	f, err := os.Open(path)
	if err != nil {
		return Mapping{}, err
	}
	defer f.Close() // the mapping outlives the descriptor
	info, err := f.Stat()
	if err != nil {
		return Mapping{}, err
	}
	switch size := info.Size(); {
	case !info.Mode().IsRegular():
		return Mapping{}, fmt.Errorf("%s is not a regular file", path)
	case size > math.MaxInt:
		return Mapping{}, fmt.Errorf("%s has %d bytes, more than this machine can address", path, size)
	case size == 0: // the kernel refuses to map nothing
		return Mapping{}, nil
	default:
		data, err := syscall.Mmap(int(f.Fd()), 0, int(size), syscall.PROT_READ, syscall.MAP_SHARED)
		if err != nil {
			return Mapping{}, fmt.Errorf("map %s (%d bytes): %w", path, size, err)
		}
		return Mapping{data}, nil
	}
}

// Close unmaps the file. Data must not be used any more; a second Close does nothing.
func (m *Mapping) Close() error {
	if m.Data == nil {
		return nil
	}
	data := m.Data
	m.Data = nil
	return syscall.Munmap(data)
}

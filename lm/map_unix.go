//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package lm

import (
	"fmt"
	"math"
	"os"
	"syscall"
)

// mapFile returns the contents of a file as a read-only mapping and what ends it.
func mapFile(path string) (data []byte, unmap func() error, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close() // the mapping outlives the descriptor
	st, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	switch size := st.Size(); {
	case !st.Mode().IsRegular():
		return nil, nil, fmt.Errorf("%s is not a regular file", path)
	case size > math.MaxInt:
		return nil, nil, fmt.Errorf("%s of %d bytes does not fit this machine's address space", path, size)
	case size == 0: // which mmap refuses
		return nil, func() error { return nil }, nil
	}
	data, err = syscall.Mmap(int(f.Fd()), 0, int(st.Size()), syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return nil, nil, fmt.Errorf("map %s: %w", path, err)
	}
	return data, func() error { return syscall.Munmap(data) }, nil
}

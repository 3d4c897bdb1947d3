//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package lm

import "os"

// mapFile reads the whole file where there is no mmap in the standard library.
func mapFile(path string) (data []byte, unmap func() error, err error) {
	data, err = os.ReadFile(path)
	return data, func() error { return nil }, err
}

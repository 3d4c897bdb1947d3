//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package mapfile

import "os"

// Mapping is a file in memory. On systems without mmap it is read whole.
type Mapping struct{ Data []byte }

// Open reads the file at path.
func Open(path string) (Mapping, error) {
	data, err := os.ReadFile(path)
	return Mapping{data}, err
}

// Close forgets the contents.
func (m *Mapping) Close() error {
	m.Data = nil
	return nil
}

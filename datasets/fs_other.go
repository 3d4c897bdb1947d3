//go:build !unix

package datasets

import "os"

// mapping is a file in memory. On systems without mmap the file is read whole, so a store must fit into memory there.
type mapping struct{ data []byte }

func mapFile(path string) (mapping, error) {
	data, err := os.ReadFile(path)
	return mapping{data}, err
}

func (m *mapping) close() error {
	m.data = nil
	return nil
}

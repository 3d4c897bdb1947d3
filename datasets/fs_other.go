//go:build !unix

package datasets

import "os"

// mapping is a file in memory. On systems without mmap the file is read whole, so a store must fit into memory there.
type mapping struct{ data []byte }

func mapFile(path string) (mapping, error) {
	data, err := os.ReadFile(path)
	return mapping{data}, err
}

// Close unmaps the file.
func (m *mapping) Close() error {
	m.data = nil
	return nil
}

// lockFile makes the file. On systems without flock two imports into one directory are not kept apart.
func lockFile(path string) (*os.File, error) { return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) }

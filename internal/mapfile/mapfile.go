// Package mapfile gives the contents of a file as memory, for files that are larger than what is wanted of them.
package mapfile

import (
	"fmt"
	"io"
)

// Size is the number of bytes.
func (m *Mapping) Size() int64 { return int64(len(m.Data)) }

// ReadAt implements io.ReaderAt.
func (m *Mapping) ReadAt(p []byte, at int64) (int, error) {
	if at < 0 || at > int64(len(m.Data)) {
		return 0, fmt.Errorf("read at byte %d of %d: %w", at, len(m.Data), io.EOF)
	}
	n := copy(p, m.Data[at:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

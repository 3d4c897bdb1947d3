package datasets

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"aural/internal/mapfile"
)

// Files is where the files of a store lie. A directory is one place, a bucket (package datasets/bucket) another. The error
// for a file that is not there wraps fs.ErrNotExist.
type Files interface {
	ReadFile(name string) ([]byte, error)
	Open(name string) (File, error)
}

// File is one file of a store, open for reading at random places. Many goroutines may read it at once.
type File interface {
	io.ReaderAt
	io.Closer
	Size() int64
}

// Ahead is implemented by Files that gain from knowing what will be read soon.
type Ahead interface {
	// Expect says that length bytes of a file from offset on will be read soon. It does not wait.
	Expect(name string, offset, length int64)
}

// directory is a local directory; its files are mapped.
type directory string

// ReadFile reads a small file.
func (d directory) ReadFile(name string) ([]byte, error) {
	return os.ReadFile(filepath.Join(string(d), name))
}

// Open maps a file.
func (d directory) Open(name string) (File, error) {
	m, err := mapfile.Open(filepath.Join(string(d), name))
	if err != nil {
		return nil, err
	}
	return &m, nil
}

// shard is an open shard.
type shard struct {
	file File
	data []byte // the whole shard, when it lies in memory
}

func openShard(files Files, want FileSum) (shard, error) {
	file, err := files.Open(want.Name)
	if err != nil {
		return shard{}, err
	}
	if file.Size() != want.Bytes {
		err := fmt.Errorf("%s has %d bytes, %s says %d: %w", want.Name, file.Size(), InfoFile, want.Bytes, ErrCorrupt)
		return shard{}, errors.Join(err, file.Close())
	}
	return shard{file, mappedBytes(file)}, nil
}

// memoryFile is a file that lies in memory.
type memoryFile []byte

// Size returns the length of the file.
func (m *memoryFile) Size() int64 { return int64(len(*m)) }

// ReadAt copies from the file.
func (m *memoryFile) ReadAt(p []byte, at int64) (int, error) {
	return (&mapfile.Mapping{Data: *m}).ReadAt(p, at)
}

// WriteAt writes, and grows the file when it must.
func (m *memoryFile) WriteAt(p []byte, at int64) (int, error) {
	if grow := int(at) + len(p) - len(*m); grow > 0 {
		*m = append(*m, make([]byte, grow)...)
	}
	return copy((*m)[at:], p), nil
}

// Close does nothing.
func (m *memoryFile) Close() error { return nil }

// mappedBytes returns the content of a mapped file, or nil.
func mappedBytes(file File) []byte {
	if m, ok := file.(*mapfile.Mapping); ok {
		return m.Data
	}
	return nil
}

// bytes returns a part of the shard: the mapped bytes themselves, or buffer, grown when it is too small. The span lies in
// the shard.
func (s *shard) bytes(at span, buffer *[]byte) ([]byte, error) {
	if s.data != nil {
		return s.data[at.at : at.at+int64(at.len) : at.at+int64(at.len)], nil
	}
	*buffer = slices.Grow((*buffer)[:0], at.len)[:at.len]
	return *buffer, readFull(s.file, *buffer, at.at)
}

// readFull fills p with the bytes of a file from at on.
func readFull(file File, p []byte, at int64) error {
	n, err := file.ReadAt(p, at)
	switch {
	case n == len(p):
		return nil
	case err == nil || errors.Is(err, io.EOF):
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("read %d bytes at %d of %d: %w", len(p), at, file.Size(), err)
}

// readStream walks the record batches of a shard that lies in memory.
func (s *shard) readStream(visit func(*recordBatch) error) error { return readStream(s.data, visit) }

func (s *shard) close() error {
	if s.file == nil {
		return nil
	}
	file := s.file
	*s = shard{}
	return file.Close()
}

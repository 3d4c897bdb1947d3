package datasets

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"

	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

const (
	// maxBatchRows is Hugging Face's own batch size.
	maxBatchRows = 1000
	// maxBatchBytes bounds the memory of the writer, which holds one record batch and, while it grows, half of one more. It is
	// also what an import that is killed has to do again: 9 minutes of audio.
	maxBatchBytes = 16 << 20
	// maxRowBytes keeps a single row far below the 2 GiB that the 32-bit offsets of an Arrow binary column can count. It is
	// 2.3 hours of audio.
	maxRowBytes = 256 << 20
)

// shardWriter writes rows into a sequence of Arrow IPC streams in dir. Shards have working names until they are moved to
// their place, because their final names contain their number.
type shardWriter struct {
	dir        string
	mem        memory.Allocator
	shardBytes int64
	batch      *array.RecordBuilder
	batchRows  int
	batchBytes int64
	open       *shardFile // nil between shards
	done       []FileSum
	// committed, unless nil, is called when a record batch, or the end of a shard, is safe on the disk. The rows of the
	// open batch are not.
	committed func() error
}

// shardFile is the shard being written.
type shardFile struct {
	file    *os.File
	buffer  *bufio.Writer
	stream  *ipc.Writer
	hash    hash.Hash
	rows    int   // in it
	payload int64 // bytes of audio and text in it
	written int64 // bytes in the file
}

func newShardWriter(dir string, shardBytes int64, mem memory.Allocator) (*shardWriter, error) {
	schema, err := storeSchema()
	if err != nil {
		return nil, err
	}
	return &shardWriter{dir: dir, mem: mem, shardBytes: shardBytes, batch: array.NewRecordBuilder(mem, schema)}, nil
}

// append adds a row. A new shard begins when the row would take the open one past shardBytes. Batches and shards end where
// the sizes of the rows say, whatever else happens, so an import that was interrupted gives the same files.
func (w *shardWriter) append(row *storedRow) error {
	size := row.size()
	if w.batchRows == maxBatchRows || w.batchRows > 0 && w.batchBytes+size > maxBatchBytes {
		if err := w.flush(); err != nil {
			return err
		}
	}
	if w.open != nil && w.open.rows > 0 && w.open.payload+size > w.shardBytes {
		if err := w.closeShard(); err != nil {
			return err
		}
	}
	if w.open == nil {
		if err := w.openShard(); err != nil {
			return err
		}
	}
	row.appendTo(w.batch)
	w.batchRows++
	w.batchBytes += size
	w.open.rows++
	w.open.payload += size
	return nil
}

// flush writes the rows gathered so far as one record batch and waits until it is on the disk.
func (w *shardWriter) flush() error {
	if w.batchRows == 0 {
		return nil
	}
	record := w.batch.NewRecord()
	defer record.Release()
	w.batchRows, w.batchBytes = 0, 0
	s := w.open
	err := s.stream.Write(record)
	if err == nil {
		err = s.sync()
	}
	if err == nil && w.committed != nil {
		err = w.committed()
	}
	if err != nil {
		return fmt.Errorf("datasets: write shard %d: %w", len(w.done), err)
	}
	return nil
}

func (s *shardFile) sync() error {
	if err := s.buffer.Flush(); err != nil {
		return err
	}
	return s.file.Sync()
}

// Write counts, hashes and writes what comes out of the buffer.
func (s *shardFile) Write(p []byte) (int, error) {
	n, err := s.file.Write(p)
	s.hash.Write(p[:n])
	s.written += int64(n)
	return n, err
}

func workingName(i int) string { return fmt.Sprintf("shard-%05d.partial", i) }

func (w *shardWriter) openShard() error {
	f, err := os.OpenFile(filepath.Join(w.dir, workingName(len(w.done))), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return fmt.Errorf("datasets: write shard %d: %w", len(w.done), err)
	}
	w.open = &shardFile{file: f, hash: sha256.New()}
	w.open.buffer = bufio.NewWriterSize(w.open, 1<<20)
	w.open.stream = ipc.NewWriter(w.open.buffer, ipc.WithSchema(w.batch.Schema()), ipc.WithAllocator(w.mem))
	return nil
}

// reopenShard goes on with a shard of which written bytes are good: the schema and whole record batches.
func (w *shardWriter) reopenShard(rows int, payload, written int64) (err error) {
	f, err := os.OpenFile(filepath.Join(w.dir, workingName(len(w.done))), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	if err = f.Truncate(written); err != nil {
		return err
	}
	s := &shardFile{file: f, hash: sha256.New(), rows: rows, payload: payload, written: written}
	head := make([]byte, 8)
	if _, err = io.ReadFull(f, head); err != nil {
		return err
	}
	s.hash.Write(head)
	if _, err = io.Copy(s.hash, f); err != nil {
		return err
	}
	s.buffer = bufio.NewWriterSize(s, 1<<20)
	// The stream writer begins with the schema, which is in the file already.
	schema := &skipWriter{w: s.buffer, skip: 8 + int(binary.LittleEndian.Uint32(head[4:]))}
	s.stream = ipc.NewWriter(schema, ipc.WithSchema(w.batch.Schema()), ipc.WithAllocator(w.mem))
	w.open = s
	return nil
}

// skipWriter drops the first bytes that are written to it.
type skipWriter struct {
	w    io.Writer
	skip int
}

// Write writes what is left of p.
func (s *skipWriter) Write(p []byte) (int, error) {
	n := min(s.skip, len(p))
	s.skip -= n
	m, err := s.w.Write(p[n:])
	return n + m, err
}

func (w *shardWriter) closeShard() error {
	if w.open == nil {
		return nil
	}
	if err := w.flush(); err != nil {
		return err
	}
	s := w.open
	w.open = nil
	err := s.stream.Close()
	if err == nil {
		err = s.sync()
	}
	if err := errors.Join(err, s.file.Close()); err != nil {
		return fmt.Errorf("datasets: write shard %d: %w", len(w.done), err)
	}
	w.done = append(w.done, FileSum{Rows: s.rows, Bytes: s.written, SHA256: hex.EncodeToString(s.hash.Sum(nil))})
	if w.committed != nil {
		return w.committed()
	}
	return nil
}

// adopt takes a finished shard that was put into the directory under its working name.
func (w *shardWriter) adopt(sum FileSum) error {
	if err := w.closeShard(); err != nil {
		return err
	}
	w.done = append(w.done, sum)
	return nil
}

// rows is the number of rows that are in the shards, those of the open batch included.
func (w *shardWriter) rows() int {
	n := 0
	for _, s := range w.done {
		n += s.Rows
	}
	if w.open != nil {
		n += w.open.rows
	}
	return n
}

// finish closes the last shard and moves all of them into dir under their names.
func (w *shardWriter) finish(dir string) ([]FileSum, error) {
	if err := w.closeShard(); err != nil {
		return nil, err
	}
	for i := range w.done {
		w.done[i].Name = shardName(i, len(w.done))
		if err := os.Rename(filepath.Join(w.dir, workingName(i)), filepath.Join(dir, w.done[i].Name)); err != nil {
			return nil, fmt.Errorf("datasets: name shard %d: %w", i, err)
		}
	}
	return w.done, nil
}

// release gives the memory back and closes a shard that finish did not. It is called once, at the end, in any case.
func (w *shardWriter) release() {
	w.batch.Release()
	if w.open != nil {
		w.open.file.Close()
		w.open = nil
	}
}

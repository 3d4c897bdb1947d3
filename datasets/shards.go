package datasets

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

const (
	// maxBatchRows is Hugging Face's own batch size.
	maxBatchRows = 1000
	// maxBatchBytes bounds the memory of the writer, which holds one record batch and, while it grows, half of one more.
	maxBatchBytes = 64 << 20
	// maxRowBytes keeps a single row far below the 2 GiB that the 32-bit offsets of an Arrow binary column can count. It is
	// 2.3 hours of audio.
	maxRowBytes = 256 << 20
)

// storedRow is one row on its way into a shard.
type storedRow struct {
	id, speaker, transcript, path string
	samples                       int
	wav                           []byte
}

func storeSchema() (*arrow.Schema, error) {
	meta, err := schemaMetadata()
	if err != nil {
		return nil, err
	}
	text := func(name string) arrow.Field {
		return arrow.Field{Name: name, Type: arrow.BinaryTypes.String, Nullable: true}
	}
	audio := arrow.StructOf(arrow.Field{Name: fieldBytes, Type: arrow.BinaryTypes.Binary, Nullable: true}, text(fieldPath))
	metadata := arrow.NewMetadata([]string{"huggingface"}, []string{meta})
	return arrow.NewSchema([]arrow.Field{text(columnID), text(columnSpeaker), text(columnTranscript),
		{Name: columnSamples, Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		{Name: columnAudio, Type: audio, Nullable: true}}, &metadata), nil
}

// shardWriter writes rows into a sequence of Arrow IPC streams in dir. Shards have temporary names until finish, because
// their names contain their number.
type shardWriter struct {
	dir        string
	mem        memory.Allocator
	shardBytes int64
	schema     *arrow.Schema
	batch      *array.RecordBuilder
	batchRows  int
	batchBytes int64
	open       *shardFile // nil between shards
	done       []FileSum
}

// shardFile is the shard being written.
type shardFile struct {
	file   *os.File
	buffer *bufio.Writer
	stream *ipc.Writer
	hash   hash.Hash
	rows   int
	bytes  int64 // audio and text so far
}

func newShardWriter(dir string, shardBytes int64, mem memory.Allocator) (*shardWriter, error) {
	schema, err := storeSchema()
	if err != nil {
		return nil, err
	}
	return &shardWriter{dir: dir, mem: mem, shardBytes: shardBytes, schema: schema, batch: array.NewRecordBuilder(mem, schema)}, nil
}

// append adds a row. A new shard begins when the row would take the open one past shardBytes.
func (w *shardWriter) append(row storedRow) error {
	size := int64(len(row.wav) + len(row.id) + len(row.speaker) + len(row.transcript) + len(row.path))
	if w.batchRows == maxBatchRows || w.batchRows > 0 && w.batchBytes+size > maxBatchBytes {
		if err := w.flush(); err != nil {
			return err
		}
	}
	if w.open != nil && w.open.rows > 0 && w.open.bytes+size > w.shardBytes {
		if err := w.closeShard(); err != nil {
			return err
		}
	}
	if w.open == nil {
		if err := w.openShard(); err != nil {
			return err
		}
	}
	appendText(w.batch.Field(0), row.id)
	appendText(w.batch.Field(1), row.speaker)
	appendText(w.batch.Field(2), row.transcript)
	w.batch.Field(3).(*array.Int64Builder).Append(int64(row.samples))
	audio := w.batch.Field(4).(*array.StructBuilder)
	audio.Append(true)
	audio.FieldBuilder(0).(*array.BinaryBuilder).Append(row.wav)
	appendText(audio.FieldBuilder(1), row.path)
	w.batchRows++
	w.batchBytes += size
	w.open.rows++
	w.open.bytes += size
	return nil
}

// appendText stores "" as null: the store has no empty texts.
func appendText(b array.Builder, text string) {
	if text == "" {
		b.AppendNull()
		return
	}
	b.(*array.StringBuilder).Append(text)
}

// flush writes the rows gathered so far as one record batch.
func (w *shardWriter) flush() error {
	if w.batchRows == 0 {
		return nil
	}
	record := w.batch.NewRecord()
	defer record.Release()
	w.batchRows, w.batchBytes = 0, 0
	if err := w.open.stream.Write(record); err != nil {
		return fmt.Errorf("datasets: write shard %d: %w", len(w.done), err)
	}
	return nil
}

func (w *shardWriter) temporaryName(i int) string {
	return filepath.Join(w.dir, fmt.Sprintf("shard-%05d.partial", i))
}

func (w *shardWriter) openShard() error {
	f, err := os.OpenFile(w.temporaryName(len(w.done)), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return fmt.Errorf("datasets: write shard %d: %w", len(w.done), err)
	}
	s := &shardFile{file: f, hash: sha256.New()}
	s.buffer = bufio.NewWriterSize(io.MultiWriter(f, s.hash), 1<<20)
	s.stream = ipc.NewWriter(s.buffer, ipc.WithSchema(w.schema), ipc.WithAllocator(w.mem))
	w.open = s
	return nil
}

func (w *shardWriter) closeShard() error {
	if w.open == nil {
		return nil
	}
	err := w.flush()
	s := w.open
	w.open = nil
	err = errors.Join(err, s.stream.Close(), s.buffer.Flush())
	if err == nil {
		err = s.file.Sync()
	}
	info, statErr := s.file.Stat()
	if err := errors.Join(err, statErr, s.file.Close()); err != nil {
		return fmt.Errorf("datasets: write shard %d: %w", len(w.done), err)
	}
	w.done = append(w.done, FileSum{Rows: s.rows, Bytes: info.Size(), SHA256: hex.EncodeToString(s.hash.Sum(nil))})
	return nil
}

// finish closes the last shard and gives all of them their names.
func (w *shardWriter) finish() ([]FileSum, error) {
	if err := w.closeShard(); err != nil {
		return nil, err
	}
	for i := range w.done {
		w.done[i].Name = shardName(i, len(w.done))
		if err := os.Rename(w.temporaryName(i), filepath.Join(w.dir, w.done[i].Name)); err != nil {
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

package parquet

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"regexp"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/compress"
	"github.com/apache/arrow/go/v15/parquet/pqarrow"
)

// Row is a recording to write. Empty texts become nulls.
type Row struct {
	ID, Speaker, Transcript string
	Samples                 int    // at 16 kHz
	Audio                   []byte // an encoded file of 16 kHz mono
	Path                    string // its name; readers take the format from the extension
}

// WriteOptions says how rows become files. The zero value gives what the hub expects.
type WriteOptions struct {
	Split      string // letters, digits, underscores and dots; "": train
	ShardBytes int64  // size at which a new file begins; 0: 500 MB
	GroupBytes int64  // size of a row group, which readers hold in memory; 0: 100 MB
}

// features is what Hugging Face datasets (5.x) looks for in the metadata of the schema to know that audio is an Audio.
const features = `{"info":{"features":{"id":{"dtype":"string","_type":"Value"},"speaker":{"dtype":"string","_type":"Value"},` +
	`"transcript":{"dtype":"string","_type":"Value"},"samples":{"dtype":"int64","_type":"Value"},` +
	`"audio":{"sampling_rate":16000,"_type":"Audio"}}}}`

const (
	defaultShardBytes = 500e6
	defaultGroupBytes = 100e6
	maxGroupRows      = 1000
	maxRowBytes       = 1 << 30 // the 32-bit offsets of a column count up to 2 GiB
)

var splitName = regexp.MustCompile(`^\w+(\.\w+)*$`)

func outputSchema() *arrow.Schema {
	text := func(name string) arrow.Field {
		return arrow.Field{Name: name, Type: arrow.BinaryTypes.String, Nullable: true}
	}
	// Every field is nullable: Hugging Face compares that too before it takes a column for an Audio.
	audio := arrow.StructOf(arrow.Field{Name: "bytes", Type: arrow.BinaryTypes.Binary, Nullable: true}, text("path"))
	metadata := arrow.NewMetadata([]string{"huggingface"}, []string{features})
	return arrow.NewSchema([]arrow.Field{text("id"), text("speaker"), text("transcript"),
		{Name: "samples", Type: arrow.PrimitiveTypes.Int64, Nullable: true}, {Name: "audio", Type: audio, Nullable: true}}, &metadata)
}

// Write writes rows as data/SPLIT-00000-of-0000N.parquet below dir, the layout from which datasets.load_dataset(dir) knows the
// splits, and returns the paths. The files get their names when all are complete; when rows or writing fails, nothing
// remains. Files of the same split in dir are an error that wraps [fs.ErrExist].
func Write(dir string, rows iter.Seq2[Row, error], opt WriteOptions) (files []string, err error) {
	if opt.Split == "" {
		opt.Split = "train"
	}
	if opt.ShardBytes == 0 {
		opt.ShardBytes = defaultShardBytes
	}
	if opt.GroupBytes == 0 {
		opt.GroupBytes = defaultGroupBytes
	}
	if !splitName.MatchString(opt.Split) || opt.ShardBytes < 0 || opt.GroupBytes < 0 {
		return nil, fmt.Errorf("parquet: write: split %q, files of %d and row groups of %d bytes: want letters, digits, _ and . and sizes above 0",
			opt.Split, opt.ShardBytes, opt.GroupBytes)
	}
	w := &writer{dir: filepath.Join(dir, "data"), opt: opt, schema: outputSchema()}
	if old, err := filepath.Glob(filepath.Join(globEscape(w.dir), opt.Split+"-*-of-*.parquet")); err != nil || len(old) > 0 {
		return nil, fmt.Errorf("parquet: write: %s: split %s: %w", w.dir, opt.Split, errors.Join(err, fs.ErrExist))
	}
	if err := os.MkdirAll(w.dir, 0o755); err != nil {
		return nil, fmt.Errorf("parquet: write: %w", err)
	}
	w.batch = array.NewRecordBuilder(memory.DefaultAllocator, w.schema)
	defer w.batch.Release()
	for row, err := range rows {
		if err == nil {
			err = w.append(row)
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("parquet: write row %d: %w", w.rows, err), w.discard())
		}
	}
	if err := w.closeShard(); err != nil {
		return nil, errors.Join(fmt.Errorf("parquet: write: %w", err), w.discard())
	}
	return w.publish()
}

// writer writes rows into one file after the other.
type writer struct {
	dir        string
	opt        WriteOptions
	schema     *arrow.Schema
	rows       int // so far
	batch      *array.RecordBuilder
	batchRows  int
	batchBytes int64
	partial    []string // paths of the files so far, under temporary names
	open       *shard   // nil between files
}

// shard is the file being written.
type shard struct {
	file   *os.File
	buffer *bufio.Writer
	rows   *pqarrow.FileWriter
	bytes  int64
}

func (w *writer) append(row Row) error {
	size := int64(len(row.Audio) + len(row.ID) + len(row.Speaker) + len(row.Transcript) + len(row.Path))
	if row.ID == "" || len(row.Audio) == 0 || size > maxRowBytes {
		return fmt.Errorf("id %q, %d bytes: want an id, audio, and at most %d bytes", row.ID, size, maxRowBytes)
	}
	if w.batchRows == maxGroupRows || w.batchRows > 0 && w.batchBytes+size > w.opt.GroupBytes {
		if err := w.flush(); err != nil {
			return err
		}
	}
	if w.open != nil && w.open.bytes > 0 && w.open.bytes+size > w.opt.ShardBytes {
		if err := w.closeShard(); err != nil {
			return err
		}
	}
	if w.open == nil {
		if err := w.openShard(); err != nil {
			return err
		}
	}
	for i, text := range []string{row.ID, row.Speaker, row.Transcript} {
		appendText(w.batch.Field(i), text)
	}
	w.batch.Field(3).(*array.Int64Builder).Append(int64(row.Samples))
	audio := w.batch.Field(4).(*array.StructBuilder)
	audio.Append(true)
	audio.FieldBuilder(0).(*array.BinaryBuilder).Append(row.Audio)
	appendText(audio.FieldBuilder(1), row.Path)
	w.rows++
	w.batchRows++
	w.batchBytes += size
	w.open.bytes += size
	return nil
}

func appendText(b array.Builder, text string) {
	if text == "" {
		b.AppendNull()
		return
	}
	b.(*array.StringBuilder).Append(text)
}

func (w *writer) openShard() error {
	path := filepath.Join(w.dir, fmt.Sprintf(".%s-%05d.partial", w.opt.Split, len(w.partial)))
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	w.partial = append(w.partial, path)
	w.open = &shard{file: f, buffer: bufio.NewWriterSize(f, 1<<20)}
	// The smallest and the largest audio file of a page say nothing, and would be written into its header. A page ends after
	// a batch of values, so batches are small.
	properties := parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Snappy), parquet.WithDictionaryFor("audio.bytes", false),
		parquet.WithStatsFor("audio.bytes", false), parquet.WithBatchSize(8), parquet.WithMaxRowGroupLength(maxGroupRows))
	w.open.rows, err = pqarrow.NewFileWriter(w.schema, w.open.buffer, properties, pqarrow.NewArrowWriterProperties(pqarrow.WithStoreSchema()))
	return err
}

// flush writes the rows gathered so far as one row group.
func (w *writer) flush() error {
	if w.batchRows == 0 {
		return nil
	}
	record := w.batch.NewRecord()
	defer record.Release()
	w.batchRows, w.batchBytes = 0, 0
	return w.open.rows.Write(record)
}

func (w *writer) closeShard() error {
	if w.open == nil {
		return nil
	}
	err := w.flush()
	s := w.open
	w.open = nil
	err = errors.Join(err, s.rows.Close(), s.buffer.Flush())
	if err == nil {
		err = s.file.Sync()
	}
	return errors.Join(err, s.file.Close())
}

// publish gives the files their names, which contain their number.
func (w *writer) publish() (files []string, err error) {
	if len(w.partial) == 0 {
		return nil, fmt.Errorf("parquet: write: there are no rows")
	}
	for i, partial := range w.partial {
		name := filepath.Join(w.dir, fmt.Sprintf("%s-%05d-of-%05d.parquet", w.opt.Split, i, len(w.partial)))
		if err := os.Rename(partial, name); err != nil {
			return nil, errors.Join(fmt.Errorf("parquet: write: %w", err), w.discard(), remove(files))
		}
		files = append(files, name)
	}
	return files, nil
}

// discard removes what was written.
func (w *writer) discard() (err error) {
	if w.open != nil {
		err = w.open.file.Close()
		w.open = nil
	}
	return errors.Join(err, remove(w.partial))
}

func remove(files []string) (err error) {
	for _, file := range files {
		if e := os.Remove(file); !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	return err
}

// globEscape makes a pattern that matches path alone.
func globEscape(path string) string {
	return regexp.MustCompile(`[][*?\\]`).ReplaceAllString(path, `\$0`)
}

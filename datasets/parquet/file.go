package parquet

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/file"
	"github.com/apache/arrow/go/v15/parquet/metadata"
	"github.com/apache/arrow/go/v15/parquet/schema"

	"aural/datasets/corpora"
)

const (
	magic     = "PAR1"
	maxFooter = 64 << 20
	maxSchema = 1 << 14 // elements
)

// reader is an open file.
type reader struct {
	file    *os.File
	size    int64
	meta    *metadata.FileMetaData
	columns corpora.Columns
	leaves  [][]int // of each field of the table, the numbers of its leaf columns: one, or those of bytes and path
}

// open reads the footer and chooses the columns.
func open(path string) (*reader, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("parquet: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("parquet: %s is not a regular file (%s)", path, info.Mode().Type())
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("parquet: %w", err)
	}
	r := &reader{file: f, size: info.Size()}
	if err = r.readFooter(); err == nil {
		err = guard(r.chooseColumns)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("parquet: %s: %w", path, err), f.Close())
	}
	return r, nil
}

// readFooter checks the frame of the file and the size of its schema before the library parses the footer.
func (r *reader) readFooter() error {
	const frame = len(magic) + 4 + len(magic)
	tail := make([]byte, 8)
	if r.size < int64(frame) {
		return fmt.Errorf("%d bytes are no Parquet file: it is cut off", r.size)
	}
	if _, err := r.file.ReadAt(tail, r.size-8); err != nil {
		return err
	}
	n := int64(binary.LittleEndian.Uint32(tail))
	switch {
	case string(tail[4:]) == "PARE":
		return fmt.Errorf("it is encrypted")
	case string(tail[4:]) != magic:
		return fmt.Errorf("it does not end in %s: it is cut off, or no Parquet file", magic)
	case n > r.size-int64(frame) || n > maxFooter:
		return fmt.Errorf("a footer of %d bytes in a file of %d, at most %d are read", n, r.size, maxFooter)
	}
	footer := make([]byte, n)
	if _, err := r.file.ReadAt(footer, r.size-8-n); err != nil {
		return err
	}
	if err := checkFooter(footer); err != nil {
		return fmt.Errorf("footer: %w", err)
	}
	return guard(func() (err error) {
		// The library sees the footer alone, between the marks that it looks for.
		alone := bytes.NewReader(append(append([]byte(magic), footer...), tail...))
		pf, err := file.NewParquetReader(alone, file.WithReadProps(parquet.NewReaderProperties(nil)))
		if err == nil {
			r.meta = pf.MetaData()
		}
		return err
	})
}

// chooseColumns describes the fields at the top of the schema by their leaf columns.
func (r *reader) chooseColumns() error {
	if r.meta.GetNumRows() > r.size || r.meta.GetNumRows() < 0 {
		return fmt.Errorf("%d rows in %d bytes", r.meta.GetNumRows(), r.size)
	}
	var fields []corpora.Field
	for i := range r.meta.Schema.NumColumns() {
		leaf := r.meta.Schema.Column(i)
		path := leaf.ColumnPath()
		if len(path) == 0 {
			return fmt.Errorf("column %d has no name", i)
		}
		if last := len(fields) - 1; last < 0 || fields[last].Name != path[0] {
			fields, r.leaves = append(fields, corpora.Field{Name: path[0]}), append(r.leaves, nil)
		}
		last := len(fields) - 1
		r.leaves[last] = append(r.leaves[last], i)
	}
	for i := range fields {
		fields[i].Kind, r.leaves[i] = r.kind(r.leaves[i])
	}
	metadata := r.meta.KeyValueMetadata().FindValue("huggingface")
	if metadata == nil {
		metadata = new(string)
	}
	var err error
	r.columns, err = corpora.ChooseColumns(fields, *metadata)
	return err
}

// kind classes a field, and returns the leaves that are read: those of an Audio are bytes and, unless all are null, path.
func (r *reader) kind(leaves []int) (corpora.FieldKind, []int) {
	audio := map[string]int{}
	for _, i := range leaves {
		leaf := r.meta.Schema.Column(i)
		path := leaf.ColumnPath()
		if leaf.MaxRepetitionLevel() > 0 { // a list
			return corpora.FieldOther, nil
		}
		switch {
		case len(path) == 1:
			return leafKind(leaf), leaves
		case len(path) == 2 && leaf.PhysicalType() == parquet.Types.ByteArray:
			audio[path[1]] = i
		}
	}
	content, ok := audio["bytes"]
	if !ok {
		return corpora.FieldOther, nil
	}
	if path, ok := audio["path"]; ok {
		return corpora.FieldAudio, []int{content, path}
	}
	return corpora.FieldAudio, []int{content} // all paths are null, which pyarrow stores as integers
}

func leafKind(leaf *schema.Column) corpora.FieldKind {
	switch leaf.PhysicalType() {
	case parquet.Types.ByteArray:
		if leaf.ConvertedType() == schema.ConvertedTypes.UTF8 || leaf.LogicalType().Equals(schema.StringLogicalType{}) {
			return corpora.FieldText
		}
		if leaf.ConvertedType() == schema.ConvertedTypes.None {
			return corpora.FieldBytes
		}
	case parquet.Types.Int32, parquet.Types.Int64:
		return corpora.FieldInteger
	}
	return corpora.FieldOther
}

// column opens leaf column i of a row group. It panics as the library does.
func (r *reader) column(group *metadata.RowGroupMetaData, i int) (*column, error) {
	leaf := r.meta.Schema.Column(i)
	meta, err := group.ColumnChunk(i)
	if err != nil {
		return nil, fmt.Errorf("column %s: %w", leaf.Path(), err)
	}
	start, n := meta.DataPageOffset(), meta.TotalCompressedSize()
	if at := meta.DictionaryPageOffset(); meta.HasDictionaryPage() && at > 0 && at < start {
		start = at
	}
	switch {
	case meta.CryptoMetadata() != nil:
		err = fmt.Errorf("it is encrypted")
	case meta.FilePath() != "":
		err = fmt.Errorf("it lies in another file, %q", meta.FilePath())
	case start < int64(len(magic)) || n < 0 || n > r.size-start:
		err = fmt.Errorf("%d bytes at byte %d of a file of %d: it is cut off or damaged", n, start, r.size)
	case meta.Type() != leaf.PhysicalType() || meta.NumValues() != group.NumRows():
		err = fmt.Errorf("%d values of type %s, want %d of %s", meta.NumValues(), meta.Type(), group.NumRows(), leaf.PhysicalType())
	}
	if err != nil {
		return nil, fmt.Errorf("column %s: %w", leaf.Path(), err)
	}
	levels := leaf.MaxDefinitionLevel()
	c := &column{chunk: chunk{file: r.file, pos: start, end: start + n, codec: meta.Compression(), optional: levels > 0, rows: group.NumRows()},
		maxLevel: uint32(levels)}
	switch leaf.PhysicalType() {
	case parquet.Types.Int32:
		c.size = 4
	case parquet.Types.Int64:
		c.size = 8
	}
	return c, nil
}

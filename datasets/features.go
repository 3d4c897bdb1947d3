package datasets

import (
	"fmt"
	"os"

	"aural/internal/atomicfile"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// FeatureRow is what a model gave for an utterance: the hidden states of one layer, or the codes of its quantizer.
type FeatureRow struct {
	ID     string
	Layer  string // "0", "1" …, "conv" or "codes"
	Frames int    // 1 where it is a mean over time
	Dim    int    // numbers of each frame
	Values []float32
	Codes  []int32 // instead of Values
}

// The columns of a file of features. A row has one of the lists; the other is null.
const (
	columnLayer  = "layer"
	columnFrames = "frames"
	columnDim    = "dim"
	columnValues = "values"
	columnCodes  = "codes"
)

// mostFeatures keeps the list of a row below what its 32-bit offsets can count.
const mostFeatures = 1 << 30

func featureSchema(settings map[string]string) *arrow.Schema {
	field := func(name string, typ arrow.DataType, null bool) arrow.Field {
		return arrow.Field{Name: name, Type: typ, Nullable: null}
	}
	text, whole := arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int32
	metadata := arrow.MetadataFrom(settings)
	return arrow.NewSchema([]arrow.Field{field(columnID, text, false), field(columnLayer, text, false), field(columnFrames, whole, false), field(columnDim, whole, false),
		field(columnValues, arrow.ListOf(arrow.PrimitiveTypes.Float32), true), field(columnCodes, arrow.ListOf(whole), true)}, &metadata)
}

// WriteFeatures makes an Arrow IPC file, with settings as the metadata of its schema, of what fill adds: a record batch for each call. The file appears
// under its name when it is complete.
func WriteFeatures(path string, settings map[string]string, fill func(add func(...FeatureRow) error) error) error {
	return atomicfile.Create(path, 0o644, func(f *os.File) error {
		schema := featureSchema(settings)
		w, err := ipc.NewFileWriter(f, ipc.WithSchema(schema))
		if err != nil {
			return err
		}
		err = fill(func(rows ...FeatureRow) error {
			b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
			defer b.Release()
			for _, r := range rows {
				if err := r.appendTo(b); err != nil {
					return err
				}
			}
			batch := b.NewRecord()
			defer batch.Release()
			return w.Write(batch)
		})
		if err != nil {
			return err
		}
		return w.Close()
	})
}

func (r FeatureRow) appendTo(b *array.RecordBuilder) error {
	if n := max(len(r.Values), len(r.Codes)); r.Frames < 0 || r.Dim < 0 || n != r.Frames*r.Dim || n > mostFeatures || (r.Values != nil) == (r.Codes != nil) {
		return fmt.Errorf("datasets: features %s of %s: %d values and %d codes for %d frames of %d", r.Layer, r.ID, len(r.Values), len(r.Codes), r.Frames, r.Dim)
	}
	b.Field(0).(*array.StringBuilder).Append(r.ID)
	b.Field(1).(*array.StringBuilder).Append(r.Layer)
	b.Field(2).(*array.Int32Builder).Append(int32(r.Frames))
	b.Field(3).(*array.Int32Builder).Append(int32(r.Dim))
	values, codes := b.Field(4).(*array.ListBuilder), b.Field(5).(*array.ListBuilder)
	if r.Values != nil {
		values.Append(true)
		values.ValueBuilder().(*array.Float32Builder).AppendValues(r.Values, nil)
		codes.AppendNull()
		return nil
	}
	codes.Append(true)
	codes.ValueBuilder().(*array.Int32Builder).AppendValues(r.Codes, nil)
	values.AppendNull()
	return nil
}

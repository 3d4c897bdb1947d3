package corpora

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
)

// arrowFields describes the columns of an Arrow schema.
func arrowFields(schema *arrow.Schema) []Field {
	fields := make([]Field, schema.NumFields())
	for i, f := range schema.Fields() {
		fields[i] = Field{f.Name, arrowKind(f.Type)}
	}
	return fields
}

func arrowKind(t arrow.DataType) FieldKind {
	switch t := t.(type) {
	case *arrow.StringType, *arrow.LargeStringType, *arrow.StringViewType:
		return FieldText
	case *arrow.BinaryType, *arrow.LargeBinaryType, *arrow.BinaryViewType:
		return FieldBytes
	case *arrow.DictionaryType:
		if arrowKind(t.ValueType) == FieldText {
			return FieldText
		}
	case *arrow.StructType:
		content, ok1 := t.FieldByName("bytes")
		path, ok2 := t.FieldByName("path")
		// Without a single path pyarrow takes them for nulls.
		if ok1 && ok2 && arrowKind(content.Type) == FieldBytes && (arrowKind(path.Type) == FieldText || path.Type.ID() == arrow.NULL) {
			return FieldAudio
		}
	}
	if arrow.IsInteger(t.ID()) {
		return FieldInteger
	}
	return FieldOther
}

// huggingFaceMetadata is the value of the schema's metadata key "huggingface".
func huggingFaceMetadata(schema *arrow.Schema) string {
	metadata := schema.Metadata()
	if at := metadata.FindKey("huggingface"); at >= 0 {
		return metadata.Values()[at]
	}
	return ""
}

// arrowRecord takes row i out of a batch. Nothing of the result lies in the memory of the batch.
func arrowRecord(batch arrow.Record, c Columns, i int) (Record, error) {
	r := Record{}
	for _, t := range []struct {
		column int
		text   *string
	}{{c.ID, &r.ID}, {c.Speaker, &r.Speaker}, {c.Transcript, &r.Transcript}} {
		if t.column < 0 {
			continue
		}
		text, err := arrowText(batch.Column(t.column), i)
		if err != nil {
			return Record{}, fmt.Errorf("column %q: %w", batch.ColumnName(t.column), err)
		}
		*t.text = text
	}
	var err error
	switch audio := batch.Column(c.Audio).(type) {
	case *array.Struct:
		if audio.IsNull(i) {
			return r, nil
		}
		shape := audio.DataType().(*arrow.StructType)
		content, _ := shape.FieldIdx("bytes")
		path, _ := shape.FieldIdx("path")
		if r.Audio, err = arrowBytes(audio.Field(content), i); err == nil {
			r.Path, err = arrowText(audio.Field(path), i)
		}
	case *array.Binary, *array.LargeBinary, *array.BinaryView:
		r.Audio, err = arrowBytes(audio, i)
	default:
		r.Path, err = arrowText(audio, i)
	}
	if err != nil {
		return Record{}, fmt.Errorf("column %q: %w", batch.ColumnName(c.Audio), err)
	}
	return r, nil
}

// arrowText returns a copy of a string, or a number in decimal; "" for null.
func arrowText(column arrow.Array, i int) (string, error) {
	if column.IsNull(i) || column.DataType().ID() == arrow.NULL {
		return "", nil
	}
	switch column := column.(type) {
	case *array.String:
		return strings.Clone(column.Value(i)), nil
	case *array.LargeString:
		return strings.Clone(column.Value(i)), nil
	case *array.StringView:
		return strings.Clone(column.Value(i)), nil
	case *array.Dictionary:
		return arrowText(column.Dictionary(), column.GetValueIndex(i))
	}
	if arrow.IsInteger(column.DataType().ID()) {
		return column.ValueStr(i), nil
	}
	return "", fmt.Errorf("values of type %s are no text", column.DataType())
}

// arrowBytes returns a copy of a binary value, nil for null.
func arrowBytes(column arrow.Array, i int) ([]byte, error) {
	if column.IsNull(i) {
		return nil, nil
	}
	switch column := column.(type) {
	case *array.Binary:
		return bytes.Clone(column.Value(i)), nil
	case *array.LargeBinary:
		return bytes.Clone(column.Value(i)), nil
	case *array.BinaryView:
		return bytes.Clone(column.Value(i)), nil
	}
	return nil, fmt.Errorf("values of type %s are no bytes", column.DataType())
}

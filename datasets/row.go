package datasets

import (
	"encoding/hex"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
)

// storedRow is one row on its way into a shard.
type storedRow struct {
	id, speaker, transcript, split, path string
	samples                              int
	start                                float64 // in its recording, in seconds; 0 is stored as null
	sum                                  [32]byte
	audio                                []byte // encoded
}

func (r *storedRow) size() int64 {
	return int64(len(r.audio) + len(r.id) + len(r.speaker) + len(r.transcript) + len(r.split) + len(r.path) + hex.EncodedLen(len(r.sum)))
}

// storeSchema is the schema of the newest of batchShapes.
func storeSchema() (*arrow.Schema, error) {
	meta, err := schemaMetadata()
	if err != nil {
		return nil, err
	}
	field := func(name string, typ arrow.DataType) arrow.Field {
		return arrow.Field{Name: name, Type: typ, Nullable: true}
	}
	text := arrow.BinaryTypes.String
	audio := arrow.StructOf(field(fieldBytes, arrow.BinaryTypes.Binary), field(fieldPath, text))
	metadata := arrow.NewMetadata([]string{"huggingface"}, []string{meta})
	return arrow.NewSchema([]arrow.Field{field(columnID, text), field(columnSpeaker, text), field(columnTranscript, text),
		field(columnSplit, text), field(columnSamples, arrow.PrimitiveTypes.Int64), field(columnStart, arrow.PrimitiveTypes.Float64),
		field(columnSHA256, text), field(columnAudio, audio)}, &metadata), nil
}

// appendTo appends the row to a record batch of storeSchema.
func (r *storedRow) appendTo(b *array.RecordBuilder) {
	appendText(b.Field(0), r.id)
	appendText(b.Field(1), r.speaker)
	appendText(b.Field(2), r.transcript)
	appendText(b.Field(3), r.split)
	b.Field(4).(*array.Int64Builder).Append(int64(r.samples))
	if start := b.Field(5).(*array.Float64Builder); r.start == 0 {
		start.AppendNull()
	} else {
		start.Append(r.start)
	}
	appendText(b.Field(6), hex.EncodeToString(r.sum[:]))
	audio := b.Field(7).(*array.StructBuilder)
	audio.Append(true)
	audio.FieldBuilder(0).(*array.BinaryBuilder).Append(r.audio)
	appendText(audio.FieldBuilder(1), r.path)
}

// appendText stores "" as null: the store has no empty texts.
func appendText(b array.Builder, text string) {
	if text == "" {
		b.AppendNull()
		return
	}
	b.(*array.StringBuilder).Append(text)
}

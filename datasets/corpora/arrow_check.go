package corpora

import (
	"encoding/binary"
	"fmt"

	flatbuffers "github.com/google/flatbuffers/go"
)

// The Arrow library allocates by the numbers that it finds in the metadata of a message and follows its offsets as deep as
// they lead. What it would do so is looked at here first: the size of every vector against the bytes that are there, and
// the schema, whose fields may share their children, so that a hundred bytes can stand for 2^30 fields. What is merely
// wrong, such as an offset out of the message, panics in the library and is turned into an error by guard.

const (
	maxFieldDepth = 32
	maxFields     = 1 << 14
	maxSchemaText = 64 << 20 // names and metadata, after resolving what is shared
)

// Numbers of types and fields in Arrow's format/Message.fbs and format/Schema.fbs.
const (
	headerSchema          = 1
	headerDictionaryBatch = 2
	headerRecordBatch     = 3
	typeUnion             = 14
	typeBinaryView        = 23
	typeUtf8View          = 24
)

// flatTable is a table of a FlatBuffer. Its methods panic when an offset leads out of the message.
type flatTable struct{ flatbuffers.Table }

func rootTable(message []byte) flatTable {
	return flatTable{flatbuffers.Table{Bytes: message, Pos: flatbuffers.GetUOffsetT(message)}}
}

// field returns the place of a field, relative to the table, or 0 when the table leaves it out.
func (t flatTable) field(number int) flatbuffers.UOffsetT {
	return flatbuffers.UOffsetT(t.Offset(flatbuffers.VOffsetT(4 + 2*number)))
}

func (t flatTable) table(number int) (flatTable, bool) {
	at := t.field(number)
	if at == 0 {
		return flatTable{}, false
	}
	return flatTable{flatbuffers.Table{Bytes: t.Bytes, Pos: t.Indirect(at + t.Pos)}}, true
}

func (t flatTable) int64(number int) int64 {
	if at := t.field(number); at != 0 {
		return t.GetInt64(at + t.Pos)
	}
	return 0
}

func (t flatTable) byte(number int) byte {
	if at := t.field(number); at != 0 {
		return t.GetByte(at + t.Pos)
	}
	return 0
}

// vector returns the bytes of the elements of a vector; it is an error when they are not all there.
func (t flatTable) vector(number, size int) ([]byte, error) {
	at := t.field(number)
	if at == 0 {
		return nil, nil
	}
	n, first := t.VectorLen(at), int64(t.Vector(at))
	if n < 0 || first > int64(len(t.Bytes)) || int64(n) > (int64(len(t.Bytes))-first)/int64(size) {
		return nil, fmt.Errorf("a vector of %d elements of %d bytes at byte %d of a message of %d bytes", n, size, first, len(t.Bytes))
	}
	return t.Bytes[first : first+int64(n)*int64(size)], nil
}

// tables yields the tables of a vector of tables.
func (t flatTable) tables(number int) (out []flatTable, err error) {
	offsets, err := t.vector(number, 4)
	if err != nil || len(offsets) == 0 {
		return nil, err
	}
	first := t.Vector(t.field(number))
	for i := 0; i < len(offsets); i += 4 {
		out = append(out, flatTable{flatbuffers.Table{Bytes: t.Bytes, Pos: t.Indirect(first + flatbuffers.UOffsetT(i))}})
	}
	return out, nil
}

// messageCheck looks at the metadata of the messages of a stream in order.
type messageCheck struct {
	views int // columns of the schema that are views
}

// check returns the number of rows when the message is a record batch.
func (c *messageCheck) check(metadata []byte) (rows int64, err error) {
	message := rootTable(metadata)
	header, ok := message.table(2)
	if !ok {
		return 0, fmt.Errorf("a message without a header")
	}
	switch kind := message.byte(1); kind {
	case headerSchema:
		c.views, err = checkSchema(header)
		return 0, err
	case headerDictionaryBatch:
		data, ok := header.table(1)
		if !ok {
			return 0, fmt.Errorf("a dictionary without values")
		}
		_, err := checkBatch(data, 0) // checkSchema has refused dictionaries of views
		return 0, err
	case headerRecordBatch:
		return checkBatch(header, c.views)
	default:
		return 0, fmt.Errorf("a message of type %d is neither schema nor dictionary nor record batch", kind)
	}
}

// checkBatch makes sure that a batch says for each of its views how many buffers it has, and has that many.
func checkBatch(batch flatTable, views int) (rows int64, err error) {
	rows = batch.int64(0)
	nodes, err1 := batch.vector(1, 16)
	buffers, err2 := batch.vector(2, 16)
	variadic, err3 := batch.vector(4, 8)
	for _, err := range []error{err1, err2, err3} {
		if err != nil {
			return 0, err
		}
	}
	if len(variadic)/8 < views {
		return 0, fmt.Errorf("a batch with %d views and the number of buffers of %d", views, len(variadic)/8)
	}
	left := int64(len(buffers) / 16)
	for ; len(variadic) > 0; variadic = variadic[8:] {
		n := int64(binary.LittleEndian.Uint64(variadic))
		if left -= n; n < 0 || left < 0 {
			return 0, fmt.Errorf("a batch of %d buffers claims more for its views", len(buffers)/16)
		}
	}
	if rows < 0 || rows > 1<<31 || rows > 0 && len(nodes) == 0 {
		return 0, fmt.Errorf("a batch of %d rows and %d columns", rows, len(nodes)/16)
	}
	return rows, nil
}

// schemaCheck counts what a schema amounts to.
type schemaCheck struct{ fields, text, views int }

// checkSchema returns the number of views among the columns.
func checkSchema(schema flatTable) (views int, err error) {
	var c schemaCheck
	fields, err := schema.tables(1)
	if err != nil {
		return 0, err
	}
	if err := c.metadata(schema, 2); err != nil {
		return 0, err
	}
	err = c.check(fields, 1)
	return c.views, err
}

func (c *schemaCheck) check(fields []flatTable, depth int) error {
	if c.fields += len(fields); c.fields > maxFields || depth > maxFieldDepth {
		return fmt.Errorf("a schema of more than %d fields, or deeper than %d", maxFields, maxFieldDepth)
	}
	for _, f := range fields {
		if err := c.add(f, 0); err != nil {
			return err
		}
		if err := c.metadata(f, 6); err != nil {
			return err
		}
		before := c.views
		switch f.byte(2) {
		case typeUnion:
			return fmt.Errorf("a schema with a union, which no corpus needs")
		case typeBinaryView, typeUtf8View:
			c.views++
		}
		children, err := f.tables(5)
		if err != nil {
			return err
		}
		if err := c.check(children, depth+1); err != nil {
			return err
		}
		if f.field(4) != 0 && c.views > before {
			return fmt.Errorf("a schema with a dictionary of views, which is not read here")
		}
	}
	return nil
}

// metadata counts the keys and values of a table.
func (c *schemaCheck) metadata(t flatTable, number int) error {
	pairs, err := t.tables(number)
	if err != nil {
		return err
	}
	for _, pair := range pairs {
		for text := range 2 {
			if err := c.add(pair, text); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *schemaCheck) add(t flatTable, number int) error {
	text, err := t.vector(number, 1)
	if err != nil {
		return err
	}
	if c.text += len(text) + 64; c.text > maxSchemaText {
		return fmt.Errorf("a schema with more than %d bytes of names and metadata", maxSchemaText)
	}
	return nil
}

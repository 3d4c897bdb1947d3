package datasets

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// ErrCorrupt marks a store whose files contradict each other or their format. [Verify] says where.
var ErrCorrupt = errors.New("store is corrupt")

// The columns of a shard. Every field is nullable, because Hugging Face datasets compares nullability too when it decides
// whether a column is an Audio feature.
const (
	columnID         = "id"
	columnSpeaker    = "speaker"
	columnTranscript = "transcript"
	columnSplit      = "split" // since version 2
	columnSamples    = "samples"
	columnStart      = "start"  // since version 2
	columnSHA256     = "sha256" // since version 2
	columnAudio      = "audio"
	fieldBytes       = "bytes"
	fieldPath        = "path"
)

// Numbers from Arrow's format/Message.fbs and format/Schema.fbs.
const (
	headerSchema      = 1
	headerRecordBatch = 3
	versionV4         = 3
	versionV5         = 4
	typeInt           = 2
	typeFloat         = 3
	typeBinary        = 4
	typeUtf8          = 5
	typeStruct        = 13
	continuation      = 0xFFFFFFFF
)

// byteColumn is a string or binary column of one record batch. All slices lie in the mapped shard.
type byteColumn struct {
	validity []byte // one bit a row, or empty when no row is null
	offsets  []byte // rows+1 int32, rising, the last at most len(values)
	values   []byte
	at       int64 // place of values[0] in the shard
}

// span is where a value lies in the shard. Null is the negative length.
type span struct {
	at  int64
	len int
}

var null = span{len: -1}

// null reports whether a row has no value. A column that the shard does not have is null in every row.
func (c *byteColumn) null(row int) bool { return len(c.offsets) == 0 || isNull(c.validity, row) }

func (c *byteColumn) span(row int) span {
	if c.null(row) {
		return null
	}
	start, end := c.offset(row), c.offset(row+1)
	return span{c.at + int64(start), end - start}
}

func (c *byteColumn) value(row int) []byte {
	if c.null(row) {
		return nil
	}
	return c.values[c.offset(row):c.offset(row+1)]
}

func (c *byteColumn) offset(i int) int {
	return int(int32(binary.LittleEndian.Uint32(c.offsets[4*i:])))
}

func isNull(validity []byte, row int) bool {
	return len(validity) > 0 && validity[row>>3]>>(row&7)&1 == 0
}

// recordBatch is one record batch of a shard, checked, and without a copy of anything. In a shard of format version 1 split,
// start and sum are null in every row.
type recordBatch struct {
	version                                              int
	rows                                                 int
	id, speaker, transcript, split, sum, audio, path     byteColumn
	audioValidity, samplesValidity, count, startValidity []byte // count holds the samples column, rows int64
	starts                                               []byte // rows float64
}

func (b *recordBatch) samples(row int) (int64, bool) {
	if isNull(b.samplesValidity, row) {
		return 0, false
	}
	return int64(binary.LittleEndian.Uint64(b.count[8*row:])), true
}

// start is where the row begins in its recording, in seconds; a row that is a whole recording begins at 0.
func (b *recordBatch) start(row int) float64 {
	if len(b.starts) == 0 || isNull(b.startValidity, row) {
		return 0
	}
	return math.Float64frombits(binary.LittleEndian.Uint64(b.starts[8*row:]))
}

// readStream walks the Arrow IPC stream in shard and calls visit for each record batch, in order. Nothing is copied and
// every offset and length is checked against the shard before it is used.
func readStream(shard []byte, visit func(*recordBatch) error) error {
	return walkStream(shard, false, visit)
}

// walkStream is readStream for a stream that, when it is open, may also end after any record batch.
func walkStream(shard []byte, open bool, visit func(*recordBatch) error) error {
	pos, schema := 0, batchShape{}
	for message := 0; ; message++ {
		if open && message > 0 && pos == len(shard) {
			return nil
		}
		header, body, next, err := readMessage(shard, pos)
		if err != nil {
			return fmt.Errorf("message %d at byte %d: %w", message, pos, err)
		}
		if header == nil {
			switch {
			case message == 0:
				return fmt.Errorf("stream has no schema: %w", ErrCorrupt)
			case next != len(shard):
				return fmt.Errorf("%d bytes after the end of the stream at byte %d: %w", len(shard)-next, next, ErrCorrupt)
			}
			return nil
		}
		bodyAt := int64(next - len(body))
		if message == 0 {
			schema, err = checkSchema(header)
		} else {
			var batch recordBatch
			if err = batch.parse(schema, header, body, bodyAt); err == nil {
				err = visit(&batch)
			}
		}
		if err != nil {
			return fmt.Errorf("message %d at byte %d: %w", message, pos, err)
		}
		pos = next
	}
}

// readMessage takes the encapsulated message at pos apart: a continuation marker, the length of the metadata, the metadata
// padded to 8 bytes, and a body whose length the metadata gives. A nil header is the end-of-stream marker.
func readMessage(shard []byte, pos int) (header *flatMessage, body []byte, next int, err error) {
	if len(shard)-pos < 8 {
		return nil, nil, 0, fmt.Errorf("stream ends without its end marker: %w", ErrCorrupt)
	}
	if marker := binary.LittleEndian.Uint32(shard[pos:]); marker != continuation {
		return nil, nil, 0, fmt.Errorf("continuation marker is %#x, want %#x: %w", marker, uint32(continuation), ErrCorrupt)
	}
	size := int64(binary.LittleEndian.Uint32(shard[pos+4:]))
	pos += 8
	if size == 0 {
		return nil, nil, pos, nil
	}
	if size > int64(len(shard)-pos) {
		return nil, nil, 0, fmt.Errorf("metadata of %d bytes, %d are left: %w", size, len(shard)-pos, ErrCorrupt)
	}
	header = &flatMessage{data: shard[pos : pos+int(size) : pos+int(size)], ok: true}
	pos += int(size)
	root := header.root()
	version, length := root.int16Field(0), root.int64Field(3)
	switch {
	case !header.ok:
		return nil, nil, 0, fmt.Errorf("metadata is no FlatBuffer: %w", ErrCorrupt)
	case version != versionV4 && version != versionV5:
		return nil, nil, 0, fmt.Errorf("metadata version %d, want V4 or V5: %w", version, ErrCorrupt)
	case length < 0 || length > int64(len(shard)-pos):
		return nil, nil, 0, fmt.Errorf("body of %d bytes, %d are left: %w", length, len(shard)-pos, ErrCorrupt)
	}
	return header, shard[pos : pos+int(length)], pos + int(length), nil
}

// fieldShape is what the schema message says about one field.
type fieldShape struct {
	name     string
	typ      byte
	children []fieldShape
}

// batchShape is how the record batches of one format version are laid out. A batch flattens its columns, depth first, into
// nodes and buffers: 3 buffers for a string or binary column, 2 for numbers, 1 for the struct.
type batchShape struct {
	version        int
	fields         []fieldShape
	nodes, buffers int
}

func text(name string) fieldShape { return fieldShape{name: name, typ: typeUtf8} }

// batchShapes lists the format versions that can be read, the newest first.
func batchShapes() []batchShape {
	audio := fieldShape{name: columnAudio, typ: typeStruct, children: []fieldShape{{name: fieldBytes, typ: typeBinary}, text(fieldPath)}}
	samples := fieldShape{name: columnSamples, typ: typeInt}
	return []batchShape{
		{version: 2, nodes: 10, buffers: 26, fields: []fieldShape{text(columnID), text(columnSpeaker), text(columnTranscript),
			text(columnSplit), samples, {name: columnStart, typ: typeFloat}, text(columnSHA256), audio}},
		{version: 1, nodes: 7, buffers: 18, fields: []fieldShape{text(columnID), text(columnSpeaker), text(columnTranscript), samples, audio}},
	}
}

// checkSchema returns the shape of the record batches that follow.
func checkSchema(header *flatMessage) (batchShape, error) {
	root := header.root()
	if kind := root.byteField(1); kind != headerSchema {
		return batchShape{}, fmt.Errorf("first message has type %d, want a schema: %w", kind, ErrCorrupt)
	}
	schema := root.tableField(2)
	if schema.int16Field(0) != 0 {
		return batchShape{}, fmt.Errorf("stream is big-endian: %w", ErrCorrupt)
	}
	fields := schema.tablesField(1)
	shapes := batchShapes()
	for _, shape := range shapes {
		if len(fields) == len(shape.fields) {
			return shape, checkFields(header, fields, shape.fields, "")
		}
	}
	return batchShape{}, checkFields(header, fields, shapes[0].fields, "")
}

func checkFields(header *flatMessage, got []flatTable, want []fieldShape, parent string) error {
	if !header.ok || len(got) != len(want) {
		return fmt.Errorf("schema has %d fields under %q, want %d: %w", len(got), parent, len(want), ErrCorrupt)
	}
	for i, field := range got {
		name, typ := field.stringField(0), field.byteField(2)
		if name != want[i].name || typ != want[i].typ {
			return fmt.Errorf("field %d is %q of type %d, want %q of type %d: %w", i, name, typ, want[i].name, want[i].typ, ErrCorrupt)
		}
		switch typ {
		case typeInt:
			integer := field.tableField(3)
			if bits, signed := integer.int32Field(0), integer.byteField(1); bits != 64 || signed != 1 {
				return fmt.Errorf("field %q is a %d-bit integer, want int64: %w", name, bits, ErrCorrupt)
			}
		case typeFloat:
			if precision := field.tableField(3).int16Field(0); precision != 2 {
				return fmt.Errorf("field %q is a float of precision %d, want double: %w", name, precision, ErrCorrupt)
			}
		case typeStruct:
			if err := checkFields(header, field.tablesField(5), want[i].children, name); err != nil {
				return err
			}
		}
		if field.field(4) != 0 || !header.ok {
			return fmt.Errorf("field %q is dictionary-coded or damaged: %w", name, ErrCorrupt)
		}
	}
	return nil
}

// parse fills b from a record batch message whose body lies at bodyAt in the shard.
func (b *recordBatch) parse(shape batchShape, header *flatMessage, body []byte, bodyAt int64) error {
	root := header.root()
	if kind := root.byteField(1); kind != headerRecordBatch {
		return fmt.Errorf("message has type %d, want a record batch: %w", kind, ErrCorrupt)
	}
	table := root.tableField(2)
	rows, nodes, buffers := table.int64Field(0), table.pairsField(1), table.pairsField(2)
	switch {
	case !header.ok || len(nodes) != shape.nodes || len(buffers) != shape.buffers:
		return fmt.Errorf("record batch has %d nodes and %d buffers, want %d and %d: %w",
			len(nodes), len(buffers), shape.nodes, shape.buffers, ErrCorrupt)
	case table.field(3) != 0:
		return fmt.Errorf("record batch is compressed: %w", ErrCorrupt)
	case rows < 0 || rows > math.MaxInt32:
		return fmt.Errorf("record batch of %d rows: %w", rows, ErrCorrupt)
	}
	for i, node := range nodes {
		if node[0] != rows || node[1] < 0 || node[1] > rows {
			return fmt.Errorf("node %d has %d rows and %d nulls, the batch has %d rows: %w", i, node[0], node[1], rows, ErrCorrupt)
		}
	}
	b.version, b.rows = shape.version, int(rows)
	r := bufferReader{body: body, at: bodyAt, buffers: buffers, nodes: nodes, rows: b.rows}
	b.id, b.speaker, b.transcript = r.bytes(), r.bytes(), r.bytes()
	if shape.version >= 2 {
		b.split = r.bytes()
	}
	b.samplesValidity, b.count = r.validity(), r.fixed(8)
	if shape.version >= 2 {
		b.startValidity, b.starts = r.validity(), r.fixed(8)
		b.sum = r.bytes()
	}
	b.audioValidity = r.validity()
	b.audio, b.path = r.bytes(), r.bytes()
	return r.err
}

// bufferReader hands out the buffers of a record batch in order.
type bufferReader struct {
	body    []byte
	at      int64
	buffers [][2]int64 // offset in the body, length
	nodes   [][2]int64 // rows, nulls
	rows    int
	err     error
}

func (r *bufferReader) next() (buf []byte, at int64) {
	offset, length := r.buffers[0][0], r.buffers[0][1]
	r.buffers = r.buffers[1:]
	if offset < 0 || length < 0 || offset > int64(len(r.body)) || length > int64(len(r.body))-offset {
		r.fail("buffer of %d bytes at %d, the body has %d", length, offset, len(r.body))
		return nil, 0
	}
	return r.body[offset : offset+length : offset+length], r.at + offset
}

func (r *bufferReader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format+": %w", append(args, ErrCorrupt)...)
	}
}

// validity takes the next node and its bitmap; without nulls the bitmap may be left out and is not looked at.
func (r *bufferReader) validity() []byte {
	buf, _ := r.next()
	nulls := r.nodes[0][1]
	r.nodes = r.nodes[1:]
	switch {
	case nulls == 0:
		return nil
	case len(buf) < (r.rows+7)/8:
		r.fail("validity bitmap of %d bytes for %d rows", len(buf), r.rows)
		return nil
	}
	return buf
}

func (r *bufferReader) fixed(size int) []byte {
	buf, _ := r.next()
	if len(buf)/size < r.rows {
		r.fail("buffer of %d bytes for %d values of %d bytes", len(buf), r.rows, size)
	}
	return buf
}

func (r *bufferReader) bytes() byteColumn {
	c := byteColumn{validity: r.validity()}
	c.offsets, _ = r.next()
	c.values, c.at = r.next()
	if r.err != nil || r.rows == 0 {
		return c
	}
	if len(c.offsets)/4 < r.rows+1 {
		r.fail("offsets of %d bytes for %d rows", len(c.offsets), r.rows)
		return c
	}
	last := 0
	for i := range r.rows + 1 {
		offset := c.offset(i)
		if offset < last || offset > len(c.values) {
			r.fail("offset %d of row %d is below %d or above the %d bytes of the column", offset, i, last, len(c.values))
			return c
		}
		last = offset
	}
	return c
}

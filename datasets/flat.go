package datasets

import "encoding/binary"

// The message headers of an Arrow stream are FlatBuffers (flatbuffers.dev, "FlatBuffers Internals"). The generated readers
// panic or read elsewhere when an offset is wrong, so this file reads the few shapes that are needed and checks each step
// against the message. A reader that has failed gives zeros from then on; the caller looks at ok once, at the end.

// flatMessage is the bytes of one FlatBuffer.
type flatMessage struct {
	data []byte
	ok   bool
}

// flatTable is a table inside a message. Position 0 is never a table, so the zero value means "absent".
type flatTable struct {
	msg *flatMessage
	pos int
}

// bytesAt returns n bytes at pos.
func (m *flatMessage) bytesAt(pos, n int) []byte {
	if pos < 0 || n < 0 || pos > len(m.data) || n > len(m.data)-pos {
		m.ok = false
		return nil
	}
	return m.data[pos : pos+n]
}

func (m *flatMessage) uint16At(pos int) int {
	if b := m.bytesAt(pos, 2); b != nil {
		return int(binary.LittleEndian.Uint16(b))
	}
	return 0
}

func (m *flatMessage) uint32At(pos int) int {
	if b := m.bytesAt(pos, 4); b != nil {
		return int(binary.LittleEndian.Uint32(b))
	}
	return 0
}

func (m *flatMessage) int64At(pos int) int64 {
	if b := m.bytesAt(pos, 8); b != nil {
		return int64(binary.LittleEndian.Uint64(b))
	}
	return 0
}

// root is the table that the first four bytes point to.
func (m *flatMessage) root() flatTable { return flatTable{m, m.uint32At(0)} }

// follow resolves the forward offset stored at pos.
func (m *flatMessage) follow(pos int) int {
	off := m.uint32At(pos)
	if off == 0 {
		m.ok = false
	}
	return pos + off
}

// vector returns the place of the first element and the number of elements of the vector at pos; size is the size of one
// element in bytes. The first check also keeps n·size from overflowing.
func (m *flatMessage) vector(pos, size int) (first, n int) {
	n = m.uint32At(pos)
	if n > len(m.data)/size {
		m.ok = false
		return 0, 0
	}
	m.bytesAt(pos+4, n*size)
	if !m.ok {
		return 0, 0
	}
	return pos + 4, n
}

// field returns the place of the table's field with the given number, or 0 when the table leaves it out. The table begins
// with the signed distance back to its vtable: size of vtable, size of table, then one offset a field, all uint16.
func (t flatTable) field(number int) int {
	if t.pos == 0 {
		return 0
	}
	vtable := t.pos - int(int32(t.msg.uint32At(t.pos)))
	entry := 4 + 2*number
	if size := t.msg.uint16At(vtable); !t.msg.ok || entry+2 > size {
		return 0
	}
	off := t.msg.uint16At(vtable + entry)
	if off == 0 || !t.msg.ok {
		return 0
	}
	return t.pos + off
}

func (t flatTable) byteField(number int) byte {
	if pos := t.field(number); pos != 0 {
		if b := t.msg.bytesAt(pos, 1); b != nil {
			return b[0]
		}
	}
	return 0
}

func (t flatTable) int16Field(number int) int16 {
	if pos := t.field(number); pos != 0 {
		return int16(t.msg.uint16At(pos))
	}
	return 0
}

func (t flatTable) int32Field(number int) int32 {
	if pos := t.field(number); pos != 0 {
		return int32(t.msg.uint32At(pos))
	}
	return 0
}

func (t flatTable) int64Field(number int) int64 {
	if pos := t.field(number); pos != 0 {
		return t.msg.int64At(pos)
	}
	return 0
}

func (t flatTable) tableField(number int) flatTable {
	pos := t.field(number)
	if pos == 0 {
		return flatTable{msg: t.msg}
	}
	return flatTable{t.msg, t.msg.follow(pos)}
}

func (t flatTable) stringField(number int) string {
	pos := t.field(number)
	if pos == 0 {
		return ""
	}
	first, n := t.msg.vector(t.msg.follow(pos), 1)
	return string(t.msg.bytesAt(first, n))
}

// tablesField returns the tables of a vector of tables.
func (t flatTable) tablesField(number int) []flatTable {
	pos := t.field(number)
	if pos == 0 {
		return nil
	}
	first, n := t.msg.vector(t.msg.follow(pos), 4)
	tables := make([]flatTable, n)
	for i := range tables {
		tables[i] = flatTable{t.msg, t.msg.follow(first + 4*i)}
	}
	return tables
}

// pairsField returns a vector of structs of two int64, which Arrow uses for field nodes and for buffers.
func (t flatTable) pairsField(number int) [][2]int64 {
	pos := t.field(number)
	if pos == 0 {
		return nil
	}
	first, n := t.msg.vector(t.msg.follow(pos), 16)
	pairs := make([][2]int64, n)
	for i := range pairs {
		pairs[i] = [2]int64{t.msg.int64At(first + 16*i), t.msg.int64At(first + 16*i + 8)}
	}
	return pairs
}

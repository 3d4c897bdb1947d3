package mp3

import "encoding/binary"

// maxReservoir is how far back main_data_begin can point, in bytes.
const maxReservoir = 511

// mainData is a window on the main data of Layer III: what earlier frames left over (the bit reservoir) and what the
// current frame brings. Reads beyond the end give zero bits or old ones, never a fault; whoever reads compares positions
// with the end that the side information states.
type mainData struct {
	buf  [mainBytes + 8]byte // the surplus lets 8 bytes be loaded at every masked position
	have int                 // bytes in buf
}

const mainBytes = 8192 // a power of two above maxReservoir + maxFrameBytes

// push keeps the end of what is there as reservoir and appends the main data of the next frame. It returns the length of
// the reservoir.
func (m *mainData) push(frame []byte) int {
	kept := min(m.have, maxReservoir)
	copy(m.buf[:kept], m.buf[m.have-kept:m.have])
	n := copy(m.buf[kept:mainBytes-8], frame)
	m.have = kept + n
	binary.BigEndian.PutUint64(m.buf[m.have:], 0)
	return kept
}

// drop empties the reservoir.
func (m *mainData) drop() { m.have = 0 }

// peek returns the bits from position pos on, at least 57 of them, in the high bits of the result.
func (m *mainData) peek(pos int) uint64 {
	at := uint(pos) >> 3 & (mainBytes - 1)
	return binary.BigEndian.Uint64(m.buf[at:at+8]) << (uint(pos) & 7)
}

// bitReader reads the fields of the side information; beyond the end it reads zeros.
type bitReader struct {
	data []byte
	pos  int // in bits
}

func (r *bitReader) bits(n int) int {
	v := 0
	for n > 0 {
		take := min(n, 8-r.pos&7)
		b := 0
		if at := r.pos >> 3; at < len(r.data) {
			b = int(r.data[at])
		}
		v = v<<take | b>>(8-r.pos&7-take)&(1<<take-1)
		r.pos += take
		n -= take
	}
	return v
}

func (r *bitReader) flag() bool { return r.bits(1) == 1 }

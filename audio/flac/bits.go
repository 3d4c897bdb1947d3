package flac

import (
	"encoding/binary"
	"math/bits"
)

// bitReader reads a byte slice from the most significant bit of its first byte on. Behind the end it reads zeros and goes
// on counting, so that a check of over after a few reads is enough.
type bitReader struct {
	data []byte
	pos  uint // bits read
}

// over reports whether more was read than there is.
func (r *bitReader) over() bool { return r.pos > 8*uint(len(r.data)) }

// word returns the eight bytes from byte at on.
func (r *bitReader) word(at uint) uint64 {
	if n := uint(len(r.data)); at >= n || n-at < 8 {
		var tail [8]byte
		if at < n {
			copy(tail[:], r.data[at:])
		}
		return binary.BigEndian.Uint64(tail[:])
	}
	return binary.BigEndian.Uint64(r.data[at:])
}

// peek returns what comes next, from the top bit down; at least 57 bits of it are valid.
func (r *bitReader) peek() uint64 { return r.word(r.pos>>3) << (r.pos & 7) }

// read returns the next n bits, n <= 57.
func (r *bitReader) read(n int) uint64 {
	v := r.peek() >> 1 >> (63 - uint(n)&63)
	r.pos += uint(n)
	return v
}

// readSigned returns the next n bits as two's complement, 1 <= n <= 57.
func (r *bitReader) readSigned(n int) int64 {
	v := int64(r.peek()) >> (64 - uint(n)&63)
	r.pos += uint(n)
	return v
}

// unary returns the number of zeros before the next one, and reads that too. Where no one is left it reads to the end and beyond.
func (r *bitReader) unary() uint {
	n := uint(0)
	for {
		if w := r.peek(); w != 0 {
			q := uint(bits.LeadingZeros64(w))
			r.pos += q + 1
			return n + q
		}
		if r.pos >= 8*uint(len(r.data)) {
			r.pos++
			return n
		}
		valid := 64 - r.pos&7
		n += valid
		r.pos += valid
	}
}

// align skips to the next whole byte.
func (r *bitReader) align() { r.pos = (r.pos + 7) &^ 7 }

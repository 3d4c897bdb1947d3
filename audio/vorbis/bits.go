package vorbis

import "encoding/binary"

// bitReader reads the least significant bits of a packet first (section 2.1.4). Behind the end it reads zeros and sets
// over.
type bitReader struct {
	data  []byte
	at    int    // next byte to take
	word  uint64 // bits that are taken and not read
	count uint   // how many
	over  bool
}

// fill takes bytes until at least 57 bits can be read, or all that are left.
func (r *bitReader) fill() {
	if r.at+8 <= len(r.data) {
		r.word |= binary.LittleEndian.Uint64(r.data[r.at:]) << r.count
		bytes := (63 - r.count) >> 3
		r.at += int(bytes)
		r.count += 8 * bytes
		r.word &= 1<<r.count - 1
		return
	}
	for r.count <= 56 && r.at < len(r.data) {
		r.word |= uint64(r.data[r.at]) << r.count
		r.at++
		r.count += 8
	}
}

// skip goes over n bits, which fill has made available as far as they exist.
func (r *bitReader) skip(n uint) {
	if n > r.count {
		r.end()
		return
	}
	r.word >>= n
	r.count -= n
}

// end goes behind the end.
func (r *bitReader) end() { r.over, r.word, r.count, r.at = true, 0, 0, len(r.data) }

// read returns the next n bits, at most 32.
func (r *bitReader) read(n uint) uint32 {
	if r.count < n {
		r.fill()
	}
	v := uint32(r.word & (1<<n - 1))
	if r.skip(n); r.over {
		return 0
	}
	return v
}

// left returns how many bits can be read.
func (r *bitReader) left() int { return int(r.count) + 8*(len(r.data)-r.at) }

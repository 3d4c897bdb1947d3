package flac

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// rice reads len(out) Rice codes with parameter k (section 9.2.7.2). It returns false where the data ends or a value takes
// more than 32 bits.
func (r *bitReader) rice(out []int32, k uint) bool {
	for len(out) > 0 {
		slow := 1
		switch {
		case k <= 10:
			out, slow = out[r.riceBy4(out, k):], 4
		case k <= 21:
			out, slow = out[r.riceBy2(out, k):], 2
		}
		for range min(slow, len(out)) { // codes too long for one word, and those at the very end
			q := r.unary()
			if q > math.MaxUint32>>k || r.over() {
				return false
			}
			out[0] = unfold(uint32(q)<<k | uint32(r.read(int(k))))
			out = out[1:]
		}
	}
	return !r.over()
}

// unfold maps 0, 1, 2, 3, 4 to 0, -1, 1, -2, 2.
func unfold(v uint32) int32 { return int32(v>>1) ^ -int32(v&1) }

// riceBy4 reads codes as long as four in a row fit in a word, and returns how many it read. With k <= 10 that is the rule.
//
// The word is refilled as in variant 4 of F. Giesen, "Reading bits in far too many ways" (2018): the load does not wait
// for the codes before it, only the shift does. The zeros that enter from the right may look like a part of a code, but
// then the bits used exceed the bits there.
func (r *bitReader) riceBy4(out []int32, k uint) int {
	total := len(out)
	data, at := r.data, r.pos>>3
	if uint(len(data)) < at+8 {
		return 0
	}
	word, have := binary.BigEndian.Uint64(data[at:])<<(r.pos&7), 56-r.pos&7
	at += 7
	for len(out) >= 4 && at+8 <= uint(len(data)) {
		word |= binary.BigEndian.Uint64(data[at:]) >> (have & 63)
		at += (63 - have) >> 3
		have |= 56

		w := word
		q0 := uint(bits.LeadingZeros64(w))
		w <<= (q0 + 1) & 63
		v0 := uint32(q0<<(k&63) | uint(w>>1>>((63-k)&63)))
		w <<= k & 63
		q1 := uint(bits.LeadingZeros64(w))
		w <<= (q1 + 1) & 63
		v1 := uint32(q1<<(k&63) | uint(w>>1>>((63-k)&63)))
		w <<= k & 63
		q2 := uint(bits.LeadingZeros64(w))
		w <<= (q2 + 1) & 63
		v2 := uint32(q2<<(k&63) | uint(w>>1>>((63-k)&63)))
		w <<= k & 63
		q3 := uint(bits.LeadingZeros64(w))
		w <<= (q3 + 1) & 63
		v3 := uint32(q3<<(k&63) | uint(w>>1>>((63-k)&63)))
		w <<= k & 63

		used := q0 + q1 + q2 + q3 + 4 + 4*k
		if used > have {
			break
		}
		word = w
		have -= used
		out[0], out[1], out[2], out[3] = unfold(v0), unfold(v1), unfold(v2), unfold(v3)
		out = out[4:]
	}
	r.pos = 8*at - have
	return total - len(out)
}

// riceBy2 is riceBy4 for larger k: two codes in a row have to fit.
func (r *bitReader) riceBy2(out []int32, k uint) int {
	total := len(out)
	data, at := r.data, r.pos>>3
	if uint(len(data)) < at+8 {
		return 0
	}
	word, have := binary.BigEndian.Uint64(data[at:])<<(r.pos&7), 56-r.pos&7
	at += 7
	for len(out) >= 2 && at+8 <= uint(len(data)) {
		word |= binary.BigEndian.Uint64(data[at:]) >> (have & 63)
		at += (63 - have) >> 3
		have |= 56

		w := word
		q0 := uint(bits.LeadingZeros64(w))
		w <<= (q0 + 1) & 63
		v0 := uint32(q0<<(k&63) | uint(w>>1>>((63-k)&63)))
		w <<= k & 63
		q1 := uint(bits.LeadingZeros64(w))
		w <<= (q1 + 1) & 63
		v1 := uint32(q1<<(k&63) | uint(w>>1>>((63-k)&63)))
		w <<= k & 63

		used := q0 + q1 + 2 + 2*k
		if used > have {
			break
		}
		word = w
		have -= used
		out[0], out[1] = unfold(v0), unfold(v1)
		out = out[2:]
	}
	r.pos = 8*at - have
	return total - len(out)
}

// raw reads the residuals of an escaped partition, of 0 to 31 bits each.
func (r *bitReader) raw(out []int32, width int) {
	if width == 0 {
		clear(out)
		return
	}
	for i := range out {
		out[i] = int32(r.readSigned(width))
	}
}

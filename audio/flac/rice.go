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
// then the bits used exceed the bits there. A code whose first one is bit n-1 of the word has 64-n zeros before it; shifts
// count modulo 64.
func (r *bitReader) riceBy4(out []int32, k uint) int {
	data, at := r.data, r.pos>>3
	if uint(len(data)) < at+8 {
		return 0
	}
	word, have := binary.BigEndian.Uint64(data[at:])<<(r.pos&7), 56-r.pos&7
	at += 7
	i := 0
	for ; i+4 <= len(out) && at+8 <= uint(len(data)); i += 4 {
		word |= binary.BigEndian.Uint64(data[at:]) >> (have & 63)
		at += (63 - have) >> 3
		have |= 56

		w := word
		n0 := uint(bits.Len64(w))
		v0 := w<<((1-n0)&63)>>1>>((63-k)&63) | uint64(64-n0)<<(k&63)
		w <<= (k + 1 - n0) & 63
		n1 := uint(bits.Len64(w))
		v1 := w<<((1-n1)&63)>>1>>((63-k)&63) | uint64(64-n1)<<(k&63)
		w <<= (k + 1 - n1) & 63
		n2 := uint(bits.Len64(w))
		v2 := w<<((1-n2)&63)>>1>>((63-k)&63) | uint64(64-n2)<<(k&63)
		w <<= (k + 1 - n2) & 63
		n3 := uint(bits.Len64(w))
		v3 := w<<((1-n3)&63)>>1>>((63-k)&63) | uint64(64-n3)<<(k&63)
		w <<= (k + 1 - n3) & 63

		used := 4*(k+65) - n0 - n1 - n2 - n3
		if used > have {
			break
		}
		word = w
		have -= used
		o := (*[4]int32)(out[i:])
		o[0], o[1], o[2], o[3] = unfold(uint32(v0)), unfold(uint32(v1)), unfold(uint32(v2)), unfold(uint32(v3))
	}
	r.pos = 8*at - have
	return i
}

// riceBy2 is riceBy4 for larger k: two codes in a row have to fit.
func (r *bitReader) riceBy2(out []int32, k uint) int {
	data, at := r.data, r.pos>>3
	if uint(len(data)) < at+8 {
		return 0
	}
	word, have := binary.BigEndian.Uint64(data[at:])<<(r.pos&7), 56-r.pos&7
	at += 7
	i := 0
	for ; i+2 <= len(out) && at+8 <= uint(len(data)); i += 2 {
		word |= binary.BigEndian.Uint64(data[at:]) >> (have & 63)
		at += (63 - have) >> 3
		have |= 56

		w := word
		n0 := uint(bits.Len64(w))
		v0 := w<<((1-n0)&63)>>1>>((63-k)&63) | uint64(64-n0)<<(k&63)
		w <<= (k + 1 - n0) & 63
		n1 := uint(bits.Len64(w))
		v1 := w<<((1-n1)&63)>>1>>((63-k)&63) | uint64(64-n1)<<(k&63)
		w <<= (k + 1 - n1) & 63

		used := 2*(k+65) - n0 - n1
		if used > have {
			break
		}
		word = w
		have -= used
		o := (*[2]int32)(out[i:])
		o[0], o[1] = unfold(uint32(v0)), unfold(uint32(v1))
	}
	r.pos = 8*at - have
	return i
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

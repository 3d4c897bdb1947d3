package flac

import (
	"encoding/binary"
	"slices"
)

// bitWriter appends to data from the most significant bit on.
type bitWriter struct {
	data []byte
	acc  uint64 // its low have bits are not in data yet
	have int    // below 32
}

// write appends the low n bits of v, n <= 32. The bits above must be zero.
func (w *bitWriter) write(v uint64, n int) {
	w.acc = w.acc<<n | v
	if w.have += n; w.have >= 32 {
		w.have -= 32
		w.data = binary.BigEndian.AppendUint32(w.data, uint32(w.acc>>w.have))
	}
}

// writeSigned appends v as two's complement of n bits.
func (w *bitWriter) writeSigned(v int32, n int) { w.write(uint64(v)&(1<<n-1), n) }

// flush fills the last byte with zeros.
func (w *bitWriter) flush() {
	for ; w.have > 0; w.have -= 8 {
		w.data = append(w.data, byte(w.acc<<8>>w.have))
	}
	w.have = 0
}

// bits returns how many bits were written since data had a length of start and no bits were pending.
func (w *bitWriter) bits(start int) int { return 8*(len(w.data)-start) + w.have }

// back takes back what was written since then.
func (w *bitWriter) back(start int) { w.data, w.have = w.data[:start], 0 }

// writeRice appends the Rice codes of values with parameter k (section 9.2.7.2). total is at least the sum of what fold
// makes of them.
func (w *bitWriter) writeRice(values []int32, k int, total uint64) {
	w.data = slices.Grow(w.data, (w.have+len(values)*(k+1)+int(total>>k))/8+4)
	data := w.data[len(w.data):cap(w.data)]
	at, acc, have := 0, w.acc, w.have
	low := uint32(1)<<k - 1
	for _, v := range values {
		u := fold(v)
		zeros := int(u >> k)
		for zeros+1+k > 32 {
			n := min(zeros, 32)
			acc <<= n
			zeros -= n
			if have += n; have >= 32 {
				have -= 32
				binary.BigEndian.PutUint32(data[at:], uint32(acc>>have))
				at += 4
			}
		}
		n := zeros + 1 + k
		acc = acc<<(n&63) | uint64(u&low|(low+1))
		if have += n; have >= 32 {
			have -= 32
			binary.BigEndian.PutUint32(data[at:], uint32(acc>>(have&63)))
			at += 4
		}
	}
	w.data, w.acc, w.have = w.data[:len(w.data)+at], acc, have
}

// fold maps 0, -1, 1, -2, 2 to 0, 1, 2, 3, 4.
func fold(v int32) uint32 { return uint32(v<<1 ^ v>>31) }

package vorbis

import (
	"fmt"
	"math"
	"math/bits"
	"slices"
)

// fastBits is the length of codewords that are found by one look into a table.
const fastBits = 10

// codebook is a prefix code of numbers, and for some of them vectors (section 3.2.1).
type codebook struct {
	dimensions int
	values     []float32 // (entry, dimension); nil without vectors
	fast       []uint32  // by the next fastBits bits: entry and, in the lowest 6 bits, length of the codeword; 0 for longer ones
	long       []codeword
}

// codeword is a codeword longer than fastBits.
type codeword struct {
	start  uint32 // the word at the top of 32 bits, the first bit read highest
	length uint8
	entry  uint32
}

// scalar reads a number. It returns a negative one at the end of the packet.
func (b *codebook) scalar(r *bitReader) int {
	if r.count < 32 {
		r.fill()
	}
	if found := b.fast[r.word&(1<<fastBits-1)]; found != 0 {
		if r.skip(uint(found & 63)); r.over {
			return -1
		}
		return int(found >> 6)
	}
	next := bits.Reverse32(uint32(r.word))
	i, exact := slices.BinarySearchFunc(b.long, next, func(w codeword, next uint32) int {
		switch {
		case w.start > next:
			return 1
		case w.start < next:
			return -1
		}
		return 0
	})
	if !exact {
		i-- // the last word that begins at or below; the code is complete, so that there is one
	}
	if i < 0 { // a book without codewords
		r.end()
		return -1
	}
	if r.skip(uint(b.long[i].length)); r.over {
		return -1
	}
	return int(b.long[i].entry)
}

// vector reads a vector. It returns nil at the end of the packet.
func (b *codebook) vector(r *bitReader) []float32 {
	i := b.scalar(r)
	if i < 0 {
		return nil
	}
	return b.values[i*b.dimensions : (i+1)*b.dimensions]
}

// setCode builds the tables for codewords of the given lengths, 0 for entries without one. Each entry in turn gets the
// lowest word that is free (section 3.2.1).
func (b *codebook) setCode(lengths []uint8) error {
	b.fast = make([]uint32, 1<<fastBits)
	var free [33]uint32 // the lowest free word of each length, at the top of 32 bits, valid where has is set
	var has [33]bool
	has[0] = true
	used, last := 0, 0
	for entry, length := range lengths {
		if length == 0 {
			continue
		}
		used, last = used+1, entry
		from := int(length)
		for from >= 0 && !has[from] {
			from--
		}
		if from < 0 {
			return fmt.Errorf("codebook with more codewords than their lengths allow: %w", ErrCorrupt)
		}
		// The free words of one length each: taking one from a shorter length leaves its halves.
		word := free[from]
		has[from] = false
		for n := from + 1; n <= int(length); n++ {
			free[n], has[n] = word|1<<(32-n), true
		}
		b.add(codeword{word, length, uint32(entry)})
	}
	if used == 1 { // a single entry takes one bit, whatever it is
		for i := range b.fast {
			b.fast[i] = uint32(last)<<6 | 1
		}
		b.long = nil
		if lengths[last] != 1 {
			return fmt.Errorf("codebook of one codeword of %d bits: %w", lengths[last], ErrCorrupt)
		}
		return nil
	}
	if used > 0 && slices.Contains(has[:], true) {
		return fmt.Errorf("codebook of %d codewords that is not a complete code: %w", used, ErrCorrupt)
	}
	slices.SortFunc(b.long, func(a, b codeword) int { return int(int64(a.start) - int64(b.start)) })
	return nil
}

// add puts a codeword into the table it belongs to.
func (b *codebook) add(w codeword) {
	if w.length > fastBits {
		b.long = append(b.long, w)
		return
	}
	for i := bits.Reverse32(w.start); i < 1<<fastBits; i += 1 << w.length {
		b.fast[i] = w.entry<<6 | uint32(w.length)
	}
}

// latticeSide returns the largest n for which n to the power of dimensions is at most entries (section 9.2.3).
func latticeSide(entries, dimensions int) int {
	for n := 1; ; n++ {
		power := 1
		for range dimensions {
			if power *= n + 1; power > entries {
				return n
			}
		}
	}
}

// unpackFloat reads the float format of section 9.2.2.
func unpackFloat(v uint32) float64 {
	mantissa := float64(v & 0x1FFFFF)
	if v>>31 != 0 {
		mantissa = -mantissa
	}
	return math.Ldexp(mantissa, int(v>>21&0x3FF)-788)
}

// lattice describes the vectors of a codebook.
type lattice struct {
	kind           int // 1: all combinations of a few values; 2: each value is listed
	minimum, delta float64
	sequential     bool // each value is relative to the one before
	multiplicands  []uint16
}

// setValues computes the vectors of entries (section 3.3).
func (b *codebook) setValues(entries int, l lattice) {
	b.values = make([]float32, entries*b.dimensions)
	for entry := range entries {
		last, divisor := 0.0, 1
		for i := range b.dimensions {
			at := entry*b.dimensions + i
			m := at
			if l.kind == 1 {
				m = entry / divisor % len(l.multiplicands)
				divisor *= len(l.multiplicands)
			}
			v := float64(l.multiplicands[m])*l.delta + l.minimum + last
			if l.sequential {
				last = v
			}
			b.values[at] = float32(v)
		}
	}
}

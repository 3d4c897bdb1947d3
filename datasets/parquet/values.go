package parquet

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// hybrid decodes the hybrid of runs and bit-packed groups (section "Run Length Encoding / Bit-Packing Hybrid").
type hybrid struct {
	data   []byte
	width  int // bits of a value
	run    uint64
	value  uint32 // of a run
	packed []byte // groups of bit-packed values, when run counts those
	bit    int
}

// next returns the next value.
func (h *hybrid) next() (uint32, error) {
	for h.run == 0 {
		head, n := binary.Uvarint(h.data)
		if n <= 0 {
			return 0, fmt.Errorf("a run is missing")
		}
		h.data = h.data[n:]
		size := (h.width + 7) / 8
		if h.packed = nil; head&1 == 1 {
			groups := head >> 1
			if groups > uint64(len(h.data)) && h.width > 0 { // a group has width bytes
				return 0, fmt.Errorf("%d groups of values in %d bytes", groups, len(h.data))
			}
			// The last group may be cut off behind the last value (parquet-mr does so).
			n := min(int(groups)*h.width, len(h.data))
			h.run, h.packed, h.bit, h.data = 8*min(groups, 1<<32), h.data[:n:n], 0, h.data[n:]
			continue
		}
		if len(h.data) < size {
			return 0, fmt.Errorf("a run without its value")
		}
		var word [4]byte
		copy(word[:], h.data[:size])
		h.run, h.value, h.data = head>>1, binary.LittleEndian.Uint32(word[:]), h.data[size:]
	}
	h.run--
	if h.packed == nil {
		return h.value, nil
	}
	v, ok := bitsAt(h.packed, h.bit, h.width)
	if !ok {
		return 0, fmt.Errorf("a bit-packed value is missing")
	}
	h.bit += h.width
	return uint32(v), nil
}

// bitsAt returns width bits, at most 64, from bit at of data, the lowest first.
func bitsAt(data []byte, at, width int) (v uint64, ok bool) {
	if width == 0 {
		return 0, true
	}
	if (at+width+7)/8 > len(data) {
		return 0, false
	}
	for got := 0; got < width; {
		i, off := (at+got)/8, (at+got)%8
		take := min(8-off, width-got)
		v |= uint64(data[i]>>off&(1<<take-1)) << got
		got += take
	}
	return v, true
}

// column yields the values of a chunk. A value is the bytes of a BYTE_ARRAY, or 4 or 8 bytes of an integer, little-endian.
type column struct {
	chunk
	size       int    // bytes of a value; 0: BYTE_ARRAY
	maxLevel   uint32 // the definition level of a value that is not null
	left       int64  // values of the page, nulls included
	levels     hybrid
	values     []byte   // PLAIN values of the page
	indices    *hybrid  // of the dictionary, when the page has those
	list       [][]byte // decoded delta encodings
	dictionary [][]byte
}

// next returns the next value, nil for null. It lies in the memory of the page.
func (c *column) next() ([]byte, error) {
	for c.left == 0 {
		p, err := c.chunk.next()
		if err == nil && p == nil {
			err = fmt.Errorf("the column ends before the row group")
		}
		if err == nil {
			err = c.begin(p)
		}
		if err != nil {
			return nil, err
		}
	}
	c.left--
	if c.maxLevel > 0 {
		level, err := c.levels.next()
		if err != nil || level != c.maxLevel {
			return nil, err
		}
	}
	return c.value()
}

// begin makes p the page that values are read from.
func (c *column) begin(p *page) error {
	if p.kind == pageDictionary {
		if p.encoding != encodingPlain && p.encoding != encodingPlainDictionary {
			return fmt.Errorf("a dictionary in encoding %d", p.encoding)
		}
		if p.values > int64(len(p.data)/4) { // the length of a BYTE_ARRAY takes 4 bytes
			return fmt.Errorf("a dictionary of %d values in %d bytes", p.values, len(p.data))
		}
		c.dictionary = make([][]byte, p.values)
		c.values = p.data
		for i := range c.dictionary {
			var err error
			if c.dictionary[i], err = c.plain(); err != nil {
				return err
			}
		}
		return nil
	}
	c.left, c.values, c.indices, c.list = p.values, p.data, nil, nil
	c.levels = hybrid{data: p.levels, width: bits.Len32(c.maxLevel)}
	switch p.encoding {
	case encodingPlain:
		return nil
	case encodingPlainDictionary, encodingRLEDictionary:
		if len(p.data) == 0 {
			c.indices = &hybrid{}
			return nil
		}
		if p.data[0] > 32 {
			return fmt.Errorf("indices of %d bits", p.data[0])
		}
		c.indices = &hybrid{data: p.data[1:], width: int(p.data[0])}
		return nil
	}
	return c.delta(p)
}

func (c *column) value() (v []byte, err error) {
	switch {
	case c.indices != nil:
		i, err := c.indices.next()
		if err == nil && int64(i) >= int64(len(c.dictionary)) {
			err = fmt.Errorf("value %d of a dictionary of %d", i, len(c.dictionary))
		}
		if err != nil {
			return nil, err
		}
		return c.dictionary[i], nil
	case c.list != nil:
		if len(c.list) == 0 {
			return nil, fmt.Errorf("the page has fewer values than it says")
		}
		v, c.list = c.list[0], c.list[1:]
		return v, nil
	}
	return c.plain()
}

// plain takes one value in the encoding PLAIN.
func (c *column) plain() ([]byte, error) {
	n := int64(c.size)
	if c.size == 0 {
		if len(c.values) < 4 {
			return nil, fmt.Errorf("the page has fewer values than it says")
		}
		n = int64(binary.LittleEndian.Uint32(c.values))
		c.values = c.values[4:]
	}
	if n > int64(len(c.values)) {
		return nil, fmt.Errorf("a value of %d bytes, the page has %d more", n, len(c.values))
	}
	v := c.values[:n:n]
	c.values = c.values[n:]
	return v, nil
}

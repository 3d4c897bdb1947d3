package parquet

import (
	"encoding/binary"
	"fmt"
)

// delta decodes a page in one of the delta encodings (sections "Delta Encoding", "Delta-length byte array" and "Delta
// Strings").
func (c *column) delta(p *page) error {
	var err error
	data := p.data
	c.list = [][]byte{}
	switch {
	case p.encoding == encodingDeltaBinary && c.size > 0:
		numbers, _, err := deltaNumbers(data, p.values)
		if err != nil {
			return err
		}
		words := make([]byte, c.size*len(numbers))
		for i, v := range numbers {
			var word [8]byte
			binary.LittleEndian.PutUint64(word[:], uint64(v))
			c.list = append(c.list, words[c.size*i:][:copy(words[c.size*i:], word[:c.size])])
		}
		return nil
	case p.encoding == encodingDeltaLength && c.size == 0:
		c.list, err = deltaLengths(data, p.values)
		return err
	case p.encoding == encodingDeltaBytes && c.size == 0:
		prefixes, rest, err := deltaNumbers(data, p.values)
		if err != nil {
			return err
		}
		suffixes, err := deltaLengths(rest, p.values)
		if err != nil {
			return err
		}
		return c.join(prefixes, suffixes, int64(len(p.data)))
	}
	return fmt.Errorf("encoding %d of values is not read", p.encoding)
}

// join puts each suffix behind a prefix of the value before. A page of n bytes could repeat a long prefix n times, so what
// the values take together is bounded as a compressed page is.
func (c *column) join(prefixes []int64, suffixes [][]byte, n int64) error {
	if len(prefixes) != len(suffixes) {
		return fmt.Errorf("%d prefixes and %d suffixes", len(prefixes), len(suffixes))
	}
	var last []byte
	total := int64(0)
	for i, suffix := range suffixes {
		if prefixes[i] < 0 || prefixes[i] > int64(len(last)) {
			return fmt.Errorf("a prefix of %d bytes of a value of %d", prefixes[i], len(last))
		}
		if total += prefixes[i] + int64(len(suffix)); total > minPageBound+maxExpansion*n {
			return fmt.Errorf("%d bytes stand for more than %d", n, total)
		}
		last = append(append(make([]byte, 0, int(prefixes[i])+len(suffix)), last[:prefixes[i]]...), suffix...)
		c.list = append(c.list, last)
	}
	return nil
}

// deltaLengths decodes DELTA_LENGTH_BYTE_ARRAY: lengths, then the bytes one after the other.
func deltaLengths(data []byte, most int64) ([][]byte, error) {
	lengths, rest, err := deltaNumbers(data, most)
	if err != nil {
		return nil, err
	}
	out := make([][]byte, len(lengths))
	for i, n := range lengths {
		if n < 0 || n > int64(len(rest)) {
			return nil, fmt.Errorf("a value of %d bytes, the page has %d more", n, len(rest))
		}
		out[i], rest = rest[:n:n], rest[n:]
	}
	return out, nil
}

// deltaNumbers decodes DELTA_BINARY_PACKED, at most most numbers, and returns what is behind it.
func deltaNumbers(data []byte, most int64) (numbers []int64, rest []byte, err error) {
	word := func() uint64 {
		v, n := binary.Uvarint(data)
		if n <= 0 {
			err = fmt.Errorf("delta-coded numbers are cut off")
			return 0
		}
		data = data[n:]
		return v
	}
	signed := func() int64 {
		v := word()
		return int64(v>>1) ^ -int64(v&1)
	}
	block, minis, total := word(), word(), word()
	last := signed()
	switch {
	case err != nil:
		return nil, nil, err
	case total > uint64(most) || block == 0 || block > 1<<20 || minis == 0 || minis > block || block%minis != 0:
		return nil, nil, fmt.Errorf("%d delta-coded numbers in blocks of %d, %d parts each, in a page of %d values", total, block, minis, most)
	case total == 0:
		return nil, data, nil
	}
	numbers = append(numbers, last)
	each := int(block / minis)
	for uint64(len(numbers)) < total {
		least := signed()
		if err != nil || uint64(len(data)) < minis {
			return nil, nil, fmt.Errorf("delta-coded numbers are cut off")
		}
		widths := data[:minis]
		data = data[minis:]
		for _, width := range widths {
			if uint64(len(numbers)) == total {
				break // the parts behind the last number are left out
			}
			size := (each*int(width) + 7) / 8
			if width > 64 || size > len(data) {
				return nil, nil, fmt.Errorf("delta-coded numbers of %d bits are cut off", width)
			}
			for i := 0; i < each && uint64(len(numbers)) < total; i++ {
				v, _ := bitsAt(data, i*int(width), int(width))
				last += least + int64(v)
				numbers = append(numbers, last)
			}
			data = data[size:]
		}
	}
	return numbers, data, nil
}

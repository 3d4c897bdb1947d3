package parquet

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/apache/arrow/go/v15/parquet/compress"
	"github.com/klauspost/compress/zstd"
)

// Types of pages and encodings of values, by parquet.thrift.
const (
	pageData       = 0
	pageDictionary = 2
	pageDataV2     = 3

	encodingPlain           = 0
	encodingPlainDictionary = 2
	encodingRLE             = 3
	encodingDeltaBinary     = 5
	encodingDeltaLength     = 6
	encodingDeltaBytes      = 7
	encodingRLEDictionary   = 8
)

const (
	maxPageHeader = 16 << 20 // it may hold the smallest and the largest value of the page
	// A page may be 1024 times as large as in the file, and 1 MiB more.
	maxExpansion = 1024
	minPageBound = 1 << 20
)

// page is a decompressed page.
type page struct {
	pageHeader
	levels []byte // definition levels, in the hybrid of RLE and bit-packing (section "Run Length Encoding")
	data   []byte // encoded values
}

// chunk is a column of a row group. Its pages lie at [pos, end) of the file.
type chunk struct {
	file     io.ReaderAt
	pos, end int64
	codec    compress.Compression
	optional bool  // it has definition levels
	rows     int64 // of the row group
}

// next reads the next page; nil at the end of the chunk. Pages of other types are passed over.
func (c *chunk) next() (*page, error) {
	for c.pos < c.end {
		at := c.pos
		p, err := c.page()
		if err != nil {
			return nil, fmt.Errorf("page at byte %d: %w", at, err)
		}
		if p != nil {
			return p, nil
		}
	}
	return nil, nil
}

func (c *chunk) page() (*page, error) {
	h, err := c.header()
	if err != nil {
		return nil, err
	}
	known := h.kind == pageData && h.hasData || h.kind == pageDictionary && h.hasDictionary || h.kind == pageDataV2 && h.hasV2
	levels := h.defLength + h.repLength
	switch {
	case h.packed < 0 || h.packed > c.end-c.pos:
		return nil, fmt.Errorf("%d bytes, %d are left in the column", h.packed, c.end-c.pos)
	case known && (h.uncompressed < 0 || h.uncompressed > minPageBound+maxExpansion*h.packed):
		return nil, fmt.Errorf("%d bytes claim to be %d", h.packed, h.uncompressed)
	case h.values < 0 || h.kind != pageDictionary && h.values > c.rows || h.defLength < 0 || h.repLength < 0 || levels > h.packed || levels > h.uncompressed:
		return nil, fmt.Errorf("%d values, levels of %d and %d bytes in %d", h.values, h.defLength, h.repLength, h.packed)
	}
	start := c.pos
	c.pos += h.packed
	if !known {
		return nil, nil
	}
	packed := make([]byte, h.packed)
	if _, err := c.file.ReadAt(packed, start); err != nil {
		return nil, err
	}
	if h.hasCRC && crc32.ChecksumIEEE(packed) != h.crc {
		return nil, fmt.Errorf("its checksum is %08x, the file says %08x", crc32.ChecksumIEEE(packed), h.crc)
	}
	p := &page{pageHeader: h}
	// Levels of version 2 stand uncompressed in front of the values; repetition levels, which flat columns need not, come first.
	p.levels, packed = packed[h.repLength:levels], packed[levels:]
	if p.data, err = unpack(c.codec, packed, int(h.uncompressed-levels), h.kind == pageDataV2 && h.isPlain); err != nil {
		return nil, err
	}
	if h.kind == pageData && c.optional {
		err = p.cutLevels()
	}
	return p, err
}

// cutLevels takes the definition levels of a page of version 1 from in front of the values.
func (p *page) cutLevels() error {
	if p.pageHeader.levels != encodingRLE {
		return fmt.Errorf("definition levels in encoding %d, which is not read", p.pageHeader.levels)
	}
	if len(p.data) < 4 {
		return fmt.Errorf("%d bytes have no room for levels", len(p.data))
	}
	n := int64(binary.LittleEndian.Uint32(p.data))
	if n > int64(len(p.data)-4) {
		return fmt.Errorf("levels of %d bytes in a page of %d", n, len(p.data))
	}
	p.levels, p.data = p.data[4:4+n], p.data[4+n:]
	return nil
}

// header reads the header at pos and moves behind it. Its length is not known beforehand.
func (c *chunk) header() (pageHeader, error) {
	for size := int64(1 << 10); ; size *= 4 {
		piece := make([]byte, min(size, c.end-c.pos))
		if _, err := c.file.ReadAt(piece, c.pos); err != nil {
			return pageHeader{}, err
		}
		h, n, err := readPageHeader(piece)
		if err == io.ErrUnexpectedEOF && size < c.end-c.pos && size < maxPageHeader {
			continue
		}
		if err != nil {
			return h, fmt.Errorf("header: %w", err)
		}
		c.pos += int64(n)
		return h, nil
	}
}

// unpack decompresses a page of which the size is known. Every codec is held to it.
func unpack(codec compress.Compression, packed []byte, size int, plain bool) ([]byte, error) {
	var data []byte
	switch {
	case plain || codec == compress.Codecs.Uncompressed:
		data = packed
	case len(packed) == 0 && size == 0:
	case codec == compress.Codecs.Zstd:
		decoder, err := zstd.NewReader(nil, zstd.WithDecodeAllCapLimit(true), zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		defer decoder.Close()
		if data, err = decoder.DecodeAll(packed, make([]byte, 0, size)); err != nil {
			return nil, err
		}
	case codec == compress.Codecs.Snappy:
		if claimed, n := binary.Uvarint(packed); n <= 0 || claimed != uint64(size) {
			return nil, fmt.Errorf("the compressed data claim %d bytes, the header says %d", claimed, size)
		}
		c, err := compress.GetCodec(codec)
		if err != nil {
			return nil, err
		}
		if err := guard(func() error { data = c.Decode(make([]byte, size), packed); return nil }); err != nil {
			return nil, err
		}
	case codec == compress.Codecs.Gzip || codec == compress.Codecs.Brotli:
		c, err := compress.GetCodec(codec)
		if err != nil {
			return nil, err
		}
		data = make([]byte, size+1)
		n := 0
		err = guard(func() (err error) {
			n, err = io.ReadFull(c.NewReader(bytes.NewReader(packed)), data)
			return err
		})
		if err != io.ErrUnexpectedEOF && err != io.EOF && err != nil {
			return nil, err
		}
		data = data[:n] // one byte too many is noticed below
	default:
		return nil, fmt.Errorf("compression %s is not read: write the file with snappy, gzip, brotli or zstd", codec)
	}
	if len(data) != size {
		return nil, fmt.Errorf("%d bytes, the header says %d", len(data), size)
	}
	return data, nil
}

// guard runs f, a call of the library, and turns a panic into an error: the library panics over damaged data.
func guard(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("damaged: %v", p)
		}
	}()
	return f()
}

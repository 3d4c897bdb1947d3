package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Types of Thrift's compact protocol (thrift-compact-protocol.md).
const (
	compactStop   = 0
	compactTrue   = 1
	compactFalse  = 2
	compactByte   = 3
	compactI16    = 4
	compactI32    = 5
	compactI64    = 6
	compactDouble = 7
	compactBinary = 8
	compactList   = 9
	compactSet    = 10
	compactMap    = 11
	compactStruct = 12
)

const maxThriftDepth = 16

var errThrift = errors.New("damaged Thrift data")

// compact reads a Thrift struct from data. The first error stays; io.ErrUnexpectedEOF says that data may be too short a piece.
type compact struct {
	data []byte
	at   int
	err  error
}

func (c *compact) fail(err error) {
	if c.err == nil {
		c.err = err
	}
}

func (c *compact) byte() byte {
	if c.err != nil || c.at >= len(c.data) {
		c.fail(io.ErrUnexpectedEOF)
		return 0
	}
	c.at++
	return c.data[c.at-1]
}

func (c *compact) uvarint() uint64 {
	if c.err != nil {
		return 0
	}
	v, n := binary.Uvarint(c.data[c.at:])
	switch {
	case n == 0:
		c.fail(io.ErrUnexpectedEOF)
		return 0
	case n < 0:
		c.fail(errThrift)
		return 0
	}
	c.at += n
	return v
}

// int reads an integer of any size.
func (c *compact) int() int64 {
	v := c.uvarint()
	return int64(v>>1) ^ -int64(v&1)
}

// fields calls visit for each field of a struct. visit reads the value, or skips it.
func (c *compact) fields(depth int, visit func(number int64, kind byte)) {
	if depth > maxThriftDepth {
		c.fail(errThrift)
		return
	}
	number := int64(0)
	for c.err == nil {
		head := c.byte()
		kind := head & 15
		if c.err != nil || kind == compactStop {
			return
		}
		if delta := head >> 4; delta != 0 {
			number += int64(delta)
		} else {
			number = c.int()
		}
		visit(number, kind)
	}
}

// list reads the head of a list: the type of its elements and their number.
func (c *compact) list() (kind byte, n uint64) {
	head := c.byte()
	if n = uint64(head >> 4); n == 15 {
		n = c.uvarint()
	}
	return head & 15, n
}

func (c *compact) skip(kind byte, depth int) {
	if depth > maxThriftDepth {
		c.fail(errThrift)
		return
	}
	switch kind {
	case compactTrue, compactFalse: // the value is the type
	case compactByte:
		c.byte()
	case compactI16, compactI32, compactI64:
		c.uvarint()
	case compactDouble:
		c.pass(8)
	case compactBinary:
		c.pass(c.uvarint())
	case compactList, compactSet:
		kind, n := c.list()
		c.elements(n, depth, kind)
	case compactMap:
		if n := c.uvarint(); n > 0 {
			kinds := c.byte()
			c.elements(n, depth, kinds>>4, kinds&15)
		}
	case compactStruct:
		c.fields(depth+1, func(_ int64, kind byte) { c.skip(kind, depth+1) })
	default:
		c.fail(errThrift)
	}
}

// elements skips n elements, each of which has values of the given types. In a collection a bool takes a byte.
func (c *compact) elements(n uint64, depth int, kinds ...byte) {
	for ; n > 0 && c.err == nil; n-- {
		for _, kind := range kinds {
			if kind == compactTrue || kind == compactFalse {
				kind = compactByte
			}
			c.skip(kind, depth+1)
		}
	}
}

func (c *compact) pass(n uint64) {
	if c.err == nil && n > uint64(len(c.data)-c.at) {
		c.fail(io.ErrUnexpectedEOF)
	}
	if c.err == nil {
		c.at += int(n)
	}
}

// pageHeader is the PageHeader of parquet.thrift.
type pageHeader struct {
	kind                          int64 // pageData …
	uncompressed, packed          int64
	crc                           uint32
	hasCRC                        bool
	values                        int64
	encoding, levels              int64 // levels: the encoding of the definition levels of pageData
	defLength, repLength          int64 // of pageDataV2: bytes of levels, which are not compressed
	isPlain                       bool  // of pageDataV2: the values are not compressed
	hasData, hasDictionary, hasV2 bool  // which of the three headers is there
}

// readPageHeader parses the header at the beginning of data and returns its length.
func readPageHeader(data []byte) (h pageHeader, n int, err error) {
	c := compact{data: data}
	c.fields(0, func(number int64, kind byte) {
		switch {
		case number == 1 && kind == compactI32:
			h.kind = c.int()
		case number == 2 && kind == compactI32:
			h.uncompressed = c.int()
		case number == 3 && kind == compactI32:
			h.packed = c.int()
		case number == 4 && kind == compactI32:
			h.crc, h.hasCRC = uint32(c.int()), true
		case number == 5 && kind == compactStruct:
			h.hasData = true
			c.integers(map[int64]*int64{1: &h.values, 2: &h.encoding, 3: &h.levels}, nil)
		case number == 7 && kind == compactStruct:
			h.hasDictionary = true
			c.integers(map[int64]*int64{1: &h.values, 2: &h.encoding}, nil)
		case number == 8 && kind == compactStruct:
			h.hasV2 = true
			c.integers(map[int64]*int64{1: &h.values, 4: &h.encoding, 5: &h.defLength, 6: &h.repLength}, func(number int64, value bool) {
				h.isPlain = h.isPlain || number == 7 && !value
			})
		default:
			c.skip(kind, 0)
		}
	})
	return h, c.at, c.err
}

// integers reads a struct of which the integer fields of the given numbers are wanted, and bools.
func (c *compact) integers(into map[int64]*int64, bools func(number int64, value bool)) {
	c.fields(1, func(number int64, kind byte) {
		to := into[number]
		switch {
		case to != nil && kind == compactI32:
			*to = c.int()
		case bools != nil && (kind == compactTrue || kind == compactFalse):
			bools(number, kind == compactTrue)
		default:
			c.skip(kind, 1)
		}
	})
}

// checkFooter bounds what the library makes of a FileMetaData: the elements of the schema, which it walks recursively.
func checkFooter(footer []byte) error {
	c := compact{data: footer}
	elements := uint64(0)
	c.fields(0, func(number int64, kind byte) {
		if number == 2 && kind == compactList {
			elementKind, n := c.list()
			elements += n
			if elements <= maxSchema {
				c.elements(n, 0, elementKind)
				return
			}
			c.fail(fmt.Errorf("a schema of %d elements, at most %d are read", elements, maxSchema))
		}
		c.skip(kind, 0)
	})
	return c.err
}

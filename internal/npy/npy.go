// Package npy writes arrays as NumPy's .npy files, format version 1.0 (numpy.lib.format), byte for byte as numpy.save does.
package npy

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// Number is what an array holds: <f4 or <i4, little-endian.
type Number interface{ float32 | int32 }

// The parts of a file before its data. The header ends where the data can be mapped aligned, and has room for the first axis to grow to growDigits digits.
const (
	magic      = "\x93NUMPY\x01\x00"
	alignment  = 64
	growDigits = 21
)

// Header is everything before the data of an array in C order.
func Header[T Number](shape ...int) ([]byte, error) {
	kind := "<f4"
	if _, whole := any(T(0)).(int32); whole {
		kind = "<i4"
	}
	var tuple strings.Builder
	for i, n := range shape {
		if n < 0 {
			return nil, fmt.Errorf("npy: shape %v: an axis is negative", shape)
		}
		if i > 0 {
			tuple.WriteByte(' ')
		}
		tuple.WriteString(strconv.Itoa(n))
		if i+1 < len(shape) || len(shape) == 1 {
			tuple.WriteByte(',')
		}
	}
	text := "{'descr': '" + kind + "', 'fortran_order': False, 'shape': (" + tuple.String() + "), }"
	if len(shape) > 0 {
		text += strings.Repeat(" ", growDigits-len(strconv.Itoa(shape[0])))
	}
	before := len(magic) + 2
	text += strings.Repeat(" ", alignment-(before+len(text)+1)%alignment) + "\n"
	if len(text) > math.MaxUint16 {
		return nil, fmt.Errorf("npy: a header of %d bytes for %d axes; version 1.0 has at most %d", len(text), len(shape), math.MaxUint16)
	}
	return append(binary.LittleEndian.AppendUint16([]byte(magic), uint16(len(text))), text...), nil
}

// Write writes an array whose elements are given in pieces, one after another.
func Write[T Number](w io.Writer, shape []int, pieces ...[]T) error {
	header, err := Header[T](shape...)
	if err != nil {
		return err
	}
	want, got := 1, 0
	for _, n := range shape {
		want *= n
	}
	for _, p := range pieces {
		got += len(p)
	}
	if got != want {
		return fmt.Errorf("npy: %d elements for an array of shape %v", got, shape)
	}
	b := bufio.NewWriterSize(w, 1<<16)
	b.Write(header)
	var raw [4]byte
	for _, p := range pieces {
		for _, v := range p {
			bits := uint32(0)
			switch x := any(v).(type) {
			case float32:
				bits = math.Float32bits(x)
			case int32:
				bits = uint32(x)
			}
			binary.LittleEndian.PutUint32(raw[:], bits)
			b.Write(raw[:])
		}
	}
	return b.Flush()
}

package parquet

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/parquet/compress"
	"pgregory.net/rapid"
)

var codecs = []compress.Compression{compress.Codecs.Uncompressed, compress.Codecs.Snappy, compress.Codecs.Gzip, compress.Codecs.Brotli, compress.Codecs.Zstd}

func TestHybrid(t *testing.T) {
	for _, c := range []struct {
		data  []byte
		width int
		want  []uint32
		err   string
	}{
		{[]byte{0x03, 0x88, 0xC6, 0xFA}, 3, []uint32{0, 1, 2, 3, 4, 5, 6, 7}, "run is missing"}, // the example of the specification
		{[]byte{0x06, 0x05, 0x04, 0x02}, 3, []uint32{5, 5, 5, 2, 2}, "run is missing"},
		{[]byte{0x04, 0x39, 0x30}, 14, []uint32{12345, 12345}, "run is missing"},
		{[]byte{0x06}, 0, []uint32{0, 0, 0}, "run is missing"},
		{[]byte{0x03, 0x88}, 3, []uint32{0, 1}, "value is missing"}, // the rest of the group is cut off
		{[]byte{0x06}, 3, nil, "without its value"},
		{[]byte{0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 1}, 3, nil, "groups of values in 1 bytes"},
		{[]byte{0x80}, 1, nil, "run is missing"},
	} {
		h := hybrid{data: c.data, width: c.width}
		for i, want := range c.want {
			if got, err := h.next(); err != nil || got != want {
				t.Errorf("%x: value %d is %d, want %d, %v", c.data, i, got, want, err)
			}
		}
		if _, err := h.next(); err == nil || !strings.Contains(err.Error(), c.err) {
			t.Errorf("%x: %v, want %q", c.data, err, c.err)
		}
	}
}

// The reverse of deltaNumbers: blocks of 128 in 4 parts, each number in 64 bits.
func appendDelta(dst []byte, numbers []int64) []byte {
	zigzag := func(dst []byte, v int64) []byte { return binary.AppendUvarint(dst, uint64(v)<<1^uint64(v>>63)) }
	for _, v := range []uint64{128, 4, uint64(len(numbers))} {
		dst = binary.AppendUvarint(dst, v)
	}
	if len(numbers) == 0 {
		return zigzag(dst, 0)
	}
	dst = zigzag(dst, numbers[0])
	for at := 1; at < len(numbers); at += 128 {
		dst = append(zigzag(dst, -7), 64, 64, 64, 64)
		for part := at; part < min(at+128, len(numbers)); part += 32 {
			for i := part; i < part+32; i++ {
				delta := int64(0)
				if i < len(numbers) {
					delta = numbers[i] - numbers[i-1]
				}
				dst = binary.LittleEndian.AppendUint64(dst, uint64(delta+7))
			}
		}
	}
	return dst
}

func TestDeltaNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		numbers := rapid.SliceOfN(rapid.Int64(), 0, 300).Draw(t, "numbers")
		data := append(appendDelta(nil, numbers), "rest"...)
		got, rest, err := deltaNumbers(data, int64(len(numbers)))
		if err != nil || !slices.Equal(got, numbers) || string(rest) != "rest" {
			t.Fatalf("%v, rest %q, %v", got, rest, err)
		}
		if _, _, err := deltaNumbers(data, int64(len(numbers))-1); err == nil && len(numbers) > 0 {
			t.Fatal("more numbers than values")
		}
		if cut := rapid.IntRange(0, len(data)-5).Draw(t, "cut"); len(numbers) > 0 {
			if _, _, err := deltaNumbers(data[:cut], 1<<20); err == nil {
				t.Fatalf("cut to %d of %d bytes", cut, len(data))
			}
		}
	})
}

// A prefix can be repeated for a byte or two each time, so 64 KiB could stand for gigabytes.
func TestDeltaStringsBound(t *testing.T) {
	const n = 50_000
	prefixes, lengths := make([]int64, n), make([]int64, n)
	first := bytes.Repeat([]byte("x"), 1<<20)
	lengths[0] = int64(len(first))
	for i := 1; i < n; i++ {
		prefixes[i] = int64(len(first))
	}
	data := append(appendDelta(appendDelta(nil, prefixes), lengths), first...)
	c := column{}
	err := c.delta(&page{pageHeader: pageHeader{encoding: encodingDeltaBytes, values: n}, data: data})
	if err == nil || !strings.Contains(err.Error(), "stand for more than") {
		t.Errorf("%v", err)
	}
	if err := c.delta(&page{pageHeader: pageHeader{encoding: encodingDeltaBytes, values: 2}, data: append(appendDelta(appendDelta(nil, []int64{0, 2}), []int64{3, 1}), "abcd"...)}); err != nil ||
		string(c.list[0]) != "abc" || string(c.list[1]) != "abd" {
		t.Errorf("%q, %v", c.list, err)
	}
}

// header encodes a page header; fields of 0 are there too.
func header(kind int, uncompressed, packed int, crc *uint32, inner int, values ...int) []byte {
	number := func(dst []byte, v int64) []byte { return binary.AppendUvarint(dst, uint64(v<<1)^uint64(v>>63)) }
	out := number([]byte{0x15}, int64(kind))
	out = number(append(out, 0x15), int64(uncompressed))
	out = number(append(out, 0x15), int64(packed))
	last := 3
	if crc != nil {
		out = number(append(out, 0x15), int64(int32(*crc)))
		last = 4
	}
	out = append(out, byte(inner-last)<<4|compactStruct)
	for _, v := range values {
		out = number(append(out, 0x15), int64(v))
	}
	return append(out, 0, 0)
}

func TestPageRefuses(t *testing.T) {
	two := []byte("\x01\x00\x00\x00a\x02\x00\x00\x00bb")
	crc, wrong := crc32.ChecksumIEEE(two), uint32(7)
	snappy := compress.Codecs.Snappy
	for _, c := range []struct {
		name  string
		codec compress.Compression
		data  []byte
		says  string // "": two values
	}{
		{"plain", 0, append(header(pageData, 11, 11, nil, 5, 2, encodingPlain, 3, 3), two...), ""},
		{"checksum", 0, append(header(pageData, 11, 11, &crc, 5, 2, encodingPlain, 3, 3), two...), ""},
		{"wrong checksum", 0, append(header(pageData, 11, 11, &wrong, 5, 2, encodingPlain, 3, 3), two...), "its checksum is"},
		{"too long", 0, append(header(pageData, 12, 12, nil, 5, 2, encodingPlain, 3, 3), two...), "12 bytes, 11 are left"},
		{"negative", 0, append(header(pageData, -1, 11, nil, 5, 2, encodingPlain, 3, 3), two...), "11 bytes claim to be -1"},
		{"inflated", snappy, append(header(pageData, 1<<30, 11, nil, 5, 2, encodingPlain, 3, 3), two...), "11 bytes claim to be 1073741824"},
		{"snappy claims 2^32", snappy, append(header(pageData, 5, 5, nil, 5, 2, encodingPlain, 3, 3), "\xff\xff\xff\xff\x0f"...), "compressed data claim 4294967295 bytes"},
		{"snappy of rubbish", snappy, append(header(pageData, 11, 11, nil, 5, 2, encodingPlain, 3, 3), "\x0b\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"...), "damaged"},
		{"other size", 0, append(header(pageData, 13, 11, nil, 5, 2, encodingPlain, 3, 3), two...), "11 bytes, the header says 13"},
		{"more values than rows", 0, append(header(pageData, 11, 11, nil, 5, 3, encodingPlain, 3, 3), two...), "3 values"},
		{"encoding", 0, append(header(pageData, 11, 11, nil, 5, 2, 9, 3, 3), two...), "encoding 9"},
		{"dictionary too large", 0, append(header(pageDictionary, 11, 11, nil, 7, 3, encodingPlain), two...), "dictionary of 3 values in 11 bytes"},
		{"no dictionary", 0, append(header(pageData, 3, 3, nil, 5, 2, encodingRLEDictionary, 3, 3), 1, 4, 0), "value 0 of a dictionary of 0"},
		{"cut header", 0, header(pageData, 11, 11, nil, 5, 2)[:9], "header"},
		{"cut value", 0, append(header(pageData, 8, 8, nil, 5, 2, encodingPlain, 3, 3), two[:8]...), "fewer values"},
		{"long value", 0, append(header(pageData, 10, 10, nil, 5, 2, encodingPlain, 3, 3), two[:10]...), "a value of 2 bytes, the page has 1 more"},
		{"compression", compress.Codecs.Lzo, append(header(pageData, 11, 11, nil, 5, 2, encodingPlain, 3, 3), two...), "compression LZO is not read"},
	} {
		col := column{chunk: chunk{file: bytes.NewReader(c.data), end: int64(len(c.data)), codec: c.codec, rows: 2}}
		a, err := col.next()
		var b []byte
		if err == nil {
			b, err = col.next()
		}
		if c.says == "" && (err != nil || string(a) != "a" || string(b) != "bb") || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: %q %q %v, want %q", c.name, a, b, err, c.says)
		}
	}
}

// What a codec is given, it gives back, and no more than the header says.
func TestUnpack(t *testing.T) {
	data := []byte(strings.Repeat("speech ", 1000))
	for _, codec := range codecs[1:] {
		c, err := compress.GetCodec(codec)
		if err != nil {
			t.Fatal(err)
		}
		packed := c.Encode(make([]byte, c.CompressBound(int64(len(data)))), data)
		if got, err := unpack(codec, packed, len(data), false); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%s: %v", codec, err)
		}
		for _, size := range []int{0, len(data) - 1, len(data) + 1} {
			if _, err := unpack(codec, packed, size, false); err == nil {
				t.Errorf("%s: %d bytes of %d", codec, len(data), size)
			}
		}
		if _, err := unpack(codec, packed[:len(packed)/2], len(data), false); err == nil {
			t.Errorf("%s: half of the data", codec)
		}
	}
}

func FuzzPageHeader(f *testing.F) {
	f.Add(header(pageData, 11, 11, nil, 5, 2, encodingPlain, 3, 3))
	f.Add([]byte("\x3c\x3c\x3c\x3c\x3c\x3c\x3c\x3c\x3c\x3c\x3c\x3c\x3c\x3c\x3c\x3c\x3c\x3c\x3c\x3c"))
	f.Add([]byte("\x19\xfc\xff\xff\xff\xff\x0f\x11"))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, n, err := readPageHeader(data)
		if err == nil && (n < 1 || n > len(data)) || err == io.EOF {
			t.Fatalf("%d of %d bytes, %v", n, len(data), err)
		}
	})
}

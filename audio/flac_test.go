package audio

import (
	"bytes"
	"crypto/md5"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"
)

// flacStart is where the first block of encodeFLAC's files begins: the signature and the STREAMINFO block.
const flacStart = 4 + 4 + 34

// msbWriter writes numbers most significant bit first.
type msbWriter struct {
	out  []byte
	free uint // bits of the last byte
}

func (w *msbWriter) bits(v uint64, n uint) {
	for n > 0 {
		if w.free == 0 {
			w.out, w.free = append(w.out, 0), 8
		}
		take := min(n, w.free)
		n -= take
		w.free -= take
		w.out[len(w.out)-1] |= byte(v>>n&(1<<take-1)) << w.free
	}
}

// encodeFLAC writes channels of integer samples as constant or verbatim subframes in blocks of 192 (RFC 9639), with length
// and MD5.
func encodeFLAC(rate, bits int, channels ...[]int32) []byte {
	w := &msbWriter{}
	w.bits(192, 16)
	w.bits(192, 16)
	w.bits(0, 24) // the lengths of the shortest and longest block: unknown
	w.bits(0, 24)
	w.bits(uint64(rate), 20)
	w.bits(uint64(len(channels)-1), 3)
	w.bits(uint64(bits-1), 5)
	w.bits(uint64(len(channels[0])), 36)
	sum := md5.New()
	for i := range channels[0] {
		for _, ch := range channels {
			sum.Write(binary.LittleEndian.AppendUint32(nil, uint32(ch[i]))[:(bits+7)/8])
		}
	}
	out := slices.Concat([]byte("fLaC\x80\x00\x00\x22"), w.out, sum.Sum(nil))
	for number := 0; number*192 < len(channels[0]); number++ {
		var block [][]int32
		for _, ch := range channels {
			block = append(block, ch[number*192:min(number*192+192, len(ch))])
		}
		out = append(out, encodeFLACBlock(number, bits, block)...)
	}
	return out
}

// encodeFLACBlock takes the rate and the bits from the stream information.
func encodeFLACBlock(number, bits int, block [][]int32) []byte {
	w := &msbWriter{}
	w.bits(0xFFF8, 16)
	w.bits(0x70, 8) // 16 bits of block size follow
	w.bits(uint64(len(block)-1)<<4, 8)
	w.bits(uint64(number), 8) // below 128
	w.bits(uint64(len(block[0])-1), 16)
	w.bits(uint64(crcBits(w.out, 8, 0x07)), 8)
	for _, samples := range block {
		if slices.Max(samples) == slices.Min(samples) {
			w.bits(0, 8)
			w.bits(uint64(samples[0]), uint(bits))
			continue
		}
		w.bits(1<<1, 8)
		for _, v := range samples {
			w.bits(uint64(v), uint(bits))
		}
	}
	w.free = 0
	return binary.BigEndian.AppendUint16(w.out, uint16(crcBits(w.out, 16, 0x8005)))
}

// ramp returns n samples that use the whole range of the given width.
func ramp(n, bits, salt int) []int32 {
	x := make([]int32, n)
	for i := range x {
		x[i] = int32((i*7919+salt*104729)*65537) >> (32 - bits)
	}
	return x
}

func TestFLACIsExact(t *testing.T) {
	for _, bits := range []int{8, 12, 16, 20, 24} {
		for _, channels := range [][][]int32{{ramp(500, bits, 0)}, {ramp(500, bits, 0), ramp(500, bits, 1)}} {
			clip, err := Decode(encodeFLAC(16000, bits, channels...), Limits{})
			if err != nil || len(clip.Channels) != len(channels) || clip.Rate != 16000 || clip.Bits != bits {
				t.Fatalf("%d bits: %+v, %v", bits, clip, err)
			}
			for _, w := range clip.Warnings {
				t.Errorf("%d bits: warning %q", bits, w) // among others, the MD5 must agree
			}
			for c, want := range channels {
				for i, v := range want {
					if got := clip.Channels[c][i]; float64(got)*float64(int(1)<<(bits-1)) != float64(v) {
						t.Fatalf("%d bits: sample %d of channel %d is %v, want %d", bits, i, c, got, v)
					}
				}
			}
		}
	}
}

// crcBits is a cyclic redundancy check bit by bit, most significant first, from 0.
func crcBits(data []byte, width int, poly uint) uint {
	crc, top := uint(0), uint(1)<<(width-1)
	for _, b := range data {
		crc ^= uint(b) << (width - 8)
		for range 8 {
			carry := crc & top
			crc = crc << 1 & (top<<1 - 1)
			if carry != 0 {
				crc ^= poly
			}
		}
	}
	return crc
}

func TestFLACDamage(t *testing.T) {
	whole := encodeFLAC(16000, 16, ramp(1000, 16, 0))
	id3v2 := []byte("ID3\x04\x00\x10\x00\x00\x00\x05abcde3DI\x04\x00\x10\x00\x00\x00\x05")
	edit := func(at int, to ...byte) []byte {
		b := bytes.Clone(whole)
		copy(b[at:], to)
		return b
	}
	tests := []struct {
		name   string
		data   []byte
		frames int
		err    error
		text   string // in the error or the warnings
	}{
		{"whole", whole, 1000, nil, ""},
		{"ID3v2 with footer in front", append(bytes.Clone(id3v2), whole...), 1000, nil, ""},
		{"ID3v1 behind", append(bytes.Clone(whole), "TAG and more"...), 1000, nil, ""},
		{"length unknown", edit(21, whole[21]&0xF0, 0, 0, 0, 0), 1000, nil, ""},
		{"length unknown, ID3v1 behind", append(edit(21, whole[21]&0xF0, 0, 0, 0, 0), "TAG and more"...), 1000, nil, ""},
		{"no MD5", edit(26, make([]byte, 16)...), 1000, nil, ""},
		{"other MD5", edit(26, 1, 2, 3), 1000, nil, "MD5"},
		{"cut in a block", whole[:len(whole)*2/3], 576, nil, "ends inside a block"},
		{"cut in the first block", whole[:flacStart+50], 0, ErrCorrupt, "ends too early"},
		{"ends in a block longer than the longest", edit(15, 0, 0, 10)[:len(whole)*2/3], 0, ErrCorrupt, "frame of more than"},
		{"only a header", whole[:flacStart], 0, ErrEmpty, "without samples"},
		{"cut header", whole[:20], 0, ErrCorrupt, "FLAC metadata"},
		{"flipped byte", edit(len(whole)/2, whole[len(whole)/2]^0x40), 0, ErrCorrupt, "CRC-16"},
		{"too long for the limit by its header", edit(21, whole[21]|0x0F, 0xFF, 0xFF, 0xFF, 0xFF), 0, ErrTooLarge, "MaxSeconds"},
	}
	for _, c := range tests {
		clip, err := Decode(c.data, Limits{})
		if c.err != nil {
			if !errors.Is(err, c.err) || !strings.Contains(err.Error(), c.text) {
				t.Errorf("%s: %v, want %q with %q", c.name, err, c.err, c.text)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		warnings := strings.Join(clip.Warnings, "; ")
		if clip.Frames() != c.frames || !strings.Contains(warnings, c.text) || (c.text == "") != (warnings == "") {
			t.Errorf("%s: %d frames, warnings %q; want %d, %q", c.name, clip.Frames(), warnings, c.frames, c.text)
		}
	}
}

// TestFLACBomb: constant blocks hold 65,535 samples in a dozen bytes. The limit has to act while decoding, because the
// header does not say how many follow.
func TestFLACBomb(t *testing.T) {
	silent := make([]int32, 100*192)
	data := encodeFLAC(16000, 16, silent, silent)
	copy(data[21:26], []byte{data[21] & 0xF0, 0, 0, 0, 0}) // length unknown
	if len(data) > 2000 {
		t.Fatalf("silence takes %d bytes: the encoder no longer writes constant blocks", len(data))
	}
	if _, err := Decode(data, Limits{MaxSamples: 2 * 99 * 192}); !errors.Is(err, ErrTooLarge) {
		t.Fatalf("got %v, want %v", err, ErrTooLarge)
	}
	if _, err := Decode(data, Limits{MaxSamples: 2 * 100 * 192}); err != nil {
		t.Fatal(err)
	}
}

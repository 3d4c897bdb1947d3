package audio

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mewkiz/flac"
	"github.com/mewkiz/flac/frame"
	"github.com/mewkiz/flac/meta"
)

// flacStart is where the first block of encodeFLAC's files begins: the signature and the STREAMINFO block.
const flacStart = 4 + 4 + 34

// encodeFLAC writes channels of integer samples in blocks of 192 with the library's own encoder, which also fills in the
// length and the MD5.
func encodeFLAC(t testing.TB, rate, bits int, mode frame.Channels, channels ...[]int32) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.flac")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	enc, err := flac.NewEncoder(f, &meta.StreamInfo{BlockSizeMin: 192, BlockSizeMax: 192, SampleRate: uint32(rate),
		NChannels: uint8(len(channels)), BitsPerSample: uint8(bits)})
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at < len(channels[0]); at += 192 {
		n := min(192, len(channels[0])-at)
		block := &frame.Frame{Header: frame.Header{HasFixedBlockSize: true, BlockSize: uint16(n), SampleRate: uint32(rate),
			Channels: mode, BitsPerSample: uint8(bits)}}
		for _, ch := range channels {
			block.Subframes = append(block.Subframes, &frame.Subframe{SubHeader: frame.SubHeader{Pred: frame.PredVerbatim},
				Samples: slices.Clone(ch[at : at+n]), NSamples: n})
		}
		if err := enc.WriteFrame(block); err != nil {
			t.Fatal(err)
		}
	}
	if err := enc.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
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
		for _, mode := range []frame.Channels{frame.ChannelsMono, frame.ChannelsLR, frame.ChannelsMidSide, frame.ChannelsLeftSide, frame.ChannelsSideRight} {
			channels := [][]int32{ramp(500, bits, 0), ramp(500, bits, 1)}[:mode.Count()]
			clip, err := Decode(encodeFLAC(t, 16000, bits, mode, channels...), Limits{})
			if err != nil || len(clip.Channels) != len(channels) || clip.Rate != 16000 || clip.Bits != bits {
				t.Fatalf("%d bits, mode %d: %+v, %v", bits, mode, clip, err)
			}
			for _, w := range clip.Warnings {
				t.Errorf("%d bits, mode %d: warning %q", bits, mode, w) // among others, the MD5 must agree
			}
			for c, want := range channels {
				for i, v := range want {
					if got := clip.Channels[c][i]; float64(got)*float64(int(1)<<(bits-1)) != float64(v) {
						t.Fatalf("%d bits, mode %d: sample %d of channel %d is %v, want %d", bits, mode, i, c, got, v)
					}
				}
			}
		}
	}
}

// TestFLACBitsFromStream rewrites the only block so that its header says "bits as in the stream", with new checksums. The
// library alone would decode zero bits.
func TestFLACBitsFromStream(t *testing.T) {
	want := ramp(192, 16, 3)
	data := encodeFLAC(t, 16000, 16, frame.ChannelsMono, want)
	block := data[flacStart:]
	headerLen := map[byte]int{6: 7, 7: 8}[block[2]>>4] // sync and codes 4, frame number 1, block size 1 or 2, CRC 1
	if headerLen == 0 {
		headerLen = 6
	}
	if crcBits(block[:headerLen-1], 8, 0x07) != uint(block[headerLen-1]) {
		t.Fatal("the header is not where this test expects it")
	}
	block[3] &^= 0x0E
	block[headerLen-1] = byte(crcBits(block[:headerLen-1], 8, 0x07))
	sum := crcBits(block[:len(block)-2], 16, 0x8005)
	block[len(block)-2], block[len(block)-1] = byte(sum>>8), byte(sum)
	clip, err := Decode(data, Limits{})
	if err != nil || len(clip.Warnings) > 0 {
		t.Fatal(err, clip)
	}
	for i, v := range want {
		if clip.Channels[0][i] != float32(v)/32768 {
			t.Fatalf("sample %d is %v, want %d", i, clip.Channels[0][i], v)
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
	whole := encodeFLAC(t, 16000, 16, frame.ChannelsMono, ramp(1000, 16, 0))
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
		{"cut in the first block", whole[:flacStart+50], 0, ErrCorrupt, "unexpected EOF"},
		{"ends in a block longer than the longest", edit(15, 0, 0, 10)[:len(whole)*2/3], 0, ErrCorrupt, "unexpected EOF"},
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
	data := encodeFLAC(t, 16000, 16, frame.ChannelsLR, silent, silent)
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

package audio

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
)

// byteOrder is what both binary.LittleEndian and binary.BigEndian are.
type byteOrder interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

// chunk returns a RIFF chunk with its pad byte.
func chunk(order byteOrder, id string, body []byte) []byte {
	b := order.AppendUint32([]byte(id), uint32(len(body)))
	b = append(b, body...)
	return append(b, make([]byte, len(body)&1)...)
}

// riff returns a file of the given form ("RIFF", "RIFX", "RF64") from whole chunks.
func riff(order byteOrder, form string, chunks ...[]byte) []byte {
	body := bytes.Join(chunks, nil)
	b := order.AppendUint32([]byte(form), uint32(4+len(body)))
	return append(append(b, "WAVE"...), body...)
}

// fmtBody returns the body of a fmt chunk for tightly packed samples.
func fmtBody(order byteOrder, tag, channels, rate, bits int) []byte {
	align := channels * ((bits + 7) / 8)
	b := order.AppendUint16(nil, uint16(tag))
	b = order.AppendUint16(b, uint16(channels))
	b = order.AppendUint32(b, uint32(rate))
	b = order.AppendUint32(b, uint32(rate*align))
	b = order.AppendUint16(b, uint16(align))
	return order.AppendUint16(b, uint16(bits))
}

// extensible returns the body of a WAVE_FORMAT_EXTENSIBLE fmt chunk.
func extensible(order byteOrder, tag, channels, rate, bits, valid int) []byte {
	b := fmtBody(order, tagExtensible, channels, rate, bits)
	b = order.AppendUint16(b, 22)
	b = order.AppendUint16(b, uint16(valid))
	b = order.AppendUint32(b, 0)
	b = order.AppendUint32(b, uint32(tag))
	b = order.AppendUint16(b, 0)
	b = order.AppendUint16(b, 0x10)
	return append(b, "\x80\x00\x00\xaa\x00\x38\x9b\x71"...)
}

func encodeSamples(order byteOrder, tag, width int, samples []float64) []byte {
	var b []byte
	for _, v := range samples {
		switch {
		case tag == tagFloat && width == 4:
			b = order.AppendUint32(b, math.Float32bits(float32(v)))
		case tag == tagFloat:
			b = order.AppendUint64(b, math.Float64bits(v))
		case width == 1:
			b = append(b, byte(v*128+128))
		default:
			word := order.AppendUint32(nil, uint32(int32(v*(1<<31))))
			if order == byteOrder(binary.BigEndian) {
				b = append(b, word[:width]...)
			} else {
				b = append(b, word[4-width:]...)
			}
		}
	}
	return b
}

// TestWAVCodings writes each coding in each container and expects exactly the same samples back: they are multiples of
// 1/128, which every coding holds.
func TestWAVCodings(t *testing.T) {
	want := [][]float32{{0, 0.5, -1, 127.0 / 128}, {-0.25, 1.0 / 128, -1.0 / 128, 0}}
	interleaved := []float64{0, -0.25, 0.5, 1.0 / 128, -1, -1.0 / 128, 127.0 / 128, 0}
	for _, order := range []byteOrder{binary.LittleEndian, binary.BigEndian} {
		for _, c := range []struct{ tag, bits int }{{tagPCM, 8}, {tagPCM, 16}, {tagPCM, 24}, {tagPCM, 32}, {tagFloat, 32}, {tagFloat, 64}} {
			form := "RIFF"
			if order == byteOrder(binary.BigEndian) {
				form = "RIFX"
			}
			samples := encodeSamples(order, c.tag, c.bits/8, interleaved)
			for _, f := range [][]byte{fmtBody(order, c.tag, 2, 22050, c.bits), extensible(order, c.tag, 2, 22050, c.bits, 0)} {
				file := riff(order, form, chunk(order, "JUNK", []byte("odd")), chunk(order, "fmt ", f),
					chunk(order, "LIST", []byte("INFO.")), chunk(order, "data", samples))
				clip, err := Decode(file, Limits{})
				if err != nil {
					t.Fatalf("%v tag %d, %d bits: %v", order, c.tag, c.bits, err)
				}
				if clip.Rate != 22050 || clip.Bits != c.bits || len(clip.Warnings) > 0 || len(clip.Channels) != 2 ||
					!slices.Equal(clip.Channels[0], want[0]) || !slices.Equal(clip.Channels[1], want[1]) {
					t.Fatalf("%v tag %d, %d bits: %+v", order, c.tag, c.bits, clip)
				}
			}
		}
	}
}

// TestG711 compares with values of the tables in ITU-T G.711, scaled to 16 bits, and with the symmetry of the codes.
func TestG711(t *testing.T) {
	for _, c := range []struct {
		name string
		law  func(byte) int16
		code byte
		want int16
	}{
		{"A-law smallest", aLaw, 0xD5, 8}, {"A-law largest", aLaw, 0xAA, 32256}, {"A-law segment 1", aLaw, 0xC5, 264},
		{"mu-law zero", muLaw, 0xFF, 0}, {"mu-law largest", muLaw, 0x80, 32124}, {"mu-law segment 1", muLaw, 0xEF, 132},
	} {
		if got := c.law(c.code); got != c.want {
			t.Errorf("%s: code %#x is %d, want %d", c.name, c.code, got, c.want)
		}
	}
	for code := range 128 {
		for name, law := range map[string]func(byte) int16{"A-law": aLaw, "mu-law": muLaw} {
			if a, b := law(byte(code)), law(byte(code|0x80)); a != -b {
				t.Errorf("%s: codes %#x and %#x are %d and %d", name, code, code|0x80, a, b)
			}
		}
	}
}

func TestWAVPaddedSamples(t *testing.T) {
	le := binary.LittleEndian
	f := fmtBody(le, tagPCM, 1, 16000, 24)
	le.PutUint16(f[12:], 4) // 24 bits in 4 bytes
	clip, err := Decode(riff(le, "RIFF", chunk(le, "fmt ", f), chunk(le, "data", encodeSamples(le, tagPCM, 4, []float64{0.5, -0.25}))), Limits{})
	if err != nil || !slices.Equal(clip.Channels[0], []float32{0.5, -0.25}) || clip.Bits != 24 || len(clip.Warnings) > 0 {
		t.Fatalf("24 bits in 4 bytes: %+v, %v", clip, err)
	}
	clip, err = Decode(riff(le, "RIFF", chunk(le, "fmt ", extensible(le, tagPCM, 1, 16000, 16, 12)),
		chunk(le, "data", encodeSamples(le, tagPCM, 2, []float64{0.5, -0.25}))), Limits{})
	if err != nil || !slices.Equal(clip.Channels[0], []float32{0.5, -0.25}) || clip.Bits != 12 {
		t.Fatalf("12 valid bits in 2 bytes: %+v, %v", clip, err)
	}
}

// TestWAVBrokenSizes: files that were written to a pipe or cut short give their samples and a warning.
func TestWAVBrokenSizes(t *testing.T) {
	le := binary.LittleEndian
	f := chunk(le, "fmt ", fmtBody(le, tagPCM, 1, 16000, 16))
	data := encodeSamples(le, tagPCM, 2, []float64{0.5, -0.5, 0.25, -0.25})
	sized := func(size uint32, body []byte) []byte {
		return append(le.AppendUint32([]byte("data"), size), body...)
	}
	ds64 := le.AppendUint64(le.AppendUint64(le.AppendUint64(nil, 0), 8), 4)
	tests := []struct {
		name   string
		file   []byte
		frames int
		warn   string // part of the only warning; "" for none
	}{
		{"no size", riff(le, "RIFF", f, sized(math.MaxUint32, data)), 4, "written to a pipe"},
		{"size 0", riff(le, "RIFF", f, sized(0, data)), 4, "says 0 bytes and 8 follow"},
		{"size of sox in a pipe", riff(le, "RIFF", f, sized(0x7ffff000, data)), 4, "written to a pipe"},
		{"cut", riff(le, "RIFF", f, sized(80, data)), 4, "cut short"},
		{"RF64", riff(le, "RF64", chunk(le, "ds64", ds64), f, sized(math.MaxUint32, append(data, "LIST\x00\x00\x00\x00"...))), 4, ""},
		{"odd rest", riff(le, "RIFF", f, chunk(le, "data", data[:7])), 3, "last 1 bytes"},
		{"chunk after data", riff(le, "RIFF", f, chunk(le, "data", data), chunk(le, "LIST", []byte("x"))), 4, ""},
	}
	for _, c := range tests {
		clip, err := Decode(c.file, Limits{})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		warnings := strings.Join(clip.Warnings, "; ")
		if clip.Frames() != c.frames || !strings.Contains(warnings, c.warn) || (c.warn == "") != (warnings == "") || len(clip.Warnings) > 1 {
			t.Errorf("%s: %d frames, warnings %q; want %d, %q", c.name, clip.Frames(), warnings, c.frames, c.warn)
		}
		if clip.Truncated != (c.name == "cut") {
			t.Errorf("%s: truncated is %v", c.name, clip.Truncated)
		}
	}
}

func TestWAVRefuses(t *testing.T) {
	le := binary.LittleEndian
	samples := chunk(le, "data", encodeSamples(le, tagPCM, 2, []float64{0.5, -0.5}))
	format := func(tag, channels, rate, bits int) []byte {
		return chunk(le, "fmt ", fmtBody(le, tag, channels, rate, bits))
	}
	good := format(tagPCM, 1, 16000, 16)
	unknownGUID := extensible(le, tagPCM, 1, 16000, 16, 16)
	unknownGUID[39]++
	tests := []struct {
		name   string
		chunks [][]byte
		err    error
		text   string
	}{
		{"no channels", [][]byte{format(tagPCM, 0, 16000, 16), samples}, ErrCorrupt, "0 channels"},
		{"many channels", [][]byte{format(tagPCM, 60000, 16000, 16), samples}, ErrCorrupt, "60000 channels"},
		{"no rate", [][]byte{format(tagPCM, 1, 0, 16), samples}, ErrCorrupt, "0 Hz"},
		{"no bits", [][]byte{format(tagPCM, 1, 16000, 0), samples}, ErrCorrupt, "0 bits"},
		{"40 bits", [][]byte{format(tagPCM, 1, 16000, 40), samples}, ErrUnsupportedFormat, "40 bits"},
		{"half floats", [][]byte{format(tagFloat, 1, 16000, 16), samples}, ErrUnsupportedFormat, "float samples of 16 bits"},
		{"MS ADPCM", [][]byte{format(2, 1, 16000, 4), samples}, ErrCorrupt, "ms-adpcm blocks"},
		{"IMA ADPCM", [][]byte{format(0x11, 1, 16000, 4), samples}, ErrCorrupt, "ima-adpcm blocks"},
		{"GSM", [][]byte{format(0x31, 1, 8000, 0), samples}, ErrCorrupt, "GSM 6.10"},
		{"unknown", [][]byte{format(0x1234, 1, 8000, 0), samples}, ErrUnsupportedFormat, "0x1234"},
		{"short fmt", [][]byte{chunk(le, "fmt ", make([]byte, 14)), samples}, ErrCorrupt, "14 bytes"},
		{"short extensible", [][]byte{format(tagExtensible, 1, 16000, 16), samples}, ErrCorrupt, "40 are needed"},
		{"unknown GUID", [][]byte{chunk(le, "fmt ", unknownGUID), samples}, ErrUnsupportedFormat, "sub-format"},
		{"no fmt", [][]byte{samples, make([]byte, 20)}, ErrCorrupt, "without a fmt chunk"},
		{"no data", [][]byte{good, chunk(le, "LIST", []byte("INFOinfo"))}, ErrEmpty, "without a data chunk"},
		{"cut in the header", [][]byte{good[:12]}, ErrCorrupt, "cut inside its header"},
		{"no samples", [][]byte{good, chunk(le, "data", nil)}, ErrEmpty, "without samples"},
		{"no samples, then LIST", [][]byte{good, chunk(le, "data", nil), chunk(le, "LIST", []byte("INFO"))}, ErrEmpty, "without samples"},
		{"half a sample", [][]byte{good, chunk(le, "data", []byte{1})}, ErrEmpty, "without samples"},
		{"NaN", [][]byte{format(tagFloat, 1, 16000, 32), chunk(le, "data", encodeSamples(le, tagFloat, 4, []float64{0, math.NaN()}))}, ErrNonFinite, "sample 1 of channel 0"},
		{"Inf", [][]byte{format(tagFloat, 1, 16000, 64), chunk(le, "data", encodeSamples(le, tagFloat, 8, []float64{math.Inf(-1)}))}, ErrNonFinite, "sample 0"},
		{"overflow", [][]byte{format(tagFloat, 1, 16000, 64), chunk(le, "data", encodeSamples(le, tagFloat, 8, []float64{1e300}))}, ErrNonFinite, "sample 0"},
	}
	for _, c := range tests {
		clip, err := Decode(riff(le, "RIFF", c.chunks...), Limits{})
		if !errors.Is(err, c.err) || !strings.Contains(err.Error(), c.text) || clip != nil {
			t.Errorf("%s: %v; want %q with %q", c.name, err, c.err, c.text)
		}
	}
}

func TestLimits(t *testing.T) {
	le := binary.LittleEndian
	file := riff(le, "RIFF", chunk(le, "fmt ", fmtBody(le, tagPCM, 2, 100, 16)), chunk(le, "data", make([]byte, 400))) // 100 frames, 1 s
	for _, c := range []struct {
		lim Limits
		ok  bool
	}{
		{Limits{}, true}, {Limits{MaxSeconds: 1}, true}, {Limits{MaxSeconds: 0.99}, false}, {Limits{MaxSamples: 200}, true},
		{Limits{MaxSamples: 199}, false}, {Limits{MaxBytes: int64(len(file))}, true}, {Limits{MaxBytes: int64(len(file)) - 1}, false},
	} {
		_, err := Decode(file, c.lim)
		if (err == nil) != c.ok || err != nil && !errors.Is(err, ErrTooLarge) {
			t.Errorf("%+v: %v, want ok = %v", c.lim, err, c.ok)
		}
	}
}

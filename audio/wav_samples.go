package audio

import (
	"encoding/binary"
	"fmt"
	"math"
)

// coding turns the bytes of one stored sample into a float. The slice has exactly the sample's width.
type coding func(b []byte) float32

// wavCoding returns the coding of a format and its name for Clip.Format. Integer samples are left-justified in their
// bytes, so the full scale follows from the width: 12 bits in 2 bytes are read as 16.
func wavCoding(f wavFormat, order binary.ByteOrder) (coding, string, error) {
	switch {
	case f.tag == tagPCM && f.width == 1: // the only unsigned form; 128 is silence
		return func(b []byte) float32 { return float32(int(b[0])-128) / (1 << 7) }, "wav/pcm", nil
	case f.tag == tagPCM && f.width == 2:
		return func(b []byte) float32 { return float32(int16(order.Uint16(b))) / (1 << 15) }, "wav/pcm", nil
	case f.tag == tagPCM && f.width == 3 && order == binary.ByteOrder(binary.BigEndian):
		return func(b []byte) float32 {
			return float32(int32(uint32(b[0])<<24|uint32(b[1])<<16|uint32(b[2])<<8)>>8) / (1 << 23)
		}, "wav/pcm", nil
	case f.tag == tagPCM && f.width == 3:
		return func(b []byte) float32 {
			return float32(int32(uint32(b[2])<<24|uint32(b[1])<<16|uint32(b[0])<<8)>>8) / (1 << 23)
		}, "wav/pcm", nil
	case f.tag == tagPCM && f.width == 4:
		return func(b []byte) float32 { return float32(float64(int32(order.Uint32(b))) / (1 << 31)) }, "wav/pcm", nil
	case f.tag == tagFloat && f.width == 4:
		return func(b []byte) float32 { return math.Float32frombits(order.Uint32(b)) }, "wav/float", nil
	case f.tag == tagFloat && f.width == 8:
		return func(b []byte) float32 { return float32(math.Float64frombits(order.Uint64(b))) }, "wav/float", nil
	case f.tag == tagALaw && f.width == 1:
		table := g711Table(aLaw)
		return func(b []byte) float32 { return table[b[0]] }, "wav/alaw", nil
	case f.tag == tagMuLaw && f.width == 1:
		table := g711Table(muLaw)
		return func(b []byte) float32 { return table[b[0]] }, "wav/mulaw", nil
	}
	names := map[int]string{tagPCM: "PCM", tagFloat: "float", tagALaw: "A-law", tagMuLaw: "mu-law"}
	return nil, "", fmt.Errorf("WAV with %s samples of %d bits; convert it first, for example: ffmpeg -i IN OUT.flac: %w",
		names[f.tag], 8*f.width, ErrUnsupportedFormat)
}

// deinterleave decodes frames of channels samples, each of width bytes, into planes (channel, frame).
func deinterleave(data []byte, frames, channels, width int, decode coding) [][]float32 {
	out := make([][]float32, channels)
	for c := range out {
		plane := make([]float32, frames)
		pos := c * width
		for i := range plane {
			plane[i] = decode(data[pos : pos+width])
			pos += channels * width
		}
		out[c] = plane
	}
	return out
}

// checkFinite returns the largest magnitude, or an error that names the first NaN or infinite sample.
func checkFinite(channels [][]float32) (peak float32, err error) {
	for c, plane := range channels {
		for i, v := range plane {
			if v-v != 0 { // NaN and the infinities
				return 0, fmt.Errorf("sample %d of channel %d is %v: repair or drop the file: %w", i, c, v, ErrNonFinite)
			}
			peak = max(peak, v, -v)
		}
	}
	return peak, nil
}

// g711Table tabulates a companding law for its 256 codes.
func g711Table(law func(byte) int16) *[256]float32 {
	table := new([256]float32)
	for code := range table {
		table[code] = float32(law(byte(code))) / (1 << 15)
	}
	return table
}

// aLaw expands an A-law code to 16 bits (ITU-T G.711 table 1a; even bits are inverted on the line).
func aLaw(code byte) int16 {
	code ^= 0x55
	segment, step := code>>4&7, int16(code&0x0F)
	v := step<<4 + 8
	if segment > 0 {
		v = (v + 0x100) << (segment - 1)
	}
	if code&0x80 == 0 {
		return -v
	}
	return v
}

// muLaw expands a mu-law code to 16 bits (ITU-T G.711 table 2a; all bits are inverted on the line).
func muLaw(code byte) int16 {
	code = ^code
	v := (int16(code&0x0F)<<3+0x84)<<(code>>4&7) - 0x84
	if code&0x80 != 0 {
		return -v
	}
	return v
}

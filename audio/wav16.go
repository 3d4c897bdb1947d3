package audio

import (
	"encoding/binary"
	"errors"
	"math"
)

// wav16Header is the length of the canonical header: RIFF, fmt of 16 bytes, data.
const wav16Header = 44

// maxWAV16 is the number of samples that the 32-bit sizes of a canonical file can count.
const maxWAV16 = (math.MaxUint32 - (wav16Header - 8)) / 2

// errNotWAV16 has no detail, so that a failed ParseWAV16 is as cheap as a successful one.
var errNotWAV16 = errors.New("audio: not a canonical 16-bit mono WAV file (44-byte header with true sizes): decode it with Decode")

// AppendWAV16 appends a mono 16-bit PCM WAV file with the canonical 44-byte header to dst. rate is in Hz. The sizes in
// the header hold for up to 2^31-19 samples (37 hours at 16 kHz); for more they are 0xFFFFFFFF, as in a pipe.
func AppendWAV16(dst []byte, rate int, samples []int16) []byte {
	return appendPCM16(appendWAV16Header(dst, rate, len(samples)), samples)
}

func appendWAV16Header(dst []byte, rate, samples int) []byte {
	riff, data := uint32(math.MaxUint32), uint32(math.MaxUint32)
	if samples <= maxWAV16 {
		data = uint32(2 * samples)
		riff = data + wav16Header - 8
	}
	le := binary.LittleEndian
	dst = append(dst, "RIFF"...)
	dst = le.AppendUint32(dst, riff)
	dst = append(dst, "WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00"...) // 16-byte fmt chunk, PCM, one channel
	dst = le.AppendUint32(dst, uint32(rate))
	dst = le.AppendUint32(dst, uint32(2*rate)) // bytes a second
	dst = append(dst, "\x02\x00\x10\x00data"...)
	return le.AppendUint32(dst, data)
}

func appendPCM16(dst []byte, samples []int16) []byte {
	start := len(dst)
	dst = append(dst, make([]byte, 2*len(samples))...) // the compiler extends in place, without a second slice
	out := dst[start:]
	for i, v := range samples {
		binary.LittleEndian.PutUint16(out[2*i:], uint16(v))
	}
	return dst
}

// ParseWAV16 returns the sampling rate in Hz and the samples, as little-endian 16-bit PCM bytes that share data's memory,
// of a file exactly as AppendWAV16 writes it: it accepts no other header, size or trailing byte, and allocates nothing.
// Any other WAV file is for [Decode].
func ParseWAV16(data []byte) (rate int, pcm []byte, err error) {
	if len(data) < wav16Header || len(data)%2 != 0 || uint64(len(data)-8) > math.MaxUint32 {
		return 0, nil, errNotWAV16
	}
	le := binary.LittleEndian
	hz := le.Uint32(data[24:])
	if string(data[:4]) != "RIFF" || le.Uint32(data[4:]) != uint32(len(data)-8) ||
		string(data[8:24]) != "WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00" ||
		hz == 0 || hz > math.MaxUint32/2 || le.Uint32(data[28:]) != 2*hz ||
		string(data[32:40]) != "\x02\x00\x10\x00data" || le.Uint32(data[40:]) != uint32(len(data)-wav16Header) {
		return 0, nil, errNotWAV16
	}
	return int(hz), data[wav16Header:], nil
}

// ToInt16 writes x, scaled by 32768, to dst, rounded to the nearest integer (ties to even) and clipped to the range of
// int16. It returns how many samples were clipped; a NaN becomes 0 and counts. dst is at least as long as x.
func ToInt16(dst []int16, x []float32) (clipped int) {
	// Adding 1.5·2²³ to a float32 below 2²² leaves no bits behind the point: the sum is rounded as ToInt16 promises.
	const shift = 3 << 22
	dst = dst[:len(x)]
	for i, v := range x {
		v *= 1 << 15
		if v >= math.MinInt16-0.5 && v < math.MaxInt16+0.5 { // both ends round into the range: -32768.5 to the even -32768
			dst[i] = int16(float32(v+shift) - shift)
			continue
		}
		clipped++
		switch {
		case v > 0:
			dst[i] = math.MaxInt16
		case v < 0:
			dst[i] = math.MinInt16
		default: // NaN
			dst[i] = 0
		}
	}
	return clipped
}

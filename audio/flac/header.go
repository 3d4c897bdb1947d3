package flac

import "fmt"

// How the two channels of a frame are coded (section 9.1.3, channel bits).
type stereo uint8

const (
	independent stereo = iota // also any other number of channels
	leftSide                  // left, left-right
	sideRight                 // left-right, right
	midSide                   // (left+right)/2 rounded down, left-right
)

// header is the part of a frame header that decoding needs.
type header struct {
	size   int // samples of each channel
	coding stereo
}

// readHeader reads a frame header and verifies that it describes a part of this stream. Which frame it is, its coded
// number, is not looked at: a stream that was cut out of another one begins somewhere.
func readHeader(r *bitReader, info *Info) (header, error) {
	sync := r.read(16)
	size, rate := uint(r.read(4)), uint(r.read(4))
	channels, depth, reserved := uint(r.read(4)), uint(r.read(3)), r.read(1)
	if r.over() {
		return header{}, ErrTruncated
	}
	switch {
	case sync>>1 != 0xFFF8>>1:
		return header{}, fmt.Errorf("%04x where a frame begins with fff8 or fff9: %w", sync, ErrCorrupt)
	case size == 0, rate == 15, channels > 10, depth == 3, reserved != 0:
		return header{}, fmt.Errorf("reserved code in a frame header: %w", ErrCorrupt)
	}
	if !skipNumber(r) {
		return header{}, fmt.Errorf("frame number is no UTF-8: %w", ErrCorrupt)
	}
	h := header{size: blockSize(r, size)}
	hz := sampleRate(r, rate, info.Rate)
	sum := crc8(r.data[:min(r.pos/8, uint(len(r.data)))])
	if claimed := r.read(8); r.over() {
		return header{}, ErrTruncated
	} else if uint64(sum) != claimed {
		return header{}, fmt.Errorf("CRC-8 of the frame header is %02x and should be %02x: %w", sum, claimed, ErrCorrupt)
	}

	count, wide := int(channels)+1, [8]int{info.Bits, 8, 12, 0, 16, 20, 24, 32}[depth]
	if channels >= 8 {
		count, h.coding = 2, stereo(channels-8)+leftSide
	}
	switch {
	case count != info.Channels || hz != info.Rate || wide != info.Bits:
		return header{}, fmt.Errorf("frame of %d channels, %d Hz, %d bits in a stream of %d, %d, %d: %w",
			count, hz, wide, info.Channels, info.Rate, info.Bits, ErrCorrupt)
	case h.size == 1<<16:
		return header{}, fmt.Errorf("frame of 65536 samples, one more than allowed: %w", ErrCorrupt)
	}
	return h, nil
}

// skipNumber reads the frame or sample number, up to 36 bits coded as UTF-8 codes up to 31.
func skipNumber(r *bitReader) bool {
	first := r.read(8)
	more := 0
	for bit := uint64(0x80); first&bit != 0; bit >>= 1 {
		more++
	}
	switch more {
	case 0:
		return true
	case 1, 8:
		return false
	}
	for range more - 1 {
		if r.read(8)>>6 != 2 {
			return r.over() // the caller finds out that the data ends
		}
	}
	return true
}

// blockSize returns the samples of each channel for a code from 1 to 15 (section 9.1.1).
func blockSize(r *bitReader, code uint) int {
	switch {
	case code == 1:
		return 192
	case code <= 5:
		return 144 << code
	case code == 6:
		return int(r.read(8)) + 1
	case code == 7:
		return int(r.read(16)) + 1
	}
	return 1 << code
}

// sampleRate returns Hz for a code from 0 to 14 (section 9.1.2).
func sampleRate(r *bitReader, code uint, stream int) int {
	switch code {
	case 0:
		return stream
	case 12:
		return int(r.read(8)) * 1000
	case 13:
		return int(r.read(16))
	case 14:
		return int(r.read(16)) * 10
	}
	return rates[code]
}

// rates are the sampling rates with a code of their own. The store's is 5.
var rates = [12]int{0, 88200, 176400, 192000, 8000, 16000, 22050, 24000, 32000, 44100, 48000, 96000}

// side returns which channel holds the difference, -1 if none does.
func (s stereo) side() int {
	switch s {
	case leftSide, midSide:
		return 1
	case sideRight:
		return 0
	}
	return -1
}

package audio

import "encoding/binary"

// mpegSearch is how many bytes in front of the first frame may be something else: the rest of a frame that was cut, or
// zeros.
const mpegSearch = 4096

// findMPEG reports whether data is a stream of MPEG audio frames. A header alone is 11 bits of evidence, which is enough
// at the very beginning of a file too short for a second frame; elsewhere three frames have to follow each other.
func findMPEG(data []byte) bool {
	if size := mpegFrame(data); size > 0 && (size+4 > len(data) || sameMPEG(data, data[size:])) {
		return true
	}
	for at := range min(len(data), mpegSearch) {
		if data[at] != 0xFF {
			continue
		}
		next, frames := data[at:], 0
		for size := mpegFrame(next); size > 0 && size <= len(next) && frames < 3 && sameMPEG(data[at:], next); size = mpegFrame(next) {
			next = next[size:]
			frames++
		}
		if frames == 3 {
			return true
		}
	}
	return false
}

// sameMPEG reports whether two frames agree in version, layer and sampling rate, as all frames of a stream do.
func sameMPEG(a, b []byte) bool {
	const mask = 0xFFFE0C00
	return len(b) >= 4 && binary.BigEndian.Uint32(a)&mask == binary.BigEndian.Uint32(b)&mask
}

// mpegBitrates are kbit/s by the code in the header (ISO/IEC 11172-3 section 2.4.2.3 and 13818-3 section 2.4.2.3).
var mpegBitrates = [2][4][15]int{
	{ // MPEG-2 and 2.5, by the layer's code
		1: {0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160},
		2: {0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160},
		3: {0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256},
	},
	{ // MPEG-1
		1: {0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320},
		2: {0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384},
		3: {0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448},
	},
}

// mpegFrame returns the bytes of the frame whose header data begins with, or 0 without one. A header is 11 sync bits and no
// reserved value for version, layer, bit rate, sampling rate and emphasis; free bit rates, which tell no length, give 0.
func mpegFrame(data []byte) int {
	if len(data) < 4 || data[0] != 0xFF || data[1]&0xE0 != 0xE0 {
		return 0
	}
	version, layer := data[1]>>3&3, data[1]>>1&3 // 3: MPEG-1, 2: MPEG-2, 0: MPEG-2.5; 1: III, 2: II, 3: I
	rate, bitrate := int(data[2]>>2&3), data[2]>>4
	if version == 1 || layer == 0 || rate == 3 || bitrate == 15 || bitrate == 0 || data[3]&3 == 2 {
		return 0
	}
	hz, first := [3]int{44100, 48000, 32000}[rate], 0
	switch version {
	case 3:
		first = 1
	case 2:
		hz /= 2
	case 0:
		hz /= 4
	}
	bits := 1000 * mpegBitrates[first][layer][bitrate]
	padding := int(data[2] >> 1 & 1)
	switch {
	case layer == 3:
		return (12*bits/hz + padding) * 4
	case layer == 1 && first == 0:
		return 72*bits/hz + padding
	}
	return 144*bits/hz + padding
}

// isADTS reports whether data begins with an ADTS header of AAC (ISO/IEC 13818-7 section 6.2): 12 sync bits, layer 0 and a
// sampling rate index of at most 12.
func isADTS(data []byte) bool {
	return len(data) >= 4 && data[0] == 0xFF && data[1]&0xF6 == 0xF0 && data[2]>>2&0x0F <= 12
}

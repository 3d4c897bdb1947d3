package mp3

// Channel modes of a frame header (ISO/IEC 11172-3, 2.4.2.3).
const (
	jointStereo = 1
	mono        = 3
)

// Bits of the mode extension of a joint stereo frame in Layer III.
const (
	intensityStereo = 1
	midSideStereo   = 2
)

// maxFrameBytes is above the longest frame: free format of 640 kbit/s at 8 kHz takes 5,760 bytes.
const maxFrameBytes = 6000

// header is the four bytes at the start of a frame.
type header struct {
	version   int // 0: MPEG-1, 1: MPEG-2 (low sampling frequencies), 2: MPEG-2.5
	layer     int // 1, 2 or 3
	protected bool
	bitrate   int // bit/s; 0 is free format
	rate      int // Hz
	rateIndex int // row of the tables of scalefactor bands: 44.1, 48, 32, 22.05, 24, 16, 11.025, 12, 8 kHz
	padding   bool
	mode      int
	modeExt   int // 0 unless the mode is joint stereo
	channels  int
}

var sampleRates = [9]int{44100, 48000, 32000, 22050, 24000, 16000, 11025, 12000, 8000}

// bitrates is in kbit/s. Rows: MPEG-1 Layers I, II and III, then Layer I of the lower sampling frequencies, then their
// Layers II and III.
var bitrates = [5][15]int{
	{0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448},
	{0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384},
	{0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320},
	{0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256},
	{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160},
}

// parseHeader reads the header at the start of b. It refuses reserved values, so about one of 5,000 random words passes.
func parseHeader(b []byte) (header, bool) {
	if len(b) < 4 || b[0] != 0xff || b[1] < 0xe0 {
		return header{}, false
	}
	version, layer := int(b[1]>>3&3), 4-int(b[1]>>1&3)
	bitrate, rate := int(b[2]>>4), int(b[2]>>2&3)
	if version == 1 || layer == 4 || bitrate == 15 || rate == 3 {
		return header{}, false
	}
	version = [4]int{2, -1, 1, 0}[version] // coded as 11: MPEG-1, 10: MPEG-2, 00: MPEG-2.5
	row := layer - 1
	if version > 0 {
		row = min(layer+2, 4)
	}
	h := header{
		version:   version,
		layer:     layer,
		protected: b[1]&1 == 0,
		bitrate:   1000 * bitrates[row][bitrate],
		rate:      sampleRates[3*version+rate],
		rateIndex: 3*version + rate,
		padding:   b[2]&2 != 0,
		mode:      int(b[3] >> 6),
		channels:  2,
	}
	switch h.mode {
	case mono:
		h.channels = 1
	case jointStereo:
		h.modeExt = int(b[3] >> 4 & 3)
	}
	return h, true
}

// sameStream says whether both frames can belong to one stream. Bitrate, channel mode and CRC may change from frame to
// frame; free format is a matter of the whole stream.
func (h header) sameStream(o header) bool {
	return h.sameFormat(o) && (h.bitrate == 0) == (o.bitrate == 0)
}

// sameFormat says whether both frames decode to the same rate and number of channels with the same layer.
func (h header) sameFormat(o header) bool {
	return h.layer == o.layer && h.rateIndex == o.rateIndex && h.channels == o.channels
}

// samples is the number of samples of each channel in the frame.
func (h header) samples() int {
	switch {
	case h.layer == 1:
		return 384
	case h.layer == 3 && h.version > 0:
		return 576
	}
	return 1152
}

// slot is the number of bytes that padding adds.
func (h header) slot() int {
	switch {
	case !h.padding:
		return 0
	case h.layer == 1:
		return 4
	}
	return 1
}

// frameBytes is the length of the frame with its header. free is the length of an unpadded frame in free format, which
// no header names; it is used when the bitrate is free.
func (h header) frameBytes(free int) int {
	n := free
	if h.bitrate > 0 {
		n = h.samples() / 8 * h.bitrate / h.rate
		if h.layer == 1 {
			n &^= 3
		}
	}
	return n + h.slot()
}

// granules is the number of granules in a Layer III frame.
func (h header) granules() int {
	if h.version > 0 {
		return 1
	}
	return 2
}

// sideInfoBytes is the length of the side information of Layer III, without the CRC.
func (h header) sideInfoBytes() int {
	switch {
	case h.version == 0 && h.channels == 2:
		return 32
	case h.version > 0 && h.channels == 1:
		return 9
	}
	return 17
}

// sideInfoOffset is where the side information starts in the frame: after the header and the CRC.
func (h header) sideInfoOffset() int {
	if h.protected {
		return 6
	}
	return 4
}

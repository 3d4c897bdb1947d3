package audio

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
)

// coding is how the bytes of one uncompressed sample make a number.
type coding uint8

const (
	signedInt   coding = iota // two's complement
	unsignedInt               // offset binary, 8 bits only
	floating                  // IEEE 754
	aLawCode                  // ITU-T G.711
	muLawCode
)

func (c coding) String() string {
	switch c {
	case floating:
		return "float"
	case aLawCode:
		return "alaw"
	case muLawCode:
		return "mulaw"
	}
	return "pcm"
}

// layout is what the header of a container says about the uncompressed samples in it. All containers end here, so that
// a coding is written once. Integer samples are left-justified in their bytes: the full scale follows from the width,
// and 12 bits in 2 bytes are read as 16.
type layout struct {
	container string // first half of Clip.Format
	coding    coding
	bigEndian bool
	width     int // bytes of one stored sample
	bits      int // significant bits of it
	channels  int
	rate      int // Hz
}

// maxChannels refuses headers that are surely damaged; the largest real layouts (7th order ambisonics) have 64.
const maxChannels = 256

// check refuses what no file can mean, and the widths that are not decoded.
func (l layout) check() error {
	what := strings.ToUpper(l.container)
	switch {
	case l.channels == 0:
		return fmt.Errorf("%s header says 0 channels: %w", what, ErrCorrupt)
	case l.channels < 0 || l.channels > maxChannels:
		return fmt.Errorf("%s header says %d channels, at most %d make sense: %w", what, l.channels, maxChannels, ErrCorrupt)
	case l.rate <= 0:
		return fmt.Errorf("%s header says a sampling rate of %d Hz: %w", what, l.rate, ErrCorrupt)
	case l.bits <= 0:
		return fmt.Errorf("%s header says %d bits a sample: %w", what, l.bits, ErrCorrupt)
	case l.coding == signedInt && l.width <= 4, l.coding == floating && (l.width == 4 || l.width == 8), l.coding != signedInt &&
		l.coding != floating && l.width == 1:
		return nil
	}
	return fmt.Errorf("%s with %s samples of %d bits; %s: %w", what, l.coding, 8*l.width, convertAdvice, ErrUnsupportedFormat)
}

// convertAdvice is the way out for a file that is good and not decoded.
const convertAdvice = "convert it first, for example: ffmpeg -i IN OUT.flac"

// decode turns the bytes of whole frames into a clip. Bytes of an unfinished frame at the end are dropped with a warning.
func (l layout) decode(data []byte, lim Limits) (*Clip, error) {
	if err := l.check(); err != nil {
		return nil, err
	}
	clip := &Clip{Rate: l.rate, Format: l.container + "/" + l.coding.String(), Bits: l.bits}
	frame := l.width * l.channels
	frames := len(data) / frame
	if rest := len(data) % frame; rest > 0 {
		clip.warn("the data ends inside a frame: its last %d bytes are dropped", rest)
	}
	if frames == 0 {
		return nil, fmt.Errorf("%s header without samples (%d data bytes, a frame takes %d): %w",
			strings.ToUpper(l.container), len(data), frame, ErrEmpty)
	}
	if err := lim.check(uint64(frames), l.channels, l.rate); err != nil {
		return nil, err
	}
	clip.Channels = l.deinterleave(data, frames)
	if l.coding == floating {
		peak, err := checkFinite(clip.Channels)
		if err != nil {
			return nil, err
		}
		if peak > 1 {
			clip.warn("float samples reach %.3g, beyond full scale: they clip when stored as integers", peak)
		}
	}
	return clip, nil
}

// deinterleave decodes frames into planes (channel, frame). It goes through the file in blocks that stay in the cache
// while each channel takes its samples.
func (l layout) deinterleave(data []byte, frames int) [][]float32 {
	const block = 4096
	out := make([][]float32, l.channels)
	for c := range out {
		out[c] = make([]float32, frames)
	}
	step := l.width * l.channels
	table := l.table()
	for at := 0; at < frames; at += block {
		n := min(block, frames-at)
		for c, plane := range out {
			from := data[at*step+c*l.width : (at+n-1)*step+(c+1)*l.width]
			if table != nil {
				tableSamples(plane[at:at+n], from, step, table)
			} else {
				l.samples(plane[at:at+n], from, step)
			}
		}
	}
	return out
}

// samples decodes one channel: dst[i] is stored at src[i*step:].
func (l layout) samples(dst []float32, src []byte, step int) {
	le, be := binary.LittleEndian, binary.BigEndian
	switch {
	case l.coding == floating && l.width == 4 && l.bigEndian:
		for i, at := 0, 0; i < len(dst); i, at = i+1, at+step {
			dst[i] = math.Float32frombits(be.Uint32(src[at:]))
		}
	case l.coding == floating && l.width == 4:
		for i, at := 0, 0; i < len(dst); i, at = i+1, at+step {
			dst[i] = math.Float32frombits(le.Uint32(src[at:]))
		}
	case l.coding == floating && l.bigEndian:
		for i, at := 0, 0; i < len(dst); i, at = i+1, at+step {
			dst[i] = float32(math.Float64frombits(be.Uint64(src[at:])))
		}
	case l.coding == floating:
		for i, at := 0, 0; i < len(dst); i, at = i+1, at+step {
			dst[i] = float32(math.Float64frombits(le.Uint64(src[at:])))
		}
	case l.width == 2 && l.bigEndian:
		for i, at := 0, 0; i < len(dst); i, at = i+1, at+step {
			dst[i] = float32(int16(be.Uint16(src[at:]))) / (1 << 15)
		}
	case l.width == 2 && step == 2:
		mono16(dst, src)
	case l.width == 2:
		for i, at := 0, 0; i < len(dst); i, at = i+1, at+step {
			dst[i] = float32(int16(le.Uint16(src[at:]))) / (1 << 15)
		}
	case l.width == 3:
		low, high := 0, 2
		if l.bigEndian {
			low, high = 2, 0
		}
		for i, at := 0, 0; i < len(dst); i, at = i+1, at+step {
			b := src[at : at+3]
			dst[i] = float32(int32(uint32(b[high])<<24|uint32(b[1])<<16|uint32(b[low])<<8)) / (1 << 31)
		}
	case l.width == 4 && l.bigEndian:
		for i, at := 0, 0; i < len(dst); i, at = i+1, at+step {
			dst[i] = float32(int32(be.Uint32(src[at:]))) / (1 << 31)
		}
	default:
		for i, at := 0, 0; i < len(dst); i, at = i+1, at+step {
			dst[i] = float32(int32(le.Uint32(src[at:]))) / (1 << 31)
		}
	}
}

// mono16 is the common case, eight samples at a time so that bounds are checked once for them.
func mono16(dst []float32, src []byte) {
	le := binary.LittleEndian
	const scale = 1.0 / (1 << 15)
	for len(dst) >= 8 && len(src) >= 16 {
		d, s := (*[8]float32)(dst), (*[16]byte)(src)
		a, b := le.Uint64(s[:8]), le.Uint64(s[8:])
		d[0] = float32(int16(a)) * scale
		d[1] = float32(int16(a>>16)) * scale
		d[2] = float32(int16(a>>32)) * scale
		d[3] = float32(int16(a>>48)) * scale
		d[4] = float32(int16(b)) * scale
		d[5] = float32(int16(b>>16)) * scale
		d[6] = float32(int16(b>>32)) * scale
		d[7] = float32(int16(b>>48)) * scale
		dst, src = dst[8:], src[16:]
	}
	for i := range dst {
		dst[i] = float32(int16(le.Uint16(src[2*i:]))) * scale
	}
}

func tableSamples(dst []float32, src []byte, step int, table *[256]float32) {
	for i, at := 0, 0; i < len(dst); i, at = i+1, at+step {
		dst[i] = table[src[at]]
	}
}

// table returns the values of all codes for codings of one byte, and nil for the others.
func (l layout) table() *[256]float32 {
	if l.width != 1 {
		return nil
	}
	table := new([256]float32)
	for code := range table {
		switch l.coding {
		case aLawCode:
			table[code] = float32(aLaw(byte(code))) / (1 << 15)
		case muLawCode:
			table[code] = float32(muLaw(byte(code))) / (1 << 15)
		case unsignedInt: // 128 is silence
			table[code] = float32(code-128) / (1 << 7)
		default:
			table[code] = float32(int8(code)) / (1 << 7)
		}
	}
	return table
}

// checkFinite returns the largest magnitude, or an error that names the first NaN or infinite sample. Without their sign,
// the bits of floats are in the order of their magnitudes, with infinity and then NaN on top.
func checkFinite(channels [][]float32) (peak float32, err error) {
	const sign, infinity = 1 << 31, 0x7F800000
	top := uint32(0)
	for c, plane := range channels {
		for _, v := range plane {
			top = max(top, math.Float32bits(v)&^sign)
		}
		if top >= infinity {
			i := slices.IndexFunc(plane, func(v float32) bool { return v-v != 0 })
			return 0, fmt.Errorf("sample %d of channel %d is %v: repair or drop the file: %w", i, c, plane[i], ErrNonFinite)
		}
	}
	return math.Float32frombits(top), nil
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

// extent is the part of a file that holds the samples.
type extent struct {
	data     []byte
	warnings []string
	short    bool // it ends before the size that the header names
}

// takeExtent returns the samples at the beginning of body when the header says that they take size bytes.
func takeExtent(body []byte, size uint64) extent {
	if size <= uint64(len(body)) {
		return extent{data: body[:size]}
	}
	return extent{body, []string{fmt.Sprintf("the header says %d data bytes and %d are there: the file is cut short",
		size, len(body))}, true}
}

// mark puts what was noticed about the extent into the clip that was decoded from it.
func (e extent) mark(clip *Clip, err error) (*Clip, error) {
	if err != nil {
		return nil, err
	}
	clip.Warnings = append(e.warnings, clip.Warnings...)
	clip.Truncated = clip.Truncated || e.short
	return clip, nil
}

// wholeRate returns the sampling rate of a header that stores it as a float: old Macintosh files say 22254.5454 Hz.
func wholeRate(hz float64) (rate int, warnings []string) {
	if !(hz >= 0.5 && hz < math.MaxInt32) {
		return 0, nil // layout.check refuses it
	}
	if r := math.Round(hz); r != hz {
		warnings = []string{fmt.Sprintf("the sampling rate %g Hz is no whole number: taken as %g", hz, r)}
	}
	return int(math.Round(hz)), warnings
}

package audio

import (
	"encoding/binary"
	"fmt"
	"math"
)

// aiffFile is what the chunk walk found.
type aiffFile struct {
	compressed bool   // AIFF-C
	common     []byte // body of the COMM chunk
	sound      []byte // body of the SSND chunk behind its offset and block size, as much of it as is present
	size       uint64 // bytes of it by the chunk header
	hasSound   bool
}

// decodeAIFF decodes AIFF (Apple "Audio Interchange File Format AIFF version 1.3", 1989) and AIFF-C (1991 draft) with
// uncompressed and G.711 samples.
func decodeAIFF(file []byte, lim Limits) (*Clip, error) {
	a, err := walkAIFF(file)
	if err != nil {
		return nil, err
	}
	l, frames, warnings, err := parseCOMM(a.common, a.compressed)
	if err != nil {
		return nil, err
	}
	if err := l.check(); err != nil {
		return nil, err
	}
	// Both chunks say how long the audio is. A writer into a pipe leaves 0 in both.
	body := a.sound
	if a.size > 0 {
		body = body[:min(a.size, uint64(len(body)))]
	}
	e := extent{data: body}
	switch {
	case frames > 0:
		e = takeExtent(body, uint64(frames)*uint64(l.channels*l.width))
	case a.size == 0 && len(body) > 0:
		e.warnings = []string{fmt.Sprintf("the header says no samples and %d bytes follow: decoded to the end of the file", len(body))}
	}
	e.warnings = append(warnings, e.warnings...)
	clip, err := l.decode(e.data, lim)
	return e.mark(clip, err)
}

// walkAIFF finds the COMM and SSND chunks, which may come in any order.
func walkAIFF(file []byte) (aiffFile, error) {
	be := binary.BigEndian
	a := aiffFile{compressed: string(file[8:12]) == "AIFC"}
	for pos := 12; len(file)-pos >= 8; {
		id, size := string(file[pos:pos+4]), uint64(be.Uint32(file[pos+4:]))
		body := file[pos+8:]
		switch {
		case id == "COMM":
			a.common = body[:min(size, uint64(len(body)))]
		case id == "SSND" && !a.hasSound:
			if len(body) < 8 {
				return a, fmt.Errorf("AIFF cut inside the header of its SSND chunk: %w", ErrCorrupt)
			}
			skip := 8 + uint64(be.Uint32(body))
			if skip > uint64(len(body)) {
				return a, fmt.Errorf("AIFF with samples at byte %d of an SSND chunk that ends at byte %d: %w", skip, len(body), ErrCorrupt)
			}
			a.sound, a.hasSound = body[skip:], true
			a.size = max(size, skip) - skip
		}
		if size >= uint64(len(body)) {
			break
		}
		pos += 8 + int(size) + int(size&1)
	}
	switch {
	case a.common == nil:
		return a, fmt.Errorf("AIFF without a COMM chunk: %w", ErrCorrupt)
	case !a.hasSound:
		return a, fmt.Errorf("AIFF without an SSND chunk: %w", ErrEmpty)
	}
	return a, nil
}

// parseCOMM reads the COMM chunk: channels, frames, bits, the sampling rate as an 80-bit float, and in AIFF-C the coding.
func parseCOMM(b []byte, compressed bool) (l layout, frames uint32, warnings []string, err error) {
	be := binary.BigEndian
	need := 18
	if compressed {
		need = 22
	}
	if len(b) < need {
		return l, 0, nil, fmt.Errorf("AIFF COMM chunk of %d bytes, at least %d are needed: %w", len(b), need, ErrCorrupt)
	}
	l = layout{container: "aiff", bigEndian: true, channels: int(be.Uint16(b)), bits: int(be.Uint16(b[6:]))}
	l.rate, warnings = wholeRate(extended(b[8:18]))
	l.width = (l.bits + 7) / 8
	if compressed {
		err = l.setAIFCCoding(string(b[18:22]))
	}
	return l, be.Uint32(b[2:]), warnings, err
}

// setAIFCCoding applies a compression type of AIFF-C.
func (l *layout) setAIFCCoding(coding string) error {
	switch coding {
	case "NONE", "twos", "in24", "in32":
	case "sowt", "42ni", "23ni":
		l.bigEndian = false
	case "raw ":
		l.coding = unsignedInt
	case "fl32", "FL32":
		l.coding, l.width, l.bits = floating, 4, 32
	case "fl64", "FL64":
		l.coding, l.width, l.bits = floating, 8, 64
	case "alaw", "ALAW":
		l.coding, l.width, l.bits = aLawCode, 1, 8
	case "ulaw", "ULAW":
		l.coding, l.width, l.bits = muLawCode, 1, 8
	default:
		return fmt.Errorf("AIFF-C with the coding %q; %s: %w", coding, convertAdvice, ErrUnsupportedFormat)
	}
	return nil
}

// extended returns an 80-bit IEEE 754 number: sign and 15 bits of exponent, then a mantissa with its leading 1.
func extended(b []byte) float64 {
	head := binary.BigEndian.Uint16(b)
	v := math.Ldexp(float64(binary.BigEndian.Uint64(b[2:])), int(head&0x7FFF)-16383-63)
	if head&0x8000 != 0 {
		return -v
	}
	return v
}

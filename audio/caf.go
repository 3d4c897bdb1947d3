package audio

import (
	"encoding/binary"
	"fmt"
	"math"
)

// decodeCAF decodes Apple's Core Audio Format (Apple "Core Audio Format Specification 1.0") with linear PCM and G.711.
func decodeCAF(file []byte, lim Limits) (*Clip, error) {
	be := binary.BigEndian
	if len(file) < 8 {
		return nil, fmt.Errorf("CAF cut inside its header (%d bytes): %w", len(file), ErrCorrupt)
	}
	var description []byte
	for pos := 8; len(file)-pos >= 12; {
		id, size := string(file[pos:pos+4]), be.Uint64(file[pos+4:])
		body := file[pos+12:]
		switch id {
		case "desc":
			description = body[:min(size, uint64(len(body)))]
		case "data":
			return decodeCAFData(description, body, size, lim)
		}
		if size >= uint64(len(body)) {
			break
		}
		pos += 12 + int(size)
	}
	return nil, fmt.Errorf("CAF without a data chunk: %w", ErrEmpty)
}

// decodeCAFData decodes a data chunk of size bytes that begins at body: an edit count of 4 bytes, then samples. The size
// is -1 in a last chunk whose writer could not go back.
func decodeCAFData(description, body []byte, size uint64, lim Limits) (*Clip, error) {
	l, warnings, err := parseCAFDescription(description)
	if err != nil {
		return nil, err
	}
	if len(body) < 4 || size < 4 {
		return nil, fmt.Errorf("CAF with a data chunk of %d bytes: %w", min(size, uint64(len(body))), ErrEmpty)
	}
	e := extent{data: body[4:]}
	if size == math.MaxUint64 {
		e.warnings = []string{"the data chunk has no size: decoded to the end of the file"}
	} else {
		e = takeExtent(e.data, size-4)
	}
	e.warnings = append(warnings, e.warnings...)
	clip, err := l.decode(e.data, lim)
	return e.mark(clip, err)
}

// parseCAFDescription reads the desc chunk: rate, coding and its flags, bytes and frames of a packet, channels, bits.
func parseCAFDescription(b []byte) (l layout, warnings []string, err error) {
	const isFloat, isLittleEndian = 1, 2
	be := binary.BigEndian
	if len(b) < 32 {
		return l, nil, fmt.Errorf("CAF desc chunk of %d bytes before the data, 32 are needed: %w", len(b), ErrCorrupt)
	}
	id, flags := string(b[8:12]), be.Uint32(b[12:])
	packet, perPacket := be.Uint32(b[16:]), be.Uint32(b[20:])
	l = layout{container: "caf", channels: int(min(be.Uint32(b[24:]), math.MaxInt32)), bits: int(min(be.Uint32(b[28:]), 1<<16))}
	l.rate, warnings = wholeRate(math.Float64frombits(be.Uint64(b)))
	switch id {
	case "lpcm":
		l.bigEndian = flags&isLittleEndian == 0
		if flags&isFloat != 0 {
			l.coding = floating
		}
	case "alaw":
		l.coding, l.bits = aLawCode, 8
	case "ulaw":
		l.coding, l.bits = muLawCode, 8
	default:
		return l, nil, fmt.Errorf("CAF that holds %q; %s: %w", id, convertAdvice, ErrUnsupportedFormat)
	}
	l.width = (l.bits + 7) / 8
	if err := l.check(); err != nil {
		return l, nil, err
	}
	if perPacket != 1 || uint64(packet) != uint64(l.width*l.channels) {
		return l, nil, fmt.Errorf("CAF with %d frames in packets of %d bytes, want 1 in %d; %s: %w",
			perPacket, packet, l.width*l.channels, convertAdvice, ErrUnsupportedFormat)
	}
	return l, warnings, nil
}

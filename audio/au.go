package audio

import (
	"encoding/binary"
	"fmt"
	"math"
)

// decodeAU decodes Sun and NeXT audio (Sun "audio file format" manual page au(4)): six 32-bit words, a comment, samples.
// Little-endian machines, and sox for them, write all of it the other way round, so that the magic ".snd" reads "dns."; DEC's
// own magic is ".sd" and a zero, or its reverse.
func decodeAU(file []byte, lim Limits) (*Clip, error) {
	if len(file) < 24 {
		return nil, fmt.Errorf("AU cut inside its header (%d bytes): %w", len(file), ErrCorrupt)
	}
	order := binary.ByteOrder(binary.BigEndian)
	l := layout{container: "au", bigEndian: true}
	if magic := string(file[:4]); magic == "dns." || magic == "\x00ds." {
		order, l.bigEndian = binary.LittleEndian, false
	}
	start, size := order.Uint32(file[4:]), order.Uint32(file[8:])
	if start < 24 || uint64(start) > uint64(len(file)) {
		return nil, fmt.Errorf("AU with samples at byte %d of %d: %w", start, len(file), ErrCorrupt)
	}
	if err := l.setAUCoding(order.Uint32(file[12:])); err != nil {
		return nil, err
	}
	l.rate = int(int32(order.Uint32(file[16:])))
	l.channels = int(min(order.Uint32(file[20:]), math.MaxInt32))
	e := extent{data: file[start:]}
	if size == math.MaxUint32 {
		e.warnings = []string{"the header names no size (written to a pipe): decoded to the end of the file"}
	} else {
		e = takeExtent(e.data, uint64(size))
	}
	clip, err := l.decode(e.data, lim)
	return e.mark(clip, err)
}

// setAUCoding applies the encoding word of the header.
func (l *layout) setAUCoding(encoding uint32) error {
	switch encoding {
	case 1:
		l.coding, l.width = muLawCode, 1
	case 2, 3, 4, 5:
		l.coding, l.width = signedInt, int(encoding)-1
	case 6:
		l.coding, l.width = floating, 4
	case 7:
		l.coding, l.width = floating, 8
	case 27:
		l.coding, l.width = aLawCode, 1
	default:
		return fmt.Errorf("AU with encoding %d; %s: %w", encoding, convertAdvice, ErrUnsupportedFormat)
	}
	l.bits = 8 * l.width
	return nil
}

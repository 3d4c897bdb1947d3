package flac

import (
	"encoding/binary"
	"fmt"
)

// Info is what the STREAMINFO block says (RFC 9639 section 8.2). Nothing but Rate, Channels and Bits is verified by
// decoding: the rest are an encoder's claims.
type Info struct {
	Rate     int      // sampling rate in Hz
	Channels int      // 1 to 8
	Bits     int      // bits a sample, 4 to 32
	Samples  uint64   // samples of each channel; 0: unknown
	MD5      [16]byte // of all samples, as [Decoder.MD5] gives it; zero: absent
	MinBlock int      // samples of each channel in the shortest frame, the last left aside
	MaxBlock int      // and in the longest

	maxFrame int // bytes of the longest frame; 0: unknown
}

const streamInfoLen = 34

// readMetadata reads from "fLaC" to the first frame and returns where that begins.
func readMetadata(data []byte) (Info, int, error) {
	const signature = "fLaC"
	switch {
	case len(data) < len(signature)+4:
		return Info{}, 0, fmt.Errorf("%d bytes are no file: %w", len(data), ErrTruncated)
	case string(data[:len(signature)]) != signature:
		return Info{}, 0, fmt.Errorf("the data begins with %q and not with %q: %w", data[:len(signature)], signature, ErrCorrupt)
	}
	var info Info
	for at, first := len(signature), true; ; first = false {
		if len(data)-at < 4 {
			return Info{}, 0, fmt.Errorf("header of a metadata block at byte %d: %w", at, ErrTruncated)
		}
		head := binary.BigEndian.Uint32(data[at:])
		last, kind, size := head>>31 == 1, head>>24&0x7F, int(head&0xFFFFFF)
		at += 4
		if len(data)-at < size {
			return Info{}, 0, fmt.Errorf("metadata block of %d bytes at byte %d: %w", size, at, ErrTruncated)
		}
		switch {
		case first != (kind == 0):
			return Info{}, 0, fmt.Errorf("metadata block of type %d at byte %d, and STREAMINFO comes first and once: %w", kind, at, ErrCorrupt)
		case kind == 127:
			return Info{}, 0, fmt.Errorf("metadata block of forbidden type 127 at byte %d: %w", at, ErrCorrupt)
		case first:
			var err error
			if info, err = readStreamInfo(data[at : at+size]); err != nil {
				return Info{}, 0, err
			}
		}
		at += size
		if last {
			return info, at, nil
		}
	}
}

// readStreamInfo reads the body of a STREAMINFO block.
func readStreamInfo(b []byte) (Info, error) {
	if len(b) != streamInfoLen {
		return Info{}, fmt.Errorf("STREAMINFO of %d bytes, want %d: %w", len(b), streamInfoLen, ErrCorrupt)
	}
	packed := binary.BigEndian.Uint64(b[10:]) // rate 20 bits, channels-1 3, bits-1 5, samples 36
	info := Info{
		MinBlock: int(binary.BigEndian.Uint16(b)),
		MaxBlock: int(binary.BigEndian.Uint16(b[2:])),
		maxFrame: int(binary.BigEndian.Uint32(b[6:]) & 0xFFFFFF),
		Rate:     int(packed >> 44),
		Channels: int(packed>>41&7) + 1,
		Bits:     int(packed>>36&31) + 1,
		Samples:  packed & (1<<36 - 1),
		MD5:      [16]byte(b[18:]),
	}
	if info.Rate == 0 || info.Bits < 4 {
		return Info{}, fmt.Errorf("STREAMINFO says %d Hz and %d bits a sample: %w", info.Rate, info.Bits, ErrCorrupt)
	}
	return info, nil
}

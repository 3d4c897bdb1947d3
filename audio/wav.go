package audio

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Format tags of the WAV fmt chunk (RFC 2361 and mmreg.h).
const (
	tagPCM        = 0x0001
	tagFloat      = 0x0003
	tagALaw       = 0x0006
	tagMuLaw      = 0x0007
	tagExtensible = 0xFFFE
)

// maxChannels refuses headers that are surely damaged; the largest real layouts (7th order ambisonics) have 64.
const maxChannels = 256

// wavFormat is the fmt chunk, with WAVE_FORMAT_EXTENSIBLE already resolved to the coding inside.
type wavFormat struct {
	tag        int // tagPCM, tagFloat, ...
	channels   int
	rate       int // Hz
	blockAlign int // bytes of one frame, as the header says
	bits       int // significant bits of a sample
	width      int // bytes that one sample takes
}

// wavFile is what the chunk walk found.
type wavFile struct {
	order    binary.ByteOrder // big-endian in RIFX files, little-endian otherwise
	format   []byte           // body of the fmt chunk
	data     []byte           // body of the data chunk, as much of it as is present
	hasData  bool
	warnings []string
	short    bool // the data chunk ends before its size
}

// decodeWAV decodes RIFF, RIFX, RF64 and BW64 files (Microsoft "Multimedia Programming Interface and Data
// Specifications 1.0", EBU Tech 3306, ITU-R BS.2088).
func decodeWAV(file []byte, lim Limits) (*Clip, error) {
	w, err := walkRIFF(file)
	if err != nil {
		return nil, err
	}
	f, warnings, err := parseWAVFormat(w.format, w.order)
	if err != nil {
		return nil, err
	}
	w.warnings = append(w.warnings, warnings...)
	coding, name, err := wavCoding(f, w.order)
	if err != nil {
		return nil, err
	}
	frame := f.width * f.channels
	frames := len(w.data) / frame
	if rest := len(w.data) % frame; rest > 0 {
		w.warnings = append(w.warnings, fmt.Sprintf("the data ends inside a frame: its last %d bytes are dropped", rest))
	}
	if frames == 0 {
		return nil, fmt.Errorf("WAV header without samples (%d data bytes, a frame takes %d): %w", len(w.data), frame, ErrEmpty)
	}
	if err := lim.check(uint64(frames), f.channels, f.rate); err != nil {
		return nil, err
	}
	channels := deinterleave(w.data, frames, f.channels, f.width, coding)
	if f.tag == tagFloat {
		peak, err := checkFinite(channels)
		if err != nil {
			return nil, err
		}
		if peak > 1 {
			w.warnings = append(w.warnings, fmt.Sprintf("float samples reach %.3g, beyond full scale: they clip when stored as integers", peak))
		}
	}
	return &Clip{Rate: f.rate, Channels: channels, Warnings: w.warnings, Truncated: w.short, Format: name, Bits: f.bits}, nil
}

// walkRIFF finds the fmt and data chunks. Other chunks are skipped, with the pad byte that follows an odd size.
func walkRIFF(file []byte) (wavFile, error) {
	w := wavFile{order: binary.LittleEndian}
	if string(file[:4]) == "RIFX" {
		w.order = binary.BigEndian
	}
	var data64 uint64 // size of the data chunk from ds64
	for pos := 12; len(file)-pos >= 8 && !w.hasData; {
		id, size := string(file[pos:pos+4]), uint64(w.order.Uint32(file[pos+4:]))
		body := file[pos+8:]
		whole := body[:min(size, uint64(len(body)))]
		switch id {
		case "ds64":
			if len(whole) >= 16 {
				data64 = w.order.Uint64(whole[8:])
			}
		case "fmt ":
			w.format = whole
		case "data":
			if size == math.MaxUint32 && data64 > 0 {
				size = data64
			}
			w.hasData = true
			w.takeData(body, size)
		}
		if size >= uint64(len(body)) {
			break
		}
		pos += 8 + int(size) + int(size&1)
	}
	switch {
	case !w.hasData && len(file) < 44:
		return w, fmt.Errorf("WAV cut inside its header (%d bytes): %w", len(file), ErrCorrupt)
	case w.format == nil:
		return w, fmt.Errorf("WAV without a fmt chunk before its data: %w", ErrCorrupt)
	case !w.hasData:
		return w, fmt.Errorf("WAV without a data chunk: %w", ErrEmpty)
	}
	return w, nil
}

// pipeSize is what sox writes as size into a pipe; ffmpeg writes 2^32-1. Both read to the end of what is there.
const pipeSize = 0x7ffff000

// takeData sets the data of a data chunk that says it has size bytes, when body is everything after the chunk header.
// Programs that write to a pipe cannot go back to fill in the size and leave 0 or a huge one.
func (w *wavFile) takeData(body []byte, size uint64) {
	w.data = body[:min(size, uint64(len(body)))]
	switch {
	case size == 0 && len(body) > 0 && !isChunkChain(body, w.order):
		w.data = body
		w.warnings = append(w.warnings, fmt.Sprintf("the data chunk says 0 bytes and %d follow: decoded to the end of the file", len(body)))
	case size >= pipeSize && size <= math.MaxUint32 && size > uint64(len(body)):
		w.warnings = append(w.warnings, "the data chunk has no size (written to a pipe): decoded to the end of the file")
	case size > uint64(len(body)):
		w.warnings = append(w.warnings, fmt.Sprintf("the data chunk says %d bytes and %d are there: the file is cut short", size, len(body)))
		w.short = true
	}
}

// isChunkChain reports whether b is a sequence of whole RIFF chunks with printable names, and thus no samples.
func isChunkChain(b []byte, order binary.ByteOrder) bool {
	for len(b) >= 8 {
		for _, c := range b[:4] {
			if c < ' ' || c > '~' {
				return false
			}
		}
		size := uint64(order.Uint32(b[4:]))
		size += 8 + size&1
		if size > uint64(len(b))+1 { // the last pad byte is often missing
			return false
		}
		b = b[min(size, uint64(len(b))):]
	}
	return len(b) == 0
}

// parseWAVFormat reads the fmt chunk: tag, channels, rate, byte rate, block align, bits, and the extension.
func parseWAVFormat(b []byte, order binary.ByteOrder) (f wavFormat, warnings []string, err error) {
	if len(b) < 16 {
		return f, nil, fmt.Errorf("WAV fmt chunk of %d bytes, at least 16 are needed: %w", len(b), ErrCorrupt)
	}
	f.tag = int(order.Uint16(b))
	f.channels = int(order.Uint16(b[2:]))
	rate := order.Uint32(b[4:])
	f.blockAlign = int(order.Uint16(b[12:]))
	f.bits = int(order.Uint16(b[14:]))
	container := f.bits
	if f.tag == tagExtensible {
		if f.tag, err = extensibleTag(b, order); err != nil {
			return f, nil, err
		}
		if valid := int(order.Uint16(b[18:])); valid > 0 && valid < f.bits {
			f.bits = valid
		}
	}
	if err := checkCoding(f.tag); err != nil {
		return f, nil, err
	}
	switch {
	case f.channels == 0:
		return f, nil, fmt.Errorf("WAV header says 0 channels: %w", ErrCorrupt)
	case f.channels > maxChannels:
		return f, nil, fmt.Errorf("WAV header says %d channels, at most %d make sense: %w", f.channels, maxChannels, ErrCorrupt)
	case rate == 0 || rate > math.MaxInt32:
		return f, nil, fmt.Errorf("WAV header says a sampling rate of %d Hz: %w", rate, ErrCorrupt)
	case container == 0:
		return f, nil, fmt.Errorf("WAV header says 0 bits a sample: %w", ErrCorrupt)
	}
	f.rate = int(rate)
	f.width = (container + 7) / 8
	// The block align is the authority on padding, for example 24 bits in 4 bytes, as long as it makes sense.
	if w := f.blockAlign / f.channels; w*f.channels == f.blockAlign && w > f.width && w <= 4 && f.tag == tagPCM {
		f.width = w
	}
	if f.blockAlign != f.width*f.channels {
		warnings = append(warnings, fmt.Sprintf("the header says %d bytes a frame; %d channels of %d bits take %d, which was used",
			f.blockAlign, f.channels, container, f.width*f.channels))
	}
	return f, warnings, nil
}

// extensibleTag returns the format tag inside a WAVE_FORMAT_EXTENSIBLE chunk: the first field of its sub-format GUID
// when the others are those of KSDATAFORMAT_SUBTYPE_*.
func extensibleTag(b []byte, order binary.ByteOrder) (int, error) {
	if len(b) < 40 {
		return 0, fmt.Errorf("WAV extensible fmt chunk of %d bytes, 40 are needed: %w", len(b), ErrCorrupt)
	}
	tag := order.Uint32(b[24:])
	if tag > math.MaxUint16 || order.Uint16(b[28:]) != 0 || order.Uint16(b[30:]) != 0x10 ||
		string(b[32:40]) != "\x80\x00\x00\xaa\x00\x38\x9b\x71" {
		return 0, fmt.Errorf("WAV with the unknown sub-format %x; convert it first, for example: ffmpeg -i IN OUT.flac: %w",
			b[24:40], ErrUnsupportedFormat)
	}
	return int(tag), nil
}

// checkCoding refuses the codings that are not decoded, by name.
func checkCoding(tag int) error {
	name := fmt.Sprintf("a coding with format tag 0x%04x", tag)
	switch tag {
	case tagPCM, tagFloat, tagALaw, tagMuLaw:
		return nil
	case 0x0002:
		name = "Microsoft ADPCM"
	case 0x0011:
		name = "IMA ADPCM"
	case 0x0031:
		name = "GSM 6.10"
	case 0x0040:
		name = "G.721 ADPCM"
	case 0x0050:
		name = "MPEG layer 2"
	case 0x0055:
		name = "MP3"
	case 0x0064:
		name = "G.726 ADPCM"
	case 0x00FF, 0x1610:
		name = "AAC"
	case 0x0161:
		name = "Windows Media Audio"
	}
	return fmt.Errorf("WAV that holds %s; convert it first, for example: ffmpeg -i IN OUT.flac: %w", name, ErrUnsupportedFormat)
}

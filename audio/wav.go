package audio

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Format tags of the WAV fmt chunk (RFC 2361 and mmreg.h).
const (
	tagPCM        = 0x0001
	tagMSADPCM    = 0x0002
	tagFloat      = 0x0003
	tagALaw       = 0x0006
	tagMuLaw      = 0x0007
	tagIMAADPCM   = 0x0011
	tagGSM        = 0x0031
	tagMP3        = 0x0055
	tagExtensible = 0xFFFE
)

// wavFormat is the fmt chunk, with WAVE_FORMAT_EXTENSIBLE already resolved to the coding inside.
type wavFormat struct {
	tag        int // tagPCM, tagFloat, ...
	channels   int
	rate       int // Hz
	blockAlign int // bytes of one frame or block, as the header says
	container  int // bits that one sample takes
	bits       int // significant bits of a sample
	extra      []byte
}

// wavFile is what the chunk walk found, in any of the containers that carry a fmt chunk.
type wavFile struct {
	container string           // "wav" or "w64"
	order     binary.ByteOrder // big-endian in RIFX files, little-endian otherwise
	format    []byte           // body of the fmt chunk
	samples   uint64           // samples of a channel by the fact chunk, 0 without one
	extent                     // body of the data chunk, as much of it as is present
	hasData   bool
}

// decodeWAV decodes RIFF, RIFX, RF64 and BW64 files (Microsoft "Multimedia Programming Interface and Data
// Specifications 1.0", EBU Tech 3306, ITU-R BS.2088).
func decodeWAV(file []byte, lim Limits) (*Clip, error) {
	w, err := walkRIFF(file)
	if err != nil {
		return nil, err
	}
	clip, err := w.decode(lim)
	return w.mark(clip, err)
}

// decode decodes the data chunk as the fmt chunk says.
func (w *wavFile) decode(lim Limits) (*Clip, error) {
	f, err := parseWAVFormat(w.format, w.order)
	if err != nil {
		return nil, err
	}
	switch f.tag {
	case tagPCM, tagFloat, tagALaw, tagMuLaw:
		return w.decodePlain(f, lim)
	case tagIMAADPCM, tagMSADPCM, tagGSM:
		return w.decodeBlocks(f, lim)
	case tagMP3:
		return decodeMP3(w.data, w.container+"/mp3", lim)
	}
	return nil, fmt.Errorf("WAV that holds %s; %s: %w", codingName(f.tag), convertAdvice, ErrUnsupportedFormat)
}

// decodePlain decodes samples that are stored one by one.
func (w *wavFile) decodePlain(f wavFormat, lim Limits) (*Clip, error) {
	l := layout{container: w.container, bigEndian: w.order == binary.ByteOrder(binary.BigEndian), width: (f.container + 7) / 8,
		bits: f.bits, channels: f.channels, rate: f.rate}
	switch {
	case f.tag == tagFloat:
		l.coding = floating
	case f.tag == tagALaw:
		l.coding = aLawCode
	case f.tag == tagMuLaw:
		l.coding = muLawCode
	case l.width == 1:
		l.coding = unsignedInt // the only unsigned form
	}
	if err := l.check(); err != nil {
		return nil, err
	}
	// The block align is the authority on padding, for example 24 bits in 4 bytes, as long as it makes sense.
	if b := f.blockAlign / f.channels; b*f.channels == f.blockAlign && b > l.width && b <= 4 && f.tag == tagPCM {
		l.width = b
		l.coding = signedInt
	}
	if f.blockAlign != l.width*l.channels {
		w.warnings = append(w.warnings, fmt.Sprintf("the header says %d bytes a frame; %d channels of %d bits take %d, which was used",
			f.blockAlign, f.channels, f.container, l.width*l.channels))
	}
	return l.decode(w.data, lim)
}

// walkRIFF finds the fmt and data chunks. Other chunks are skipped, with the pad byte that follows an odd size.
func walkRIFF(file []byte) (wavFile, error) {
	w := wavFile{container: "wav", order: binary.LittleEndian}
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
		case "fact":
			if len(whole) >= 4 {
				w.samples = uint64(w.order.Uint32(whole))
			}
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
	return w, w.complete(len(file))
}

// complete says what is missing after the chunks of a file of size bytes.
func (w *wavFile) complete(size int) error {
	switch {
	case !w.hasData && size < 44:
		return fmt.Errorf("WAV cut inside its header (%d bytes): %w", size, ErrCorrupt)
	case w.format == nil:
		return fmt.Errorf("WAV without a fmt chunk before its data: %w", ErrCorrupt)
	case !w.hasData:
		return fmt.Errorf("WAV without a data chunk: %w", ErrEmpty)
	}
	return nil
}

// pipeSize is what sox writes as size into a pipe; ffmpeg writes 2^32-1. Both read to the end of what is there.
const pipeSize = 0x7ffff000

// takeData sets the data of a data chunk that says it has size bytes, when body is everything after the chunk header.
// Programs that write to a pipe cannot go back to fill in the size and leave 0 or a huge one.
func (w *wavFile) takeData(body []byte, size uint64) {
	switch {
	case size == 0 && len(body) > 0 && !isChunkChain(body, w.order):
		w.data = body
		w.warnings = append(w.warnings, fmt.Sprintf("the data chunk says 0 bytes and %d follow: decoded to the end of the file", len(body)))
	case size >= pipeSize && size <= math.MaxUint32 && size > uint64(len(body)):
		w.data = body
		w.warnings = append(w.warnings, "the data chunk has no size (written to a pipe): decoded to the end of the file")
	default:
		w.extent = takeExtent(body, size)
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
func parseWAVFormat(b []byte, order binary.ByteOrder) (f wavFormat, err error) {
	if len(b) < 16 {
		return f, fmt.Errorf("WAV fmt chunk of %d bytes, at least 16 are needed: %w", len(b), ErrCorrupt)
	}
	f.tag = int(order.Uint16(b))
	f.channels = int(order.Uint16(b[2:]))
	f.rate = int(int32(order.Uint32(b[4:]))) // above 2^31 it becomes negative, which layout.check refuses
	f.blockAlign = int(order.Uint16(b[12:]))
	f.container = int(order.Uint16(b[14:]))
	f.bits = f.container
	if f.tag == tagExtensible {
		if f.tag, err = extensibleTag(b, order); err != nil {
			return f, err
		}
		if valid := int(order.Uint16(b[18:])); valid > 0 && valid < f.bits {
			f.bits = valid
		}
	}
	if len(b) >= 18 {
		f.extra = b[18:min(len(b), 18+int(order.Uint16(b[16:])))]
	}
	return f, nil
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
		return 0, fmt.Errorf("WAV with the unknown sub-format %x; %s: %w", b[24:40], convertAdvice, ErrUnsupportedFormat)
	}
	return int(tag), nil
}

// codingName names a format tag that is not decoded.
func codingName(tag int) string {
	switch tag {
	case 0x0040:
		return "G.721 ADPCM"
	case 0x0050:
		return "MPEG layer 2"
	case 0x0064:
		return "G.726 ADPCM"
	case 0x028F:
		return "G.722 ADPCM"
	case 0x00FF, 0x1610:
		return "AAC"
	case 0x0161:
		return "Windows Media Audio"
	}
	return fmt.Sprintf("a coding with format tag 0x%04x", tag)
}

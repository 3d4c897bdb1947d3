package audio

import (
	"encoding/binary"
	"fmt"
)

// The 16-byte names of Wave64 chunks are GUIDs that begin with the four letters of their RIFF counterpart.
const (
	w64Riff = "riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00"
	w64Tail = "\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a" // behind "wave", "fmt ", "fact", "data"
)

// decodeW64 decodes Sony Wave64 (Sonic Foundry "Wave64 file format"): WAV with GUIDs for names, 64-bit sizes that count
// the 24 bytes of the chunk header, and chunks that begin at multiples of 8.
func decodeW64(file []byte, lim Limits) (*Clip, error) {
	le := binary.LittleEndian
	if len(file) < 40 || string(file[:16]) != w64Riff || string(file[24:40]) != "wave"+w64Tail {
		return nil, fmt.Errorf("Wave64 without its riff and wave names: %w", ErrCorrupt)
	}
	w := wavFile{container: "w64", order: le}
	for pos := 40; len(file)-pos >= 24 && !w.hasData; {
		id, size := string(file[pos:pos+16]), le.Uint64(file[pos+16:])
		if size < 24 {
			return nil, fmt.Errorf("Wave64 chunk of %d bytes at byte %d, its header takes 24: %w", size, pos, ErrCorrupt)
		}
		body := file[pos+24:]
		size -= 24
		whole := body[:min(size, uint64(len(body)))]
		switch id {
		case "fmt " + w64Tail:
			w.format = whole
		case "fact" + w64Tail:
			if len(whole) >= 8 {
				w.samples = le.Uint64(whole)
			}
		case "data" + w64Tail:
			w.hasData = true
			w.extent = takeExtent(body, size)
		}
		if size+7 >= uint64(len(body)) {
			break
		}
		pos += 24 + int((size+7)&^7)
	}
	if err := w.complete(len(file)); err != nil {
		return nil, err
	}
	clip, err := w.decode(lim)
	return w.mark(clip, err)
}

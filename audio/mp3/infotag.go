package mp3

import "encoding/binary"

// decoderDelay is by how many samples Layer III decoding lags: 528 of the hybrid filter bank and one of convention.
const decoderDelay = 528 + 1

// infoTag is what an encoder says about the whole file in a first frame that holds no audio. The layout is the one that
// Xing began and LAME extended ("Mp3 Info Tag revision 1"), or VBRI of Fraunhofer, which says nothing of delay.
type infoTag struct {
	frames  int  // number of frames after this one; 0 is unknown
	bytes   int  // length of the stream from this frame on; 0 is unknown
	gapless bool // delay and padding are known
	delay   int  // samples that the encoder put before the audio
	padding int  // samples that it put behind it
}

// parseInfoTag looks for a tag in a whole Layer III frame.
func parseInfoTag(h header, frame []byte) (infoTag, bool) {
	at := 4 + h.sideInfoBytes() // a CRC does not move it
	if len(frame) >= at+8 && (string(frame[at:at+4]) == "Xing" || string(frame[at:at+4]) == "Info") {
		return parseXing(frame[at+4:]), true
	}
	const vbri = 4 + 32
	if len(frame) >= vbri+18 && string(frame[vbri:vbri+4]) == "VBRI" {
		return infoTag{
			bytes:  int(binary.BigEndian.Uint32(frame[vbri+10:])),
			frames: int(binary.BigEndian.Uint32(frame[vbri+14:])),
		}, true
	}
	return infoTag{}, false
}

// parseXing reads what follows "Xing" or "Info": flags, the fields that they name, and LAME's extension.
func parseXing(b []byte) infoTag {
	var tag infoTag
	flags := binary.BigEndian.Uint32(b)
	b = b[4:]
	field := func(flag uint32, n int) []byte {
		if flags&flag == 0 || len(b) < n {
			return nil
		}
		f := b[:n]
		b = b[n:]
		return f
	}
	if f := field(1, 4); f != nil {
		tag.frames = int(binary.BigEndian.Uint32(f))
	}
	if f := field(2, 4); f != nil {
		tag.bytes = int(binary.BigEndian.Uint32(f))
	}
	field(4, 100) // table of contents
	field(8, 4)   // quality
	if len(b) < 24 {
		return tag
	}
	switch string(b[:4]) {
	case "LAME", "Lavf", "Lavc": // others leave these fields without meaning
		v := int(b[21])<<16 | int(b[22])<<8 | int(b[23])
		tag.gapless, tag.delay, tag.padding = true, v>>12, v&0xfff
	}
	return tag
}

// span says which of the decoded samples are kept: those from start on, except [cut, cutEnd).
type span struct{ start, cut, cutEnd int }

// trim computes the span of a stream of total samples in frames of perFrame samples. available is the number of bytes
// from the tag's frame to the end of the file, tags included.
//
// It follows libavformat, so that lengths agree with ffmpeg's: the padding is cut where the number of frames puts it and
// not at the end of the data, and not at all when the file is longer than the tag says by more than a sixteenth, as when
// files were concatenated.
func (t infoTag) trim(total, perFrame, available int) span {
	s := span{cut: total, cutEnd: total}
	if !t.gapless {
		return s
	}
	s.start = min(t.delay+decoderDelay, total)
	if t.frames == 0 || t.outgrown(available) {
		return s
	}
	end := t.frames * perFrame
	s.cut = max(min(end-t.padding+decoderDelay, end, total), s.start)
	s.cutEnd = max(min(end, total), s.cut)
	return s
}

// outgrown says whether the file is longer than its tag by more than a sixteenth. libavformat compares with what is left
// behind the header of the tag's frame.
func (t infoTag) outgrown(available int) bool {
	return t.bytes > 0 && available-4-t.bytes > t.bytes>>4
}

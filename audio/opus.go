package audio

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/pion/opus"
)

const (
	opusRate      = 48000
	opusMaxPacket = opusRate * 120 / 1000 // samples of the longest packet
)

// opusHead is the identification header of Opus in Ogg (RFC 7845 section 5.1).
type opusHead struct {
	channels int
	preSkip  int     // samples at 48 kHz that warm the decoder up
	gain     float32 // factor for the output
}

// decodeOpus appends the samples of a stream to the clip, at 48 kHz as every Opus decoder is specified; the rate in the
// header only tells what the encoder was given.
func decodeOpus(s *oggStream, clip *Clip, lim Limits) (err error) {
	// A damaged packet may bring the library to index out of range; that is a property of the file and not of this program.
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("opus decoder stopped on damaged data (%v): %w", p, ErrCorrupt)
		}
	}()
	head, err := parseOpusHead(s)
	if err != nil {
		return err
	}
	if err := clip.begin(opusRate, head.channels); err != nil {
		return err
	}
	o := opusStream{opusHead: head, clip: clip, lim: lim, clock: oggClock{base: clip.Frames()},
		buffer: make([]float32, opusMaxPacket*head.channels)}
	if o.decoder, err = opus.NewDecoderWithOutput(opusRate, head.channels); err != nil {
		return fmt.Errorf("opus decoder for %d channels: %w", head.channels, err)
	}
	total, i := 0, 0
	for p := range s.packets() {
		if i++; i > 2 {
			total += opusDuration(p.data)
		}
	}
	clip.reserve(total, lim)
	i = 0
	for p := range s.packets() {
		if i++; i <= 2 { // the identification and the comments
			continue
		}
		if err := o.packet(p); err != nil {
			return err
		}
	}
	clip.cut(o.clock.base, oggTrim{front: min(head.preSkip, clip.Frames()-o.clock.base)})
	return nil
}

// parseOpusHead reads the header, and refuses what needs more than one Opus stream inside.
func parseOpusHead(s *oggStream) (h opusHead, err error) {
	var b []byte
	for p := range s.packets() {
		b = p.data
		break
	}
	le := binary.LittleEndian
	if len(b) < 19 {
		return h, fmt.Errorf("opus header of %d bytes, 19 are needed: %w", len(b), ErrCorrupt)
	}
	if b[8]>>4 != 0 {
		return h, fmt.Errorf("opus header of version %d; %s: %w", b[8], convertAdvice, ErrUnsupportedFormat)
	}
	h = opusHead{int(b[9]), int(le.Uint16(b[10:])), 1}
	if gain := int16(le.Uint16(b[16:])); gain != 0 {
		h.gain = float32(math.Pow(10, float64(gain)/(20*256)))
	}
	family := b[18]
	switch {
	case h.channels == 0:
		return h, fmt.Errorf("opus header says 0 channels: %w", ErrCorrupt)
	case family == 0 && h.channels <= 2:
		return h, nil
	case family == 0:
		return h, fmt.Errorf("opus header says %d channels of mapping family 0, which has at most 2: %w", h.channels, ErrCorrupt)
	case family == 1 && len(b) >= 21+h.channels && h.channels <= 2 && b[19] == 1 && int(b[20]) == h.channels-1 &&
		string(b[21:21+h.channels]) == "\x00\x01"[:h.channels]:
		return h, nil
	}
	return h, fmt.Errorf("opus with %d channels of mapping family %d (multistream); %s: %w", h.channels, family, convertAdvice, ErrUnsupportedFormat)
}

// opusStream decodes the packets of one stream.
type opusStream struct {
	opusHead
	decoder opus.Decoder
	clip    *Clip
	lim     Limits
	buffer  []float32 // samples of one packet, interleaved
	clock   oggClock
}

// opusDuration returns how many samples at 48 kHz a packet holds (RFC 6716 section 3.1 and 3.2), 0 for one that is damaged.
func opusDuration(packet []byte) int {
	if len(packet) == 0 {
		return 0
	}
	config, frames := packet[0]>>3, 1
	frame := opusRate / 400 << (config & 3) // CELT: 2.5, 5, 10, 20 ms
	switch {
	case config < 12: // SILK: 10, 20, 40, 60 ms
		frame = [4]int{opusRate / 100, opusRate / 50, opusRate / 25, opusRate * 6 / 100}[config&3]
	case config < 16: // hybrid: 10, 20 ms
		frame = opusRate / 100 << (config & 1)
	}
	switch packet[0] & 3 {
	case 1, 2:
		frames = 2
	case 3:
		if len(packet) < 2 {
			return 0
		}
		frames = int(packet[1] & 0x3F)
	}
	if frame*frames > opusMaxPacket {
		return 0
	}
	return frame * frames
}

// packet decodes one packet and places its samples.
func (o *opusStream) packet(p oggPacket) error {
	if p.gap {
		o.clock.lost()
	}
	n, err := o.decoder.DecodeToFloat32(p.data, o.buffer)
	if err != nil {
		return fmt.Errorf("opus packet after sample %d (%v): %w", o.clip.Frames(), err, ErrCorrupt)
	}
	if err := o.lim.check(uint64(o.clip.Frames()+n), o.channels, opusRate); err != nil {
		return err
	}
	frames := o.buffer[:n*o.channels]
	if o.gain != 1 {
		for i := range frames {
			frames[i] *= o.gain
		}
	}
	o.clip.appendInterleaved(frames, []int{0, 1}[:o.channels])
	o.clock.decoded(n)
	trim := o.clock.arrive(p, o.clip.Frames())
	o.clip.cut(o.clock.base, oggTrim{back: trim.back}) // a stream that begins late is no reason to cut: pre-skip says how much
	return nil
}

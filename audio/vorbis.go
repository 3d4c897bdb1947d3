package audio

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/jfreymuth/vorbis"
)

// vorbisOrder gives for each number of channels up to 8 the order in which Vorbis stores them (Vorbis I specification
// section 4.3.9), as places in the usual order of WAV files.
var vorbisOrder = [...][]int{3: {0, 2, 1}, 5: {0, 2, 1, 3, 4}, 6: {0, 2, 1, 4, 5, 3}, 7: {0, 2, 1, 5, 6, 4, 3}, 8: {0, 2, 1, 6, 7, 4, 5, 3}}

// vorbisStream decodes one Vorbis stream (Vorbis I specification, xiph.org) out of Ogg packets.
type vorbisStream struct {
	decoder vorbis.Decoder
	stream  *oggStream
	clip    *Clip
	lim     Limits
	buffer  []float32 // samples of one packet, interleaved
	order   []int     // plane of each stored channel
	clock   oggClock
}

// decodeVorbis appends the samples of a stream to the clip.
func decodeVorbis(s *oggStream, clip *Clip, lim Limits) (err error) {
	// The library indexes out of range on damaged packets; that is a property of the file and not of this program.
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("vorbis decoder stopped on damaged data (%v): %w", p, ErrCorrupt)
		}
	}()
	v := vorbisStream{clip: clip, lim: lim, stream: s}
	headers := 0
	for packet := range s.packets() {
		if headers < 3 {
			if err := v.header(headers, packet); err != nil {
				return err
			}
			headers++
			continue
		}
		if err := v.packet(packet); err != nil {
			return err
		}
	}
	if headers < 3 {
		return fmt.Errorf("vorbis with %d of its 3 headers: %w", headers, ErrCorrupt)
	}
	return nil
}

// header takes the identification, comment and setup headers, in this order.
func (v *vorbisStream) header(i int, packet oggPacket) error {
	want := "\x01\x03\x05"[i:i+1] + "vorbis"
	if len(packet.data) < 7 || string(packet.data[:7]) != want || packet.gap {
		return fmt.Errorf("vorbis without its header %d of 3: %w", i+1, ErrCorrupt)
	}
	switch i {
	case 0:
		if err := checkVorbisIdentification(packet.data); err != nil {
			return err
		}
	case 1:
		return nil // the library would allocate as many comments as the packet claims
	case 2:
		if err := checkVorbisSetup(packet.data[7:], v.decoder.Channels()); err != nil {
			return err
		}
	}
	if err := v.decoder.ReadHeader(packet.data); err != nil {
		return fmt.Errorf("vorbis header %d (%v): %w", i+1, err, ErrCorrupt)
	}
	if i == 2 {
		v.buffer = make([]float32, v.decoder.BufferSize())
		// The last position is a claim; the packets bound what can come. The last one may reach beyond that position.
		block := v.decoder.BufferSize() / len(v.order)
		v.clip.reserve(min(v.stream.length(), v.stream.count()*block)+block, v.lim)
		return nil
	}
	channels := v.decoder.Channels()
	if err := v.clip.begin(v.decoder.SampleRate(), channels); err != nil {
		return err
	}
	v.clock.base = v.clip.Frames()
	v.order = make([]int, channels)
	for c := range v.order {
		v.order[c] = c
		if channels < len(vorbisOrder) && vorbisOrder[channels] != nil {
			v.order[c] = vorbisOrder[channels][c]
		}
	}
	return nil
}

// checkVorbisIdentification refuses what section 4.2.2 of the specification does not allow.
func checkVorbisIdentification(b []byte) error {
	if len(b) < 30 {
		return fmt.Errorf("vorbis identification header of %d bytes, 30 are needed: %w", len(b), ErrCorrupt)
	}
	channels, rate := int(b[11]), binary.LittleEndian.Uint32(b[12:])
	short, long := b[28]&0x0F, b[28]>>4
	if channels == 0 || rate == 0 || rate > math.MaxInt32 || short < 6 || long > 13 || short > long {
		return fmt.Errorf("vorbis header says %d channels, %d Hz, blocks of 2^%d and 2^%d: %w", channels, rate, short, long, ErrCorrupt)
	}
	return nil
}

// packet decodes an audio packet and places its samples.
func (v *vorbisStream) packet(p oggPacket) error {
	if p.gap {
		v.decoder.Clear()
		v.clock.lost()
	}
	if len(p.data) > 0 && p.data[0]&1 == 0 { // others are no audio and are skipped (section 4.3.1)
		out, err := v.decoder.DecodeInto(p.data, v.buffer)
		if err != nil {
			return fmt.Errorf("vorbis packet after sample %d (%v): %w", v.clip.Frames(), err, ErrCorrupt)
		}
		n := len(out) / len(v.order)
		if err := v.lim.check(uint64(v.clip.Frames()+n), len(v.order), v.clip.Rate); err != nil {
			return err
		}
		v.clip.appendInterleaved(out, v.order)
		v.clock.decoded(n)
	}
	v.clip.cut(v.clock.base, v.clock.arrive(p, v.clip.Frames()))
	return nil
}

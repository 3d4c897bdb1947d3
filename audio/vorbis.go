package audio

import (
	"errors"
	"fmt"

	"aural/audio/vorbis"
)

// vorbisOrder gives for each number of channels up to 8 the order in which Vorbis stores them (Vorbis I specification
// section 4.3.9), as places in the usual order of WAV files.
var vorbisOrder = [...][]int{3: {0, 2, 1}, 5: {0, 2, 1, 3, 4}, 6: {0, 2, 1, 4, 5, 3}, 7: {0, 2, 1, 5, 6, 4, 3}, 8: {0, 2, 1, 6, 7, 4, 5, 3}}

// vorbisStream decodes one Vorbis stream out of Ogg packets.
type vorbisStream struct {
	identification []byte
	decoder        *vorbis.Decoder
	stream         *oggStream
	clip           *Clip
	lim            Limits
	order          []int // plane of each stored channel
	clock          oggClock
}

// decodeVorbis appends the samples of a stream to the clip.
func decodeVorbis(s *oggStream, clip *Clip, lim Limits) error {
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
		v.identification = packet.data
	case 2:
		return v.begin(packet.data)
	}
	return nil
}

// begin makes the decoder and prepares the clip.
func (v *vorbisStream) begin(setup []byte) (err error) {
	if v.decoder, err = vorbis.NewDecoder(v.identification, setup); errors.Is(err, vorbis.ErrUnsupported) {
		return fmt.Errorf("%w (%v); %s", ErrUnsupportedFormat, err, convertAdvice)
	} else if err != nil {
		return fmt.Errorf("headers (%v): %w", err, ErrCorrupt)
	}
	info := v.decoder.Info()
	if err := v.clip.begin(info.Rate, info.Channels); err != nil {
		return err
	}
	v.clock.base = v.clip.Frames()
	v.order = make([]int, info.Channels)
	for c := range v.order {
		v.order[c] = c
		if info.Channels < len(vorbisOrder) && vorbisOrder[info.Channels] != nil {
			v.order[c] = vorbisOrder[info.Channels][c]
		}
	}
	// The last position is a claim; the packets bound what can come. The last one may reach beyond that position.
	block := info.Blocks[1] / 2
	v.clip.reserve(min(v.stream.length(), v.stream.count()*block)+block, v.lim)
	return nil
}

// packet decodes an audio packet and places its samples.
func (v *vorbisStream) packet(p oggPacket) error {
	if p.gap {
		v.decoder.Reset()
		v.clock.lost()
	}
	if len(p.data) > 0 && p.data[0]&1 == 0 { // others are no audio and are skipped (section 4.3.1)
		out, err := v.decoder.Decode(p.data)
		if err != nil {
			return fmt.Errorf("packet after sample %d (%v): %w", v.clip.Frames(), err, ErrCorrupt)
		}
		n := len(out[0])
		if err := v.lim.check(uint64(v.clip.Frames()+n), len(v.order), v.clip.Rate); err != nil {
			return err
		}
		for c, plane := range out {
			copy(v.clip.grow(v.order[c], n), plane)
		}
		v.clock.decoded(n)
	}
	v.clip.cut(v.clock.base, v.clock.arrive(p, v.clip.Frames()))
	return nil
}

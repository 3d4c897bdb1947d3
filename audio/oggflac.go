package audio

import (
	"fmt"

	"aural/audio/flac"
)

// decodeOggFLAC appends the samples of a FLAC stream in Ogg to the clip (RFC 9639 section 10.1): the first packet holds
// the version of the mapping, the number of header packets, "fLaC" and the STREAMINFO block; each audio packet is a block.
func decodeOggFLAC(stream *oggStream, clip *Clip, lim Limits) error {
	const start, infoLen = 13 + 4, 34
	s := flacSink{clip: clip, lim: lim}
	var d *flac.Decoder
	size := 0
	for _, p := range stream.pages {
		size += len(p.body)
	}
	for p := range stream.packets() {
		switch {
		case d == nil:
			if len(p.data) < start+infoLen || string(p.data[9:13]) != "fLaC" || p.data[5] != 1 {
				return fmt.Errorf("ogg FLAC with a first packet of %d bytes that is not of version 1: %w", len(p.data), ErrCorrupt)
			}
			var err error
			if d, err = flac.NewPacketDecoder(p.data[start : start+infoLen]); err != nil {
				return fmt.Errorf("ogg FLAC stream information (%v): %w", err, ErrCorrupt)
			}
			s.info = d.Info()
			if err := s.begin(size); err != nil {
				return err
			}
		case len(p.data) == 0 || p.data[0] != 0xFF: // a metadata block, or the empty packet that ends a stream
		default:
			block, err := d.DecodeFrame(p.data)
			if err != nil {
				return fmt.Errorf("ogg FLAC packet (%v): %w", err, ErrCorrupt)
			}
			if err := s.take(block); err != nil {
				return err
			}
		}
	}
	if d == nil {
		return fmt.Errorf("ogg FLAC without a whole packet: %w", ErrCorrupt)
	}
	s.finish(d.MD5(), stream.lost == 0)
	return nil
}

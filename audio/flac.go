package audio

import (
	"errors"
	"fmt"
	"io"

	"aural/audio/flac"
)

// flacSink collects the blocks of a FLAC stream in a clip.
type flacSink struct {
	info flac.Info
	clip *Clip
	lim  Limits
	base int // frames in the clip before this stream
}

// decodeFLAC decodes a stream that begins with "fLaC". Each block is verified by its checksums; the MD5 of the whole
// decides only about a warning, because a block whose checksums hold is good audio and the MD5 is often left out or stale.
func decodeFLAC(data []byte, lim Limits) (*Clip, error) {
	d, err := flac.NewDecoder(data)
	if err != nil {
		return nil, fmt.Errorf("FLAC metadata (%v): %w", err, ErrCorrupt)
	}
	s := flacSink{info: d.Info(), clip: &Clip{Format: "flac"}, lim: lim}
	if err := s.begin(len(data)); err != nil {
		return nil, err
	}
	whole := true
	for {
		block, err := d.Next()
		if err == io.EOF {
			break
		}
		if errors.Is(err, flac.ErrTruncated) && s.clip.Frames() > 0 {
			s.clip.warn("the file ends inside a block, which is dropped (%v)", err)
			s.clip.Truncated, whole = true, false
			break
		}
		if err != nil {
			return nil, fmt.Errorf("FLAC block (%v): %w", err, ErrCorrupt)
		}
		if err := s.take(block); err != nil {
			return nil, err
		}
	}
	if s.clip.Frames() == 0 {
		return nil, fmt.Errorf("FLAC header without samples: %w", ErrEmpty)
	}
	s.finish(d.MD5(), whole)
	return s.clip, nil
}

// begin checks what the stream information claims and prepares the clip for a stream of size bytes.
func (s *flacSink) begin(size int) error {
	if err := s.clip.begin(s.info.Rate, s.info.Channels); err != nil {
		return err
	}
	s.clip.Bits, s.base = s.info.Bits, s.clip.Frames()
	if err := s.lim.check(uint64(s.base)+s.info.Samples, s.info.Channels, s.info.Rate); err != nil {
		return err
	}
	// The header's length is a hint only. Speech takes about a byte a sample, so this rarely grows and never wastes
	// more than 8 bytes for each byte of the file.
	s.clip.reserve(int(min(s.info.Samples, uint64(2*size/s.info.Channels))), s.lim)
	return nil
}

// take appends a block.
func (s *flacSink) take(block [][]int32) error {
	if err := s.lim.check(uint64(s.clip.Frames()+len(block[0])), s.info.Channels, s.info.Rate); err != nil {
		return err
	}
	scale := 1 / float32(uint64(1)<<(s.info.Bits-1))
	for c, samples := range block {
		plane := s.clip.grow(c, len(samples))
		for i, v := range samples {
			plane[i] = float32(v) * scale
		}
	}
	return nil
}

// finish compares the whole with what the stream information promised. Without the whole there is nothing to say about
// the MD5.
func (s *flacSink) finish(md5 [16]byte, whole bool) {
	total, got := s.info.Samples, uint64(s.clip.Frames()-s.base)
	switch {
	case total > got:
		s.clip.warn("the header says %d samples and %d are there: the file is cut short", total, got)
		s.clip.Truncated = true
	case total > 0 && got > total:
		s.clip.warn("the header says %d samples and %d are there: all were decoded", total, got)
	case whole && s.info.MD5 != [16]byte{} && md5 != s.info.MD5:
		s.clip.warn("the MD5 of the samples differs from the header's, though every block is intact")
	}
}

package audio

import (
	"bufio"
	"bytes"
	"crypto/md5"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/mewkiz/flac"
	"github.com/mewkiz/flac/frame"
	"github.com/mewkiz/flac/meta"
)

// flacReader decodes one native FLAC stream (RFC 9639).
type flacReader struct {
	info   *meta.StreamInfo
	source *bytes.Reader
	buffer *bufio.Reader // over source; the library reads from it without buffering again
	lim    Limits
	planes [][]float32 // (channel, frame)
	sum    hash.Hash   // MD5 over the samples as little-endian integers
	packed []byte      // one block for sum
	clip   *Clip
}

// decodeFLAC decodes a stream that begins with "fLaC". Each block is verified by its CRC; the MD5 of the whole decides
// only about a warning, because a block whose CRC holds is good audio and the sum is often left out or stale.
func decodeFLAC(data []byte, lim Limits) (clip *Clip, err error) {
	// A damaged stream may bring the library to index out of range; that is a property of the file and not of this program.
	defer func() {
		if p := recover(); p != nil {
			clip, err = nil, fmt.Errorf("FLAC decoder stopped on damaged data (%v): %w", p, ErrCorrupt)
		}
	}()
	r := &flacReader{source: bytes.NewReader(data), lim: lim, sum: md5.New()}
	r.buffer = bufio.NewReaderSize(r.source, 1<<16)
	if err := r.open(len(data)); err != nil {
		return nil, err
	}
	for {
		more, err := r.next()
		if err != nil {
			return nil, err
		}
		if !more {
			break
		}
	}
	return r.finish()
}

// open reads the metadata and checks what it claims.
func (r *flacReader) open(size int) error {
	stream, err := flac.New(r.buffer)
	if err != nil {
		return fmt.Errorf("FLAC metadata (%v): %w", err, ErrCorrupt)
	}
	r.info = stream.Info
	channels, bits := int(r.info.NChannels), int(r.info.BitsPerSample)
	if bits < 4 {
		return fmt.Errorf("FLAC header says %d bits a sample: %w", bits, ErrCorrupt)
	}
	if err := r.lim.check(r.info.NSamples, channels, int(r.info.SampleRate)); err != nil {
		return err
	}
	// The header's length is a hint only. Speech takes about a byte a sample, so this rarely grows and never wastes
	// more than 8 bytes for each byte of the file.
	room := min(r.info.NSamples, uint64(2*size/channels))
	r.planes = make([][]float32, channels)
	for c := range r.planes {
		r.planes[c] = make([]float32, 0, room)
	}
	r.clip = &Clip{Rate: int(r.info.SampleRate), Format: "flac", Bits: bits}
	return nil
}

// frames returns how many samples of each channel are decoded.
func (r *flacReader) frames() uint64 { return uint64(len(r.planes[0])) }

// left returns how many bytes of the file are not read yet.
func (r *flacReader) left() int { return r.source.Len() + r.buffer.Buffered() }

// next decodes one block. It returns false at the end of the audio, also where the file is cut short.
func (r *flacReader) next() (bool, error) {
	start := r.left()
	if r.info.NSamples > 0 && r.frames() >= r.info.NSamples {
		return false, nil
	}
	if tag, _ := r.buffer.Peek(3); string(tag) == "TAG" || len(tag) == 0 { // an ID3v1 tag ends a stream of unknown length
		return false, nil
	}
	f, err := frame.New(r.buffer)
	if err == nil {
		err = r.checkHeader(f)
	}
	if err == nil {
		err = f.Parse()
	}
	switch used := start - r.left(); {
	case errors.Is(err, ErrTooLarge), errors.Is(err, ErrUnsupportedFormat), errors.Is(err, ErrCorrupt):
		return false, err
	case (err == io.ErrUnexpectedEOF || err == io.EOF) && r.frames() > 0 && !r.longerThanAny(used):
		r.warn("the file ends inside a block: its last %d bytes are dropped", used)
		return false, nil
	case err != nil:
		return false, fmt.Errorf("FLAC block after sample %d (%v): %w", r.frames(), err, ErrCorrupt)
	}
	r.take(f)
	return true, nil
}

// longerThanAny reports whether a block of used bytes is longer than the header allows. Then the file was not cut: damage
// made the decoder run on to its end.
func (r *flacReader) longerThanAny(used int) bool {
	return r.info.FrameSizeMax > 0 && used > int(r.info.FrameSizeMax)
}

// checkHeader compares a block header with the stream's, and completes it where it says "as the stream".
func (r *flacReader) checkHeader(f *frame.Frame) error {
	if f.BitsPerSample == 0 {
		f.BitsPerSample = r.info.BitsPerSample
	}
	if f.SampleRate == 0 {
		f.SampleRate = r.info.SampleRate
	}
	switch {
	case f.BlockSize == 0:
		return fmt.Errorf("FLAC block after sample %d has no samples: %w", r.frames(), ErrCorrupt)
	case f.Channels.Count() != len(r.planes) || f.BitsPerSample != r.info.BitsPerSample || f.SampleRate != r.info.SampleRate:
		return fmt.Errorf("FLAC block after sample %d has %d channels, %d bits, %d Hz and the stream %d, %d, %d: %w", r.frames(),
			f.Channels.Count(), f.BitsPerSample, f.SampleRate, len(r.planes), r.info.BitsPerSample, r.info.SampleRate, ErrCorrupt)
	case f.BitsPerSample == 32 && f.Channels >= frame.ChannelsLeftSide:
		return fmt.Errorf("FLAC with 32-bit stereo coded as a difference (33 bits); convert it first, "+
			"for example: ffmpeg -i IN -sample_fmt s16 OUT.flac: %w", ErrUnsupportedFormat)
	}
	return r.lim.check(r.frames()+uint64(f.BlockSize), len(r.planes), r.clip.Rate)
}

// take appends the samples of a decoded block and adds them to the checksum.
func (r *flacReader) take(f *frame.Frame) {
	scale := 1 / float64(uint64(1)<<(r.info.BitsPerSample-1))
	for c, sub := range f.Subframes {
		plane := r.planes[c]
		for _, v := range sub.Samples {
			plane = append(plane, float32(float64(v)*scale))
		}
		r.planes[c] = plane
	}
	if r.hasMD5() {
		r.addMD5(f.Subframes)
	}
}

// addMD5 hashes a block as the format wants it: interleaved, little-endian, in whole bytes.
func (r *flacReader) addMD5(subframes []*frame.Subframe) {
	width := (int(r.info.BitsPerSample) + 7) / 8
	step := width * len(subframes)
	r.packed = append(r.packed[:0], make([]byte, step*len(subframes[0].Samples))...)
	for c, sub := range subframes {
		at := c * width
		for _, v := range sub.Samples {
			for b := range width {
				r.packed[at+b] = byte(v >> (8 * b))
			}
			at += step
		}
	}
	r.sum.Write(r.packed)
}

// hasMD5 reports whether the stream carries a checksum; all zeros mean that it does not.
func (r *flacReader) hasMD5() bool { return r.info.MD5sum != [md5.Size]byte{} }

// finish compares the whole with what the header promised.
func (r *flacReader) finish() (*Clip, error) {
	total, got := r.info.NSamples, r.frames()
	switch {
	case got == 0:
		return nil, fmt.Errorf("FLAC header without samples: %w", ErrEmpty)
	case total > got:
		r.warn("the header says %d samples and %d are there: the file is cut short", total, got)
		r.clip.Truncated = true
	case total > 0 && got > total:
		r.warn("the header says %d samples and %d are there: all were decoded", total, got)
	case r.hasMD5() && !bytes.Equal(r.sum.Sum(nil), r.info.MD5sum[:]):
		r.warn("the MD5 of the samples differs from the header's, though every block is intact")
	}
	r.clip.Channels = r.planes
	return r.clip, nil
}

func (r *flacReader) warn(format string, args ...any) {
	r.clip.Warnings = append(r.clip.Warnings, fmt.Sprintf(format, args...))
}

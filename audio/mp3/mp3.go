// Package mp3 decodes MPEG audio Layer III: MPEG-1 (ISO/IEC 11172-3), MPEG-2 with the lower sampling frequencies
// (ISO/IEC 13818-3) and the unofficial MPEG-2.5 below 16 kHz; mono and stereo, middle-side and intensity stereo, constant,
// variable and free bitrates.
//
// It exists because speech comes as MP3 of all these kinds, and because a training set needs more than sound: lengths and
// alignment that agree with ffmpeg's to the sample, damage that is counted and not passed over, and bounded memory.
// Calculation is in float32, and a file is decoded as a whole.
package mp3

import (
	"errors"
	"fmt"
)

// Sentinels of Decode's errors.
var (
	ErrCorrupt     = errors.New("corrupt MPEG audio")
	ErrEmpty       = errors.New("no samples")
	ErrTooLarge    = errors.New("too many samples")
	ErrUnsupported = errors.New("unsupported MPEG audio")
)

// Audio is a decoded file.
type Audio struct {
	Rate     int         // sampling rate in Hz
	Channels [][]float32 // (channel, frame), full scale is ±1; loud passages may go beyond it
	Layer    int         // 3
	Bitrate  int         // mean over the frames, in bit/s
	Warnings []string    // what was wrong with the file but did not stop it from being decoded
	// Truncated is set when the file ends within a frame, or before the number of frames that its first one announces.
	Truncated bool
	// BadFrames counts frames whose place is filled with silence: destroyed or inconsistent ones, and those whose main
	// data began in a frame that is not there, as at the start of a piece that was cut out of a stream.
	BadFrames int
}

// Limits bounds what Decode may allocate. Zero is no limit.
type Limits struct {
	MaxFrames  uint64 // samples of each channel
	MaxSamples uint64 // samples of all channels together
}

// Decode decodes the MPEG audio stream in data, which may have tags before, behind and between its frames. Memory stays in
// proportion to data: no header makes it grow.
//
// With a LAME or Lavc info tag the encoder's delay and padding are cut off, as ffmpeg does; without one nothing is.
// Frames that are damaged or lost become silence of the same length, and are counted.
//
// Errors wrap [ErrEmpty] if data holds no sound, [ErrCorrupt] if no frame or less than half of them can be decoded,
// [ErrTooLarge] beyond lim, and [ErrUnsupported] for Layers I and II and for streams that change their sampling rate or
// number of channels.
func Decode(data []byte, lim Limits) (*Audio, error) {
	if len(data) == 0 {
		return nil, fmt.Errorf("mp3: the file has no bytes: %w", ErrEmpty)
	}
	p, err := survey(data)
	if err != nil {
		return nil, err
	}
	channels := uint64(p.header.channels)
	length := uint64(p.length())
	if lim.MaxFrames > 0 && length > lim.MaxFrames || lim.MaxSamples > 0 && length*channels > lim.MaxSamples {
		return nil, fmt.Errorf("mp3: the file has %d samples in each of %d channels, allowed are %d in each and %d in all: %w",
			length, channels, lim.MaxFrames, lim.MaxSamples, ErrTooLarge)
	}
	d := newDecoder(p)
	if err := d.run(data); err != nil {
		return nil, err
	}
	return d.audio(), nil
}

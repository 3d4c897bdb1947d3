package audio

import (
	"errors"
	"fmt"

	"aural/audio/mp3"
)

// mp3TopRate is the highest sampling rate of MPEG Layer III in Hz.
const mp3TopRate = 48000

// decodeMP3File decodes a file of MPEG audio frames with the tags around them.
func decodeMP3File(data []byte, lim Limits) (*Clip, error) { return decodeMP3(data, "mp3", lim) }

// decodeMP3 decodes MPEG Layer III. Damaged frames become silence of their length, with a warning.
func decodeMP3(data []byte, format string, lim Limits) (*Clip, error) {
	// The rate is not known yet: this bounds the work, and check holds the exact limit.
	a, err := mp3.Decode(data, mp3.Limits{MaxFrames: uint64(lim.MaxSeconds*mp3TopRate) + 1, MaxSamples: uint64(lim.MaxSamples)})
	if err != nil {
		return nil, fmt.Errorf("MP3 (%v): %w", err, mp3Reason(err))
	}
	clip := &Clip{Rate: a.Rate, Channels: a.Channels, Warnings: a.Warnings, Truncated: a.Truncated, Format: format}
	if err := lim.check(uint64(clip.Frames()), len(clip.Channels), clip.Rate); err != nil {
		return nil, err
	}
	return clip, nil
}

// mp3Reason translates the decoder's reasons.
func mp3Reason(err error) error {
	switch {
	case errors.Is(err, mp3.ErrEmpty):
		return ErrEmpty
	case errors.Is(err, mp3.ErrTooLarge):
		return ErrTooLarge
	case errors.Is(err, mp3.ErrUnsupported):
		return ErrUnsupportedFormat
	}
	return ErrCorrupt
}

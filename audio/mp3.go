package audio

import "fmt"

func decodeMP3(data []byte, format string, lim Limits) (*Clip, error) {
	return nil, fmt.Errorf("WAV that holds MP3; %s: %w", convertAdvice, ErrUnsupportedFormat)
}

func decodeMP3File(data []byte, lim Limits) (*Clip, error) { return decodeMP3(data, "mp3", lim) }

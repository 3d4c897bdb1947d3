// Package audio turns audio files into float samples, changes their sampling rate, and writes and parses the 16-bit WAV
// files that the store holds.
//
// It reads files as they are found in the wild: what a file is follows from its first bytes and never from its name, a
// file cut short gives what is there with a warning, a file damaged inside is an error, and a format that is not decoded
// is refused by its name together with a way to convert it. Memory follows the bytes that are present and [Limits], never
// the sizes that a header claims.
package audio

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// Reasons why a file gives no samples. Every error of [Decode] wraps exactly one of them.
var (
	// ErrUnsupportedFormat: recognised or not, these bytes are no audio that this package decodes.
	ErrUnsupportedFormat = errors.New("unsupported format")
	// ErrEmpty: a well-formed file, or no bytes at all, without a single sample.
	ErrEmpty = errors.New("no samples")
	// ErrCorrupt: the file contradicts its own format or fails a checksum.
	ErrCorrupt = errors.New("corrupt audio")
	// ErrNonFinite: a float sample is NaN or infinite.
	ErrNonFinite = errors.New("sample is not finite")
	// ErrTooLarge: decoding would pass one of the Limits.
	ErrTooLarge = errors.New("larger than the limit")
)

// Limits bound what one file may cost. Compressed silence can expand a thousandfold, so the size of the file alone does
// not protect the memory of the machine. A field that is 0 or negative takes the value of [DefaultLimits].
type Limits struct {
	MaxBytes   int64   // encoded bytes
	MaxSeconds float64 // decoded length in seconds
	MaxSamples int64   // decoded samples of all channels together; 4 bytes of memory each
}

// DefaultLimits allows 2 GiB files, 6 hours and 2^28 samples (1 GiB of memory, 4.6 hours of 16 kHz mono).
func DefaultLimits() Limits {
	return Limits{MaxBytes: 2 << 30, MaxSeconds: 6 * 3600, MaxSamples: 1 << 28}
}

// WithDefaults returns l with the default in each field that is 0 or negative.
func (l Limits) WithDefaults() Limits {
	d := DefaultLimits()
	if l.MaxBytes <= 0 {
		l.MaxBytes = d.MaxBytes
	}
	if !(l.MaxSeconds > 0) {
		l.MaxSeconds = d.MaxSeconds
	}
	if l.MaxSamples <= 0 {
		l.MaxSamples = d.MaxSamples
	}
	return l
}

// check says whether frames samples in each of channels channels at rate Hz are allowed.
func (l Limits) check(frames uint64, channels, rate int) error {
	if seconds := float64(frames) / float64(rate); seconds > l.MaxSeconds {
		return fmt.Errorf("%.0f s of audio, MaxSeconds is %g: split the file or raise the limit: %w",
			seconds, l.MaxSeconds, ErrTooLarge)
	}
	if frames > uint64(l.MaxSamples)/uint64(channels) {
		return fmt.Errorf("%d frames of %d channels, MaxSamples is %d: split the file or raise the limit: %w",
			frames, channels, l.MaxSamples, ErrTooLarge)
	}
	return nil
}

// Decode decodes a whole audio file held in memory. The format follows from the content. The clip shares no memory with
// data.
//
// The error wraps one of the Err values of this package, and its text says what the file is and what can be done about it.
func Decode(data []byte, lim Limits) (*Clip, error) {
	lim = lim.WithDefaults()
	clip, err := decode(data, lim)
	if err != nil {
		return nil, fmt.Errorf("audio: decode: %w", err)
	}
	return clip, nil
}

func decode(data []byte, lim Limits) (*Clip, error) {
	if len(data) == 0 {
		return nil, fmt.Errorf("the file is empty (0 bytes): %w", ErrEmpty)
	}
	if int64(len(data)) > lim.MaxBytes {
		return nil, fmt.Errorf("%d bytes, MaxBytes is %d: %w", len(data), lim.MaxBytes, ErrTooLarge)
	}
	kind, body := identify(data)
	decoder := kind.decoder()
	if decoder == nil {
		return nil, kind.refusal()
	}
	clip, err := decoder(body, lim)
	if err != nil {
		return nil, err
	}
	clip.Warnings = append(clip.Warnings, channelWarnings(clip.Channels)...)
	return clip, nil
}

// DecodeFile reads and decodes the file at path, which must be a regular file (or a link to one).
func DecodeFile(path string, lim Limits) (*Clip, error) {
	lim = lim.WithDefaults()
	data, err := readFile(path, lim.MaxBytes)
	if err != nil {
		return nil, err
	}
	clip, err := decode(data, lim)
	if err != nil {
		return nil, fmt.Errorf("audio: decode %q: %w", path, err)
	}
	return clip, nil
}

// readFile returns the bytes of a regular file of at most maxBytes. Other files are refused before they are opened,
// because reading a pipe or a device may never end.
func readFile(path string, maxBytes int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("audio: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("audio: %q is not a regular file (%s): %w", path, info.Mode().Type(), ErrUnsupportedFormat)
	}
	if info.Size() > maxBytes {
		return nil, fmt.Errorf("audio: %q has %d bytes, MaxBytes is %d: %w", path, info.Size(), maxBytes, ErrTooLarge)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("audio: %w", err)
	}
	defer f.Close()
	data := make([]byte, info.Size())
	n, err := io.ReadFull(f, data)
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("audio: read %q, %d of %d bytes: %w", path, n, info.Size(), err)
	}
	return data[:n], nil
}

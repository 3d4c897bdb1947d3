package datasets

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"slices"

	"aural/audio"
	"aural/audio/flac"
)

// Codec says how the audio of a store is encoded. Either way a row holds a complete file, 16 bit and mono at Rate, that
// other programs play.
type Codec string

// The codecs.
const (
	// PCM is a WAV file: its samples are read from the mapped shard without decoding.
	PCM Codec = "pcm"
	// FLAC takes about half the space and some CPU time for each read.
	FLAC Codec = "flac"
)

// ParseCodec reads the name of a codec.
func ParseCodec(name string) (Codec, error) {
	switch c := Codec(name); c {
	case PCM, FLAC:
		return c, nil
	}
	return "", fmt.Errorf("datasets: codec %q: want %s or %s", name, PCM, FLAC)
}

// encode returns the file that holds samples.
func (c Codec) encode(samples []int16) []byte {
	if c == FLAC {
		return flac.Append16(make([]byte, 0, len(samples)+len(samples)/4), Rate, samples)
	}
	return audio.AppendWAV16(make([]byte, 0, 2*len(samples)+64), Rate, samples)
}

// check makes sure, without decoding, that file is what encode writes for this many samples.
func (c Codec) check(file []byte, samples int) error {
	if c == FLAC {
		return checkFLAC(file, samples)
	}
	_, err := wavSamples(file, samples)
	return err
}

// checkFLAC compares the header of a stored FLAC file with what the row promises.
func checkFLAC(file []byte, samples int) error {
	d, err := flac.NewDecoder(file)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	if in := d.Info(); in.Rate != Rate || in.Channels != 1 || in.Bits != 16 || in.Samples != uint64(samples) {
		return fmt.Errorf("FLAC of %d Hz, %d channels, %d bits and %d samples, want %d Hz, mono, 16 bits and %d samples: %w",
			in.Rate, in.Channels, in.Bits, in.Samples, Rate, samples, ErrCorrupt)
	}
	return nil
}

// part returns where n samples from offset on lie in the span of an encoded file. FLAC has no such place.
func (c Codec) part(file span, samples, offset, n int) (span, bool) {
	header := file.len - 2*samples
	return span{file.at + int64(header+2*offset), 2 * n}, c == PCM && header >= 0
}

// scratch is memory for reading rows whose samples cannot be taken from where they are. It grows as needed.
type scratch struct {
	encoded, pcm []byte
	samples      []int16
}

// decode returns the samples in a file as little-endian 16-bit PCM: a part of the file where that is possible, or else
// memory of m, which is valid until m is used again.
func (c Codec) decode(file []byte, samples int, m *scratch) ([]byte, error) {
	if c == PCM {
		return wavSamples(file, samples)
	}
	if err := checkFLAC(file, samples); err != nil {
		return nil, err
	}
	var err error
	m.samples, err = flac.Decode16(m.samples[:0], file)
	if err == nil && len(m.samples) != samples {
		err = fmt.Errorf("%d samples, want %d", len(m.samples), samples)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	m.pcm = slices.Grow(m.pcm[:0], 2*samples)[:2*samples]
	putPCM(m.pcm, m.samples)
	return m.pcm, nil
}

// wavSamples returns the PCM bytes of a stored WAV file, inside wav, after checking that it is what the row promises.
func wavSamples(wav []byte, samples int) ([]byte, error) {
	rate, pcm, err := audio.ParseWAV16(wav)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	if rate != Rate || samples < 0 || len(pcm) != 2*samples {
		return nil, fmt.Errorf("WAV of %d Hz and %d bytes of samples, want %d Hz and %d samples: %w", rate, len(pcm), Rate, samples, ErrCorrupt)
	}
	return pcm, nil
}

// SamplesOf returns the samples of little-endian 16-bit PCM, such as Store.PCM gives.
func SamplesOf(pcm []byte) []int16 {
	samples := make([]int16, len(pcm)/2)
	for i := range samples {
		samples[i] = int16(binary.LittleEndian.Uint16(pcm[2*i:]))
	}
	return samples
}

// pcmSum is the checksum of a clip: the SHA-256 of its little-endian 16-bit samples, whatever the codec.
func pcmSum(pcm []byte) [sha256.Size]byte { return sha256.Sum256(pcm) }

// sum is the checksum of a clip with these samples, encoded in file.
func (c Codec) sum(samples []int16, file []byte) (sum [sha256.Size]byte) {
	if c == PCM { // the samples lie in the file as they are hashed
		return pcmSum(file[len(file)-2*len(samples):])
	}
	h := sha256.New()
	hashPCM(h, samples)
	h.Sum(sum[:0])
	return sum
}

// hashPCM writes samples to a hash as little-endian 16-bit PCM.
func hashPCM(h hash.Hash, samples []int16) {
	var buf [4096]byte
	for len(samples) > 0 {
		n := min(len(samples), len(buf)/2)
		putPCM(buf[:2*n], samples[:n])
		h.Write(buf[:2*n])
		samples = samples[n:]
	}
}

// putPCM writes samples to dst, which has twice their length, as little-endian 16-bit PCM.
func putPCM(dst []byte, samples []int16) {
	for i, v := range samples {
		binary.LittleEndian.PutUint16(dst[2*i:], uint16(v))
	}
}

package flac

import (
	"fmt"
	"io"
	"slices"
)

// Decode16 appends the samples of a mono file of 16 bits a sample to dst, the inverse of [Append16]. It verifies the
// frames' checksums and the number of samples but not the MD5. On an error dst comes back as it was.
func Decode16(dst []int16, data []byte) ([]int16, error) {
	d, err := NewDecoder(data)
	if err != nil {
		return dst, err
	}
	if d.info.Channels != 1 || d.info.Bits != 16 {
		return dst, fmt.Errorf("flac: %d channels of %d bits where mono of 16 is wanted: use NewDecoder", d.info.Channels, d.info.Bits)
	}
	d.SkipMD5()
	// Four samples a byte is more than speech ever takes; silence beyond that grows dst as it is decoded.
	out := slices.Grow(dst, int(min(d.info.Samples, 4*uint64(len(data)))))
	for {
		block, err := d.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return dst, err
		}
		n := len(out)
		out = slices.Grow(out, len(block[0]))[:n+len(block[0])]
		narrow(out[n:], block[0])
	}
	if total := d.info.Samples; total > 0 && total != d.done {
		return dst, fmt.Errorf("flac: %d samples where STREAMINFO says %d: %w", d.done, total, ErrTruncated)
	}
	return out, nil
}

// narrow copies samples that fit.
func narrow(dst []int16, src []int32) {
	dst = dst[:len(src)]
	for i, v := range src {
		dst[i] = int16(v)
	}
}

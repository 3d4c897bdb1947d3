package datasets

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Collate fills dst, a (len(b.Cuts), b.Length) array, with the samples of a batch; rows shorter than b.Length end in zeros.
// With normalize, each cut has zero mean and unit variance before the zeros are added, as Normalize makes it. It allocates
// nothing.
func Collate(s *Store, b Batch, dst []float32, normalize bool) error {
	if len(dst) != len(b.Cuts)*b.Length {
		return fmt.Errorf("datasets: collate: %d values for %d rows of %d samples", len(dst), len(b.Cuts), b.Length)
	}
	for i, c := range b.Cuts {
		row := dst[i*b.Length:][:b.Length]
		err := s.cut(c, b.Length, func(pcm []byte) {
			if normalize {
				normalizePCM(row[:c.Samples], pcm)
			} else {
				affine(row[:c.Samples], pcm, 0, pcmScale, 0)
			}
		})
		if err != nil {
			return err
		}
		clear(row[c.Samples:])
	}
	return nil
}

// RawBatch is a batch as 16-bit samples (B,S) with zeros behind each row's length, and three numbers a row with which (v - zero)·scale + bias, the product rounded before
// the sum, has the bits that [Collate] gives.
type RawBatch struct {
	Samples []int16
	Affine  []float32 // (B,3): zero, scale, bias
	Lengths []int32   // (B)
}

// CollateRaw fills dst with what [Collate] makes numbers of. The statistics are the same.
func CollateRaw(s *Store, b Batch, dst RawBatch, normalize bool) error {
	if n := len(b.Cuts); len(dst.Samples) != n*b.Length || len(dst.Affine) != 3*n || len(dst.Lengths) != n {
		return fmt.Errorf("datasets: collate: %d samples, %d factors and %d lengths for %d rows of %d samples", len(dst.Samples), len(dst.Affine), len(dst.Lengths), n, b.Length)
	}
	for i, c := range b.Cuts {
		row := dst.Samples[i*b.Length:][:b.Length]
		err := s.cut(c, b.Length, func(pcm []byte) {
			for j := range row[:c.Samples] {
				row[j] = int16(binary.LittleEndian.Uint16(pcm[2*j:]))
			}
			zero, scale, bias := int32(0), float32(pcmScale), float32(0)
			if normalize {
				zero, scale, bias = normalizing(pcm, c.Samples)
			}
			copy(dst.Affine[3*i:], []float32{float32(zero), scale, bias})
		})
		if err != nil {
			return err
		}
		clear(row[c.Samples:])
		dst.Lengths[i] = int32(c.Samples)
	}
	return nil
}

// cut calls use with the samples of a cut that is to fit into a row of the given length.
func (s *Store) cut(c Cut, length int, use func(pcm []byte)) error {
	if c.Samples < 0 || c.Samples > length {
		return fmt.Errorf("datasets: collate: cut of %d samples in a batch of length %d", c.Samples, length)
	}
	return s.withPCM(c.Row, c.Offset, c.Samples, use)
}

// pcmScale brings 16-bit samples to [-1, 1).
const pcmScale = 1.0 / (1 << 15)

// normalizeEpsilon keeps silence finite. It is the value of Hugging Face's Wav2Vec2FeatureExtractor (zero_mean_unit_var_norm)
// and of the layer_norm that fairseq applies to waveforms.
const normalizeEpsilon = 1e-5

// Normalize replaces x by (x - mean) / sqrt(variance + 1e-5), with the population variance.
func Normalize(x []float32) {
	mean, scale := Moments(x)
	for i, v := range x {
		x[i] = float32((float64(v) - mean) * scale)
	}
}

// Moments gives the mean and 1 / sqrt(variance + 1e-5), with which [Normalize] works.
func Moments(x []float32) (mean, scale float64) {
	n := float64(max(len(x), 1))
	sum := 0.0
	for _, v := range x {
		sum += float64(v)
	}
	mean = sum / n
	squares := 0.0
	for _, v := range x {
		d := float64(v) - mean
		squares += d * d
	}
	return mean, 1 / math.Sqrt(squares/n+normalizeEpsilon)
}

// normalizePCM fills dst with what Normalize makes of the samples in pcm, scaled to [-1, 1). It needs no pass over floats:
// the sums are exact integers, and the whole part of the mean is taken off as an integer, so that samples far from zero
// lose nothing in float32.
func normalizePCM(dst []float32, pcm []byte) {
	zero, scale, bias := normalizing(pcm, len(dst))
	affine(dst, pcm, zero, scale, bias)
}

// normalizing is what normalizes n samples by affine.
func normalizing(pcm []byte, samples int) (zero int32, scale, bias float32) {
	if samples == 0 {
		return 0, 1, 0
	}
	sum, squares := moments(pcm)
	n := float64(samples)
	mean := float64(sum) / n
	variance := (float64(squares) - float64(sum)*mean) / n
	s := 1 / math.Sqrt(variance+normalizeEpsilon/(pcmScale*pcmScale))
	whole := math.RoundToEven(mean)
	return int32(whole), float32(s), float32((whole - mean) * s)
}

// moments returns the sum of little-endian 16-bit samples and the sum of their squares. Both are exact for fewer than 2^32
// samples, more than a row can have. Eight samples at once and two sums of each kind keep the adders of the CPU busy.
func moments(pcm []byte) (sum, squares int64) {
	var sum2, squares2 int64
	le := binary.LittleEndian
	for len(pcm) >= 16 {
		v, w := le.Uint64(pcm), le.Uint64(pcm[8:])
		a, b, c, d := int64(int16(v)), int64(int16(v>>16)), int64(int16(v>>32)), int64(v)>>48
		e, f, g, h := int64(int16(w)), int64(int16(w>>16)), int64(int16(w>>32)), int64(w)>>48
		sum += a + b + e + f
		sum2 += c + d + g + h
		squares += a*a + b*b + e*e + f*f
		squares2 += c*c + d*d + g*g + h*h
		pcm = pcm[16:]
	}
	for ; len(pcm) >= 2; pcm = pcm[2:] {
		a := int64(int16(le.Uint16(pcm)))
		sum += a
		squares += a * a
	}
	return sum + sum2, squares + squares2
}

// affine fills dst with (v - zero)·scale + bias of the little-endian 16-bit samples v of pcm, which has at least 2·len(dst)
// bytes. The product is rounded before the sum on every machine: the conversion forbids a fused multiply-add.
func affine(dst []float32, pcm []byte, zero int32, scale, bias float32) {
	le := binary.LittleEndian
	for len(dst) >= 8 && len(pcm) >= 16 {
		v, w, d := le.Uint64(pcm), le.Uint64(pcm[8:]), dst[:8:8]
		d[0] = float32(float32(int32(int16(v))-zero)*scale) + bias
		d[1] = float32(float32(int32(int16(v>>16))-zero)*scale) + bias
		d[2] = float32(float32(int32(int16(v>>32))-zero)*scale) + bias
		d[3] = float32(float32(int32(int16(v>>48))-zero)*scale) + bias
		d[4] = float32(float32(int32(int16(w))-zero)*scale) + bias
		d[5] = float32(float32(int32(int16(w>>16))-zero)*scale) + bias
		d[6] = float32(float32(int32(int16(w>>32))-zero)*scale) + bias
		d[7] = float32(float32(int32(int16(w>>48))-zero)*scale) + bias
		dst, pcm = dst[8:], pcm[16:]
	}
	for i := range dst {
		dst[i] = float32(float32(int32(int16(le.Uint16(pcm[2*i:])))-zero)*scale) + bias
	}
}

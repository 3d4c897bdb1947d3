package datasets

import (
	"fmt"
	"math"
)

// Collate fills dst, a (len(b.Cuts), b.Length) array, with the samples of a batch; rows shorter than b.Length end in zeros.
// With normalize, each cut has zero mean and unit variance before the zeros are added. It allocates nothing.
func Collate(s *Store, b Batch, dst []float32, normalize bool) error {
	if len(dst) != len(b.Cuts)*b.Length {
		return fmt.Errorf("datasets: collate: %d values for %d rows of %d samples", len(dst), len(b.Cuts), b.Length)
	}
	for i, c := range b.Cuts {
		row := dst[i*b.Length:][:b.Length]
		if c.Samples < 0 || c.Samples > b.Length {
			return fmt.Errorf("datasets: collate: cut of %d samples in a batch of length %d", c.Samples, b.Length)
		}
		if err := s.Read(row[:c.Samples], c.Row, c.Offset); err != nil {
			return err
		}
		if normalize {
			Normalize(row[:c.Samples])
		}
		clear(row[c.Samples:])
	}
	return nil
}

// normalizeEpsilon keeps silence finite. It is the value of Hugging Face's Wav2Vec2FeatureExtractor (zero_mean_unit_var_norm)
// and of the layer_norm that fairseq applies to waveforms.
const normalizeEpsilon = 1e-5

// Normalize replaces x by (x - mean) / sqrt(variance + 1e-5), with the population variance.
func Normalize(x []float32) {
	if len(x) == 0 {
		return
	}
	n := float64(len(x))
	sum := 0.0
	for _, v := range x {
		sum += float64(v)
	}
	mean := sum / n
	squares := 0.0
	for _, v := range x {
		d := float64(v) - mean
		squares += d * d
	}
	scale := 1 / math.Sqrt(squares/n+normalizeEpsilon)
	for i, v := range x {
		x[i] = float32((float64(v) - mean) * scale)
	}
}

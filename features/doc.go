// Package features computes spectral features of speech. wav2vec 2.0 learns from the waveform and needs none; they are for
// looking at recordings, and for what is compared with it.
package features

package encoder

import (
	"aural/graph"
	"aural/kernels"
	"aural/nn"
)

// Names of the inputs that hold audio: B rows of S samples.
const (
	WaveInput   = "wave"         // (B,S,1), or int16 (B,S)
	AffineInput = "wave_affine"  // (B,3) of kernels.Waveform, only with 16-bit samples
	LengthInput = "wave_lengths" // int32 (B), likewise
)

// Wave declares the inputs of audio and returns it as (B,S,1). With pcm it comes as the 16-bit samples that stores hold, half the bytes, and is made numbers, and
// normalised, where the rest is computed.
func Wave(n *nn.Net, rows, samples int, pcm bool) *graph.Node {
	if !pcm {
		return n.Input(WaveInput, n.Float(), rows, samples, 1)
	}
	return n.Apply(kernels.Waveform{}, n.Input(WaveInput, kernels.Int16, rows, samples), n.Input(AffineInput, n.Float(), rows, 3), n.Input(LengthInput, kernels.Int32, rows))
}

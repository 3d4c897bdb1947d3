package finetune

import (
	"testing"

	"aural/encoder"
	"aural/graph/graphtest"
	"aural/kernels"
	"aural/kernels/ref"
	"aural/train/traintest"
)

// Central differences of the whole objective in float64, for sampled elements of every trained parameter, with all that training can have switched on: padding, both
// masks, dropouts and a dropped block.
func TestGradientOfWholeModel(t *testing.T) {
	r := quick()
	r.Mode = Scratch
	r.Encoder = encoder.Config{
		Conv:     []encoder.ConvLayer{{Channels: 6, Kernel: 10, Stride: 5}, {Channels: 8, Kernel: 3, Stride: 2}, {Channels: 8, Kernel: 2, Stride: 2}},
		ConvNorm: encoder.GroupNorm, Width: 12, Layers: 3, Heads: 3, FFN: 20, PositionKernel: 8, PositionGroups: 2, InputDropout: 0.1, Dropout: 0.1,
		AttentionDropout: 0.1, ActivationDropout: 0.1, LayerDrop: 0.3, FeatureGradScale: 1, NormEps: 1e-5,
	}
	r.Head.Dropout = 0.1
	const classes, rows, samples = 6, 2, 360
	s := Shape{Rows: rows, Samples: samples, Labels: 5}
	m, err := Build(r, classes, 0, s, kernels.Float64, true)
	if err != nil {
		t.Fatal(err)
	}
	specs, gradients := m.Specs(), m.gradients(false)
	if len(gradients) != len(specs) {
		t.Fatalf("%d of %d parameters have a gradient", len(gradients), len(specs))
	}
	b := graphtest.New(t, m.Builder, ref.New(), append(m.outputs, gradients...)...)
	values := traintest.Initialize(t, b, m.Initialize)
	mask, channels := make([]float64, rows*m.Frames), make([]float64, rows*12)
	mask[2], mask[3], mask[m.Frames+4], channels[3], channels[12+5] = 1, 1, 1, 1, 1
	b.Feed(encoder.WaveInput, traintest.Wave(rows*samples))
	b.Feed(MaskInput, mask)
	b.Feed(ChannelMaskInput, channels)
	b.Feed(FramesInput, []float64{float64(m.Frames), float64(m.Frames - 7)})
	b.Feed(TargetInput, []float64{1, 2, 2, 3, 5, 4, 1, 0, 0, 0})
	b.Feed(TargetLengthInput, []float64{5, 2})
	for i := range r.Encoder.Layers {
		b.Feed(encoder.KeepInput(i), []float64{float64((i + 1) % 2)})
	}
	traintest.GradCheck(t, b, &kernels.Step{Seed: 3, Update: 2}, LossOutput, specs, values, 2)
}

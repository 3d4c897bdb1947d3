package pretrain

import (
	"testing"

	"aural/contrastive"
	"aural/encoder"
	"aural/graph/graphtest"
	"aural/kernels"
	"aural/kernels/ref"
	"aural/quantizer"
	"aural/train"
	"aural/train/traintest"
)

// small is a recipe in which everything that can be on is on: both masks, all dropouts, LayerDrop, the feature penalty.
func small(norm encoder.ConvNorm) Recipe {
	r := Default()
	r.Encoder = encoder.Config{
		Conv:     []encoder.ConvLayer{{Channels: 6, Kernel: 10, Stride: 5}, {Channels: 8, Kernel: 3, Stride: 2}, {Channels: 8, Kernel: 2, Stride: 2}},
		ConvNorm: norm, ConvBias: norm == encoder.LayerNorm, PreNorm: norm == encoder.LayerNorm, Width: 12, Layers: 3, Heads: 3, FFN: 20,
		PositionKernel: 8, PositionGroups: 2, InputDropout: 0.1, FeatureDropout: 0.1, Dropout: 0.1, AttentionDropout: 0.1, ActivationDropout: 0.1,
		LayerDrop: 0.3, FeatureGradScale: 1, NormEps: 1e-5,
	}
	r.Mask.Length, r.Mask.MinSpans = 3, 2
	r.Channels = encoder.MaskConfig{Probability: 0.2, Length: 2, Selection: encoder.Static, MinSpans: 1, Semantics: encoder.Fairseq}
	r.Quantizer = quantizer.Config{Groups: 2, Entries: 5, Dim: 8, Soft: true, TempStart: 2, TempEnd: 0.5, TempDecay: 0.99}
	r.Contrastive = contrastive.Config{Distractors: 6, CrossDistractors: 2, Temperature: 0.1}
	r.Loss.TargetDim = 6
	r.Data.MinSamples, r.Data.MaxSamples, r.Data.BatchSamples = 640, 640, 2000
	return r
}

// Central differences of the whole training objective in float64, for sampled elements of every parameter. The quantizer is in its soft form, because
// the hard form's straight-through gradient is by design no derivative of its value; that one is held to PyTorch's in golden_test.go.
func TestGradientOfWholeModel(t *testing.T) {
	for _, norm := range []encoder.ConvNorm{encoder.GroupNorm, encoder.LayerNorm} {
		t.Run(string(norm), func(t *testing.T) {
			r := small(norm)
			b, specs, values := objective(t, r, kernels.Float64, ref.New())
			traintest.GradCheck(t, b, &kernels.Step{Seed: 3, Update: 2}, LossOutput, specs, values, 4)
		})
	}
}

// objective is the training objective of a small recipe with all gradients, on a back end. It holds fixed inputs, and values of the parameters that are away
// from their special initial ones.
func objective(t testing.TB, r Recipe, float kernels.DType, be kernels.Backend) (b *graphtest.Bench, specs []train.Spec, values map[string][]float64) {
	t.Helper()
	w := newWork(r, ref.New())
	const rows, samples = 2, 640
	w.frames = r.Encoder.Frames(samples)
	lengths := []int{w.frames, w.frames}
	n, err := w.masker.Draw(grow(&w.mask, rows*w.frames), lengths, w.frames, 1, 2, 0)
	if err != nil {
		t.Fatal(err)
	}
	w.shape = Shape{Rows: rows, Samples: samples, Masked: n + 2}
	w.list(n)
	if err := w.sampler.Draw(grow(&w.distractors, w.shape.Masked*r.Contrastive.Total()), w.counts, 1, 2, 0); err != nil {
		t.Fatal(err)
	}
	m, err := Build(r, w.shape, Mode{Float: float, Training: true})
	if err != nil {
		t.Fatal(err)
	}
	specs = m.Specs()
	gradients := m.gradients(false)
	if len(gradients) != len(specs) {
		t.Fatalf("%d of %d parameters have a gradient", len(gradients), len(specs))
	}
	b = graphtest.New(t, m.Builder, be, append(m.outputs, gradients...)...)
	values = traintest.Initialize(t, b, m.Initialize)
	feedSmall(b, r, w)
	return b, specs, values
}

// feedSmall feeds a work item that was drawn without a store, with block 1 dropped.
func feedSmall(b *graphtest.Bench, r Recipe, w *Work) {
	channels := make([]float64, w.shape.Rows*r.Encoder.Width)
	channels[3], channels[r.Encoder.Width+5] = 1, 1
	b.Feed(encoder.WaveInput, traintest.Wave(w.shape.Rows*w.shape.Samples))
	b.Feed(MaskInput, floats(w.mask))
	b.Feed(ChannelMaskInput, channels)
	b.Feed(MaskedInput, floats(w.masked))
	b.Feed(DistractorInput, floats(w.distractors))
	b.Feed(TempInput, []float64{0.8})
	b.Feed(DiversityInput, []float64{r.Loss.Diversity * float64(w.count)})
	b.Feed(PenaltyInput, []float64{r.Loss.FeaturePenalty * float64(w.count)})
	for i := range r.Encoder.Layers {
		keep := 1.0
		if i == 1 {
			keep = 0
		}
		b.Feed(encoder.KeepInput(i), []float64{keep})
	}
}

func floats[T uint8 | int32](x []T) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}

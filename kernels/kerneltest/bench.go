package kerneltest

import (
	"errors"
	"fmt"
	"testing"

	"aural/kernels"
	"aural/rng"
)

// model holds the sizes of a wav2vec 2.0 that its ops are timed with.
type model struct {
	name                       string
	batch, samples             int
	conv                       int // channels of the feature encoder
	dim, inner, heads          int // of the transformer
	posKernel, posGroups       int
	groups, entries, vq, final int // of the quantizer and the contrastive space
	negatives                  int
}

// models are a model for two CPU cores and the published base model (Baevski et al. 2020, §4.2) with one utterance of its longest crop.
var models = [...]model{
	{"tiny", 4, 64000, 64, 128, 512, 4, 32, 4, 2, 64, 64, 64, 50},
	{"base", 1, 250000, 512, 768, 3072, 12, 128, 16, 2, 320, 256, 256, 100},
}

// benchCases are the ops of one training step that take time.
func (m model) benchCases() []Case {
	stride, width := [...]int{5, 2, 2, 2, 2, 2, 2}, [...]int{10, 3, 3, 3, 3, 2, 2}
	var cases []Case
	frames, channels := m.samples, 1
	for i := range stride {
		s := convSize{b: m.batch, t: frames, cin: channels, cout: m.conv, k: width[i], stride: stride[i], groups: 1}
		c := s.newCase("")
		c.Name = fmt.Sprintf("encoder conv %d", i)
		frames, channels = kernels.Conv1D{Stride: stride[i]}.OutLen(frames, width[i]), m.conv
		if i < 2 || i == len(stride)-1 { // the layers between differ only in length
			cases = append(cases, c)
		}
		if i == 0 {
			x := normal(m.batch, frames, channels)
			cases = append(cases, groupNormCase("encoder norm", channels, x), geluCase("encoder gelu", x))
		}
	}
	seq := normal(m.batch, frames, m.dim)
	pos := convSize{b: m.batch, t: frames, cin: m.dim, cout: m.dim, k: m.posKernel, stride: 1, left: m.posKernel / 2, right: m.posKernel/2 - 1,
		groups: m.posGroups, bias: true}.newCase("")
	pos.Name = "positional conv"
	masked := m.batch * frames / 2
	op := kernels.GumbelQuantize{Groups: m.groups, Frames: frames, Noise: true, Hard: true, Site: rng.Site("bench.gumbel")}
	list := framesAmong(masked, masked, m.batch*frames)
	logits := spread(0, 2, masked, m.groups*m.entries)
	return append(cases, pos,
		linearCase("qkv or out linear", true, seq, m.dim),
		linearCase("ffn first linear", true, seq, m.inner),
		linearCase("ffn second linear", true, normal(m.batch, frames, m.inner), m.dim),
		attentionCase("attention", m.heads, 0.1, nil, seq, seq, seq),
		layerNormCase("transformer norm", seq),
		geluCase("ffn gelu", normal(m.batch, frames, m.inner)),
		dropoutCase("dropout", 0.1, kernels.Step{}, seq),
		addCase("residual", seq, seq),
		quantizeCase("quantizer", op, 2, logits, normal(1, m.groups*m.entries, m.vq/m.groups), list),
		diversityCase("diversity", m.groups, logits, list),
		contrastiveCase("contrastive loss", 0.1, normal(masked, m.final), normal(masked, m.final), distractors(masked, masked, m.negatives),
			codes(masked, masked, m.groups, m.entries)),
		ctcCase("ctc loss", kernels.CTCLoss{}, normal(m.batch, frames, 32), full(m.batch, frames), labels(m.batch, frames/4, 32, 0), full(m.batch, frames/4)),
		Case{Name: "gradient norm", Op: kernels.SumSquares{}, Inputs: []Input{normal(m.dim * m.inner)}},
		adamCase("adamw", normal(m.dim*m.inner), 5e-4, 0.01, 100, 1),
	)
}

// Bench times the ops of a training step and their gradient ops on back end b, in sub-benchmarks model/place/op with the rates
// GFLOP/s (by Op.FLOPs) and GB/s (by kernels.Bytes, what must move at least).
func Bench(b *testing.B, be kernels.Backend) {
	for _, m := range models {
		for _, c := range m.benchCases() {
			b.Run(m.name+"/"+c.Name, func(b *testing.B) { benchCase(b, be, c) })
		}
	}
}

// benchCase times the forward call; its outputs, computed by the back end itself, lead to the gradient calls.
func benchCase(b *testing.B, be kernels.Backend, c Case) {
	fwd := c.forward()
	b.Run(c.Op.Name(), func(b *testing.B) { benchCall(b, be, fwd) })
	if c.Backward == nil {
		return
	}
	r, err := newRig(be, fwd)
	if errors.Is(err, kernels.ErrUnsupported) {
		return // reported as skipped above
	}
	if err != nil {
		b.Fatal(err)
	}
	out, err := r.run(c.Step, dirtyNaN, false)
	if err := errors.Join(err, r.free()); err != nil {
		b.Fatal(err)
	}
	for _, g := range c.Backward(fwd.In, out, c.outputGradient(out[0].Desc)) {
		if g.Op != nil && g.Op != c.Op { // an op that is its own gradient was timed above
			b.Run(g.Op.Name(), func(b *testing.B) { benchCall(b, be, Call{Op: g.Op, In: g.In, Step: c.Step}) })
		}
	}
}

func benchCall(b *testing.B, be kernels.Backend, call Call) {
	r, err := newRig(be, call)
	if errors.Is(err, kernels.ErrUnsupported) {
		b.Skip(err)
	}
	if err != nil {
		b.Fatal(err)
	}
	if _, err := r.run(call.Step, dirtyNaN, false); err != nil { // stores the inputs
		b.Fatal(err)
	}
	in, out, step := buffers(r.in), buffers(r.out), call.Step
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N { // not b.Loop, which stops the clock before Sync
		r.kernel.Run(&step, in, out, r.scratch.inner)
	}
	err = be.Sync()
	b.StopTimer()
	if err := errors.Join(err, r.free()); err != nil {
		b.Fatal(err)
	}
	perSecond := float64(b.N) / b.Elapsed().Seconds() / 1e9
	b.ReportMetric(float64(call.Op.FLOPs(descs(in), descs(out)))*perSecond, "GFLOP/s")
	b.ReportMetric(float64(kernels.Bytes(descs(in), descs(out)))*perSecond, "GB/s")
}

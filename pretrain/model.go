package pretrain

import (
	"fmt"

	"aural/contrastive"
	"aural/encoder"
	"aural/exec"
	"aural/graph"
	"aural/kernels"
	"aural/nn"
	"aural/quantizer"
	"aural/train"
)

// Names of the inputs of a program besides those of encoder.Wave, with their shapes: B rows of S samples and T frames, N places for masked frames, K distractors.
const (
	MaskInput        = "mask"        // uint8 (B,T)
	ChannelMaskInput = "channels"    // uint8 (B,D), only with a channel mask
	MaskedInput      = "masked"      // int32 (N): flat frames b·T+t of the masked frames, -1 at unused places
	DistractorInput  = "distractors" // int32 (N,K): places in the list of masked frames, -1 at unused places
	TempInput        = "gumbel_temperature"
	DiversityInput   = "diversity_scale" // diversity weight x masked frames
	PenaltyInput     = "penalty_scale"   // feature penalty weight x masked frames
)

// Names of the outputs.
const (
	LossOutput        = "loss"        // () summed over masked frames: contrastive + scale·diversity + scale·penalty
	ContrastiveOutput = "contrastive" // () summed over masked frames
	DiversityOutput   = "diversity"   // () unweighted
	PenaltyOutput     = "penalty"     // () unweighted; absent when its weight is 0
	PerplexityOutput  = "prob_perplexity"
	UsageOutput       = "usage"   // (G,V) mean probability of each entry
	CodesOutput       = "codes"   // int32 (N,G)
	HitsOutput        = "hits"    // int32 (N,2)
	ContextOutput     = "context" // (N,E) projected context of the masked frames
	TargetOutput      = "target"  // (N,E) projected quantized features
)

// Shape is what a program is compiled for.
type Shape struct {
	Rows, Samples int
	Masked        int  // N
	PCM           bool // the audio comes as 16-bit samples
}

// Model is the objective as a graph.
type Model struct {
	*nn.Net
	Recipe  Recipe
	Frames  int
	Blocks  []*graph.Node // outputs of the transformer blocks (B,T,D)
	Feature *graph.Node   // z (B,T,C)
	Context *graph.Node   // projected context of the masked frames (N, TargetDim)
	Target  *graph.Node   // projected quantized features (N, TargetDim)
	Loss    *graph.Node
	outputs []graph.Output
}

// Mode says which graph is wanted.
type Mode struct {
	Float    kernels.DType
	Training bool
	// NoNoise trains without Gumbel noise, for comparisons with other implementations.
	NoNoise bool
}

// Build makes the graph of the objective (Baevski et al. 2020 §3):
//
//	z = features(wave); h = LN(z); c = project_hid(context(mask(project(h)))); q = project_q(quantize(h at masked frames))
//	loss = Σ_masked InfoNCE(c, q, distractors) + n·(α·diversity + β·mean z²)
//
// The sum is over the n masked frames; whoever applies the gradient divides it by the masked frames of the whole update, as fairseq does.
func Build(r Recipe, s Shape, mode Mode) (*Model, error) {
	m := &Model{Net: nn.New(mode.Float, mode.Training), Recipe: r, Frames: r.Encoder.Frames(s.Samples)}
	m.Noise = mode.Training && !mode.NoNoise
	wave := encoder.Wave(m.Net, s.Rows, s.Samples, s.PCM)
	mask := m.Input(MaskInput, kernels.Uint8, s.Rows, m.Frames)
	masked := m.Input(MaskedInput, kernels.Int32, s.Masked)
	distractors := m.Input(DistractorInput, kernels.Int32, s.Masked, r.Contrastive.Total())
	tau := m.Input(TempInput, mode.Float)

	m.Feature = encoder.Features(m.Net, r.Encoder, wave)
	normalised, x := encoder.Project(m.Net, r.Encoder, m.Feature)
	x = encoder.Mask(m.Net, x, mask)
	if r.Channels.Probability > 0 && mode.Training {
		x = m.Apply(kernels.MaskChannels{}, x, m.Input(ChannelMaskInput, kernels.Uint8, s.Rows, r.Encoder.Width))
	}
	c, states := encoder.Context(m.Net, r.Encoder, x, nil)
	m.Blocks = states[1:]
	m.Context = m.head("project_hid", m.Apply(kernels.GatherRows{}, c, masked))

	h := nn.Dropout(m.Net, "quantizer.dropout", normalised, r.Encoder.FeatureDropout)
	q := quantizer.Quantize(m.Net, r.Quantizer, m.Apply(kernels.GatherRows{}, h, masked), masked, tau, m.Frames)
	m.Target = m.head("project_q", q.Quantized)

	codes := q.Codes
	if r.Quantizer.Soft && mode.Training {
		codes = nil
	}
	loss := contrastive.Loss(m.Net, r.Contrastive, m.Context, m.Target, distractors, codes)
	terms := []*graph.Node{loss.Loss, m.Apply(kernels.ScaleBy{}, q.Diversity, m.Input(DiversityInput, mode.Float))}
	m.outputs = []graph.Output{
		{Name: ContrastiveOutput, Node: loss.Loss}, {Name: DiversityOutput, Node: q.Diversity}, {Name: PerplexityOutput, Node: q.Perplexity},
		{Name: UsageOutput, Node: q.Usage}, {Name: CodesOutput, Node: q.Codes}, {Name: HitsOutput, Node: loss.Hits},
		{Name: ContextOutput, Node: m.Context}, {Name: TargetOutput, Node: m.Target},
	}
	if r.Loss.FeaturePenalty > 0 {
		penalty := m.Apply(kernels.MeanSquare{}, m.Feature)
		terms = append(terms, m.Apply(kernels.ScaleBy{}, penalty, m.Input(PenaltyInput, mode.Float)))
		m.outputs = append(m.outputs, graph.Output{Name: PenaltyOutput, Node: penalty})
	}
	m.Loss = m.Apply(kernels.AddN{}, terms...)
	m.outputs = append(m.outputs, graph.Output{Name: LossOutput, Node: m.Loss})
	if err := m.Err(); err != nil {
		return nil, fmt.Errorf("pretrain: building the model for %d x %d samples: %w", s.Rows, s.Samples, err)
	}
	return m, nil
}

// head maps to the width in which context and targets are compared.
func (m *Model) head(name string, x *graph.Node) *graph.Node {
	fan := nn.FanInUniform(m.Dim(x, -1))
	return nn.Linear(m.Net, name, x, m.Recipe.Loss.TargetDim, fan, fan)
}

// Plan lowers the graph, with the gradients of all parameters when train is set, and plans it for a back end. Extra outputs may be asked for by tests.
func (m *Model) Plan(be kernels.Backend, gradients bool, extra ...graph.Output) (*exec.Program, error) {
	outputs := append(append([]graph.Output(nil), m.outputs...), extra...)
	if gradients {
		outputs = append(outputs, m.gradients(true)...)
	}
	g, err := m.Lower(outputs)
	if err != nil {
		return nil, err
	}
	return exec.Plan(g, be)
}

// gradients adds the gradient of the loss with respect to every parameter that it reaches, as an output each.
func (m *Model) gradients(external bool) []graph.Output {
	specs := m.Specs()
	params := make([]*graph.Node, len(specs))
	for i, s := range specs {
		params[i] = m.Param(s.Name, s.Shape...)
	}
	var outputs []graph.Output
	for i, g := range m.Gradients(m.Loss, params) {
		if g != nil {
			outputs = append(outputs, graph.Output{Name: train.GradientOutput(specs[i].Name), Node: g, External: external})
		}
	}
	return outputs
}

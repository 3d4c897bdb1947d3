package finetune

import (
	"fmt"
	"math"
	"strings"

	"aural/encoder"
	"aural/exec"
	"aural/graph"
	"aural/kernels"
	"aural/nn"
	"aural/train"
)

// Names of the inputs of a program besides those of encoder.Wave, with their shapes: B rows of S samples and T frames, L places for labels.
const (
	FramesInput       = "frames"         // int32 (B): frames of each row that are not padding
	MaskInput         = "mask"           // uint8 (B,T), only in training with a mask
	ChannelMaskInput  = "channels"       // uint8 (B,D), only in training with a channel mask
	TargetInput       = "targets"        // int32 (B,L)
	TargetLengthInput = "target_lengths" // int32 (B)
)

// Names of the outputs.
const (
	LossOutput   = "loss"   // () summed over rows, in nats
	LossesOutput = "losses" // (B)
	LogitsOutput = "logits" // (B,T,V), only in validation
)

// headName is the prefix of the head's parameters, as in Hugging Face's Wav2Vec2ForCTC.
const headName = "lm_head"

// Shape is what a program is compiled for.
type Shape struct {
	Rows, Samples int
	Labels        int  // L
	HeadOnly      bool // only the head has gradients
	PCM           bool // the audio comes as 16-bit samples
}

// Model is the objective as a graph.
type Model struct {
	*nn.Net
	Frames  int
	Logits  *graph.Node // (B,T,V)
	Loss    *graph.Node
	recipe  Recipe
	shape   Shape
	outputs []graph.Output
}

// Build makes the graph: logits = W·dropout(context(mask(project(features(wave))))) + b, and the CTC loss of the targets, summed over the rows.
//
// Padding frames take no part in attention and in the loss, but where the first convolution has group norm they do in its statistics, as in fairseq. classes and
// blank are those of the vocabulary.
func Build(r Recipe, classes, blank int, s Shape, float kernels.DType, training bool) (*Model, error) {
	m := &Model{Net: nn.New(float, training), Frames: r.Encoder.Frames(s.Samples), recipe: r, shape: s}
	m.Training = training && r.Mode != Frozen // of the encoder
	wave := encoder.Wave(m.Net, s.Rows, s.Samples, s.PCM)
	frames := m.Input(FramesInput, kernels.Int32, s.Rows)
	_, x := encoder.Project(m.Net, r.Encoder, encoder.Features(m.Net, r.Encoder, wave))
	if training && r.masks() {
		x = encoder.Mask(m.Net, x, m.Input(MaskInput, kernels.Uint8, s.Rows, m.Frames))
	} else {
		encoder.MaskVector(m.Net, r.Encoder.Width) // a parameter of the model all the same
	}
	if training && r.masksChannels() {
		x = m.Apply(kernels.MaskChannels{}, x, m.Input(ChannelMaskInput, kernels.Uint8, s.Rows, r.Encoder.Width))
	}
	c, _ := encoder.Context(m.Net, r.Encoder, x, frames)
	m.Training = training
	m.Scope("head", func() {
		c = nn.Dropout(m.Net, headName+".dropout", c, r.Head.Dropout)
		bound := math.Sqrt(6 / float64(r.Encoder.Width+classes)) // Glorot and Bengio 2010
		m.Logits = nn.Linear(m.Net, headName, c, classes, nn.Uniform(-bound, bound), nn.Constant(0))
		m.Loss = m.Apply(kernels.CTCLoss{Blank: blank, ZeroInfinity: r.Loss.ZeroInfinity}, m.Logits, frames,
			m.Input(TargetInput, kernels.Int32, s.Rows, s.Labels), m.Input(TargetLengthInput, kernels.Int32, s.Rows))
	})
	m.outputs = []graph.Output{{Name: LossOutput, Node: m.Loss}, {Name: LossesOutput, Node: m.Part(m.Loss, 1)}}
	if !training {
		m.outputs = append(m.outputs, graph.Output{Name: LogitsOutput, Node: m.Logits})
	}
	if err := m.Err(); err != nil {
		return nil, fmt.Errorf("finetune: building the model for %d x %d samples: %w", s.Rows, s.Samples, err)
	}
	return m, nil
}

// trains reports whether a parameter has a gradient in programs of the model's shape.
func (m *Model) trains(name string) bool {
	switch {
	case strings.HasPrefix(name, headName+"."):
		return true
	case m.shape.HeadOnly || m.recipe.Mode == Frozen:
		return false
	}
	return m.recipe.Mode == Scratch || !m.recipe.Freeze.Features || !strings.HasPrefix(name, strings.TrimSuffix(featureParameters, "*"))
}

// gradients adds the gradient of the loss with respect to every parameter that is trained, as an output each.
func (m *Model) gradients(external bool) []graph.Output {
	var names []string
	var params []*graph.Node
	for _, s := range m.Specs() {
		if m.trains(s.Name) {
			names, params = append(names, s.Name), append(params, m.Param(s.Name, s.Shape...))
		}
	}
	var outputs []graph.Output
	for i, g := range m.Gradients(m.Loss, params) {
		if g != nil {
			outputs = append(outputs, graph.Output{Name: train.GradientOutput(names[i]), Node: g, External: external})
		}
	}
	return outputs
}

// Plan lowers the graph, with the gradients of what is trained when wanted, and plans it for a back end.
func (m *Model) Plan(be kernels.Backend, gradients bool) (*exec.Program, error) {
	outputs := m.outputs
	if gradients {
		outputs = append(outputs[:len(outputs):len(outputs)], m.gradients(true)...)
	}
	g, err := m.Lower(outputs)
	if err != nil {
		return nil, err
	}
	return exec.Plan(g, be)
}

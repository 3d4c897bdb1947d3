package infer

import (
	"fmt"

	"aural/encoder"
	"aural/exec"
	"aural/graph"
	"aural/hf"
	"aural/kernels"
	"aural/nn"
	"aural/train"
)

// Names of the inputs of a program of B rows.
const (
	waveInput   = "wave"    // (B,S,1)
	lengthInput = "lengths" // int32 (B): real frames; only of models with layer norm
)

// What is no hidden state has numbers below those of layers.
const (
	headLayer = -1 // logits of the CTC head
	// Conv is, for [Model.Hidden], the normalised output of the feature encoder: what transformers calls extract_features, and what the quantizer sees.
	Conv      = -2
	quantizer = -3 // logits of the codes
	lowest    = quantizer
)

// outputs names a list of layers; it can be compared.
func outputs(layers []int) string {
	s := make([]rune, len(layers))
	for i, l := range layers {
		s[i] = rune(l - lowest)
	}
	return string(s)
}

// shape is what a program is compiled for.
type shape struct {
	rows, samples int
	outputs       string
}

type program struct {
	*exec.Program
	frames int
	names  []string // of the outputs
	frozen bool     // the back end knows that the weights do not change
}

// Exec is the bare program.
func (p *program) Exec() *exec.Program { return p.Program }

// layerName is the name of an output.
func layerName(layer int) string {
	switch layer {
	case headLayer:
		return "logits"
	case quantizer:
		return "codes"
	case Conv:
		return "conv"
	}
	return fmt.Sprintf("hidden.%d", layer)
}

// available lists all layers.
func (m *Model) available() []int {
	list := make([]int, 0, m.cfg.Layers+3)
	for i := range m.cfg.Layers + 1 {
		list = append(list, i)
	}
	if m.classes > 0 {
		list = append(list, headLayer)
	}
	if m.groups > 0 {
		list = append(list, quantizer)
	}
	return list
}

// build adds the network to n and returns the outputs of a shape. Padding frames take no part in attention where the model has layer norm; rows of the
// others have no padding.
func (m *Model) build(n *nn.Net, s shape) ([]graph.Output, error) {
	var lengths *graph.Node
	wave := n.Input(waveInput, kernels.Float32, s.rows, s.samples, 1)
	if m.masks() {
		lengths = n.Input(lengthInput, kernels.Int32, s.rows)
	}
	conv, x := encoder.Project(n, m.cfg, encoder.Features(n, m.cfg, wave))
	last, states := encoder.Context(n, m.cfg, x, lengths)
	states[m.cfg.Layers] = last
	var list []graph.Output
	for _, r := range s.outputs {
		layer := int(r) + lowest
		var node *graph.Node
		switch layer {
		case headLayer:
			n.Scope("head", func() { node = nn.Linear(n, "lm_head", last, m.classes, nn.Constant(0), nn.Constant(0)) })
		case quantizer:
			n.Scope("quantizer", func() {
				node = nn.Linear(n, "quantizer.weight_proj", conv, m.groups*m.entries, nn.Constant(0), nn.Constant(0))
			})
		case Conv:
			node = conv
		default:
			node = states[layer]
		}
		list = append(list, graph.Output{Name: layerName(layer), Node: node})
	}
	if err := n.Err(); err != nil {
		return nil, fmt.Errorf("infer: building the network for %d x %d samples: %w", s.rows, s.samples, err)
	}
	return list, nil
}

// masks reports whether rows of a batch may have padding.
func (m *Model) masks() bool { return m.cfg.ConvNorm == encoder.LayerNorm }

// newNet makes a net for inference.
func newNet() *nn.Net {
	n := nn.New(kernels.Float32, false)
	n.Folded = true
	return n
}

// foldPositions computes the kernel of the position embedding once, as the network would in each run.
func (m *Model) foldPositions(f *hf.Model) error {
	n := nn.New(kernels.Float32, false)
	d := m.cfg.Width
	w := nn.NormedKernel(n, encoder.PositionKernelName, nn.Constant(0), d, d/m.cfg.PositionGroups, m.cfg.PositionKernel)
	parts, err := train.NewValues(m.opt.Backend, n.Specs())
	if err != nil {
		return err
	}
	defer parts.Free()
	if err := f.Load(parts, m.opt.Backend); err != nil {
		return err
	}
	g, err := n.Lower([]graph.Output{{Name: "kernel", Node: w}})
	if err != nil {
		return err
	}
	p, err := exec.Plan(g, m.opt.Backend)
	if err != nil {
		return err
	}
	arena, err := m.opt.Backend.Alloc(p.ArenaBytes())
	if err != nil {
		return err
	}
	defer arena.Free()
	defer p.Free()
	if err := p.Bind(arena, parts.Param); err != nil {
		return err
	}
	if err := p.Run(&kernels.Step{}); err != nil {
		return err
	}
	to, _ := m.weights.Param(encoder.PositionKernelName)
	value := make([]float32, to.Size())
	if err := p.Read("kernel", kernels.BytesOf(value)); err != nil {
		return err
	}
	return m.opt.Backend.Upload(to, kernels.BytesOf(value))
}

// compile plans the program of a shape.
func (m *Model) compile(s shape) (*program, error) {
	n := newNet()
	outs, err := m.build(n, s)
	if err != nil {
		return nil, err
	}
	g, err := n.Lower(outs)
	if err != nil {
		return nil, err
	}
	p := &program{frames: m.Frames(s.samples)}
	for _, o := range outs {
		p.names = append(p.names, o.Name)
	}
	p.Program, err = exec.Plan(g, m.opt.Backend)
	return p, err
}

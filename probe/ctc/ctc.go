// Package ctc is a linear probe of frames by transcripts: a linear layer from frozen features to characters, trained with the CTC loss (Graves et al. 2006), so
// that no alignment is needed. Its character error rate without a language model tells how plainly a layer says what is spoken.
//
// It is the head of fine-tuning with a frozen encoder, but fitted as the other probes are: on standardised features, with an L2 penalty, by L-BFGS over all
// utterances at once, from weights of zero. There is no learning rate and no schedule, so layers differ by their features alone. The objective has local
// minima, which a classifier's has not.
//
// The loss and its gradient are computed by a back end in float32, batch by batch; everything else is float64, in a fixed order.
package ctc

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"aural/exec"
	"aural/graph"
	"aural/kernels"
	"aural/nn"
	"aural/probe"
	"aural/train"
)

// Sequence is one utterance: T frames of features and what is said in them.
type Sequence struct {
	Frames []float32 // (T,Dim)
	Target []int32   // labels, without the blank
}

// Config describes the head and its training.
type Config struct {
	Dim, Classes, Blank int
	L2                  float64 // weight of the penalty on the weights, per label; Run takes 0 for: choose it
	Minimiser           probe.Minimiser
	Backend             kernels.Backend
}

// framesPerBatch bounds a batch, with its padding: 20,000 frames of 768 features are 61 MB.
const framesPerBatch = 20_000

// Names of the inputs and outputs of a program, with B rows of T frames and L labels.
const (
	framesInput  = "frames"  // (B,T,Dim)
	lengthsInput = "lengths" // int32 (B)
	targetsInput = "targets" // int32 (B,L)
	labelsInput  = "labels"  // int32 (B): how many
	lossesOutput = "losses"  // (B)
	headName     = "head"
)

// shape is what a program is compiled for.
type shape struct{ rows, frames, labels int }

// batch is some sequences, padded, ready to be fed.
type batch struct {
	shape
	x                        []float32
	lengths, targets, labels []int32
	losses                   []float32
}

// head is the objective:
//
//	f(W,b) = 1/labels · Σ_utterances CTC(W·x + b, target) + λ/2·‖W‖²
type head struct {
	Config
	batches  []*batch
	labels   float64 // of all batches
	weights  *train.Weights
	arena    *train.Arena
	programs *train.Programs[shape, *program]
	value    []float32 // of the gradients, on their way
	step     kernels.Step
}

type program struct{ *exec.Program }

// Exec is the bare program.
func (p *program) Exec() *exec.Program { return p.Program }

// Needs is the least number of frames that can carry a target: one a label, and a blank between equal ones.
func Needs(target []int32) int {
	n := len(target)
	for i := 1; i < len(target); i++ {
		if target[i] == target[i-1] {
			n++
		}
	}
	return n
}

// Fit trains a head. Every sequence must have a target that its frames can carry.
func Fit(list []Sequence, c Config) (*probe.Model, error) {
	models, err := fit(list, c, []float64{c.L2})
	if err != nil {
		return nil, err
	}
	return models[0], nil
}

// fit trains a head for each weight of the penalty, each from the optimum of the one before.
func fit(list []Sequence, c Config, weights []float64) (models []*probe.Model, err error) {
	for _, c.L2 = range weights {
		if err := c.check(list); err != nil {
			return nil, err
		}
	}
	h := &head{Config: c}
	var all []float32
	for _, s := range list {
		all = append(all, s.Frames...)
		h.labels += float64(len(s.Target))
	}
	standard := probe.Standardise(all, c.Dim)
	h.fill(list, standard)
	if err := h.allocate(); err != nil {
		return nil, errors.Join(err, h.free())
	}
	defer func() { err = errors.Join(err, h.free()) }()
	theta := make([]float64, (c.Dim+1)*c.Classes)
	for _, h.L2 = range weights {
		minimum, err := c.Minimiser.Minimise(h.evaluate, theta)
		if err != nil {
			return nil, err
		}
		m := &probe.Model{Standard: standard, W: make([]float64, c.Dim*c.Classes), B: slices.Clone(theta[c.Dim*c.Classes:]), L2: h.L2, Minimum: minimum}
		for k := range c.Classes {
			for d := range c.Dim {
				m.W[d*c.Classes+k] = theta[k*c.Dim+d]
			}
		}
		models = append(models, m)
	}
	return models, nil
}

func (c Config) check(list []Sequence) error {
	switch {
	case len(list) == 0:
		return errors.New("ctc: no utterance to train on")
	case c.Dim < 1 || c.Classes < 2 || c.Blank < 0 || c.Blank >= c.Classes:
		return fmt.Errorf("ctc: %d features, %d classes, blank %d", c.Dim, c.Classes, c.Blank)
	case !(c.L2 > 0) || math.IsInf(c.L2, 0):
		return fmt.Errorf("ctc: the weight of the L2 penalty is %v, want a positive number", c.L2)
	}
	for i, s := range list {
		if len(s.Frames)%c.Dim != 0 || len(s.Target) == 0 || Needs(s.Target) > len(s.Frames)/c.Dim {
			return fmt.Errorf("ctc: utterance %d has %d labels and %d numbers of features, %d a frame", i, len(s.Target), len(s.Frames), c.Dim)
		}
		for _, x := range s.Target {
			if x < 0 || int(x) >= c.Classes || int(x) == c.Blank {
				return fmt.Errorf("ctc: utterance %d has label %d, with %d classes and blank %d", i, x, c.Classes, c.Blank)
			}
		}
	}
	return nil
}

// allocate makes the weights and the cache of programs.
func (h *head) allocate() error {
	n := nn.New(kernels.Float32, true)
	h.build(n, shape{1, 1, 1})
	if err := n.Err(); err != nil {
		return fmt.Errorf("ctc: %w", err)
	}
	var err error
	if h.weights, err = train.NewWeights(h.Backend, n.Specs(), false); err != nil {
		return err
	}
	h.arena = train.NewArena(h.Backend)
	h.programs = train.NewPrograms(h.arena, h.weights, h.compile)
	return nil
}

func (h *head) free() error {
	var err error
	if h.weights != nil {
		err = h.weights.Free()
	}
	if h.arena != nil {
		err = errors.Join(err, h.arena.Free())
	}
	return err
}

// build adds the head and its loss to n.
func (h *head) build(n *nn.Net, s shape) (loss *graph.Node) {
	x := n.Input(framesInput, kernels.Float32, s.rows, s.frames, h.Dim)
	logits := nn.Linear(n, headName, x, h.Classes, nn.Constant(0), nn.Constant(0))
	return n.Apply(kernels.CTCLoss{Blank: h.Blank}, logits, n.Input(lengthsInput, kernels.Int32, s.rows), n.Input(targetsInput, kernels.Int32, s.rows, s.labels),
		n.Input(labelsInput, kernels.Int32, s.rows))
}

func (h *head) compile(s shape) (*program, error) {
	n := nn.New(kernels.Float32, true)
	loss := h.build(n, s)
	outputs := []graph.Output{{Name: lossesOutput, Node: n.Part(loss, 1)}}
	var params []*graph.Node
	for _, p := range n.Specs() {
		params = append(params, n.Param(p.Name, p.Shape...))
	}
	for i, g := range n.Gradients(loss, params) {
		outputs = append(outputs, graph.Output{Name: train.GradientOutput(n.Specs()[i].Name), Node: g, External: true})
	}
	if err := n.Err(); err != nil {
		return nil, fmt.Errorf("ctc: %w", err)
	}
	g, err := n.Lower(outputs)
	if err != nil {
		return nil, err
	}
	p, err := exec.Plan(g, h.Backend)
	return &program{p}, err
}

package finetune

import (
	"aural/encoder"
	"aural/exec"
	"aural/graph"
	"aural/kernels"
	"aural/train"
	"aural/vocab"
)

// programs are those of training or of validation.
type programs struct {
	*train.Programs[Shape, *program]
	keep []string // names of the inputs of LayerDrop
}

type program struct {
	*exec.Program
	flops  int64
	losses []float32 // (B)
	logits []float32 // (B,T,V), in validation
	// Scalars on their way in and out; fields, because what goes through the back end's interface would be allocated anew each step.
	seed, loss [1]float32
}

// Exec is the bare program.
func (q *program) Exec() *exec.Program { return q.Program }

func newPrograms(r Recipe, v *vocab.Vocabulary, be kernels.Backend, w *train.Weights, a *train.Arena, training bool) *programs {
	p := &programs{keep: make([]string, r.Encoder.Layers)}
	for i := range p.keep {
		p.keep[i] = encoder.KeepInput(i)
	}
	p.Programs = train.NewPrograms(a, w, func(s Shape) (*program, error) { return plan(r, v, be, s, training) })
	return p
}

// plan compiles without memory.
func plan(r Recipe, v *vocab.Vocabulary, be kernels.Backend, s Shape, training bool) (*program, error) {
	m, err := Build(r, v.Len(), v.Blank(), s, kernels.Float32, training)
	if err != nil {
		return nil, err
	}
	prog, err := m.Plan(be, training)
	if err != nil {
		return nil, err
	}
	q := &program{Program: prog, flops: prog.FLOPs(), losses: make([]float32, s.Rows), seed: [1]float32{1}}
	if !training {
		q.logits = make([]float32, s.Rows*m.Frames*v.Len())
	}
	return q, nil
}

// run feeds a micro-batch, runs its program and fetches the results.
func (p *programs) run(w *Work, s Shape, step *kernels.Step) (*program, error) {
	q, err := p.Get(s)
	if err != nil {
		return nil, err
	}
	feed := func(name string, data []byte) {
		if err == nil && q.HasInput(name) {
			err = q.Feed(name, data)
		}
	}
	feed(WaveInput, kernels.BytesOf(w.audio))
	feed(FramesInput, kernels.BytesOf(w.frames))
	feed(MaskInput, w.mask)
	feed(ChannelMaskInput, w.channels)
	feed(TargetInput, kernels.BytesOf(w.targets))
	feed(TargetLengthInput, kernels.BytesOf(w.lengths))
	feed(graph.SeedInput, kernels.BytesOf(q.seed[:]))
	for i := range w.keep {
		feed(p.keep[i], kernels.BytesOf(w.keep[i:i+1]))
	}
	if err != nil {
		return nil, err
	}
	if err := q.Run(step); err != nil {
		return nil, err
	}
	if err := q.Read(LossOutput, kernels.BytesOf(q.loss[:])); err != nil {
		return nil, err
	}
	if err := q.Read(LossesOutput, kernels.BytesOf(q.losses)); err != nil || q.logits == nil {
		return q, err
	}
	return q, q.Read(LogitsOutput, kernels.BytesOf(q.logits))
}

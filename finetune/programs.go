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
	logits bool       // are outputs too, in validation
	free   []*results // that nobody waits for
	// On its way in; a field, because what goes through the back end's interface would be allocated anew each step.
	seed [1]float32
}

// results are the outputs of a program for one micro-batch, in memory that they are copied to while the device goes on.
type results struct {
	*exec.Results
	loss   []float32 // one number
	losses []float32 // (B)
	logits []float32 // (B,T,V), in validation
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
	return &program{Program: prog, flops: prog.FLOPs(), logits: !training, seed: [1]float32{1}}, nil
}

// take returns results that nobody waits for.
func (q *program) take() (*results, error) {
	if n := len(q.free); n > 0 {
		r := q.free[n-1]
		q.free = q.free[:n-1]
		return r, nil
	}
	names := []string{LossOutput, LossesOutput}
	if q.logits {
		names = append(names, LogitsOutput)
	}
	mem, err := q.NewResults(names...)
	if err != nil {
		return nil, err
	}
	r := &results{Results: mem, loss: exec.Values[float32](mem, 0), losses: exec.Values[float32](mem, 1)}
	if q.logits {
		r.logits = exec.Values[float32](mem, 2)
	}
	return r, nil
}

// feed gives a program the inputs of a micro-batch.
func (p *programs) feed(q *program, w *Work) (err error) {
	feed := func(name string, data []byte) {
		if err == nil && q.HasInput(name) {
			err = q.Feed(name, data)
		}
	}
	w.audio.Each(feed, encoder.WaveInput, encoder.AffineInput, encoder.LengthInput)
	feed(FramesInput, kernels.BytesOf(w.frames))
	feed(MaskInput, w.mask)
	feed(ChannelMaskInput, w.channels)
	feed(TargetInput, kernels.BytesOf(w.targets))
	feed(TargetLengthInput, kernels.BytesOf(w.lengths))
	feed(graph.SeedInput, kernels.BytesOf(q.seed[:]))
	for i := range w.keep {
		feed(p.keep[i], kernels.BytesOf(w.keep[i:i+1]))
	}
	return err
}

// run feeds a micro-batch, unless that is done, and queues its program and the reading of the results. They are there after the next Sync of the back end; whoever
// has used them puts them into the program's free list.
func (p *programs) run(w *Work, fed bool, step *kernels.Step) (*program, *results, error) {
	q, err := p.Get(w.shape)
	if err == nil && !fed {
		err = p.feed(q, w)
	}
	if err != nil {
		return nil, nil, err
	}
	if err := q.Run(step); err != nil {
		return nil, nil, err
	}
	out, err := q.take()
	if err != nil {
		return nil, nil, err
	}
	return q, out, q.Fetch(out.Results)
}

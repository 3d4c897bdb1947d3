package pretrain

import (
	"aural/encoder"
	"aural/exec"
	"aural/graph"
	"aural/kernels"
	"aural/train"
)

// programs are those of training or of validation.
type programs struct {
	*train.Programs[Shape, *program]
	recipe Recipe
	keep   []string // names of the inputs of LayerDrop
}

type program struct {
	*exec.Program
	flops int64
	free  []*results // that nobody waits for
	// Scalars on their way in; a field, because what goes through the back end's interface would be allocated anew each step.
	feeds [4]float32
}

// Exec is the bare program.
func (q *program) Exec() *exec.Program { return q.Program }

func newPrograms(r Recipe, be kernels.Backend, w *train.Weights, a *train.Arena, training bool) *programs {
	p := &programs{recipe: r, keep: make([]string, r.Encoder.Layers)}
	for i := range p.keep {
		p.keep[i] = encoder.KeepInput(i)
	}
	p.Programs = train.NewPrograms(a, w, func(s Shape) (*program, error) { return plan(r, be, s, training) })
	return p
}

// plan compiles without memory.
func plan(r Recipe, be kernels.Backend, s Shape, training bool) (*program, error) {
	m, err := Build(r, s, Mode{Float: kernels.Float32, Training: training})
	if err != nil {
		return nil, err
	}
	prog, err := m.Plan(be, training)
	if err != nil {
		return nil, err
	}
	return &program{Program: prog, flops: prog.FLOPs()}, nil
}

// newResults makes memory for the results of a run.
func (q *program) newResults(penalty bool) (*results, error) {
	names := []string{LossOutput, ContrastiveOutput, DiversityOutput, PerplexityOutput, CodesOutput, HitsOutput, PenaltyOutput}
	if !penalty {
		names = names[:len(names)-1]
	}
	mem, err := q.NewResults(names...)
	if err != nil {
		return nil, err
	}
	of := func(i int) []float32 { return exec.Values[float32](mem, i) }
	r := &results{Results: mem, loss: of(0), contrastive: of(1), diversity: of(2), prob: of(3), codes: exec.Values[int32](mem, 4), hits: exec.Values[int32](mem, 5)}
	if r.penalty = []float32{0}; penalty {
		r.penalty = of(6)
	}
	return r, nil
}

// take returns results that nobody waits for.
func (q *program) take(penalty bool) (*results, error) {
	n := len(q.free)
	if n == 0 {
		return q.newResults(penalty)
	}
	r := q.free[n-1]
	q.free = q.free[:n-1]
	return r, nil
}

// feed gives a program the inputs of a micro-batch.
func (p *programs) feed(q *program, w *Work) (err error) {
	r := &p.recipe
	feed := func(name string, data []byte) {
		if err == nil && q.HasInput(name) {
			err = q.Feed(name, data)
		}
	}
	scalars := &q.feeds
	scalars[0], scalars[1] = w.temperature, float32(r.Loss.Diversity*float64(w.count))
	scalars[2], scalars[3] = float32(r.Loss.FeaturePenalty*float64(w.count)), 1
	w.audio.Each(feed, encoder.WaveInput, encoder.AffineInput, encoder.LengthInput)
	feed(MaskInput, w.mask)
	feed(ChannelMaskInput, w.channels)
	feed(MaskedInput, kernels.BytesOf(w.masked))
	feed(DistractorInput, kernels.BytesOf(w.distractors))
	feed(TempInput, kernels.BytesOf(scalars[0:1]))
	feed(DiversityInput, kernels.BytesOf(scalars[1:2]))
	feed(PenaltyInput, kernels.BytesOf(scalars[2:3]))
	feed(graph.SeedInput, kernels.BytesOf(scalars[3:4]))
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
	out, err := q.take(p.recipe.Loss.FeaturePenalty > 0)
	if err != nil {
		return nil, nil, err
	}
	return q, out, q.Fetch(out.Results)
}

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
	out   results
	// Scalars on their way in and out; fields, because what goes through the back end's interface would be allocated anew each step.
	feeds, reads [4]float32
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
	q := &program{Program: prog, flops: prog.FLOPs()}
	q.out.prob = make([]float32, r.Quantizer.Groups)
	q.out.codes = make([]int32, s.Masked*r.Quantizer.Groups)
	q.out.hits = make([]int32, 2*s.Masked)
	return q, nil
}

// run feeds a micro-batch, runs its program and fetches the results.
func (p *programs) run(w *Work, step *kernels.Step) (*program, error) {
	q, err := p.Get(w.shape)
	if err != nil {
		return nil, err
	}
	r := &p.recipe
	feed := func(name string, data []byte) {
		if err == nil && q.HasInput(name) {
			err = q.Feed(name, data)
		}
	}
	scalars := &q.feeds
	scalars[0], scalars[1] = w.temperature, float32(r.Loss.Diversity*float64(w.count))
	scalars[2], scalars[3] = float32(r.Loss.FeaturePenalty*float64(w.count)), 1
	feed(WaveInput, kernels.BytesOf(w.audio))
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
	if err != nil {
		return nil, err
	}
	if err := q.Run(step); err != nil {
		return nil, err
	}
	return q, q.fetch(r.Loss.FeaturePenalty > 0)
}

// fetch reads the results of the last run.
func (q *program) fetch(penalty bool) error {
	scalars := &q.reads
	names := [4]string{LossOutput, ContrastiveOutput, DiversityOutput, PenaltyOutput}
	n := len(names)
	if !penalty {
		n--
	}
	for i := range n {
		if err := q.Read(names[i], kernels.BytesOf(scalars[i:i+1])); err != nil {
			return err
		}
	}
	q.out.loss, q.out.contrastive, q.out.diversity, q.out.penalty = scalars[0], scalars[1], scalars[2], scalars[3]
	for _, o := range []struct {
		name string
		dst  []byte
	}{{PerplexityOutput, kernels.BytesOf(q.out.prob)}, {CodesOutput, kernels.BytesOf(q.out.codes)}, {HitsOutput, kernels.BytesOf(q.out.hits)}} {
		if err := q.Read(o.name, o.dst); err != nil {
			return err
		}
	}
	return nil
}

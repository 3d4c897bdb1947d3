package pretrain

import (
	"fmt"

	"aural/exec"
	"aural/graph"
	"aural/kernels"
	"aural/train"
)

// programs compiles and keeps one program a shape. All share one arena, since they never run at the same time.
type programs struct {
	recipe  Recipe
	backend kernels.Backend
	weights *train.Weights
	train   bool
	keep    []string // names of the inputs of LayerDrop
	arena   *arena
	byShape map[Shape]*program
}

// arena is the memory that programs share.
type arena struct {
	backend kernels.Backend
	mem     kernels.Memory
	users   []*programs
}

type program struct {
	*exec.Program
	flops int64
	out   results
	// Scalars on their way in and out; fields, because what goes through the back end's interface would be allocated anew each step.
	feeds, reads [4]float32
}

// get returns the program for a shape, compiling it on first use.
func (p *programs) get(s Shape) (*program, error) {
	if q := p.byShape[s]; q != nil {
		return q, nil
	}
	q, err := p.plan(s)
	if err != nil {
		return nil, err
	}
	if err := p.arena.grow(q.ArenaBytes()); err != nil {
		return nil, err
	}
	if err := bind(q.Program, p.arena.mem, p.weights); err != nil {
		return nil, err
	}
	p.byShape[s] = q
	return q, nil
}

// plan compiles without memory.
func (p *programs) plan(s Shape) (*program, error) {
	m, err := Build(p.recipe, s, Mode{Float: kernels.Float32, Training: p.train})
	if err != nil {
		return nil, err
	}
	prog, err := m.Plan(p.backend, p.train)
	if err != nil {
		return nil, err
	}
	q := &program{Program: prog, flops: prog.FLOPs()}
	q.out.prob = make([]float32, p.recipe.Quantizer.Groups)
	q.out.codes = make([]int32, s.Masked*p.recipe.Quantizer.Groups)
	q.out.hits = make([]int32, 2*s.Masked)
	return q, nil
}

// grow makes the arena at least n bytes and binds all programs to the new memory.
func (a *arena) grow(n int) error {
	if n <= a.mem.Size {
		return nil
	}
	mem, err := a.backend.Alloc(n)
	if err != nil {
		return fmt.Errorf("pretrain: %d bytes for activations: %w", n, err)
	}
	old := a.mem
	a.mem = mem
	for _, p := range a.users {
		for _, q := range p.byShape {
			if err := bind(q.Program, mem, p.weights); err != nil {
				return err
			}
		}
	}
	if old.Free != nil {
		return old.Free()
	}
	return nil
}

// run feeds a micro-batch, runs its program and fetches the results.
func (p *programs) run(w *Work, step *kernels.Step) (*program, error) {
	q, err := p.get(w.shape)
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

package pretrain

import (
	"context"
	"errors"
	"fmt"

	"aural/datasets"
	"aural/encoder"
	"aural/exec"
	"aural/graph"
	"aural/kernels"
	"aural/nn"
	"aural/probe"
	"aural/train"
)

// ProbeConfig asks validation for a linear probe of the representation: how well who speaks, or which of few things is said, is read from the mean of a layer over
// an utterance, of held-out rows. Masked prediction can get better without this getting better, and the other way round.
type ProbeConfig struct {
	// Every is how many updates lie between probes; 0: none. A probe is part of a validation: the first in each stretch of so many updates, and the last of the run.
	Every uint64 `yaml:"every"`
	// Task is speaker or label: the class is the speaker, or the whole transcript.
	Task probe.Task `yaml:"task"`
	// Seconds is how much of the held-out audio is used at most. A fifth of its utterances test the probe.
	Seconds float64 `yaml:"seconds"`
	// Layer is the block whose output is read, from 1; 0 is what enters the first, and -1 the middle block.
	Layer int `yaml:"layer"`
}

// DefaultProbe is off.
func DefaultProbe() ProbeConfig {
	return ProbeConfig{Task: probe.Speaker, Seconds: 120, Layer: -1}
}

func (c ProbeConfig) validate(r Recipe) error {
	var errs []error
	bad := func(cond bool, format string, args ...any) {
		if cond {
			errs = append(errs, fmt.Errorf("pretrain: probe."+format, args...))
		}
	}
	bad(c.Task != probe.Speaker && c.Task != probe.Label, "task: %q is not %s or %s", c.Task, probe.Speaker, probe.Label)
	bad(!(c.Seconds > 0), "seconds: %v is not positive", c.Seconds)
	bad(c.Layer < -1 || c.Layer > r.Encoder.Layers, "layer: %d is not one of the %d blocks, 0 or -1", c.Layer, r.Encoder.Layers)
	bad(c.Every > 0 && r.Valid.Seconds == 0, "every: %d, but valid.seconds is 0: a probe reads held-out rows", c.Every)
	return errors.Join(errs...)
}

// layer resolves -1.
func (c ProbeConfig) layer(e encoder.Config) int {
	if c.Layer < 0 {
		return (e.Layers + 1) / 2
	}
	return c.Layer
}

// probed is what a validation with a probe reports.
type probed struct {
	checked
	ProbeAccuracy float64 `metric:"probe/accuracy"`
	ProbeChance   float64 `metric:"probe/chance_accuracy"`
}

// stateOutput is the output of a probe's program: hidden states (B,T,D).
const stateOutput = "state"

// probeShape is what a program of a probe is compiled for.
type probeShape struct{ rows, samples int }

type probeProgram struct {
	*exec.Program
	frames int
}

// Exec is the bare program.
func (p *probeProgram) Exec() *exec.Program { return p.Program }

// prober probes held-out rows. It reads the weights and changes nothing that training uses.
type prober struct {
	config   ProbeConfig
	recipe   Recipe
	store    *datasets.Store
	batches  []datasets.Batch
	place    map[int]int // of a row of the store among the utterances
	examples probe.Examples
	options  probe.Options
	programs *train.Programs[probeShape, *probeProgram]
	audio    []float32
	states   []float32
}

// newProber chooses the rows. The programs share the arena of training, which does not run meanwhile.
func newProber(t *Task, held datasets.View) (*prober, error) {
	r := t.recipe
	p := &prober{config: r.Probe, recipe: r, store: t.store, place: map[int]int{}, options: probe.DefaultOptions()}
	p.options.L2 = probe.DefaultL2 // choosing it would make the curve jump
	p.options.HoldOut.Seed = r.Valid.Seed
	p.options.HoldOut = r.Probe.Task.HoldOut(p.options.HoldOut)
	cfg := r.Data.Sampler(r.Valid.Seed, datasets.Crop)
	cfg.Lengths = t.sampler.Lengths()
	shortest := cfg.Lengths[len(cfg.Lengths)-1]
	for _, n := range cfg.Lengths {
		shortest = min(shortest, n)
	}
	view := held.Filter(func(e datasets.Entry) bool { return e.Samples >= shortest })
	if view.Seconds() > r.Probe.Seconds {
		by := datasets.SubsetUtterances
		if r.Probe.Task == probe.Speaker {
			by = datasets.SubsetBalanced
		}
		var err error
		if view, err = datasets.Subset(view, datasets.SubsetConfig{Seconds: r.Probe.Seconds, Seed: r.Valid.Seed, By: by}); err != nil {
			return nil, fmt.Errorf("pretrain: rows for the probe: %w", err)
		}
	}
	classes, err := probe.Classify(t.store, view, r.Probe.Task)
	if err != nil {
		return nil, fmt.Errorf("pretrain: probe of %d held-out rows: %w (change probe.task, probe.seconds or valid.seconds, or set probe.every to 0)", view.Len(), err)
	}
	e := &p.examples
	e.Names, e.Utterances = classes.Names, classes.Utterances
	e.Dim, e.Classes = r.Encoder.Width, len(classes.Names)
	e.X = make([]float32, len(e.Utterances)*e.Dim)
	for i, u := range e.Utterances {
		p.place[u.Row] = i
		e.Class, e.Unit = append(e.Class, u.Class), append(e.Unit, i)
	}
	if _, err := p.options.HoldOut.Split(e.Utterances); err != nil {
		return nil, fmt.Errorf("pretrain: probe: %w", err)
	}
	s, err := datasets.NewSampler(view.Filter(func(e datasets.Entry) bool { _, ok := p.place[e.Row]; return ok }), cfg)
	if err != nil {
		return nil, fmt.Errorf("pretrain: rows for the probe: %w", err)
	}
	p.batches = s.Sequential()
	p.programs = train.NewPrograms(t.arena, t.weights, func(s probeShape) (*probeProgram, error) { return planProbe(r, t.backend, s) })
	return p, nil
}

// planProbe compiles the network from the waveform to a layer, as it is in validation and without a mask.
func planProbe(r Recipe, be kernels.Backend, s probeShape) (*probeProgram, error) {
	n := nn.New(kernels.Float32, false)
	_, x := encoder.Project(n, r.Encoder, encoder.Features(n, r.Encoder, n.Input(encoder.WaveInput, kernels.Float32, s.rows, s.samples, 1)))
	last, states := encoder.Context(n, r.Encoder, x, nil)
	states[r.Encoder.Layers] = last
	if err := n.Err(); err != nil {
		return nil, fmt.Errorf("pretrain: building the network for a probe: %w", err)
	}
	g, err := n.Lower([]graph.Output{{Name: stateOutput, Node: states[r.Probe.layer(r.Encoder)]}})
	if err != nil {
		return nil, err
	}
	p := &probeProgram{frames: r.Encoder.Frames(s.samples)}
	p.Program, err = exec.Plan(g, be)
	return p, err
}

// due reports whether a validation after so many updates probes.
func (p *prober) due(updates uint64) bool {
	t := p.recipe.Train
	return t.ValidEvery == 0 || updates == t.MaxUpdates || updates%p.config.Every < t.ValidEvery
}

// run reads the features with the present weights and probes them.
func (p *prober) run(ctx context.Context, step *kernels.Step) (probe.Result, error) {
	for _, b := range p.batches {
		if err := ctx.Err(); err != nil {
			return probe.Result{}, err
		}
		if err := p.read(b, step); err != nil {
			return probe.Result{}, err
		}
	}
	return probe.Run(&p.examples, p.options)
}

// read computes the means of a batch's utterances.
func (p *prober) read(b datasets.Batch, step *kernels.Step) error {
	rows, width := len(b.Cuts), p.examples.Dim
	audio := grow(&p.audio, rows*b.Length)
	if err := datasets.Collate(p.store, b, audio, p.recipe.Data.Normalize); err != nil {
		return err
	}
	q, err := p.programs.Get(probeShape{rows, b.Length})
	if err != nil {
		return err
	}
	if err := q.Feed(encoder.WaveInput, kernels.BytesOf(audio)); err != nil {
		return err
	}
	if err := q.Run(step); err != nil {
		return err
	}
	states := grow(&p.states, rows*q.frames*width)
	if err := q.Read(stateOutput, kernels.BytesOf(states)); err != nil {
		return err
	}
	for i, c := range b.Cuts {
		probe.Mean(p.examples.X[p.place[c.Row]*width:][:width], states[i*q.frames*width:][:q.frames*width])
	}
	return nil
}

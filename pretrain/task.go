package pretrain

import (
	"context"
	"errors"
	"fmt"

	"aural/datasets"
	"aural/kernels"
	"aural/nn"
	"aural/quantizer"
	"aural/train"
)

// Task is pretraining as the training loop sees it.
type Task struct {
	recipe   Recipe
	store    *datasets.Store
	rows     datasets.View // for training
	sampler  *datasets.Sampler
	valid    []datasets.Batch
	backend  kernels.Backend
	weights  *train.Weights
	arena    *train.Arena
	training *programs
	checking *programs
	metrics  *Metrics
	checked  *checked
	last     *program // that Run ran
	shown    *results // that Collect had last
	flight   []flight // micro-batches that Collect has not had
	fed      *Work    // that Feed had since the last Run
	work     *Work    // of validation
	prober   *prober  // nil without a probe
	net      *nn.Net
	step     kernels.Step
	updates  uint64 // when the present one is done
}

// flight is a micro-batch whose results are on their way.
type flight struct {
	facts
	program *program
	out     *results
}

var (
	_ train.Task[*Work]  = (*Task)(nil)
	_ train.Ahead[*Work] = (*Task)(nil)
	_ train.Coded        = (*Task)(nil)
	_ train.Shown[*Work] = (*Task)(nil)
)

// New prepares pretraining on some rows of a store, with other rows held out. The weights get their initial values from the recipe's seed, then those of the model
// folder Init if there is one.
func New(r Recipe, store *datasets.Store, rows, held datasets.View, be kernels.Backend) (*Task, error) {
	if err := r.Validate(); err != nil {
		return nil, err
	}
	t := &Task{backend: be, recipe: r, store: store, rows: rows, metrics: newMetrics(r), checked: &checked{Metrics: *newMetrics(r)}, work: newWork(r, be)}
	var err error
	if t.sampler, err = datasets.NewSampler(rows, r.Data.Sampler(r.Seed, datasets.Crop)); err != nil {
		return nil, fmt.Errorf("pretrain: training data: %w", err)
	}
	if held.Len() > 0 {
		cfg := r.Data.Sampler(r.Valid.Seed, datasets.Crop)
		cfg.Lengths = t.sampler.Lengths()
		v, err := datasets.NewSampler(held, cfg)
		if err != nil {
			return nil, fmt.Errorf("pretrain: validation data: %w", err)
		}
		t.valid = v.Sequential()
	}
	// The parameters do not depend on the shape of a batch: a small one declares them.
	m, err := Build(r, Shape{Rows: 1, Samples: r.Data.MinSamples, Masked: 2}, Mode{Float: kernels.Float32, Training: true})
	if err != nil {
		return nil, err
	}
	t.net = m.Net
	if t.weights, err = train.NewWeights(be, t.net.Specs(), r.Train.Accumulate > 1); err != nil {
		return nil, err
	}
	t.arena = train.NewArena(be)
	t.training, t.checking = newPrograms(r, be, t.weights, t.arena, true), newPrograms(r, be, t.weights, t.arena, false)
	if r.Probe.Every > 0 {
		if t.prober, err = newProber(t, held); err != nil {
			return nil, errors.Join(err, t.weights.Free())
		}
	}
	if err := t.net.Initialize(r.Seed, t.setWeight); err != nil || r.Init == "" {
		return t, err
	}
	return t, t.loadInit()
}

func (t *Task) setWeight(name string, value []float32) error {
	b, ok := t.weights.Param(name)
	if !ok {
		return fmt.Errorf("pretrain: the model has no parameter %q", name)
	}
	return t.backend.Upload(b, kernels.BytesOf(value))
}

// Plan compiles the largest program of every batch length, without running it, and returns what the run will need.
func (t *Task) Plan() (train.Footprint, error) { return t.PlanFor(t.backend, t.recipe.Data) }

// PlanFor is [Task.Plan] with another back end and other batches.
func (t *Task) PlanFor(be kernels.Backend, d train.DataConfig) (train.Footprint, error) {
	sampler := t.sampler
	if d != t.recipe.Data {
		var err error
		if sampler, err = datasets.NewSampler(t.rows, d.Sampler(t.recipe.Seed, datasets.Crop)); err != nil {
			return train.Footprint{}, fmt.Errorf("pretrain: training data: %w", err)
		}
	}
	f, err := train.FootprintOf(t.weights, sampler, func(b datasets.Bucket) (*program, error) {
		frames := t.recipe.Encoder.Frames(b.Length)
		most := places(b.Rows*t.recipe.Mask.Most(frames), b.Rows*frames)
		return plan(t.recipe, be, Shape{Rows: b.Rows, Samples: b.Length, Masked: most, PCM: train.ForBackend(be).PCM}, true)
	})
	f.WhyLeftOut = fmt.Sprintf("below %.4g s, the shortest batch (data.lengths and data.min_samples decide)", float64(f.Shapes[len(f.Shapes)-1].Length)/datasets.Rate)
	f.BatchBytes = 4 * (d.BatchSamples + t.recipe.Encoder.Frames(d.BatchSamples)*t.recipe.Contrastive.Total())
	return f, err
}

// Reserve allocates the arena of a footprint, so that no later batch has to.
func (t *Task) Reserve(f train.Footprint) error { return t.arena.Grow(f.ArenaBytes) }

// Weights are the model's parameters.
func (t *Task) Weights() *train.Weights { return t.weights }

// Free gives back the memory of weights and activations. The task cannot be used afterwards.
func (t *Task) Free() error { return errors.Join(t.weights.Free(), t.arena.Free()) }

// NewWork makes an empty micro-batch.
func (t *Task) NewWork() *Work { return newWork(t.recipe, t.backend) }

// Metrics is where Collect leaves the measurements of a micro-batch.
func (t *Task) Metrics() any { return t.metrics }

// Prepare fills w with the micro-batch at a position.
func (t *Task) Prepare(ctx context.Context, at train.Position, w *Work) (int, train.Position, error) {
	b, next := t.sampler.Next(datasets.State{Seed: t.recipe.Seed, Epoch: at.Epoch, Index: at.Index})
	if err := w.fill(ctx, t.recipe, t.store, b, t.recipe.Seed, at.Update, at.Row); err != nil {
		return 0, at, fmt.Errorf("pretrain: update %d: %w", at.Update, err)
	}
	w.first = nil
	if t.recipe.Train.Shows(at) {
		w.first = train.ReadExcerpt(t.store, b.Cuts[0])
	}
	at.Epoch, at.Index = next.Epoch, next.Index
	t.store.ExpectAfter(t.sampler, next)
	return len(b.Cuts), at, nil
}

// Run starts to compute the gradient of the micro-batch's loss, summed over its masked frames.
func (t *Task) Run(_ context.Context, at train.Position, w *Work, m *train.Measured) error {
	t.step, t.updates = kernels.Step{Seed: t.recipe.Seed, Update: at.Update, Row: at.Row}, at.Update+1
	if at.Micro == 0 {
		for _, f := range t.flight {
			f.program.free = append(f.program.free, f.out)
		}
		t.flight = t.flight[:0]
	}
	p, out, err := t.training.run(w, t.fed == w, &t.step)
	t.fed = nil
	if err != nil {
		return err
	}
	if m.Loss, err = p.Output(LossOutput); err != nil {
		return err
	}
	t.last, t.flight = p, append(t.flight, flight{w.facts, p, out})
	m.SampleSize, m.AudioSeconds, m.FLOPs = float64(w.count), w.Seconds(), p.flops
	return nil
}

// Feed copies the inputs of the micro-batch that runs next, where that disturbs nothing and its program is there.
func (t *Task) Feed(_ train.Position, w *Work) error {
	q, ok := t.training.Ready(w.shape)
	if !ok || !q.Streams() {
		return nil
	}
	if err := t.training.feed(q, w); err != nil {
		return err
	}
	t.fed = w
	return nil
}

// Collect computes the metrics of a micro-batch that has run. Its results stay what they are until the next Run.
func (t *Task) Collect(m *train.Measured) error {
	if len(t.flight) == 0 {
		return errors.New("pretrain: Collect without a micro-batch that ran")
	}
	f := &t.flight[0]
	times := f.program.TakePhases()
	m.Forward, m.Backward = times.Forward, times.Backward
	t.metrics.set(t.recipe, &f.facts, f.out)
	t.shown = f.out
	f.program.free = append(f.program.free, f.out)
	t.flight = t.flight[:copy(t.flight, t.flight[1:])]
	return nil
}

// Validate measures the held-out rows: middle crops, no dropout, the most probable codes, and masks and distractors that never change.
func (t *Task) Validate(ctx context.Context) (train.Validation, error) {
	out := train.Validation{Metrics: t.checked, Better: train.Higher}
	var mean average
	for i, b := range t.valid {
		if err := t.work.fill(ctx, t.recipe, t.store, b, t.recipe.Valid.Seed, uint64(i), 0); err != nil {
			return out, fmt.Errorf("pretrain: validation batch %d: %w", i, err)
		}
		p, results, err := t.checking.run(t.work, false, &t.step)
		if err == nil {
			err = t.backend.Sync()
		}
		if err != nil {
			return out, err
		}
		t.checked.set(t.recipe, &t.work.facts, results)
		p.free = append(p.free, results)
		mean.add(&t.checked.Metrics, float64(t.work.count))
	}
	if mean.frames > 0 {
		mean.store(&t.checked.Metrics)
	}
	out.Score = t.checked.Accuracy
	var err error
	if t.checked.CodebookCosine, err = t.codebookCosine(); err != nil || t.prober == nil || !t.prober.due(t.updates) {
		return out, err
	}
	r, err := t.prober.run(ctx, &t.step)
	if err != nil {
		return out, fmt.Errorf("pretrain: probe: %w", err)
	}
	out.Metrics = &probed{*t.checked, r.Accuracy(), 1 - r.Chance}
	return out, nil
}

// codebookCosine is quantizer.EntryCosine of the present codebooks.
func (t *Task) codebookCosine() (float64, error) {
	b, ok := t.weights.Param(quantizer.Codevectors)
	if !ok {
		return 0, fmt.Errorf("pretrain: the model has no parameter %q", quantizer.Codevectors)
	}
	entries := make([]float32, b.Size())
	if err := t.backend.Download(kernels.BytesOf(entries), b); err != nil {
		return 0, fmt.Errorf("pretrain: codebooks: %w", err)
	}
	return quantizer.EntryCosine(entries, t.recipe.Quantizer), nil
}

// Codes returns how often each entry was chosen in the micro-batch that ran last.
func (t *Task) Codes() (counts []float64, groups, entries int) {
	return t.metrics.counts, t.recipe.Quantizer.Groups, t.recipe.Quantizer.Entries
}

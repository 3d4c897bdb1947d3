package finetune

import (
	"context"
	"errors"
	"fmt"

	"aural/datasets"
	"aural/kernels"
	"aural/nn"
	"aural/train"
	"aural/vocab"
)

// Task is fine-tuning as the training loop sees it.
type Task struct {
	recipe   Recipe
	labels   *labels
	rows     datasets.View // for training
	sampler  *datasets.Sampler
	valid    []datasets.Batch
	places   map[int]int // labels of a row, by batch length
	skipped  int         // utterances that cannot be used
	backend  kernels.Backend
	weights  *train.Weights
	arena    *train.Arena
	training *programs
	checking *programs
	metrics  *Metrics
	checker  *checker
	net      *nn.Net
	step     kernels.Step
	flight   []flight // micro-batches that Collect has not had
	fed      *Work    // that Feed had since the last Run
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
	_ train.Shown[*Work] = (*Task)(nil)
)

// New prepares fine-tuning on some rows of a store, with other rows held out. The weights get their initial values from the recipe's seed, and those of the encoder
// from the model folder Init, unless the mode is Scratch. A language model of validation is opened and checked here, and kept until Close.
func New(r Recipe, v *vocab.Vocabulary, store *datasets.Store, rows, held datasets.View, be kernels.Backend) (_ *Task, err error) {
	if err := r.Validate(); err != nil {
		return nil, err
	}
	t := &Task{recipe: r, labels: &labels{r, store, v}, backend: be, metrics: &Metrics{}}
	if err := t.batches(rows, held); err != nil {
		return nil, err
	}
	t.checker = newChecker(t.labels, t.valid, be)
	if t.checker.search, err = r.Decode.open(v); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, t.Close())
		}
	}()
	// The parameters do not depend on the shape of a batch: a small one declares them.
	m, err := Build(r, v.Len(), v.Blank(), Shape{Rows: 1, Samples: r.Data.MinSamples, Labels: 1}, kernels.Float32, true)
	if err != nil {
		return nil, err
	}
	t.net = m.Net
	if t.weights, err = train.NewWeights(be, t.net.Specs(), r.Train.Accumulate > 1); err != nil {
		return nil, err
	}
	t.arena = train.NewArena(be)
	t.training, t.checking = newPrograms(r, v, be, t.weights, t.arena, true), newPrograms(r, v, be, t.weights, t.arena, false)
	if err := t.net.Initialize(r.Seed, t.setWeight); err != nil {
		return nil, err
	}
	if r.Mode != Scratch && r.Init != "" {
		return t, t.loadEncoder(r.Init)
	}
	return t, nil
}

// Close closes the language model of validation. The weights are the caller's to free.
func (t *Task) Close() error { return t.checker.search.close() }

// batches chooses the rows that can be used and how they are batched.
func (t *Task) batches(rows, held datasets.View) (err error) {
	r := &t.recipe
	if rows, t.skipped, err = t.labels.use(rows, "training"); err != nil {
		return err
	}
	t.rows = rows
	if t.sampler, err = datasets.NewSampler(rows, r.Data.Sampler(r.Seed, datasets.Pad)); err != nil {
		return fmt.Errorf("finetune: training data: %w", err)
	}
	lengths := t.sampler.Lengths()
	if held.Len() > 0 {
		if held, _, err = t.labels.use(held, "validation"); err != nil {
			return err
		}
		cfg := r.Data.Sampler(r.Valid.Seed, datasets.Pad)
		cfg.Lengths = lengths
		if longest := lengthOf(held, r.Data); longest > lengths[len(lengths)-1] {
			cfg.Lengths = append(lengths[:len(lengths):len(lengths)], longest)
		}
		v, err := datasets.NewSampler(held, cfg)
		if err != nil {
			return fmt.Errorf("finetune: validation data: %w", err)
		}
		t.valid, lengths = v.Sequential(), v.Lengths()
	}
	t.places, err = t.labels.places([]datasets.View{rows, held}, lengths)
	return err
}

// lengthOf is the length of the longest utterance of a view that is used.
func lengthOf(v datasets.View, d train.DataConfig) int {
	longest := 0
	for e := range v.All() {
		if e.Samples <= d.MaxSamples && e.Samples >= d.MinSamples {
			longest = max(longest, e.Samples)
		}
	}
	return longest
}

func (t *Task) setWeight(name string, value []float32) error {
	b, ok := t.weights.Param(name)
	if !ok {
		return fmt.Errorf("finetune: the model has no parameter %q", name)
	}
	return t.backend.Upload(b, kernels.BytesOf(value))
}

// Plan compiles the program of every batch length, without running it, and returns what the run will need.
func (t *Task) Plan() (train.Footprint, error) { return t.PlanFor(t.backend, t.recipe.Data) }

// PlanFor is [Task.Plan] with another back end and other batches.
func (t *Task) PlanFor(be kernels.Backend, d train.DataConfig) (train.Footprint, error) {
	sampler, places := t.sampler, t.places
	if d != t.recipe.Data {
		var err error
		if sampler, err = datasets.NewSampler(t.rows, d.Sampler(t.recipe.Seed, datasets.Pad)); err != nil {
			return train.Footprint{}, fmt.Errorf("finetune: training data: %w", err)
		}
		if places, err = t.labels.places([]datasets.View{t.rows}, sampler.Lengths()); err != nil {
			return train.Footprint{}, err
		}
	}
	f, err := train.FootprintOf(t.weights, sampler, func(b datasets.Bucket) (*program, error) {
		return plan(t.recipe, t.labels.vocab, be, Shape{Rows: b.Rows, Samples: b.Length, Labels: places[b.Length], PCM: train.ForBackend(be).PCM}, true)
	})
	f.LeftOut += t.skipped
	f.WhyLeftOut = "that are too short or too long (data.min_samples, data.max_samples), or whose labels cannot be used"
	f.BatchBytes = 4 * d.BatchSamples
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
	err := w.fill(ctx, t.labels, b, t.places[b.Length])
	if err == nil {
		err = w.draw(t.recipe, t.recipe.Seed, at.Update, at.Row)
	}
	if err != nil {
		return 0, at, fmt.Errorf("finetune: update %d: %w", at.Update, err)
	}
	w.shape.HeadOnly = t.recipe.Mode == Full && at.Update < t.recipe.Freeze.Updates
	w.first = nil
	if t.recipe.Train.Shows(at) {
		w.first = train.ReadExcerpt(t.labels.store, b.Cuts[0])
	}
	at.Epoch, at.Index = next.Epoch, next.Index
	t.labels.store.ExpectAfter(t.sampler, next)
	return len(b.Cuts), at, nil
}

// Run starts to compute the gradient of the micro-batch's loss, summed over its utterances.
func (t *Task) Run(_ context.Context, at train.Position, w *Work, m *train.Measured) error {
	t.step = kernels.Step{Seed: t.recipe.Seed, Update: at.Update, Row: at.Row}
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
	t.flight = append(t.flight, flight{w.facts, p, out})
	m.SampleSize, m.AudioSeconds, m.FLOPs = w.size(t.recipe), float64(w.samples)/datasets.Rate, p.flops
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

// Collect computes the metrics of a micro-batch that has run.
func (t *Task) Collect(m *train.Measured) error {
	if len(t.flight) == 0 {
		return errors.New("finetune: Collect without a micro-batch that ran")
	}
	f := &t.flight[0]
	times := f.program.TakePhases()
	m.Forward, m.Backward = times.Forward, times.Backward
	t.metrics.set(t.recipe, &f.facts, float64(f.out.loss[0]))
	f.program.free = append(f.program.free, f.out)
	t.flight = t.flight[:copy(t.flight, t.flight[1:])]
	return nil
}

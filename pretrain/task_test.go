package pretrain

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"aural/datasets"
	"aural/encoder"
	"aural/hf"
	"aural/internal/synth"
	"aural/internal/testkit"
	"aural/kernels"
	"aural/kernels/cpu"
	"aural/train"
	"aural/train/traintest"
)

// corpus is a small synthetic store.
func corpus(t testing.TB) *datasets.Store {
	t.Helper()
	var seq iter.Seq[datasets.Item] = func(yield func(datasets.Item) bool) {
		for u := range synth.Corpus(synth.Options{Seed: 1, Utterances: 24, Speakers: 3, MinSeconds: 1, MaxSeconds: 2}) {
			if !yield(datasets.Item{ID: u.ID, Speaker: u.Speaker, Name: u.ID, PCM: u.Samples}) {
				return
			}
		}
	}
	return traintest.Store(t, seq)
}

// quick is a recipe for stores made by corpus: hard codes, dropout and LayerDrop on.
func quick() Recipe {
	r := small(encoder.GroupNorm)
	r.Encoder.Conv = []encoder.ConvLayer{{Channels: 8, Kernel: 10, Stride: 5}, {Channels: 8, Kernel: 8, Stride: 8}, {Channels: 8, Kernel: 8, Stride: 8}}
	r.Mask.Length = 5
	r.Quantizer.Soft = false
	r.Data = train.DataConfig{BatchSamples: 64000, MinSamples: 16000, MaxSamples: 16000, Lengths: 1}
	r.Valid = train.ValidConfig{Seconds: 4, Seed: 2}
	return r
}

func task(t testing.TB, r Recipe, store *datasets.Store, threads int) *Task {
	t.Helper()
	be, err := cpu.New(cpu.Options{Threads: threads})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { be.Close() })
	return taskOn(t, r, store, be)
}

func taskOn(t testing.TB, r Recipe, store *datasets.Store, be kernels.Backend) *Task {
	t.Helper()
	rows, err := store.View()
	if err != nil {
		t.Fatal(err)
	}
	held, err := datasets.Split(rows, datasets.SplitConfig{Mode: datasets.SplitUtterances, Seconds: r.Valid.Seconds, Seed: r.Valid.Seed})
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(r, store, held.Train, held.Valid, be)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// gradient runs the micro-batches of update u and returns the sum of their gradients, divided by all masked frames.
func gradient(t testing.TB, p *Task, micros int, u uint64, start train.Position) ([]float64, train.Position) {
	t.Helper()
	at, total, n := start, make([]float64, p.Weights().Grad.Size()), 0.0
	at.Update, at.Micro, at.Row = u, 0, 0
	w := p.NewWork()
	for i := range micros {
		at.Micro = i
		rows, next, err := p.Prepare(context.Background(), at, w)
		if err != nil {
			t.Fatal(err)
		}
		var m train.Measured
		if err := p.Run(context.Background(), at, w, &m); err != nil {
			t.Fatal(err)
		}
		for j, g := range p.Weights().Grad.F32() {
			total[j] += float64(g)
		}
		n += m.SampleSize
		next.Row = at.Row + rows
		at = next
	}
	for j := range total {
		total[j] /= n
	}
	return total, at
}

// Two micro-batches accumulated are one batch: same crops, masks, distractors, dropout and Gumbel noise for every row. The diversity loss is the
// exception by definition: its probabilities are means over a micro-batch, as in fairseq. With its weight at 0 the gradients agree to rounding; so do
// they without SameCount, which trims the masks of a micro-batch to its own least row.
func TestAccumulationIsOneBatch(t *testing.T) {
	be, err := cpu.New(cpu.Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer be.Close()
	accumulationIsOneBatch(t, be)
}

func accumulationIsOneBatch(t *testing.T, be kernels.Backend) {
	t.Helper()
	store := corpus(t)
	r := quick()
	r.Mask.SameCount, r.Loss.Diversity, r.Loss.FeaturePenalty, r.Contrastive.CrossDistractors = false, 0, 0, 0
	whole := taskOn(t, r, store, be)
	r.Data.BatchSamples /= 2
	r.Train.Accumulate = 2
	halves := taskOn(t, r, store, be)

	// The sampler of half batches deals the same utterances in another order of batches, so compare on the rows of the whole batch.
	b := whole.sampler.Batch(0, 0)
	if len(b.Cuts) != 4 {
		t.Fatalf("%d rows in the batch, want 4", len(b.Cuts))
	}
	run := func(p *Task, cuts []datasets.Cut, row int) []float64 {
		w := p.NewWork()
		if err := w.fill(context.Background(), r, store, datasets.Batch{Cuts: cuts, Length: b.Length}, 1, 5, row); err != nil {
			t.Fatal(err)
		}
		var m train.Measured
		if err := p.Run(context.Background(), train.Position{Update: 5, Row: row}, w, &m); err != nil {
			t.Fatal(err)
		}
		var out []float64
		for _, s := range p.Weights().Specs() {
			g, _ := p.Weights().Gradient(s.Name)
			host := kernels.New(g.DType, g.Shape...)
			if err := be.Download(host.HostBytes(), g); err != nil {
				t.Fatal(err)
			}
			for _, x := range host.F32() {
				out = append(out, float64(x))
			}
		}
		return out
	}
	want := run(whole, b.Cuts, 0)
	first, second := run(halves, b.Cuts[:2], 0), run(halves, b.Cuts[2:], 2)
	for i := range first {
		first[i] += second[i]
	}
	largest := 0.0
	for _, x := range want {
		largest = max(largest, math.Abs(x))
	}
	testkit.Close(t, "gradient", first, want, testkit.Tol{Abs: 2e-6 * largest})
	if largest == 0 {
		t.Error("all gradients are zero")
	}
}

// The number of threads changes no bit.
func TestThreadsChangeNothing(t *testing.T) {
	store := corpus(t)
	var want []float64
	for _, threads := range []int{1, 2, 3} {
		got, _ := gradient(t, task(t, quick(), store, threads), 1, 3, train.Position{})
		if want == nil {
			want = got
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d threads give other gradients than 1", threads)
		}
	}
}

// Once the shapes have been seen, a step allocates nothing.
func TestStepDoesNotAllocate(t *testing.T) {
	p := task(t, quick(), corpus(t), 2)
	f, err := p.Plan()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Reserve(f); err != nil {
		t.Fatal(err)
	}
	w, at := p.NewWork(), train.Position{}
	if _, _, err := p.Prepare(context.Background(), at, w); err != nil {
		t.Fatal(err)
	}
	var m train.Measured
	step := func() {
		at.Update++
		for at.Micro = range 2 {
			if err := p.Run(context.Background(), at, w, &m); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			if err := p.Collect(&m); err != nil {
				t.Fatal(err)
			}
		}
	}
	step()
	if n := testing.AllocsPerRun(10, step); n != 0 {
		t.Errorf("a step allocates %v times", n)
	}
	if p.arena.Size() > f.ArenaBytes {
		t.Errorf("the arena grew to %d bytes, the plan said %d", p.arena.Size(), f.ArenaBytes)
	}
}

func TestPrepareIsAFunctionOfThePosition(t *testing.T) {
	store := corpus(t)
	p, q := task(t, quick(), store, 1), task(t, quick(), store, 1)
	at := train.Position{Update: 7, Epoch: 1, Index: 2, Row: 4}
	a, b := p.NewWork(), q.NewWork()
	for _, other := range []train.Position{{}, {Update: 3, Index: 1}} { // what was prepared before must not matter
		if _, _, err := q.Prepare(context.Background(), other, b); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := p.Prepare(context.Background(), at, a); err != nil {
		t.Fatal(err)
	}
	if _, _, err := q.Prepare(context.Background(), at, b); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(a.audio.Numbers, b.audio.Numbers) || !slices.Equal(a.mask, b.mask) || !slices.Equal(a.distractors, b.distractors) || !slices.Equal(a.keep, b.keep) || a.shape != b.shape {
		t.Error("the same position gave two different micro-batches")
	}
}

func TestValidationNeverChanges(t *testing.T) {
	p := task(t, quick(), corpus(t), 2)
	var scores []string
	for range 2 {
		v, err := p.Validate(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		scores = append(scores, fmt.Sprintf("%+v", v.Metrics))
		gradient(t, p, 1, 9, train.Position{}) // training in between, without an update
	}
	if scores[0] != scores[1] {
		t.Errorf("two validations of the same weights differ:\n%s\n%s", scores[0], scores[1])
	}
}

func TestModelFolderRoundTrip(t *testing.T) {
	store, dir := corpus(t), t.TempDir()
	p := task(t, quick(), store, 1)
	if err := p.SaveModel(dir); err != nil {
		t.Fatal(err)
	}
	r := quick()
	r.Seed = 99
	q := task(t, r, store, 1)
	if slices.Equal(p.Weights().Value.F32(), q.Weights().Value.F32()) {
		t.Fatal("two seeds gave the same weights")
	}
	if err := q.LoadModel(dir); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(p.Weights().Value.F32(), q.Weights().Value.F32()) {
		t.Error("weights differ after saving and loading")
	}
	// The spelling of newer files is accepted too.
	newer := filepath.Join(t.TempDir(), "newer")
	if _, err := hf.Convert(dir, newer, hf.Options{Spelling: hf.NewSpelling}); err != nil {
		t.Fatal(err)
	}
	if err := q.LoadModel(newer); err != nil {
		t.Errorf("parametrizations spelling: %v", err)
	}
	// A model of another size is refused by name and shape.
	r.Encoder.Width, r.Encoder.Heads = 24, 4
	if err := task(t, r, store, 1).LoadModel(dir); err == nil {
		t.Error("a checkpoint of width 12 was loaded into a model of width 24")
	}
	if err := os.Remove(filepath.Join(dir, hf.WeightsFile)); err != nil {
		t.Fatal(err)
	}
	if err := q.LoadModel(dir); err == nil {
		t.Error("loading a folder without weights succeeded")
	}
}

// A few updates on a tiny model lower the loss: the whole chain learns.
func TestOverfitsOneBatch(t *testing.T) {
	r := quick()
	r.Encoder.LayerDrop, r.Encoder.Dropout, r.Encoder.AttentionDropout, r.Encoder.InputDropout, r.Encoder.FeatureDropout, r.Encoder.ActivationDropout = 0, 0, 0, 0, 0, 0
	r.Channels.Probability = 0
	p := task(t, r, corpus(t), 2)
	opt, err := train.NewAdamW(p.backend, p.Weights(), r.Train.Optimizer, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer opt.Free()
	w := p.NewWork()
	if _, _, err := p.Prepare(context.Background(), train.Position{}, w); err != nil {
		t.Fatal(err)
	}
	var first, last float64
	for i := range 150 {
		var m train.Measured
		if err := p.Run(context.Background(), train.Position{Update: uint64(i)}, w, &m); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(p.Collect(&m), opt.Decide(uint64(i+1), 3e-3, m.SampleSize)); err != nil {
			t.Fatal(err)
		}
		opt.Apply()
		last = p.metrics.Contrastive
		if i == 0 {
			first = last
		}
	}
	if !(last < 0.8*first) {
		t.Errorf("contrastive loss went from %.3f to %.3f in 150 updates on one batch", first, last)
	}
}

func BenchmarkStep(b *testing.B) {
	p := task(b, quick(), corpus(b), 2)
	w := p.NewWork()
	if _, _, err := p.Prepare(context.Background(), train.Position{}, w); err != nil {
		b.Fatal(err)
	}
	var m train.Measured
	if err := p.Run(context.Background(), train.Position{}, w, &m); err != nil { // compiles
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := p.Run(context.Background(), train.Position{}, w, &m); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(m.AudioSeconds*float64(b.N)/b.Elapsed().Seconds(), "audio-s/s")
}

// The parameters of the objective are the tensors of a Wav2Vec2ForPreTraining, by name and shape.
func TestParametersAreThoseOfTransformers(t *testing.T) {
	large := Default()
	large.Encoder.ConvNorm, large.Encoder.ConvBias, large.Encoder.PreNorm = encoder.LayerNorm, true, true
	large.Encoder.Width, large.Encoder.Layers, large.Encoder.Heads, large.Encoder.FFN = 1024, 24, 16, 4096
	large.Quantizer.Dim, large.Loss.TargetDim = 768, 768
	for _, r := range []Recipe{Default(), large, quick()} {
		m, err := Build(r, Shape{Rows: 1, Samples: 16000, Masked: 4}, Mode{Float: kernels.Float32, Training: true})
		if err != nil {
			t.Fatal(err)
		}
		var got, want []string
		for _, s := range m.Specs() {
			got = append(got, fmt.Sprint(s.Name, s.Shape))
		}
		for _, s := range hf.Specs(r.HF(), hf.Pretraining) {
			want = append(want, fmt.Sprint(s.Name, s.Shape))
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("parameters %q, want %q", got, want)
		}
	}
}

// Audio that comes as 16-bit samples gives the bits of audio that comes as numbers: loss and all gradients, with crops.
func TestPCMChangesNothing(t *testing.T) {
	store := corpus(t)
	for _, normalize := range []bool{false, true} {
		r := quick()
		r.Data.Normalize = normalize
		p := task(t, r, store, 2)
		var grads [2][]float32
		var losses [2]float64
		for i := range grads {
			w := p.NewWork()
			w.audio.PCM = i == 1
			traintest.Compute(t, p, train.Position{Update: 3}, w)
			grads[i], losses[i] = slices.Clone(p.Weights().Grad.F32()), p.metrics.Loss
			if w.shape.PCM != w.audio.PCM || (len(w.audio.Samples) > 0) != w.audio.PCM {
				t.Errorf("shape %+v has %d samples of 16 bits", w.shape, len(w.audio.Samples))
			}
		}
		if losses[0] != losses[1] || !slices.Equal(grads[0], grads[1]) {
			t.Errorf("normalize %v: losses %v, gradients equal: %v", normalize, losses, slices.Equal(grads[0], grads[1]))
		}
	}
}

package finetune

import (
	"context"
	"fmt"
	"iter"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aural/datasets"
	"aural/encoder"
	"aural/hf"
	"aural/internal/synth"
	"aural/kernels/cpu"
	"aural/train"
	"aural/train/traintest"
	"aural/vocab"
)

// corpus is a small store of words from the synthesizer, with what edit makes of the transcripts.
func corpus(t testing.TB, utterances int, edit func(i int, text string) string) *datasets.Store {
	t.Helper()
	var seq iter.Seq[datasets.Item] = func(yield func(datasets.Item) bool) {
		i := 0
		for u := range synth.Corpus(synth.Options{Seed: 1, Utterances: utterances, Speakers: 2, MinSeconds: 0.8, MaxSeconds: 1.4}) {
			text := u.Transcript
			if edit != nil {
				text = edit(i, text)
			}
			i++
			if !yield(datasets.Item{ID: u.ID, Speaker: u.Speaker, Name: u.ID, PCM: u.Samples, Transcript: text}) {
				return
			}
		}
	}
	return traintest.Store(t, seq)
}

// quick is a recipe for stores made by corpus.
func quick() Recipe {
	r := Default()
	r.Data = train.DataConfig{BatchSamples: 96000, MinSamples: 8000, MaxSamples: 32000, Lengths: 2, Normalize: true}
	r.Encoder.Conv = []encoder.ConvLayer{{Channels: 16, Kernel: 10, Stride: 5}, {Channels: 16, Kernel: 8, Stride: 8}, {Channels: 16, Kernel: 8, Stride: 8}}
	r.Encoder.ConvNorm, r.Encoder.PreNorm, r.Encoder.Width, r.Encoder.Layers, r.Encoder.Heads, r.Encoder.FFN = encoder.LayerNorm, true, 32, 2, 2, 64
	r.Encoder.PositionKernel, r.Encoder.PositionGroups, r.Encoder.LayerDrop, r.Encoder.ActivationDropout = 8, 2, 0, 0
	r.Mask.Length, r.Mask.Probability = 3, 0.3
	r.Channels.Length, r.Channels.Probability = 4, 0.2
	r.Freeze.Updates = 2
	r.Valid.Seconds = 0
	t := &r.Train
	t.MaxUpdates, t.LogEvery, t.ValidEvery, t.SaveEvery, t.SaveMinutes, t.SnapshotEvery = 8, 1, 0, 0, 0, -1
	t.Schedule.Peak = 1e-2
	return r
}

func task(t testing.TB, r Recipe, store *datasets.Store, held datasets.View) *Task {
	t.Helper()
	p, err := newTask(t, r, store, held)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func newTask(t testing.TB, r Recipe, store *datasets.Store, held datasets.View) (*Task, error) {
	t.Helper()
	be, err := cpu.New(cpu.Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { be.Close() })
	rows, err := store.View()
	if err != nil {
		t.Fatal(err)
	}
	v, err := r.Vocabulary(store)
	if err != nil {
		return nil, err
	}
	return New(r, v, store, rows, held, be)
}

// run trains a task in a directory, from the start or from a checkpoint.
func run(t testing.TB, p *Task, dir string, from *train.Checkpoint) {
	t.Helper()
	traintest.Run(t, p, p.backend, p.recipe.TrainConfig(), dir, train.Options{Seed: p.recipe.Seed, Resume: from})
}

func weights(t testing.TB, p *Task) map[string][]float32 {
	t.Helper()
	out := map[string][]float32{}
	for _, s := range p.weights.Specs() {
		b, _ := p.weights.Param(s.Name)
		out[s.Name] = slices.Clone(b.F32())
	}
	return out
}

// A model with everything trained learns eight utterances by heart.
func TestOverfits(t *testing.T) {
	store := corpus(t, 8, nil)
	view, _ := store.View()
	r := quick()
	r.Mode = Scratch
	r.Mask.Probability, r.Channels.Probability = 0, 0
	r.Encoder.Width, r.Encoder.FFN = 64, 128
	r.Data.BatchSamples, r.Data.Lengths = 320000, 1
	r.Train.MaxUpdates, r.Train.LogEvery = 150, 20
	r.Train.Schedule.Peak = 6e-3
	r.Train.Optimizer.Clip = 1
	p := task(t, r, store, view)
	dir := filepath.Join(t.TempDir(), "run")
	run(t, p, dir, nil)
	v, err := p.Validate(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	m := v.Metrics.(*checked)
	if m.CER != 0 || m.WER != 0 || v.Score != 0 || m.CTC > 2 {
		t.Errorf("after learning by heart: %+v", *m)
	}
	list := v.Snapshots[0].Transcripts
	if len(list) != 8 || list[0].Hypothesis != list[0].Reference || list[0].Words == 0 || list[0].Chars < list[0].Words {
		t.Errorf("transcripts %+v", list)
	}
	a := v.Snapshots[1].Alignment
	var text []int32
	for _, tok := range a.Tokens {
		i, _ := p.labels.vocab.Index(tok.Label)
		text = append(text, int32(i))
	}
	if p.labels.vocab.Text(text) != list[0].Reference || len(a.Blank) != a.Frames || len(v.Sample) == 0 || math.Abs(a.FrameSeconds-0.02) > 1e-12 {
		t.Errorf("alignment %+v of %q", a, list[0].Reference)
	}
}

// Word pieces are trained on like letters, and the model folder has all that it takes to spell them.
func TestPieces(t *testing.T) {
	store := corpus(t, 8, nil)
	view, _ := store.View()
	var lines []string
	for row := range store.Len() {
		u, err := store.Utterance(row)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, u.Transcript)
	}
	model, err := vocab.TrainPieces(slices.Values(lines), 50)
	if err != nil {
		t.Fatal(err)
	}
	r := quick()
	r.Labels.Vocabulary = filepath.Join(t.TempDir(), "words.model")
	if err := os.WriteFile(r.Labels.Vocabulary, model, 0o644); err != nil {
		t.Fatal(err)
	}
	r.Mode = Scratch
	r.Train.MaxUpdates = 3
	p := task(t, r, store, view)
	run(t, p, filepath.Join(t.TempDir(), "run"), nil)
	v, err := p.Validate(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for i, u := range v.Snapshots[0].Transcripts { // errors are of characters and words
		if u.Reference != lines[i] || u.Chars != len(u.Reference) || u.Words != len(strings.Fields(u.Reference)) || u.CharErrors == 0 {
			t.Errorf("%+v of %q", u, lines[i])
		}
	}
	dir := t.TempDir()
	if err := p.SaveModel(dir); err != nil {
		t.Fatal(err)
	}
	if err := task(t, r, store, view).LoadModel(dir); err != nil {
		t.Error(err)
	}
	folder, err := hf.Open(dir, hf.CTC)
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	saved, err := folder.Vocabulary()
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range lines {
		want, _ := p.labels.vocab.Encode(text)
		if got, err := saved.Encode(text); err != nil || !slices.Equal(got, want) || saved.Text(got) != text {
			t.Errorf("%q becomes %v, %v in the folder, want %v", text, got, err, want)
		}
	}
}

// A run that stopped and went on is, bit for bit, the run that did not stop, across the update at which the encoder joins.
func TestResumeIsExact(t *testing.T) {
	store := corpus(t, 12, nil)
	view, _ := store.View()
	r := quick()
	r.Encoder.LayerDrop, r.Encoder.Dropout, r.Head.Dropout = 0.3, 0.1, 0.1
	r.Freeze.Updates = 3
	r.Train.Accumulate, r.Train.MaxUpdates, r.Train.SaveEvery, r.Train.Keep.Last = 2, 8, 2, 9
	whole := task(t, r, store, view)
	dir := filepath.Join(t.TempDir(), "run")
	run(t, whole, dir, nil)
	want := weights(t, whole)
	for _, update := range []int{2, 4} {
		from, err := train.Find(dir, fmt.Sprint("checkpoint-", update))
		if err != nil {
			t.Fatal(err)
		}
		again := task(t, r, store, view)
		run(t, again, dir, from)
		for name, x := range weights(t, again) {
			if !slices.Equal(x, want[name]) {
				t.Fatalf("resumed from update %d, %s differs", update, name)
			}
		}
	}
}

// What is frozen keeps its bits, in each mode, and the rest moves.
func TestFrozenParametersDoNotMove(t *testing.T) {
	store := corpus(t, 6, nil)
	for _, c := range []struct {
		mode    Mode
		updates uint64
		moves   func(name string) bool
	}{
		{Full, 2, func(n string) bool { return strings.HasPrefix(n, "lm_head") }},
		{Full, 4, func(n string) bool { return !strings.Contains(n, "feature_extractor") }},
		{Frozen, 4, func(n string) bool { return strings.HasPrefix(n, "lm_head") }},
		{Scratch, 2, func(n string) bool { return true }},
	} {
		r := quick()
		r.Mode, r.Train.MaxUpdates, r.Train.Optimizer.WeightDecay = c.mode, c.updates, 0.01
		r.Train.Schedule = train.ScheduleConfig{Kind: train.Constant, Peak: 1e-2}
		p := task(t, r, store, datasets.View{})
		before := weights(t, p)
		run(t, p, filepath.Join(t.TempDir(), "run"), nil)
		for name, x := range weights(t, p) {
			if moved := !slices.Equal(x, before[name]); moved != c.moves(name) {
				t.Errorf("%s for %d updates: %s moved: %v", c.mode, c.updates, name, moved)
			}
		}
	}
}

// Layers have rates by their depth, and the optimiser of the encoder begins when it joins.
func TestLayerDecay(t *testing.T) {
	r := quick()
	r.Freeze.LayerDecay, r.Freeze.Updates = 0.5, 7
	got := map[string]float64{}
	for _, g := range r.TrainConfig().Optimizer.Groups {
		if g.LRScale != nil {
			got[g.Match] = *g.LRScale
		}
		if !g.Frozen && g.From != 7 {
			t.Errorf("%s is trained from update %d", g.Match, g.From)
		}
	}
	want := map[string]float64{"wav2vec2.encoder.layers.1.*": 0.5, "wav2vec2.encoder.layers.0.*": 0.25, "wav2vec2.*": 0.125}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("rates %v, want %v", got, want)
	}
}

// The schedule of the published recipe: 1 % to 100 % of the peak in a tenth, hold for four, then down to 5 %.
func TestSchedule(t *testing.T) {
	s := Default().TrainConfig().Resolved().Schedule
	for update, want := range map[uint64]float64{0: 5e-7, 1000: 5e-5 * (0.01 + 0.99/2), 2000: 5e-5, 9999: 5e-5, 10000: 5e-5, 15000: 5e-5 * math.Sqrt(0.05), 20000: 2.5e-6} {
		if got := s.LR(update); math.Abs(got-want) > 1e-12 {
			t.Errorf("rate at update %d is %v, want %v", update, got, want)
		}
	}
}

// Training masks frames and channels that are no padding; validation and a frozen encoder mask nothing.
func TestMasks(t *testing.T) {
	store := corpus(t, 6, nil)
	for _, mode := range Modes() {
		r := quick()
		r.Mode = mode
		p := task(t, r, store, datasets.View{})
		w := p.NewWork()
		if _, _, err := p.Prepare(context.Background(), train.Position{}, w); err != nil {
			t.Fatal(err)
		}
		frames := r.Encoder.Frames(w.shape.Samples)
		if on := mode != Frozen; on != (len(w.mask) > 0) || on != (len(w.channels) > 0) || on != (w.masked > 0) {
			t.Errorf("%s: %d frames of %d masked", mode, w.masked, len(w.mask))
		}
		for i, m := range w.mask {
			if m != 0 && i%frames >= int(w.frames[i/frames]) {
				t.Fatalf("%s: frame %d of row %d is masked beyond its end, %d", mode, i%frames, i/frames, w.frames[i/frames])
			}
		}
		if q, err := p.training.Get(w.shape); err != nil || q.HasInput(MaskInput) != (mode != Frozen) {
			t.Errorf("%s: the program has a mask: %v, %v", mode, q.HasInput(MaskInput), err)
		}
	}
}

// A model folder comes back bit for bit; another vocabulary is refused, and the encoder alone can begin another task.
func TestModelFolder(t *testing.T) {
	store := corpus(t, 6, nil)
	r := quick()
	p := task(t, r, store, datasets.View{})
	dir := t.TempDir()
	if err := p.SaveModel(dir); err != nil {
		t.Fatal(err)
	}
	r.Seed = 99
	other := task(t, r, store, datasets.View{})
	if err := other.LoadModel(dir); err != nil {
		t.Fatal(err)
	}
	want := weights(t, p)
	for name, x := range weights(t, other) {
		if !slices.Equal(x, want[name]) {
			t.Errorf("%s came back changed", name)
		}
	}
	lower := corpus(t, 6, func(_ int, text string) string { return strings.ToLower(text) })
	if err := task(t, r, lower, datasets.View{}).LoadModel(dir); err == nil || !strings.Contains(err.Error(), "output 5 is") {
		t.Errorf("another vocabulary of the same size: %v", err)
	}
	fewer := corpus(t, 6, func(int, string) string { return "ab" })
	if err := task(t, r, fewer, datasets.View{}).LoadModel(dir); err == nil || !strings.Contains(err.Error(), "vocab_size") {
		t.Errorf("a vocabulary of another size: %v", err)
	}
	var adopted = Default()
	adopted.Data, adopted.Mask, adopted.Channels = r.Data, r.Mask, r.Channels
	adopted.Data.Normalize = false
	if err := adopted.Adopt(dir); err != nil || adopted.Encoder.Width != 32 || !adopted.Data.Normalize || adopted.Encoder.LayerDrop != Default().Encoder.LayerDrop {
		t.Fatalf("adopted %+v, %v", adopted.Encoder, err)
	}
	begun := weights(t, task(t, adopted, fewer, datasets.View{}))
	adopted.Mode, adopted.Seed = Scratch, 5
	scratch := weights(t, task(t, adopted, fewer, datasets.View{}))
	name := "wav2vec2.encoder.layers.0.attention.q_proj.weight"
	if !slices.Equal(begun[name], want[name]) || slices.Equal(scratch[name], want[name]) || len(begun["lm_head.bias"]) != 7 {
		t.Error("the encoder does not come from the folder, or does from scratch")
	}
	short := r
	if short.InitLayers = 1; short.Adopt(dir) != nil || short.Encoder.Layers != 1 {
		t.Fatalf("adopted %d blocks, want 1", short.Encoder.Layers)
	}
	name = "wav2vec2.encoder.layers.0.feed_forward.output_dense.weight"
	if below := weights(t, task(t, short, store, datasets.View{})); !slices.Equal(below[name], want[name]) || below["wav2vec2.encoder.layers.1.layer_norm.weight"] != nil {
		t.Error("the lowest block does not come from the folder, or not alone")
	}
	if short.InitLayers = 9; short.Adopt(dir) == nil {
		t.Error("more blocks than the folder has were adopted")
	}
	r.Encoder.Layers, r.Init = 1, dir
	if _, err := newTask(t, r, store, datasets.View{}); err == nil || !strings.Contains(err.Error(), "num_hidden_layers") {
		t.Errorf("another network: %v", err)
	}
}

func TestUnusableTranscripts(t *testing.T) {
	view := func(s *datasets.Store) datasets.View { v, _ := s.View(); return v }
	r := quick()
	for _, c := range []struct {
		name string
		edit func(i int, text string) string
		want string
	}{
		{"empty", func(i int, s string) string { return map[bool]string{true: "", false: s}[i == 2] }, "1 of 6 utterances have no transcript"},
		{"too long", func(i int, s string) string {
			return map[bool]string{true: strings.Repeat("ab", 300), false: s}[i == 3]
		}, "1 of 6 utterances have more labels than frames"},
		{"none", func(int, string) string { return "" }, "no transcripts to train on"},
	} {
		_, err := newTask(t, r, corpus(t, 6, c.edit), datasets.View{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want %s", c.name, err, c.want)
		}
	}
	store := corpus(t, 6, func(i int, s string) string { return map[bool]string{true: "é", false: s}[i == 4] })
	v, err := vocab.Characters(slices.Values([]string{"ABCDEFGHIJKLMNOPQRSTUVWXYZ"}))
	if err != nil {
		t.Fatal(err)
	}
	be, _ := cpu.New(cpu.Options{Threads: 1})
	defer be.Close()
	if _, err := New(r, v, store, view(store), datasets.View{}, be); err == nil || !strings.Contains(err.Error(), "1 of 6 utterances have characters") || !strings.Contains(err.Error(), "U+00E9") {
		t.Errorf("a character outside: %v", err)
	}
	r.Labels.SkipUnusable = true
	p, err := New(r, v, store, view(store), datasets.View{}, be)
	if err != nil || p.skipped != 1 {
		t.Errorf("left out %v, %v", p, err)
	}
}

// A step does not allocate once its shapes have been seen.
func TestStepDoesNotAllocate(t *testing.T) {
	p := task(t, quick(), corpus(t, 6, nil), datasets.View{})
	w := p.NewWork()
	ctx, at := context.Background(), train.Position{Update: 5}
	if _, _, err := p.Prepare(ctx, at, w); err != nil {
		t.Fatal(err)
	}
	var m train.Measured
	if n := testing.AllocsPerRun(5, func() {
		if err := p.Run(ctx, at, w, &m); err != nil {
			t.Fatal(err)
		}
		if err := p.Collect(&m); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("a step allocates %v objects", n)
	}
	if m.SampleSize != float64(w.shape.Rows) || m.FLOPs == 0 {
		t.Errorf("measured %+v", m)
	}
}

// Audio that comes as 16-bit samples gives the bits of audio that comes as numbers: loss and all gradients, with padding.
func TestPCMChangesNothing(t *testing.T) {
	store := corpus(t, 6, nil)
	for _, normalize := range []bool{false, true} {
		r := quick()
		r.Data.Normalize = normalize
		p := task(t, r, store, datasets.View{})
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

// What a run will need is what its largest program needs.
func TestPlanIsOfTheLargestBatch(t *testing.T) {
	r := quick()
	r.Data.BatchSamples, r.Data.Lengths = 48000, 3
	p := task(t, r, corpus(t, 24, nil), datasets.View{})
	f, err := p.Plan()
	if err != nil {
		t.Fatal(err)
	}
	var arena []int
	var gflops []float64
	for _, b := range f.Shapes {
		q, err := p.training.Get(Shape{Rows: b.Rows, Samples: b.Length, Labels: p.places[b.Length], PCM: train.ForBackend(p.backend).PCM})
		if err != nil {
			t.Fatal(err)
		}
		arena, gflops = append(arena, q.ArenaBytes()), append(gflops, float64(q.flops)/1e9)
	}
	if len(arena) < 2 || slices.Min(arena) == slices.Max(arena) {
		t.Fatalf("arenas of %v bytes show nothing", arena)
	}
	if f.ArenaBytes != slices.Max(arena) || f.GFLOPs != slices.Max(gflops) || f.Parameters != p.weights.Count() {
		t.Errorf("%d bytes, %v GFLOPs, %d parameters; want the largest of %v and %v, and %d", f.ArenaBytes, f.GFLOPs, f.Parameters, arena, gflops, p.weights.Count())
	}
}

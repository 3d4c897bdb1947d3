package pretrain

import (
	"context"
	"encoding/binary"
	"math"
	"slices"
	"testing"

	"aural/graph"
	"aural/kernels"
	"aural/kernels/cpu"
	"aural/train"
	"aural/train/traintest"
)

// shownRecipe takes a snapshot at every update.
func shownRecipe() Recipe {
	r := quick()
	r.Train.SnapshotEvery = 1
	return r
}

// run prepares and runs the micro-batch at a position.
func run(t testing.TB, p *Task, at train.Position) *Work {
	t.Helper()
	w := p.NewWork()
	traintest.Compute(t, p, at, w)
	return w
}

// The contrastive task as it is shown is the one that was trained: the loss, the hits and the equal distractors that follow from its logits are those
// of the kernel, over all masked frames, with hard and soft codes and with distractors of other rows.
func TestShownContrastIsTheTrainedOne(t *testing.T) {
	store := corpus(t)
	for _, c := range []struct {
		name  string
		soft  bool
		cross int
	}{{"hard", false, 0}, {"soft", true, 0}, {"cross", false, 7}} {
		t.Run(c.name, func(t *testing.T) {
			r := shownRecipe()
			r.Quantizer.Soft, r.Contrastive.CrossDistractors = c.soft, c.cross
			p := task(t, r, store, 2)
			w := run(t, p, train.Position{Update: 3})
			shown, err := p.contrast(w)
			if err != nil {
				t.Fatal(err)
			}
			loss, elsewhere, left := 0.0, 0, 0
			for n := range w.count {
				f, l := shown.frame(n), shown.logits(n)
				sum, top, missing := math.Exp(float64(l.Positive)), true, 0
				for i, x := range l.Negatives {
					switch {
					case x != x:
						missing++
					default:
						sum += math.Exp(float64(x))
						top = top && x <= l.Positive
					}
					if n < w.counts[0] && l.At[i] < 0 {
						elsewhere++
					}
				}
				loss += math.Log(sum) - float64(l.Positive)
				left += missing
				if f.Duplicates != missing {
					t.Errorf("frame %d has %d equal distractors, its logits leave out %d", n, f.Duplicates, missing)
				}
				if f.Correct != top && math.Abs(float64(f.Positive-f.BestNegative)) > 1e-4 {
					t.Errorf("frame %d: correct is %v, but the cosines are %v and at best %v", n, f.Correct, f.Positive, f.BestNegative)
				}
			}
			if want := float64(p.shown.contrastive[0]); math.Abs(loss-want) > 1e-3*want {
				t.Errorf("the loss of the logits is %v, that of the kernel %v", loss, want)
			}
			if !c.soft && left == 0 {
				t.Error("no distractor was equal to its target: the test needs some")
			}
			if (elsewhere > 0) != (c.cross > 0) {
				t.Errorf("%d distractors of other rows, %d drawn from all", elsewhere, c.cross)
			}
		})
	}
}

func TestShow(t *testing.T) {
	store := corpus(t)
	r := shownRecipe()
	r.Contrastive.CrossDistractors = 0
	p := task(t, r, store, 2)
	at := train.Position{Update: 4, Index: 1}
	w := run(t, p, at)
	b, sample, err := p.Show(at, w)
	if err != nil {
		t.Fatal(err)
	}
	cut := p.sampler.Batch(0, 1).Cuts[0]
	u, err := store.Utterance(cut.Row)
	if err != nil {
		t.Fatal(err)
	}
	pcm, err := store.PCM(cut.Row)
	if err != nil {
		t.Fatal(err)
	}
	if b.ID != u.ID || b.Speaker != u.Speaker || b.Text != u.Transcript || b.Epoch != 0 || b.Rows != w.shape.Rows || b.Frames != w.frames {
		t.Errorf("the batch is %+v, want that of %+v", b, u)
	}
	if len(sample) != cut.Samples || b.Samples != cut.Samples || b.Rate != 16000 {
		t.Fatalf("%d samples, want %d", len(sample), cut.Samples)
	}
	for i, x := range sample {
		if want := int16(binary.LittleEndian.Uint16(pcm[2*(cut.Offset+i):])); x != want {
			t.Fatalf("sample %d is %d, want %d", i, x, want)
		}
	}
	var masked []int
	for _, s := range b.Spans {
		for i := range s[1] {
			masked = append(masked, s[0]+i)
		}
	}
	var frames []int
	for _, f := range b.Masked {
		frames = append(frames, f.Frame)
		if len(f.Codes) != p.recipe.Quantizer.Groups {
			t.Errorf("codes %v of frame %d", f.Codes, f.Frame)
		}
	}
	if !slices.Equal(masked, frames) || len(masked) == 0 {
		t.Errorf("the spans %v hold other frames than %v", b.Spans, frames)
	}
	for i, on := range w.mask[:w.frames] {
		if (on != 0) != slices.Contains(masked, i) {
			t.Errorf("frame %d: mask %d", i, on)
		}
	}
	if len(b.Logits) != min(mostLogits, len(masked)) {
		t.Errorf("logits of %d frames", len(b.Logits))
	}
	for i, l := range b.Logits {
		if i > 0 && l.Frame <= b.Logits[i-1].Frame || len(l.Negatives) != p.recipe.Contrastive.Total() || len(l.At) != len(l.Negatives) {
			t.Errorf("logits %+v", l)
		}
		for _, f := range l.At {
			if !slices.Contains(masked, f) || f == l.Frame {
				t.Errorf("frame %d has a distractor from frame %d", l.Frame, f)
			}
		}
	}
}

// Only the micro-batches that a snapshot is due for keep what it needs; a row that cannot be read is an error of the snapshot alone.
func TestShowNeedsPreparation(t *testing.T) {
	store := corpus(t)
	r := shownRecipe()
	r.Train.SnapshotEvery = 2
	p := task(t, r, store, 1)
	for update := range uint64(4) {
		at := train.Position{Update: update}
		w := run(t, p, at)
		if _, _, err := p.Show(at, w); (err == nil) != (update%2 == 1) {
			t.Errorf("update %d: %v", update, err)
		}
	}
	w := run(t, p, train.Position{Update: 1})
	cut := p.sampler.Batch(0, 0).Cuts[0]
	cut.Offset = 1 << 30
	w.first = train.ReadExcerpt(store, cut)
	if _, _, err := p.Show(train.Position{Update: 1}, w); err == nil {
		t.Error("a row that cannot be read was shown")
	}
}

// Keeping context and targets readable takes no more memory than they are.
func TestShownOutputsInArena(t *testing.T) {
	be, err := cpu.New(cpu.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer be.Close()
	size := func(without ...string) int {
		m, err := Build(quick(), Shape{Rows: 4, Samples: 16000, Masked: 64}, Mode{Float: kernels.Float32, Training: true})
		if err != nil {
			t.Fatal(err)
		}
		m.outputs = slices.DeleteFunc(m.outputs, func(o graph.Output) bool { return slices.Contains(without, o.Name) })
		p, err := m.Plan(be, true)
		if err != nil {
			t.Fatal(err)
		}
		return p.ArenaBytes()
	}
	with, without := size(), size(ContextOutput, TargetOutput)
	if own := 2 * 4 * 64 * quick().Loss.TargetDim; with < without || with-without > own+2*kernels.Alignment {
		t.Errorf("the arena has %d bytes with and %d without them, which are %d", with, without, own)
	}
}

func TestCodebookCosineIsValidated(t *testing.T) {
	p := task(t, quick(), corpus(t), 1)
	v, err := p.Validate(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	// Entries begin uniform in [0, 1], whose mean cosine is about 3/4.
	if c := v.Metrics.(*checked).CodebookCosine; !(c > 0.6 && c < 0.9) {
		t.Errorf("codebook cosine of new codebooks is %v", c)
	}
	b, _ := p.Weights().Param("quantizer.codevectors")
	for i := range b.F32() {
		b.F32()[i] = 1
	}
	if v, err = p.Validate(context.Background()); err != nil {
		t.Fatal(err)
	}
	if c := v.Metrics.(*checked).CodebookCosine; math.Abs(c-1) > 1e-6 {
		t.Errorf("codebook cosine of equal entries is %v", c)
	}
}

// The codes of a micro-batch are one a group for every masked frame.
func TestCodes(t *testing.T) {
	p := task(t, quick(), corpus(t), 1)
	w := run(t, p, train.Position{})
	counts, groups, entries := p.Codes()
	if len(counts) != groups*entries {
		t.Fatalf("%d counts of %d x %d", len(counts), groups, entries)
	}
	for g := range groups {
		sum := 0.0
		for _, n := range counts[g*entries:][:entries] {
			sum += n
		}
		if sum != float64(w.count) {
			t.Errorf("group %d has %v codes, want %d", g, sum, w.count)
		}
	}
}

func BenchmarkShow(b *testing.B) {
	p := task(b, shownRecipe(), corpus(b), 1)
	at := train.Position{}
	w := run(b, p, at)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := p.Show(at, w); err != nil {
			b.Fatal(err)
		}
	}
}

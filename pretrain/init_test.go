package pretrain

import (
	"math"
	"slices"
	"strings"
	"testing"

	"aural/encoder"
	"aural/hf"
	"aural/hf/hftest"
)

// adopted is a recipe for a model folder of hf/testdata.
func adopted(t *testing.T, folder string, fresh bool) Recipe {
	t.Helper()
	r := quick()
	r.Mask.Length = 3
	r.FreshHead = fresh
	if err := r.Adopt(hftest.Folder(folder)); err != nil {
		t.Fatal(err)
	}
	return r
}

// Weights begin as those of the folder, bit for bit; with a fresh head those of the quantizer and the projections as the seed gives them.
func TestInit(t *testing.T) {
	store := corpus(t)
	for _, c := range []struct {
		folder string
		fresh  bool
	}{{"base-pretraining", false}, {"large-pretraining", false}, {"base-pretraining", true}, {"base-model", true}, {"base-ctc", true}} {
		r := adopted(t, c.folder, c.fresh)
		if was := quick(); r.Encoder.Dropout != was.Encoder.Dropout || r.Encoder.LayerDrop != was.Encoder.LayerDrop || r.Encoder.Width != 16 {
			t.Errorf("%s: encoder %+v", c.folder, r.Encoder)
		}
		p := task(t, r, store, 1)
		r.Init, r.FreshHead = "", false
		random := task(t, r, store, 1)
		m, err := hf.Open(hftest.Folder(c.folder))
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		fresh := 0
		for _, s := range p.weights.Specs() {
			b, _ := p.weights.Param(s.Name)
			want, err := m.Float32(s.Name)
			if c.fresh && !strings.HasPrefix(s.Name, encoder.Prefix) {
				other, _ := random.weights.Param(s.Name)
				want, err = other.F32(), nil
				fresh++
			}
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(b.F32(), want) {
				t.Errorf("%s: %s is not that of the folder", c.folder, s.Name)
			}
		}
		if c.fresh != (fresh > 0) {
			t.Errorf("%s: %d fresh parameters", c.folder, fresh)
		}
	}
}

func TestInitRefused(t *testing.T) {
	store := corpus(t)
	r := quick()
	for _, c := range []struct{ folder, want string }{
		{"base-model", "no quantizer and projections; fresh_head"}, {"base-ctc", "--fresh-head"}, {"none", "init: hf:"}, {"golden.json", "no folder"},
	} {
		if err := r.Adopt(hftest.Folder(c.folder)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.folder, err, c.want)
		}
	}
	r.FreshHead = true
	if err := r.Validate(); err == nil || !strings.Contains(err.Error(), "fresh_head") {
		t.Errorf("a fresh head of nothing: %v", err)
	}
	for want, change := range map[string]func(*Recipe){
		"hidden_size is 16, wanted 8":    func(r *Recipe) { r.Encoder.Width = 8 },
		"num_codevectors_per_group is 4": func(r *Recipe) { r.Quantizer.Entries = 8 },
		"proj_codevector_dim is 6":       func(r *Recipe) { r.Loss.TargetDim = 4 },
	} {
		r := adopted(t, "base-pretraining", false)
		change(&r)
		rows, _ := store.View()
		p := task(t, quick(), store, 1)
		if _, err := New(r, store, rows, rows, p.backend); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "another network") {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// A task that began with a folder of transformers measures on the golden's batch the losses of transformers in evaluation.
func TestInitLoss(t *testing.T) {
	g := hftest.Load(t)
	const folder = "base-pretraining" // has no attention mask, so that padding is audio like other
	want := g.Cases[folder]
	r := adopted(t, folder, false)
	r.Contrastive.Distractors, r.Contrastive.CrossDistractors, r.Contrastive.Temperature = len(g.Negatives[0][0]), 0, 0.1
	r.Loss.Diversity, r.Loss.FeaturePenalty, r.Quantizer.HardEvalPerplexity = 0.1, 0, true
	p := task(t, r, corpus(t), 1)
	w := p.NewWork()
	feeds := folderFeeds(g, r.Encoder, want.Frames)
	for _, v := range feeds["wave"] {
		w.audio.Numbers = append(w.audio.Numbers, float32(v))
	}
	for _, v := range feeds["mask"] {
		w.mask = append(w.mask, uint8(v))
	}
	for _, v := range feeds["masked"] {
		w.masked = append(w.masked, int32(v))
	}
	for _, v := range feeds["distractors"] {
		w.distractors = append(w.distractors, int32(v))
	}
	w.shape = Shape{Rows: len(g.Samples), Samples: slices.Max(g.Samples), Masked: len(w.masked)}
	w.frames, w.count, w.temperature = want.Frames, len(w.masked), 1
	_, out, err := p.checking.run(w, false, &p.step)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what      string
		got, want float64
	}{{"contrastive", float64(out.contrastive[0]), want.Pretraining.Contrastive}, {"loss", float64(out.loss[0]), want.Pretraining.Loss}} {
		if math.Abs(c.got-c.want) > 1e-5*math.Abs(c.want) {
			t.Errorf("%s is %v, want %v", c.what, c.got, c.want)
		}
	}
}

package finetune

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"aural/datasets"
	"aural/decode"
	"aural/lm"
	"aural/runlog"
	"aural/score"
	"aural/vocab"

	"pgregory.net/rapid"
)

// language is a model that gives every word of some sentences the same probability.
func language(t testing.TB, sentences ...string) string {
	t.Helper()
	words := slices.Compact(slices.Sorted(slices.Values(strings.Fields(strings.Join(sentences, " ")))))
	var b strings.Builder
	fmt.Fprintf(&b, "\\data\\\nngram 1=%d\n\n\\1-grams:\n", len(words)+3)
	p := -math.Log10(float64(len(words) + 1))
	fmt.Fprintf(&b, "-99\t<s>\n%.6f\t</s>\n-20\t<unk>\n", p)
	for _, w := range words {
		fmt.Fprintf(&b, "%.6f\t%s\n", p, w)
	}
	b.WriteString("\n\\end\\\n")
	path := filepath.Join(t.TempDir(), "1.arpa")
	if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func transcripts(t testing.TB, s *datasets.Store) []string {
	t.Helper()
	var list []string
	for row := range s.Len() {
		u, err := s.Utterance(row)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, u.Transcript)
	}
	return list
}

// Validation with a language model reports its errors beside those of the most probable path, as a search of each utterance alone gives them, the same each time, on any number
// of processors; and what is trained does not change.
func TestValidationWithLanguageModel(t *testing.T) {
	store := corpus(t, 8, nil)
	view, _ := store.View()
	r := quick()
	r.Mode = Scratch
	r.Mask.Probability, r.Channels.Probability = 0, 0
	r.Train.MaxUpdates = 3
	plain := task(t, r, store, view)
	run(t, plain, filepath.Join(t.TempDir(), "run"), nil)
	r.Decode.LM = language(t, transcripts(t, store)...)
	r.Decode.Beam, r.Decode.Beta = 20, 12 // so many points for a word that an untrained model hears some
	p := task(t, r, store, view)
	run(t, p, filepath.Join(t.TempDir(), "run"), nil)
	defer p.Close()
	for name, x := range weights(t, plain) {
		if !slices.Equal(x, weights(t, p)[name]) {
			t.Fatalf("with a language model %s is trained otherwise", name)
		}
	}
	for _, q := range []*Task{plain, p} { // a few updates teach silence: without it all kinds of texts come out
		b, _ := q.weights.Param("lm_head.bias")
		b.F32()[q.labels.vocab.Blank()] -= 60
	}
	greedy, err := plain.Validate(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var first searched
	for i, procs := range []int{1, 2, 4} {
		before := runtime.GOMAXPROCS(procs)
		q := task(t, r, store, view)
		if len(q.checker.search.decoders) != procs {
			t.Errorf("%d decoders on %d processors", len(q.checker.search.decoders), procs)
		}
		for _, s := range q.weights.Specs() {
			b, _ := q.weights.Param(s.Name)
			from, _ := p.weights.Param(s.Name)
			copy(b.F32(), from.F32())
		}
		v, err := q.Validate(context.Background())
		runtime.GOMAXPROCS(before)
		if err != nil {
			t.Fatal(err)
		}
		m := *v.Metrics.(*searched)
		if i == 0 {
			first = m
		}
		if m != first || v.Score != m.WER || m.checked != *greedy.Metrics.(*checked) {
			t.Errorf("%d processors: %+v with score %v, want %+v; greedy alone %+v", procs, m, v.Score, first, greedy.Metrics)
		}
		q.Close()
	}
	if first.WERLM == first.WER || first.WERLM == 1 {
		t.Errorf("word errors %v, with the language model %v: it has no effect", first.WER, first.WERLM)
	}

	// The same by hand, an utterance at a time.
	model, err := lm.Open(r.Decode.LM)
	if err != nil {
		t.Fatal(err)
	}
	defer model.Close()
	v := p.labels.vocab
	o := decode.DefaultOptions()
	o.Beam, o.Beta, o.Ignore = 20, 12, decode.SpecialTokens(v)
	d, err := decode.NewPrefix(v, model, nil, o)
	if err != nil {
		t.Fatal(err)
	}
	errors, words := 0, 0
	w := newWork(r, p.backend)
	for _, b := range p.valid {
		if err := w.fill(context.Background(), p.labels, b, p.places[b.Length]); err != nil {
			t.Fatal(err)
		}
		_, q, err := p.checking.run(w, false, &p.step)
		if err != nil {
			t.Fatal(err)
		}
		for row := range w.shape.Rows {
			x := slices.Clone(q.logits[row*len(q.logits)/w.shape.Rows:][:int(w.frames[row])*v.Len()])
			logSoftmax(x, x, v.Len())
			h, err := decode.Whole(d, x, int(w.frames[row]))
			if err != nil {
				t.Fatal(err)
			}
			said := strings.Fields(w.utterances[row].Transcript)
			errors += score.Distance(said, strings.Fields(h[0].Text))
			words += len(said)
		}
	}
	if want := float64(errors) / float64(words); first.WERLM != want {
		t.Errorf("word errors with the language model %v, by hand %v", first.WERLM, want)
	}
}

// A language model or lexicon that cannot work is refused before training, by what is wrong with it.
func TestUnusableLanguageModel(t *testing.T) {
	store := corpus(t, 6, nil)
	texts := transcripts(t, store)
	good := language(t, texts...)
	file := func(text string) string {
		path := filepath.Join(t.TempDir(), "lexicon.txt")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	word := strings.Fields(texts[0])[0]
	spelled := strings.Join(strings.Split(word, ""), " ")
	for _, c := range []struct {
		name   string
		change func(d *DecodeConfig)
		want   string
	}{
		{"missing", func(d *DecodeConfig) { d.LM = "nowhere.arpa" }, "decode.lm: language model: open nowhere.arpa"},
		{"not a model", func(d *DecodeConfig) { d.LM = file("hello\n") }, "decode.lm: language model"},
		{"another case", func(d *DecodeConfig) { d.LM = language(t, strings.ToLower(strings.Join(texts, "\n"))) }, "cannot spell"},
		{"missing lexicon", func(d *DecodeConfig) { d.Lexicon = "nowhere.txt" }, "decode.lexicon: open nowhere.txt"},
		{"a spelling outside", func(d *DecodeConfig) { d.Lexicon = file(word + " " + spelled + " |\nx é |\n") }, `line 2: token "é"`},
		{"other words", func(d *DecodeConfig) { d.Lexicon = file("qqq " + spelled + " |\n") }, `none of its 1 words (such as "qqq")`},
		{"lexicon alone", func(d *DecodeConfig) { d.LM, d.Lexicon = "", "x" }, "decode.lexicon needs decode.lm"},
		{"no beam", func(d *DecodeConfig) { d.Beam = 0 }, "decode.beam: 0"},
		{"no weight", func(d *DecodeConfig) { d.Alpha = math.NaN() }, "decode.alpha NaN"},
	} {
		r := quick()
		r.Decode.LM = good
		c.change(&r.Decode)
		if _, err := newTask(t, r, store, datasets.View{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	r := quick()
	r.Decode.LM = language(t, append(texts, "é")...) // one such word does no harm
	r.Decode.Lexicon = file(word + " " + spelled + " |\n")
	p := task(t, r, store, datasets.View{})
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

// Where each token is a word, models of longer words are refused, and those of the tokens taken.
func TestLanguageModelOfPhones(t *testing.T) {
	v, err := vocab.New([]string{vocab.BlankToken, "AH", "B", "L"})
	if err != nil {
		t.Fatal(err)
	}
	c := defaultDecode()
	c.LM = language(t, "AHB L BAH")
	if _, err := c.open(v); err == nil || !strings.Contains(err.Error(), `cannot spell 2 of its 3 words, first "AHB": it is 2 words`) {
		t.Errorf("a model of words: %v", err)
	}
	c.LM = language(t, "AH B L")
	s, err := c.open(v)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	inf := float32(math.Inf(-1))
	if got, err := s.texts(t.Context(), [][]float32{{inf, 0, inf, inf, inf, inf, 0, inf}}); err != nil || got[0] != "AH B" {
		t.Errorf("%q, %v", got, err)
	}
}

// What no text explains, and what is not a number, is an empty text.
func TestSearchWithoutText(t *testing.T) {
	v, err := vocab.New([]string{vocab.BlankToken, vocab.BoundaryToken, "A", "B"})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "lexicon")
	if err := os.WriteFile(path, []byte("A A |\nB B |\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	c := defaultDecode()
	c.LM, c.Lexicon = language(t, "A B", "B A"), path
	s, err := c.open(v)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	inf, nan := float32(math.Inf(-1)), float32(math.NaN())
	ab := []float32{inf, inf, 0, inf, inf, inf, inf, 0} // AB without a boundary is no word
	got, err := s.texts(t.Context(), [][]float32{ab, {inf, inf, 0, inf, inf, 0, inf, inf, inf, inf, inf, 0}, {nan, 0, 0, 0}, {}})
	if want := []string{"", "A B", "", ""}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.texts(ctx, [][]float32{ab}); err == nil {
		t.Error("goes on after its context ended")
	}
}

func TestLogSoftmax(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, rows := rapid.IntRange(1, 9).Draw(t, "n"), rapid.IntRange(0, 5).Draw(t, "rows")
		x := make([]float32, n*rows)
		for i := range x {
			x[i] = rapid.Float32Range(-80, 80).Draw(t, "x")
		}
		y := make([]float32, len(x)+1)
		y[len(x)] = 42
		logSoftmax(y[:len(x)], x, n)
		for at := 0; at < len(x); at += n {
			sum := 0.0
			for i := range n {
				sum += math.Exp(float64(y[at+i]))
				if math.Abs(float64(y[at+i]-y[at])-float64(x[at+i]-x[at])) > 1e-4 {
					t.Fatalf("%v becomes %v", x[at:at+n], y[at:at+n])
				}
			}
			if math.Abs(sum-1) > 1e-5 {
				t.Fatalf("%v becomes %v, whose probabilities sum to %v", x[at:at+n], y[at:at+n], sum)
			}
		}
		if y[len(x)] != 42 {
			t.Fatal("writes beyond its end")
		}
	})
}

// A reference that does not fit its frames leaves the most probable path to show, and the snapshot says so.
func TestAlignmentSaysWhatItIs(t *testing.T) {
	store := corpus(t, 6, nil)
	view, _ := store.View()
	p := task(t, quick(), store, view)
	show := func() (forced bool, text string) {
		v, err := p.Validate(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(v.Snapshots, func(s runlog.Snapshot) bool { return s.Alignment != nil })
		return v.Snapshots[i].Alignment.Forced, v.Snapshots[i].Alignment.Text
	}
	if forced, text := show(); !forced || !slices.Contains(transcripts(t, store), text) {
		t.Errorf("forced %v, %q; want a reference", forced, text)
	}
	nan := float32(math.NaN())
	b, _ := p.weights.Param("lm_head.bias")
	was := slices.Clone(b.F32())
	for i := range b.F32() {
		b.F32()[i] = nan
	}
	if forced, text := show(); forced || text != "" {
		t.Errorf("of what is not a number: forced %v, %q", forced, text)
	}
	copy(b.F32(), was)
	if forced, _ := show(); !forced {
		t.Error("stays as it was")
	}
}

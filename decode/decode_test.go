package decode

import (
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestOptionsRefused(t *testing.T) {
	v := letters("_ab|")
	for _, c := range []struct {
		want   string
		change func(*Options)
	}{
		{"beam is 0", func(o *Options) { o.Beam = 0 }},
		{"n-best is 0", func(o *Options) { o.NBest = 0 }},
		{"threshold is 0", func(o *Options) { o.BeamThreshold = 0 }},
		{"threshold is NaN", func(o *Options) { o.BeamThreshold = math.NaN() }},
		{"-1 best tokens", func(o *Options) { o.TokenTop = -1 }},
		{"token mass is 2", func(o *Options) { o.TokenMass = 2 }},
		{"alpha NaN", func(o *Options) { o.Alpha = math.NaN() }},
		{"beta +Inf", func(o *Options) { o.Beta = math.Inf(1) }},
		{"unknown words is NaN", func(o *Options) { o.UnknownWord = math.NaN() }},
		{"cannot ignore token 3", func(o *Options) { o.Ignore = []int32{3} }},
		{`hotword "a x": no token spells "x"`, func(o *Options) { o.Hotwords = []Hotword{{"a x", 1}} }},
		{"has no word", func(o *Options) { o.Hotwords = []Hotword{{" ", 1}} }},
		{"boost +Inf", func(o *Options) { o.Hotwords = []Hotword{{"a", math.Inf(1)}} }},
	} {
		o := DefaultOptions()
		c.change(&o)
		if _, err := NewPrefix(v, nil, nil, o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
	if _, err := NewLexical(v, nil, nil, LexicalOptions{Options: DefaultOptions()}); err == nil {
		t.Error("a lexicon search without lexicon")
	}
	entries, _ := Spell(v, []string{"a"})
	lexicon, err := NewLexicon(v, entries, nil, SmearMax)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewPrefix(letters("_ab"), nil, lexicon, DefaultOptions()); err == nil || !strings.Contains(err.Error(), "4 tokens") {
		t.Errorf("lexicon of another vocabulary: %v", err)
	}
	if _, err := NewLexical(v, newToyModel(false, 1), lexicon, LexicalOptions{Options: DefaultOptions()}); err == nil || !strings.Contains(err.Error(), "language model") {
		t.Errorf("lexicon without the model: %v", err)
	}
	for _, bad := range [][]Entry{nil, {{"", []int32{1}}}, {{"a", nil}}, {{"a", []int32{0}}}, {{"a", []int32{9}}}} {
		if _, err := NewLexicon(v, bad, nil, SmearMax); err == nil {
			t.Errorf("lexicon %v is taken", bad)
		}
	}
}

// TestBadEmissions feeds what is no log-probability, and frames that nothing survives.
func TestBadEmissions(t *testing.T) {
	v := letters("_ab|")
	entries, _ := Spell(v, []string{"a"})
	lexicon, err := NewLexicon(v, entries, nil, SmearMax)
	if err != nil {
		t.Fatal(err)
	}
	inf := float32(math.Inf(-1))
	good := logSoftmax(make([]float32, 4), 4)
	for name, make := range map[string]func() (Decoder, error){
		"prefix":  func() (Decoder, error) { return NewPrefix(v, nil, nil, DefaultOptions()) },
		"lexical": func() (Decoder, error) { return NewLexical(v, nil, lexicon, LexicalOptions{Options: DefaultOptions()}) },
	} {
		d, err := make()
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			want string
			row  []float32
		}{
			{"frame 1, token 2 is NaN", []float32{-1, -1, float32(math.NaN()), -1}},
			{"frame 1, token 0 is 2", []float32{2, -1, -1, -1}},
			{"frame 1, token 3 is +Inf", []float32{-1, -1, -1, -inf}},
			{"survives frame 1", []float32{inf, inf, inf, inf}},
		} {
			err := d.Feed(slices.Concat(good, c.row), 2)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: error %v, want %q", name, err, c.want)
			}
			if again := d.Feed(good, 1); again != err {
				t.Errorf("%s: an error is forgotten: %v", name, again)
			}
			if p := d.Partial(); p != (Partial{}) {
				t.Errorf("%s: text %+v after an error", name, p)
			}
			if _, last := d.Finish(); last != err {
				t.Errorf("%s: Finish gives %v after %v", name, last, err)
			}
		}
		if err := d.Feed(good[:3], 1); err == nil || !strings.Contains(err.Error(), "3 emissions are not 1 frames of 4 tokens") {
			t.Errorf("%s: wrong shape: %v", name, err)
		}
		empty, err := d.Finish()
		if err != nil || len(empty) != 1 || empty[0].Text != "" || empty[0].Score != 0 {
			t.Errorf("%s: no frames give %+v, %v", name, empty, err)
		}
	}
	d, err := NewPrefix(v, nil, lexicon, DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	// "aa" can be said, but the lexicon has only "a".
	if _, err := Whole(d, []float32{inf, 0, inf, inf, 0, inf, inf, inf, inf, 0, inf, inf}, 3); !errors.Is(err, ErrNoHypothesis) {
		t.Errorf("error %v, want ErrNoHypothesis", err)
	}
}

// TestPrunedSearches runs small beams and cut-offs: what comes out is sorted, unique, never above the exact score, the same twice, and begins with what was stable.
func TestPrunedSearches(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.SampledFrom([]Vocabulary{letters("_ab|"), wordPieces("_ABb"), wordPieces("B_AbM")}).Draw(t, "vocabulary")
		frames := rapid.IntRange(1, 10-v.Len()).Draw(t, "frames")
		x := randomEmissions(t, frames, v.Len())
		o := DefaultOptions()
		o.NBest = 10
		o.Beam = rapid.IntRange(1, 12).Draw(t, "beam")
		o.BeamThreshold = rapid.SampledFrom([]float64{1, 5, 25, math.Inf(1)}).Draw(t, "threshold")
		o.TokenTop = rapid.IntRange(0, 4).Draw(t, "top")
		o.TokenMass = rapid.SampledFrom([]float64{0, 0.5, 0.99}).Draw(t, "mass")
		o.Beta = rapid.SampledFrom([]float64{-1, 3}).Draw(t, "beta")
		o.Hotwords, o.PartialHotwords = []Hotword{{"ab", 4}, {"b a", 2}, {"a", -3}}, rapid.Bool().Draw(t, "partial")
		model := newToyModel(false, 2, "a", "b", "ab")
		d, err := NewPrefix(v, model, nil, o)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Whole(d, x, frames)
		if err != nil {
			t.Fatal(err)
		}
		stable := ""
		for f := range frames {
			if err := d.Feed(x[f*v.Len():(f+1)*v.Len()], 1); err != nil {
				t.Fatal(err)
			}
			if p := d.Partial(); !strings.HasPrefix(p.Stable, stable) || !strings.HasPrefix(p.Text, p.Stable) {
				t.Fatalf("frame %d: text %q, stable %q, was %q", f, p.Text, p.Stable, stable)
			} else {
				stable = p.Stable
			}
		}
		if pieces, err := d.Finish(); err != nil || !reflect.DeepEqual(pieces, got) || !strings.HasPrefix(got[0].Text, stable) {
			t.Fatalf("frame by frame %+v, %v, want %+v; stable %q", pieces, err, got, stable)
		}
		d.gain = math.Inf(1) // no candidate is dropped before its score is known
		if slow, err := Whole(d, x, frames); err != nil || !reflect.DeepEqual(slow, got) {
			t.Fatalf("bounds change the result: %+v, %v, want %+v", got, err, slow)
		}
		texts, seen := everyText(v, x, frames, nil), map[string]bool{}
		for i, h := range got {
			if seen[h.Text] || i > 0 && h.Score > got[i-1].Score {
				t.Fatalf("n-best is not sorted and unique at %d: %q", i, h.Text)
			}
			seen[h.Text] = true
			if exact := texts[h.Text]; h.Acoustic > exact.acoustic+1e-9 {
				t.Fatalf("%q: acoustic %v above the exact %v", h.Text, h.Acoustic, exact.acoustic)
			}
			if !near(h.LM, model.sentence(strings.Fields(h.Text), o.UnknownWord)) {
				t.Fatalf("%q: LM %v", h.Text, h.LM)
			}
		}
	})
}

func TestGreedyEqualsPath(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.SampledFrom([]Vocabulary{letters("_ab|"), letters("ab_"), letters("|a_b"), wordPieces("_aAbM")}).Draw(t, "vocabulary")
		frames := rapid.IntRange(0, 12).Draw(t, "frames")
		x := randomEmissions(t, frames, v.Len())
		path := make([]int32, frames)
		for f := range path {
			row := x[f*v.Len() : (f+1)*v.Len()]
			path[f] = int32(slices.Index(row, slices.Max(row)))
		}
		h, err := Greedy(v, x, frames)
		if err != nil {
			t.Fatal(err)
		}
		words := wordFrames(v, path)
		for i := range words {
			words[i].Text = splitWords(v, h.Text)[i]
		}
		if h.Text != v.Text(h.Tokens) || !slices.Equal(h.Tokens, collapse(path, v.Blank())) || !slices.Equal(h.Words, words) {
			t.Fatalf("path %v gives %v %v, want words %v", path, h.Tokens, h.Words, words)
		}
	})
}

func TestSpecialTokens(t *testing.T) {
	if got := SpecialTokens(marked{}); !slices.Equal(got, []int32{1, 3}) {
		t.Errorf("special tokens %v, want 1 and 3", got)
	}
}

// marked has tokens longer than a byte.
type marked struct{}

func (marked) Len() int                       { return 6 }
func (marked) Token(i int) string             { return []string{"<pad>", "<s>", "|", "<unk>", "a", "ab"}[i] }
func (marked) Blank() int                     { return 0 }
func (marked) Boundary() int                  { return 2 }
func (marked) StartsWord(int) bool            { return false }
func (marked) Text([]int32) string            { return "" }
func (marked) Encode(string) ([]int32, error) { return nil, nil }

func TestSpell(t *testing.T) {
	got, err := Spell(letters("_ab|"), []string{"aab"})
	if err != nil || !slices.Equal(got[0].Tokens, []int32{1, 1, 2, 3}) {
		t.Errorf("aab is spelled %v, %v", got, err)
	}
	if got, err = Spell(wordPieces("_abAB"), []string{"ba"}); err != nil || !slices.Equal(got[0].Tokens, []int32{4, 1}) {
		t.Errorf("ba is spelled %v, %v", got, err)
	}
	if _, err := Spell(letters("_ab|"), []string{"a", "ac"}); err == nil || !strings.Contains(err.Error(), `word "ac": no token spells "c"`) {
		t.Errorf("error %v", err)
	}
}

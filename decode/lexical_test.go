package decode

import (
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// everySentence gives each sequence of words of a closed lexicon the score of its best path, or of all its paths together, by going through
// all strings of tokens. A path spells words that each end with a boundary; boundaries between words are free. open lets the last word end
// without one.
func everySentence(v Vocabulary, emissions []float32, frames int, entries []Entry, silence float64, open, sum bool) map[string]float64 {
	spelled := map[string][]string{}
	for _, e := range entries {
		var b strings.Builder
		for _, k := range e.Tokens {
			b.WriteString(v.Token(int(k)))
		}
		s := strings.TrimSuffix(b.String(), "|")
		spelled[s] = append(spelled[s], e.Word)
	}
	found := map[string]float64{}
	eachPath(emissions, frames, v.Len(), func(path []int32, p float64) {
		var b strings.Builder
		for _, k := range collapse(path, v.Blank()) {
			b.WriteString(v.Token(int(k)))
		}
		for _, k := range path {
			if int(k) == v.Boundary() {
				p += silence
			}
		}
		text := b.String()
		if v.Boundary() >= 0 && text != "" && !strings.HasSuffix(text, "|") && !open || math.IsInf(p, -1) {
			return
		}
		readings := []string{""}
		if v.Boundary() < 0 {
			readings = segmentations(text, spelled)
			text = ""
		}
		for _, s := range strings.FieldsFunc(text, func(r rune) bool { return r == '|' }) {
			var longer []string
			for _, r := range readings {
				for _, w := range spelled[s] {
					longer = append(longer, strings.TrimSpace(r+" "+w))
				}
			}
			readings = longer
		}
		for _, r := range readings {
			old, seen := found[r]
			switch {
			case !seen:
				found[r] = p
			case sum:
				found[r] = addLogs(old, p)
			default:
				found[r] = max(old, p)
			}
		}
	})
	return found
}

// segmentations lists the ways to cut text into spelled words.
func segmentations(text string, spelled map[string][]string) []string {
	if text == "" {
		return []string{""}
	}
	var list []string
	for n := 1; n <= len(text); n++ {
		for _, w := range spelled[text[:n]] {
			for _, rest := range segmentations(text[n:], spelled) {
				list = append(list, strings.TrimSpace(w+" "+rest))
			}
		}
	}
	return list
}

func TestLexicalEqualsAllPaths(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.SampledFrom([]Vocabulary{letters("_ab|"), letters("|a_b"), letters("b_a"), wordPieces("_aBAb")}).Draw(t, "vocabulary")
		frames := rapid.IntRange(0, 10-v.Len()).Draw(t, "frames")
		x := randomEmissions(t, frames, v.Len())
		entries, err := Spell(v, []string{"a", "ab", "bab", "b", "aa"})
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, Entry{"AB", entries[1].Tokens}, // a homophone
			Entry{"ab", append(slices.Clone(entries[2].Tokens[:2]), entries[0].Tokens[1:]...)}) // a second spelling
		o := LexicalOptions{Options: unpruned()}
		o.Alpha = rapid.SampledFrom([]float64{0, 0.7, -0.3}).Draw(t, "alpha")
		o.Beta = rapid.SampledFrom([]float64{0, 1.5, -1}).Draw(t, "beta")
		o.Silence = rapid.SampledFrom([]float64{0, -0.4, 1}).Draw(t, "silence")
		o.OpenEnd = rapid.Bool().Draw(t, "open")
		o.LogAdd = rapid.Bool().Draw(t, "logadd")
		o.PartialHotwords = rapid.Bool().Draw(t, "partial")
		if rapid.Bool().Draw(t, "hot") {
			o.Hotwords = []Hotword{{"ab", 2}, {"a b", 1.25}, {"b a", -0.5}, {"a", 0.75}}
		}
		var toy *toyModel
		var model LanguageModel
		if rapid.Bool().Draw(t, "model") {
			toy = newToyModel(false, 3, "a", "b", "ab", "AB", "bab")
			model = toy
		}
		smearing := rapid.SampledFrom([]Smearing{SmearMax, SmearLogAdd, SmearNone}).Draw(t, "smearing")
		lexicon, err := NewLexicon(v, entries, model, smearing)
		if err != nil {
			t.Fatal(err)
		}
		d, err := NewLexical(v, model, lexicon, o)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Whole(d, x, frames)
		if err != nil {
			t.Fatal(err)
		}
		want := everySentence(v, x, frames, entries, o.Silence, o.OpenEnd, o.LogAdd)
		if len(got) != len(want) {
			t.Fatalf("%d texts, want %d", len(got), len(want))
		}
		for i, h := range got {
			p, known := want[h.Text]
			if !known {
				t.Fatalf("%q is no text, or twice", h.Text)
			}
			words := strings.Fields(h.Text)
			lm := 0.0
			if toy != nil {
				lm = toy.sentence(words, 0)
			}
			score := p + o.Alpha*lm*btof(toy != nil) + o.Beta*float64(len(words)) + boosts(o.Hotwords, h.Text)
			if !near(h.Score, score) {
				t.Fatalf("%q: score %v, want %v", h.Text, h.Score, score)
			}
			if !near(h.LM, lm) || !near(h.Score, h.Acoustic+btof(toy != nil)*o.Alpha*h.LM+o.Beta*float64(len(words))+h.Boost) {
				t.Fatalf("%q: parts %+v do not give the score", h.Text, h)
			}
			if i > 0 && h.Score > got[i-1].Score {
				t.Fatalf("n-best is not sorted at %d", i)
			}
			checkWordTimes(t, h, frames)
			delete(want, h.Text)
		}
	})
}

func btof(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func checkWordTimes(t *rapid.T, h Hypothesis, frames int) {
	end := 0
	for _, w := range h.Words {
		if w.Start < end || w.End <= w.Start || w.End > frames {
			t.Fatalf("%q: times %v", h.Text, h.Words)
		}
		end = w.End
	}
	if len(h.Words) != len(strings.Fields(h.Text)) {
		t.Fatalf("%q has words %v", h.Text, h.Words)
	}
}

// TestLexicalTimes reads the frames of words off emissions that leave no doubt.
func TestLexicalTimes(t *testing.T) {
	for _, v := range []letters{"_ab|", "_ab"} {
		path := "_aab_|__bb_"
		want := []Word{{"ab", 1, 4}, {"b", 8, 10}}
		if v.Boundary() < 0 {
			path = "_aab___bbb_"
			want = []Word{{"ab", 1, 4}, {"b", 7, 10}}
		}
		x := make([]float32, len(path)*v.Len())
		for f, k := range v.encode(path) {
			x[f*v.Len()+int(k)] = 20
		}
		if v.Boundary() >= 0 {
			x[10*v.Len()+v.Boundary()] = 25
		}
		entries, _ := Spell(v, []string{"ab", "b"})
		lexicon, err := NewLexicon(v, entries, nil, SmearMax)
		if err != nil {
			t.Fatal(err)
		}
		d, err := NewLexical(v, nil, lexicon, LexicalOptions{Options: DefaultOptions()})
		if err != nil {
			t.Fatal(err)
		}
		got, err := Whole(d, logSoftmax(x, v.Len()), len(path))
		if err != nil || !slices.Equal(got[0].Words, want) {
			t.Errorf("vocabulary %q: %+v, %v, want %v", v, got, err, want)
		}
	}
}

// TestLexicalUnknown decodes a word that the lexicon does not spell.
func TestLexicalUnknown(t *testing.T) {
	v := letters("_ab|")
	path := "aab|b|ab|"
	x := make([]float32, len(path)*v.Len())
	for f, k := range v.encode(path) {
		x[f*v.Len()+int(k)] = 12
	}
	logSoftmax(x, v.Len())
	entries, _ := Spell(v, []string{"ab", "baa"})
	model := newToyModel(false, 1, "ab", "baa")
	lexicon, err := NewLexicon(v, entries, model, SmearMax)
	if err != nil {
		t.Fatal(err)
	}
	o := LexicalOptions{Options: DefaultOptions(), AllowUnknown: true, UnknownScore: -6}
	o.BeamThreshold = math.Inf(1)
	d, err := NewLexical(v, model, lexicon, o)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Whole(d, x, len(path))
	if err != nil {
		t.Fatal(err)
	}
	h := got[0]
	if h.Text != "ab <unk> ab" || h.Boost != -6 || !near(h.Score, h.Acoustic+o.Alpha*h.LM+2*o.Beta+h.Boost) {
		t.Errorf("got %+v, want ab <unk> ab", h)
	}
}

package decode

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// exact is a text with the sum of its paths, and its best path.
type exact struct {
	acoustic, best float64
	path           []int32
	tied           bool // another path is as good
	score          float64
}

// everyText sums the paths of each text; of those whose words' tokens are allowed, if that is not nil.
func everyText(v Vocabulary, emissions []float32, frames int, allowed func([]int32) bool) map[string]*exact {
	texts := map[string]*exact{}
	eachPath(emissions, frames, v.Len(), func(path []int32, p float64) {
		if math.IsInf(p, -1) {
			return
		}
		tokens := collapse(path, v.Blank())
		if allowed != nil && slices.ContainsFunc(groups(v, tokens), func(word []int32) bool { return !allowed(word) }) {
			return
		}
		text := v.Text(tokens)
		e := texts[text]
		if e == nil {
			e = &exact{acoustic: math.Inf(-1), best: math.Inf(-1)}
			texts[text] = e
		}
		e.acoustic = addLogs(e.acoustic, p)
		switch {
		case math.Abs(p-e.best) < 1e-6:
			e.tied = true
		case p > e.best:
			e.best, e.path, e.tied = p, slices.Clone(path), false
		}
	})
	return texts
}

// groups cuts tokens where words begin, without boundaries.
func groups(v Vocabulary, tokens []int32) [][]int32 {
	var list [][]int32
	open := false
	for _, k := range tokens {
		if int(k) == v.Boundary() {
			open = false
			continue
		}
		if !open || v.StartsWord(int(k)) {
			list, open = append(list, nil), true
		}
		list[len(list)-1] = append(list[len(list)-1], k)
	}
	return list
}

// wordFrames reads the words' frames off a path.
func wordFrames(v Vocabulary, path []int32) []Word {
	var list []Word
	open, last := false, int32(-1)
	for t, k := range path {
		switch {
		case int(k) == v.Blank():
		case int(k) == v.Boundary():
			open = false
		default:
			if !open || v.StartsWord(int(k)) && k != last {
				list = append(list, Word{Start: t})
				open = true
			}
			list[len(list)-1].End = t + 1
			list[len(list)-1].Text += v.Text([]int32{k})
		}
		last = k
	}
	list = slices.DeleteFunc(list, func(w Word) bool { return w.Text == "" })
	for i := range list {
		list[i].Text = ""
	}
	return list
}

func boosts(hotwords []Hotword, text string) float64 {
	sum := 0.0
	for _, h := range hotwords {
		padded := " " + text + " "
		for i := range padded {
			if strings.HasPrefix(padded[i:], " "+h.Text+" ") {
				sum += h.Boost
			}
		}
	}
	return sum
}

func splitWords(v Vocabulary, text string) []string {
	if l, ok := v.(letters); ok && l.Boundary() < 0 {
		return strings.Split(text, "")
	}
	return strings.Fields(text)
}

func randomEmissions(t *rapid.T, frames, n int) []float32 {
	x := make([]float32, frames*n)
	for i := range x {
		x[i] = float32(rapid.Float64Range(-4, 4).Draw(t, "x"))
	}
	return logSoftmax(x, n)
}

func unpruned() Options {
	o := DefaultOptions()
	o.Beam, o.BeamThreshold, o.TokenTop, o.NBest = math.MaxInt, math.Inf(1), 0, 1<<20
	return o
}

func TestPrefixEqualsAllPaths(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.SampledFrom([]Vocabulary{letters("_ab|"), letters("|a_b"), letters("_abc"), letters("ab_|"), wordPieces("_abAB"), wordPieces("AcMb_"), wordPieces("C_aBM")}).
			Draw(t, "vocabulary")
		_, pieces := v.(wordPieces)
		frames := rapid.IntRange(0, 9-v.Len()+v.Len()/6).Draw(t, "frames") // 4^5, 5^4, 6^4 paths
		x := randomEmissions(t, frames, v.Len())
		o := unpruned()
		o.Alpha = rapid.SampledFrom([]float64{0, 0.7, -0.3}).Draw(t, "alpha")
		o.Beta = rapid.SampledFrom([]float64{0, 1.5, -1}).Draw(t, "beta")
		o.UnknownWord = rapid.SampledFrom([]float64{-2, 0, math.Inf(-1)}).Draw(t, "unknown")
		o.PartialHotwords = rapid.Bool().Draw(t, "partial")
		if v.Boundary() >= 0 && rapid.Bool().Draw(t, "hot") || v == wordPieces("_abAB") {
			o.Hotwords = []Hotword{{"ab", 2}, {"a b", 1.25}, {"b a", -0.5}, {"a", 0.75}}
		}
		var toy *toyModel
		var model LanguageModel
		if rapid.Bool().Draw(t, "model") {
			toy = newToyModel(rapid.Bool().Draw(t, "full"), 7, "a", "b", "ab", "ba", "bb")
			model = toy
		}
		var lexicon *Lexicon
		dictionary := []string{"a", "ab", "bab"}
		var allowed func([]int32) bool
		if (v.Boundary() >= 0 || pieces) && rapid.Bool().Draw(t, "lexicon") {
			var entries []Entry
			var err error
			if pieces { // two spellings of one word, and one that begins with the mark alone
				p := v.(wordPieces)
				for _, e := range [][2]string{{"ab", "Ab"}, {"ab", "C"}, {"ab", "Ac"}, {"ab", "Mc"}, {"ab", "Mab"}, {"bab", "Bc"}, {"bab", "Bab"}, {"aab", "Ac"}} {
					tokens := make([]int32, len(e[1]))
					for i := range tokens {
						tokens[i] = int32(strings.IndexByte(string(p), e[1][i]))
					}
					if !slices.Contains(tokens, -1) && p.Text(tokens) == e[0] {
						entries = append(entries, Entry{e[0], tokens})
					}
				}
				allowed = func(word []int32) bool {
					return slices.ContainsFunc(entries, func(e Entry) bool {
						return slices.Equal(e.Tokens, word) || v.Text(word) == "" && e.Tokens[0] == word[0]
					})
				}
				dictionary = []string{"ab", "bab", "aab"}
			} else if entries, err = Spell(v, dictionary); err != nil {
				t.Fatal(err)
			}
			if lexicon, err = NewLexicon(v, entries, model, SmearMax); err != nil {
				t.Fatal(err)
			}
		}
		d, err := NewPrefix(v, model, lexicon, o)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Whole(d, x, frames)
		if err != nil && !strings.Contains(err.Error(), "allows no end") {
			t.Fatal(err)
		}

		want := everyText(v, x, frames, allowed)
		for text, e := range want {
			e.score = e.acoustic + boosts(o.Hotwords, text)
			words := splitWords(v, text)
			if toy != nil {
				e.score += o.Alpha*toy.sentence(words, o.UnknownWord) + o.Beta*float64(len(words))
			}
			possible := true
			for _, w := range words {
				possible = possible && (lexicon == nil || slices.Contains(dictionary, w))
				if toy != nil && math.IsInf(o.UnknownWord, -1) {
					_, known := toy.Word(w)
					possible = possible && known
				}
			}
			if !possible {
				delete(want, text)
			}
		}
		if len(got) != len(want) {
			t.Fatalf("%d texts, want %d", len(got), len(want))
		}
		for i, h := range got {
			e := want[h.Text]
			if e == nil {
				t.Fatalf("%q is no text, or twice", h.Text)
			}
			if !near(h.Score, e.score) || !near(h.Acoustic, e.acoustic) {
				t.Fatalf("%q: score %v acoustic %v, want %v %v", h.Text, h.Score, h.Acoustic, e.score, e.acoustic)
			}
			sum := h.Acoustic + h.Boost
			if model != nil {
				sum += o.Alpha*h.LM + o.Beta*float64(len(h.Words))
			}
			if !near(sum, h.Score) {
				t.Fatalf("%q: parts give %v, score is %v", h.Text, sum, h.Score)
			}
			if i > 0 && h.Score > got[i-1].Score {
				t.Fatalf("n-best is not sorted at %d", i)
			}
			frames := wordFrames(v, e.path)
			for w := range frames {
				frames[w].Text = splitWords(v, h.Text)[w]
			}
			if !e.tied && !slices.Equal(frames, h.Words) {
				t.Fatalf("%q: words %v, want %v", h.Text, h.Words, frames)
			}
			delete(want, h.Text)
		}
	})
}

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-6*max(1, math.Abs(b)) }

// TestPrefixReference holds the search without LM to the labelling probabilities of the specification's CTC vectors (losses.json,
// ctc.exact_label_probs), made by summing all paths in float64.
func TestPrefixReference(t *testing.T) {
	logits := []float32{0.5, 1.0, -0.5, 0.2, 1.5, 0.3, 0.1, -1.0, -0.2, 0.8, 0.9, 0.0, 0.1, -0.3, 2.0, 0.4, 0.0, 0.6, -0.6, 1.2}
	x := logSoftmax(logits, 4)
	v := letters("_123")
	d, err := NewPrefix(v, nil, nil, unpruned())
	if err != nil {
		t.Fatal(err)
	}
	got, err := Whole(d, x, 5)
	if err != nil {
		t.Fatal(err)
	}
	want := []struct {
		text string
		p    float64
	}{{"123", 0.13882106}, {"121", 0.07289015}, {"12", 0.056928}, {"23", 0.05088387}, {"323", 0.04881604}, {"13", 0.03224993}}
	for i, w := range want {
		if got[i].Text != w.text || math.Abs(math.Exp(got[i].Acoustic)-w.p) > 1e-7 {
			t.Errorf("text %d is %q with p %.8f, want %q with %.8f", i, got[i].Text, math.Exp(got[i].Acoustic), w.text, w.p)
		}
	}
	g, err := Greedy(v, x, 5)
	if err != nil || g.Text != "123" {
		t.Errorf("greedy gives %q, %v, want 123", g.Text, err)
	}
}

func ExampleNewPrefix() {
	v := letters("_ab|")
	emissions := logSoftmax([]float32{0, 3, 0, 0, 0, 3, 0, 0, 0, 0, 0, 3, 0, 0, 3, 0}, 4)
	d, _ := NewPrefix(v, nil, nil, DefaultOptions())
	list, _ := Whole(d, emissions, 4)
	fmt.Println(list[0].Text, list[0].Words)
	// Output: a b [{a 0 2} {b 3 4}]
}

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

// everyText sums the paths of each text.
func everyText(v letters, emissions []float32, frames int) map[string]*exact {
	texts := map[string]*exact{}
	eachPath(emissions, frames, v.Len(), func(path []int32, p float64) {
		if math.IsInf(p, -1) {
			return
		}
		var b strings.Builder
		for _, k := range collapse(path, v.Blank()) {
			b.WriteString(v.Token(int(k)))
		}
		text := b.String()
		if v.Boundary() >= 0 {
			text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == '|' }), " ")
		}
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

// wordFrames reads the words' frames off a path.
func wordFrames(v letters, path []int32) []Word {
	var list []Word
	open, last := false, int32(-1)
	for t, k := range path {
		switch {
		case int(k) == v.Blank():
		case int(k) == v.Boundary():
			open = false
		default:
			if !open || v.Boundary() < 0 && k != last {
				list = append(list, Word{Start: t})
				open = true
			}
			list[len(list)-1].End = t + 1
		}
		last = k
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

func splitWords(v letters, text string) []string {
	if v.Boundary() >= 0 {
		return strings.Fields(text)
	}
	return strings.Split(text, "")
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
		v := rapid.SampledFrom([]letters{"_ab|", "|a_b", "_abc", "ab_|"}).Draw(t, "vocabulary")
		frames := rapid.IntRange(0, 5).Draw(t, "frames")
		x := randomEmissions(t, frames, v.Len())
		o := unpruned()
		o.Alpha = rapid.SampledFrom([]float64{0, 0.7, -0.3}).Draw(t, "alpha")
		o.Beta = rapid.SampledFrom([]float64{0, 1.5, -1}).Draw(t, "beta")
		o.UnknownWord = rapid.SampledFrom([]float64{-2, 0, math.Inf(-1)}).Draw(t, "unknown")
		o.PartialHotwords = rapid.Bool().Draw(t, "partial")
		if v.Boundary() >= 0 && rapid.Bool().Draw(t, "hot") {
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
		if v.Boundary() >= 0 && rapid.Bool().Draw(t, "lexicon") {
			entries, err := Spell(v, dictionary)
			if err != nil {
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

		want := everyText(v, x, frames)
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

package align

import (
	"errors"
	"math"
	"strings"
	"testing"

	"aural/transcript"
	"aural/vocab"

	"pgregory.net/rapid"
)

func letters(t testing.TB) *vocab.Vocabulary {
	t.Helper()
	v, err := vocab.New([]string{vocab.BlankToken, vocab.StartToken, vocab.EndToken, vocab.UnknownToken, vocab.BoundaryToken, "A", "B", "C", "D"})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// stage makes emissions: say gives a token some frames, all others share what is left of the probability.
type stage struct {
	vocab     *vocab.Vocabulary
	emissions []float32
	frames    int
}

func (s *stage) say(token string, frames int, p float64) {
	k, ok := s.vocab.Index(token)
	if !ok {
		panic(token)
	}
	for range frames {
		for i := range s.vocab.Len() {
			x := (1 - p) / float64(s.vocab.Len()-1)
			if i == k {
				x = p
			}
			s.emissions = append(s.emissions, float32(math.Log(x)))
		}
		s.frames++
	}
}

// word says letters of one frame with a blank behind each and the boundary at the end, and returns its times at 20 ms a frame.
func (s *stage) word(text string, p float64) transcript.Word {
	w := transcript.Word{Text: text, Start: 0.02 * float64(s.frames)}
	for _, c := range text {
		s.say(string(c), 1, p)
		w.End = 0.02 * float64(s.frames)
		s.say(vocab.BlankToken, 1, 0.99)
	}
	s.say(vocab.BoundaryToken, 1, 0.99)
	return w
}

func sameWords(t interface{ Fatalf(string, ...any) }, got, want []transcript.Word, p float64) {
	if len(got) != len(want) {
		t.Fatalf("words %+v, want %+v", got, want)
	}
	for i, w := range want {
		if g := got[i]; g.Text != w.Text || math.Abs(g.Start-w.Start) > 1e-9 || math.Abs(g.End-w.End) > 1e-9 || math.Abs(g.Confidence-p) > 1e-5 {
			t.Fatalf("word %d is %+v, want %+v with confidence %v", i, g, w, p)
		}
	}
}

// Words are found at the frames where they were said, with the probability that they were said with, by both ways.
func TestKnownTimes(t *testing.T) {
	v := letters(t)
	a := New(v, 0.02)
	rapid.Check(t, func(r *rapid.T) {
		s := &stage{vocab: v}
		p := rapid.Float64Range(0.6, 0.99).Draw(r, "p")
		pause := func(name string, least int) { s.say(vocab.BlankToken, rapid.IntRange(least, 20).Draw(r, name), 0.99) }
		pause("before", 1)
		var texts []string
		var want [][]transcript.Word
		for range rapid.IntRange(1, 4).Draw(r, "texts") {
			var words []transcript.Word
			var parts []string
			for range rapid.IntRange(1, 3).Draw(r, "words") {
				text := rapid.StringMatching("[ABCD]{1,5}").Draw(r, "word")
				words, parts = append(words, s.word(text, p)), append(parts, text)
				pause("pause", 0)
			}
			pause("between", 3)
			texts, want = append(texts, strings.Join(parts, " ")), append(want, words)
		}
		for name, run := range map[string]func([]float32, int, []string) ([]Placed, error){"whole": a.Whole, "within": a.Within} {
			got, err := run(s.emissions, s.frames, texts)
			if err != nil || len(got) != len(texts) {
				r.Fatalf("%s: %d utterances, %v", name, len(got), err)
			}
			end := 0.0
			for i, g := range got {
				h := g.Hypotheses[0]
				sameWords(r, h.Words, want[i], p)
				n := strings.Count(texts[i], "") - 1 - strings.Count(texts[i], " ")
				if h.Text != texts[i] || len(h.Tokens) != n || g.Start < end || g.Start > h.Words[0].Start+1e-9 || g.End < h.Words[len(h.Words)-1].End-1e-9 {
					r.Fatalf("%s: utterance %d from %v to %v after %v: %+v", name, i, g.Start, g.End, end, h)
				}
				if end = g.End; len(g.Path) != g.Spans[len(g.Spans)-1].End-g.Spans[0].Start || g.Confidence() < 0.5 || g.Confidence() > 1 {
					r.Fatalf("%s: %d frames of path, confidence %v", name, len(g.Path), g.Confidence())
				}
			}
			if end > 0.02*float64(s.frames)+1e-9 {
				r.Fatalf("%s: ends at %v of %v", name, end, 0.02*float64(s.frames))
			}
		}
	})
}

// Boundaries that a model hears in silence are no part of the first and the last word.
func TestBoundariesAround(t *testing.T) {
	v := letters(t)
	s := &stage{vocab: v}
	s.say(vocab.BoundaryToken, 5, 0.9)
	want := s.word("AB", 0.8)
	s.say(vocab.BoundaryToken, 5, 0.9)
	got, err := New(v, 0.02).Whole(s.emissions, s.frames, []string{"AB"})
	if err != nil {
		t.Fatal(err)
	}
	sameWords(t, got[0].Hypotheses[0].Words, []transcript.Word{want}, 0.8)
	if len(got[0].Spans) != 2 || got[0].Start != 0 || got[0].End != 0.02*float64(s.frames) {
		t.Errorf("%+v", got[0])
	}
}

// Other speech before and after leaves the places alone, and a text that was not said is doubtful.
func TestWithinOtherSpeech(t *testing.T) {
	v := letters(t)
	a := New(v, 0.02)
	s := &stage{vocab: v}
	other := func() {
		for range 6 {
			s.word("DCDD", 0.95)
		}
	}
	other()
	first := s.word("ABBA", 0.9)
	s.word("CAB", 0.9)
	s.say(vocab.BlankToken, 40, 0.99)
	second := s.word("BAAB", 0.9)
	other()
	got, err := a.Within(s.emissions, s.frames, []string{"ABBA CAB", " BAAB "})
	if err != nil {
		t.Fatal(err)
	}
	sameWords(t, got[0].Hypotheses[0].Words[:1], []transcript.Word{first}, 0.9)
	sameWords(t, got[1].Hypotheses[0].Words, []transcript.Word{second}, 0.9)
	if got[0].Confidence() < Doubtful || got[1].Confidence() < Doubtful || got[1].Hypotheses[0].Text != "BAAB" {
		t.Errorf("confidences %v and %v", got[0].Confidence(), got[1].Confidence())
	}
	wrong, err := a.Within(s.emissions, s.frames, []string{"AAAABBBBCCCC"})
	if err != nil || wrong[0].Confidence() > got[0].Confidence()/2 {
		t.Errorf("what was not said has confidence %v, %v", wrong[0].Confidence(), err)
	}
}

// Where segmentation leaves no room for the blank between repeated tokens, its own frames stay.
func TestRepeatsWithoutRoom(t *testing.T) {
	v := letters(t)
	s := &stage{vocab: v}
	s.say(vocab.BlankToken, 1, 0.9)
	s.say("A", 2, 0.9)
	s.say(vocab.BlankToken, 1, 0.9)
	got, err := New(v, 0.02).Within(s.emissions, s.frames, []string{"AA"})
	if err != nil {
		t.Fatal(err)
	}
	if w := got[0].Hypotheses[0].Words; len(w) != 1 || w[0].Text != "AA" || math.Abs(w[0].Start-0.02) > 1e-9 || math.Abs(w[0].End-0.06) > 1e-9 {
		t.Errorf("words %+v", w)
	}
}

func TestRefuses(t *testing.T) {
	v := letters(t)
	s := &stage{vocab: v}
	s.say(vocab.BlankToken, 6, 0.9)
	a := New(v, 0.02)
	for _, c := range []struct {
		texts []string
		line  int
		want  string
	}{
		{[]string{"A", "AXB"}, 1, `text 2: vocab: 'X' (U+0058)`},
		{[]string{" "}, 0, "text 1: it has no word"},
		{[]string{"AB", "ABCDABCD"}, -1, "frames"},
	} {
		for name, run := range map[string]func([]float32, int, []string) ([]Placed, error){"whole": a.Whole, "within": a.Within} {
			_, err := run(s.emissions, s.frames, c.texts)
			var u Unusable
			if err == nil || !strings.Contains(err.Error(), c.want) || errors.As(err, &u) != (c.line >= 0) || c.line >= 0 && u.Line != c.line {
				t.Errorf("%s of %q: %v, want %q", name, c.texts, err, c.want)
			}
		}
	}
}

// The confidence is that of the worst stretch.
func TestWorst(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		logs := rapid.SliceOfN(rapid.Float64Range(-9, 0), 1, 60).Draw(r, "logs")
		window := rapid.IntRange(1, 40).Draw(r, "window")
		want := 0.0
		if len(logs) <= window {
			window = len(logs)
		}
		for t := 0; t+window <= len(logs); t++ {
			sum := 0.0
			for _, x := range logs[t : t+window] {
				sum += x
			}
			want = min(want, sum/float64(window))
		}
		if got := worst(logs, window); math.Abs(got-want) > 1e-9 {
			r.Fatalf("%v, want %v", got, want)
		}
	})
}

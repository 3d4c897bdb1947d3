package decode

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"aural/lm"
)

// english is Hugging Face's vocabulary of wav2vec2-base-960h, a byte a token: _ is <pad>; 1, 2 and 3 are <s>, </s> and <unk>.
const english = letters("_123|ETAONIHSRDLUMWCFGYPBVK'XJQZ")

// speech is what a trained model gives: blank between peaks of one or two frames, of which some are doubtful.
type speech struct {
	words     []string // of the language
	text      string
	frames    int
	emissions []float32
}

// newSpeech says words of a language of so many words in frames frames, 50 a second, at the pace of read speech (about 15 letters a second).
func newSpeech(seed uint64, vocabulary, frames int) *speech {
	r := rand.New(rand.NewPCG(seed, 1))
	s := &speech{frames: frames, emissions: make([]float32, frames*len(english))}
	seen := map[string]bool{}
	for len(s.words) < vocabulary {
		w := make([]byte, 2+r.IntN(8))
		for i := range w {
			w[i] = english[5+int(27*r.Float64()*r.Float64())]
		}
		if !seen[string(w)] {
			seen[string(w)] = true
			s.words = append(s.words, string(w))
		}
	}
	say := func(t int, token int, sure float64) {
		row := s.emissions[t*len(english) : (t+1)*len(english)]
		for k := range row {
			row[k] = float32(2 * r.NormFloat64())
		}
		row[token] += float32(sure)
		if sure < 7 { // doubtful: another letter and the blank are close
			row[5+r.IntN(27)] += float32(sure - 1)
			row[0] += float32(sure - 2)
		}
	}
	var said []string
	t := 0
	for t < frames {
		word := s.words[int(float64(vocabulary)*r.Float64()*r.Float64())]
		if t+4*len(word)+4 > frames {
			for ; t < frames; t++ {
				say(t, 0, 14)
			}
			break
		}
		said = append(said, word)
		for _, letter := range []byte(word + "|") {
			sure := 14.0
			if r.IntN(6) == 0 {
				sure = 5
			}
			token := strings.IndexByte(string(english), letter)
			for range 1 + r.IntN(2) {
				say(t, token, sure)
				t++
			}
			for range 1 + r.IntN(2) {
				say(t, 0, 14)
				t++
			}
		}
	}
	s.text = strings.Join(said, " ")
	logSoftmax(s.emissions, len(english))
	return s
}

func (s *speech) toy() LanguageModel { return newToyModel(false, 5, s.words...) }

// fourgram estimates a model of order 4 on sentences of the language, half of whose words follow from the word before.
func (s *speech) fourgram(t testing.TB, sentences int) LanguageModel {
	r := rand.New(rand.NewPCG(9, 9))
	var b strings.Builder
	for range sentences {
		w := 0
		for range 5 + r.IntN(20) {
			if r.IntN(2) == 0 {
				w = int(mix(uint64(w))>>8+uint64(r.IntN(4))) % len(s.words)
			} else {
				w = int(float64(len(s.words)) * r.Float64() * r.Float64())
			}
			b.WriteString(s.words[w] + " ")
		}
		b.WriteString("\n")
	}
	dir := t.TempDir()
	text, out := filepath.Join(dir, "text"), filepath.Join(dir, "4.arpa")
	if err := os.WriteFile(text, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := lm.Estimate(t.Context(), []string{text}, out, lm.Options{Order: 4, Memory: 1 << 28, TempDir: dir}); err != nil {
		t.Fatal(err)
	}
	m, err := lm.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// decoders are the searches of the tests below by name.
func decoders(t testing.TB, s *speech, model LanguageModel, beam int) map[string]func() Decoder {
	entries, err := Spell(english, s.words)
	if err != nil {
		t.Fatal(err)
	}
	lexicon, err := NewLexicon(english, entries, model, SmearMax)
	if err != nil {
		t.Fatal(err)
	}
	o := DefaultOptions()
	o.Beam, o.NBest, o.Ignore = beam, 5, []int32{1, 2, 3}
	o.Hotwords = []Hotword{{s.words[0], 1}, {s.words[3] + " " + s.words[1], 2}}
	o.PartialHotwords = true
	must := func(d Decoder, err error) Decoder {
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	quick := o
	quick.TokenMass = 0.999
	return map[string]func() Decoder{
		"free":     func() Decoder { return must(NewPrefix(english, nil, nil, o)) },
		"lm":       func() Decoder { return must(NewPrefix(english, model, nil, o)) },
		"lm+mass":  func() Decoder { return must(NewPrefix(english, model, nil, quick)) },
		"lm+words": func() Decoder { return must(NewPrefix(english, model, lexicon, o)) },
		"lexicon": func() Decoder {
			return must(NewLexical(english, model, lexicon, LexicalOptions{Options: o, OpenEnd: true}))
		},
	}
}

// TestChunks feeds the same utterance whole and in pieces, through new and used decoders.
func TestChunks(t *testing.T) {
	s := newSpeech(1, 300, 400)
	other := newSpeech(2, 300, 100)
	for name, make := range decoders(t, s, s.toy(), 40) {
		want, err := Whole(make(), s.emissions, s.frames)
		if err != nil {
			t.Fatal(err)
		}
		if len(want) < 2 {
			t.Errorf("%s: %d texts, want more", name, len(want))
		}
		d := make()
		if _, err := Whole(d, other.emissions, other.frames); err != nil {
			t.Fatal(err)
		}
		for _, size := range []int{1, 7, 399} {
			stable := ""
			for at := 0; at < s.frames; at += size {
				n := min(size, s.frames-at)
				if err := d.Feed(s.emissions[at*len(english):(at+n)*len(english)], n); err != nil {
					t.Fatal(err)
				}
				p := d.Partial()
				if !strings.HasPrefix(p.Stable, stable) {
					t.Fatalf("%s: stable text goes from %q to %q", name, stable, p.Stable)
				}
				if !strings.HasPrefix(p.Text, p.Stable) {
					t.Fatalf("%s: best text %q does not begin with %q", name, p.Text, p.Stable)
				}
				stable = p.Stable
			}
			got, err := d.Finish()
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Fatalf("%s in chunks of %d: %+v, %v, want %+v", name, size, got, err, want)
			}
			if !strings.HasPrefix(got[0].Text, stable) || stable == "" && name != "free" {
				t.Errorf("%s: stable text %q is no start of %q", name, stable, got[0].Text)
			}
		}
	}
}

// TestCompaction decodes with and without keeping all dead prefixes.
func TestCompaction(t *testing.T) {
	s := newSpeech(3, 300, 600)
	for name, make := range decoders(t, s, s.toy(), 60) {
		want, err := Whole(make(), s.emissions, s.frames)
		if err != nil {
			t.Fatal(err)
		}
		d := make()
		for at := range s.frames {
			if err := d.Feed(s.emissions[at*len(english):(at+1)*len(english)], 1); err != nil {
				t.Fatal(err)
			}
			switch d := d.(type) {
			case *Prefix:
				d.compactTree()
				d.compactHistory()
			case *Lexical:
				d.compactTree()
				d.compactHistory()
			}
		}
		got, err := d.Finish()
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: compaction changes the result: %+v, want %+v", name, got[0], want[0])
		}
	}
}

// TestConcurrent shares the model and the lexicon; go test -race looks on.
func TestConcurrent(t *testing.T) {
	s := newSpeech(1, 300, 200)
	for name, make := range decoders(t, s, s.toy(), 30) {
		want, err := Whole(make(), s.emissions, s.frames)
		if err != nil {
			t.Fatal(err)
		}
		var group sync.WaitGroup
		for range 4 {
			d := make()
			group.Go(func() {
				got, err := Whole(d, s.emissions, s.frames)
				if err != nil || !reflect.DeepEqual(got, want) {
					t.Errorf("%s: another result beside others: %v", name, err)
				}
			})
		}
		group.Wait()
	}
}

// TestNoAllocation feeds a second utterance into warm decoders.
func TestNoAllocation(t *testing.T) {
	s := newSpeech(4, 300, 300)
	for name, make := range decoders(t, s, s.toy(), 50) {
		d := make()
		feed := func() {
			d.Reset()
			if err := d.Feed(s.emissions, s.frames); err != nil {
				t.Fatal(err)
			}
		}
		feed()
		if n := testing.AllocsPerRun(3, feed); n != 0 {
			t.Errorf("%s: %v allocations in %d frames, want none", name, n, s.frames)
		}
	}
}

// TestLanguageModelHelps is the whole chain on speech with doubtful letters: searches must beat greedy on whole words.
func TestLanguageModelHelps(t *testing.T) {
	s := newSpeech(5, 300, 500)
	wrong := func(text string) int {
		said, got, n := strings.Fields(s.text), strings.Fields(text), 0
		for i, w := range said {
			if i >= len(got) || got[i] != w {
				n++
			}
		}
		return n
	}
	g, err := Greedy(english, s.emissions, s.frames, 1, 2, 3)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"lm+words", "lexicon"} {
		got, err := Whole(decoders(t, s, s.toy(), 100)[name](), s.emissions, s.frames)
		if err != nil {
			t.Fatal(err)
		}
		if a, b := wrong(got[0].Text), wrong(g.Text); a >= b {
			t.Errorf("%s: %d wrong words, greedy %d", name, a, b)
		}
	}
}

// BenchmarkDecode decodes 30 s, 1500 frames of 32 tokens, with a beam of 500 and a 4-gram of 20 000 words. Counted: 1500 × 500 prefixes ×
// 3 sums of logarithms of 25 ns are 56 ms; 20 times real time is 1.5 s.
func BenchmarkDecode(b *testing.B) {
	s := newSpeech(6, 20000, 1500)
	model := s.fourgram(b, 20000)
	for _, name := range []string{"free", "lm", "lm+mass", "lm+words", "lexicon"} {
		b.Run(name, func(b *testing.B) {
			d := decoders(b, s, model, 500)[name]()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Whole(d, s.emissions, s.frames); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(30*float64(b.N)/b.Elapsed().Seconds(), "x-real-time")
		})
	}
}

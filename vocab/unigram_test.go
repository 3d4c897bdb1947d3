package vocab

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// unigramGolden is what SentencePiece says of a model in testdata (testdata/gen_unigram.py).
type unigramGolden struct {
	Model  string
	Pieces []string
	Texts  []struct {
		Text   string
		Pieces []string
	}
}

func readUnigramGolden(t *testing.T) (list []unigramGolden) {
	t.Helper()
	raw, err := os.ReadFile("testdata/unigram.json")
	if err == nil {
		err = json.Unmarshal(raw, &list)
	}
	if err != nil || len(list) != 3 {
		t.Fatal(len(list), err)
	}
	return list
}

// written lists the pieces of a text as SentencePiece does: unknown characters in one run, or byte by byte.
func written(v *Vocabulary, text string, fallback bool) (list []string, known bool) {
	l := &lattice{}
	for word := range strings.FieldsSeq(text) {
		l.text = append(append(l.text, WordMark...), word...)
	}
	v.pieces.unigram.cut(l)
	run := false
	known = true
	for _, c := range l.path {
		part := string(l.text[c.from:c.to])
		switch {
		case c.id >= 0:
			list = append(list, v.Token(int(c.id)))
		case fallback:
			for _, b := range []byte(part) {
				list = append(list, fmt.Sprintf("<0x%02X>", b))
			}
		case run:
			list[len(list)-1] += part
		default:
			list = append(list, part)
		}
		run = c.id < 0
		known = known && c.id >= 0
	}
	return list, known
}

func TestUnigramEqualsSentencePiece(t *testing.T) {
	for _, g := range readUnigramGolden(t) {
		v, err := Load(filepath.Join("testdata", g.Model))
		if err != nil {
			t.Fatal(err)
		}
		fallback := slices.Contains(g.Pieces, "<0x41>")
		want := []string{"<pad>", "<s>", "</s>", "<unk>"}
		for i, p := range g.Pieces {
			if i > 2 && !(strings.HasPrefix(p, "<0x") && len(p) == 6) {
				want = append(want, p)
			}
		}
		if !slices.Equal(v.Tokens(), want) || v.Boundary() != -1 || !v.HasPieces() {
			t.Errorf("%s: tokens %q, want %q", g.Model, v.Tokens(), want)
		}
		count := [2]int{}
		for _, c := range g.Texts {
			got, known := written(v, c.Text, fallback)
			if !slices.Equal(got, c.Pieces) {
				t.Errorf("%s: %q becomes %q, want %q", g.Model, c.Text, got, c.Pieces)
			}
			ids, err := v.Encode(c.Text)
			if (err == nil) != known {
				t.Errorf("%s: %q: %v, but known is %v", g.Model, c.Text, err, known)
				continue
			}
			if !known {
				count[0]++
				continue
			}
			count[1]++
			var tokens []string
			for _, id := range ids {
				tokens = append(tokens, v.Token(int(id)))
			}
			if !slices.Equal(tokens, c.Pieces) || v.Text(ids) != strings.Join(strings.Fields(c.Text), " ") {
				t.Errorf("%s: %q becomes %q, and back %q", g.Model, c.Text, tokens, v.Text(ids))
			}
		}
		if count[0] < 20 || count[1] < 100 {
			t.Errorf("%s: %d texts with unknown characters and %d without", g.Model, count[0], count[1])
		}
	}
}

// What no piece spells is named with its place, and the mark is no character.
func TestUnigramErrors(t *testing.T) {
	v, err := Load("testdata/unigram.model")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"THE TYPe": `'e' (U+0065), character 8`, "é": `'é' (U+00E9), character 1`, "A\xffB": "byte 0xff, which is not UTF-8, character 2", "A \u2581B": "(U+2581), character 3",
		"A\ufffd": "left by a faulty conversion", " <s>": `'<' (U+003C), character 2`, "THE \u2003 ÉTÉ": `(U+00C9), character 7`, "  éA é": "character 3 of",
	} {
		if ids, err := v.AppendEncoded([]int32{7}, text); err == nil || !strings.Contains(err.Error(), want) || !slices.Equal(ids, []int32{7}) {
			t.Errorf("%q: %v %v; want %s", text, ids, err, want)
		}
	}
	if ids, err := v.Encode(" \t\n"); err != nil || len(ids) > 0 {
		t.Errorf("white space becomes %v, %v", ids, err)
	}
	if ids, err := v.Encode("\u00a0THE\u2003THE\n"); err != nil || v.Text(ids) != "THE THE" {
		t.Errorf("other white space: %q, %v", v.Text(ids), err)
	}
	infinite := writeModel(unigramModel, []piece{{"\u2581a", float32(math.Inf(-1)), normalPiece}}, true)
	if _, err := ParsePieces(infinite); err == nil || !strings.Contains(err.Error(), "-Inf") {
		t.Errorf("an infinite score: %v", err)
	}
}

// The path has the largest sum of scores of all ways to cut a text.
func TestUnigramIsBest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := []piece{{WordMark, -2, normalPiece}}
		texts := rapid.SliceOfNDistinct(rapid.StringMatching("(\u2581)?[abü]{1,4}"), 1, 20, rapid.ID).Draw(t, "pieces")
		for _, text := range texts {
			kind := rapid.SampledFrom([]uint64{normalPiece, normalPiece, normalPiece, userDefinedPiece}).Draw(t, "kind")
			list = append(list, piece{text, -rapid.Float32Range(0, 30).Draw(t, "score"), kind})
		}
		v, err := ParsePieces(writeModel(unigramModel, list, true))
		if err != nil {
			t.Fatal(err)
		}
		scores := map[string]float64{}
		lowest := math.Inf(1)
		for _, p := range list {
			if scores[p.text] = float64(p.score); p.kind == userDefinedPiece {
				scores[p.text] = -0.1
			} else {
				lowest = min(lowest, float64(p.score))
			}
		}
		var best func(text string) float64
		best = func(text string) float64 {
			if text == "" {
				return 0
			}
			most := math.Inf(-1)
			_, char := utf8.DecodeRuneInString(text)
			for n := 1; n <= len(text); n++ {
				score, ok := scores[text[:n]]
				if !ok && n == char {
					score, ok = lowest-10, true
				}
				if ok {
					most = max(most, score+best(text[n:]))
				}
			}
			return most
		}
		l := &lattice{text: []byte(rapid.StringMatching("(\u2581[abüc]{1,5}){1,2}").Draw(t, "text"))}
		v.pieces.unigram.cut(l)
		sum, at := 0.0, int32(0)
		for _, c := range l.path {
			part := string(l.text[c.from:c.to])
			score, ok := scores[part]
			if !ok {
				score = lowest - 10
			}
			if c.from != at || ok != (c.id >= 0) || ok && v.Token(int(c.id)) != part {
				t.Fatalf("%q: %+v", l.text, l.path)
			}
			sum, at = sum+score, c.to
		}
		if want := best(string(l.text)); int(at) != len(l.text) || math.Abs(sum-want) > 1e-4 {
			t.Fatalf("%q cut as %+v has the score %v, the best has %v", l.text, l.path, sum, want)
		}
	})
}

// A vocabulary serves several goroutines and spells without new memory, as after it has been read from a model folder.
func TestUnigramShared(t *testing.T) {
	v, err := Load("testdata/unigram.model")
	if err != nil {
		t.Fatal(err)
	}
	w, err := mustNew(t, v.Tokens()...).WithPieces(v.SentencePiece())
	if err != nil {
		t.Fatal(err)
	}
	const text = "THE TYPES OF THE ROMAN LETTER"
	want, err := v.Encode(text)
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 50 {
				if ids, err := w.Encode(text); err != nil || !slices.Equal(ids, want) {
					t.Errorf("%v, %v, want %v", ids, err, want)
				}
			}
		})
	}
	group.Wait()
}

func BenchmarkUnigram(b *testing.B) {
	v, err := Load("testdata/unigram_bytes.model")
	if err != nil {
		b.Fatal(err)
	}
	text := strings.Repeat("THE TYPES OF THE ROMAN LETTER ", 10)
	b.SetBytes(int64(len(text)))
	var dst []int32
	for b.Loop() {
		if dst, err = v.AppendEncoded(dst[:0], text); err != nil {
			b.Fatal(err)
		}
	}
}

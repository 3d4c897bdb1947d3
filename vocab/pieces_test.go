package vocab

import (
	"encoding/json"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// golden is what SentencePiece says of testdata/pieces.model (testdata/gen_pieces.py).
type golden struct {
	Pieces []string
	Texts  []struct {
		Text   string
		Pieces []string
	}
}

func readGolden(t *testing.T) (g golden) {
	t.Helper()
	raw, err := os.ReadFile("testdata/pieces.json")
	if err == nil {
		err = json.Unmarshal(raw, &g)
	}
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestPiecesEqualSentencePiece(t *testing.T) {
	g := readGolden(t)
	v, err := Load("testdata/pieces.model")
	if err != nil {
		t.Fatal(err)
	}
	if want := append([]string{"<pad>", "<s>", "</s>", "<unk>"}, g.Pieces[3:]...); !slices.Equal(v.Tokens(), want) || v.Blank() != 0 || v.Boundary() != -1 || !v.HasPieces() {
		t.Errorf("tokens %q, want %q", v.Tokens(), want)
	}
	if len(g.Texts) < 20 {
		t.Fatalf("%d texts", len(g.Texts))
	}
	for _, c := range g.Texts {
		ids, err := v.Encode(c.Text)
		var got []string
		for _, id := range ids {
			got = append(got, v.Token(int(id)))
			if v.StartsWord(int(id)) != strings.HasPrefix(v.Token(int(id)), "\u2581") {
				t.Fatalf("%q starts a word: %v", v.Token(int(id)), v.StartsWord(int(id)))
			}
		}
		if err != nil || !slices.Equal(got, c.Pieces) || v.Text(ids) != c.Text {
			t.Errorf("%q becomes %q, %v, want %q", c.Text, got, err, c.Pieces)
		}
	}
}

// What no piece spells is named with its place, and the mark is no character.
func TestPiecesErrors(t *testing.T) {
	v, err := Load("testdata/pieces.model")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"THE TYPe": `'e' (U+0065), character 8`, "é": `'é' (U+00E9), character 1`, "A\xffB": "byte 0xff, which is not UTF-8, character 2", "A \u2581B": "(U+2581), character 3",
		"A\ufffd": "left by a faulty conversion", " <s>": `'<' (U+003C), character 2`, "THE ÉTÉ": `(U+00C9), character 5`,
	} {
		if ids, err := v.Encode(text); err == nil || !strings.Contains(err.Error(), want) || len(ids) > 0 {
			t.Errorf("%q: %v %v; want %s", text, ids, err, want)
		}
	}
	if ids, err := v.Encode(" \t\n"); err != nil || len(ids) > 0 {
		t.Errorf("white space becomes %v, %v", ids, err)
	}
	if ids, err := v.Encode("\u00a0THE\u2003THE\n"); err != nil || v.Text(ids) != "THE THE" {
		t.Errorf("other white space: %q, %v", v.Text(ids), err)
	}
}

// vocab.json has the tokens; what cuts words into them is the model.
func TestPiecesFromTokens(t *testing.T) {
	v, err := Load("testdata/pieces.model")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := v.JSON()
	if err != nil {
		t.Fatal(err)
	}
	w, err := Parse(raw)
	if err != nil || !w.Equal(v) || !w.HasPieces() || w.SentencePiece() != nil {
		t.Fatalf("%v, %v", w, err)
	}
	ids, _ := v.Encode("THE ROMAN LETTER")
	if got := w.Text(ids); got != "THE ROMAN LETTER" {
		t.Errorf("text %q", got)
	}
	if _, err := w.Encode("THE"); err == nil || !strings.Contains(err.Error(), PiecesFile) {
		t.Errorf("spelt without model: %v", err)
	}
	if w, err = w.WithPieces(v.SentencePiece()); err != nil {
		t.Fatal(err)
	}
	if got, err := w.Encode("THE ROMAN LETTER"); err != nil || !slices.Equal(got, ids) {
		t.Errorf("%v, %v, want %v", got, err, ids)
	}
	for _, tokens := range [][]string{v.Tokens()[:40], append(v.Tokens(), "more"), slices.Insert(v.Tokens(), 9, "more")} {
		other := mustNew(t, tokens...)
		if _, err := other.WithPieces(v.SentencePiece()); err == nil || !strings.Contains(err.Error(), "do not belong together") {
			t.Errorf("%d tokens: %v", len(tokens), err)
		}
	}
}

func TestPiecesText(t *testing.T) {
	v := mustNew(t, "<pad>", "<s>", "\u2581", "\u2581a", "b", "\u2581cd", "<unk>")
	for _, c := range []struct {
		ids  []int32
		want string
	}{
		{nil, ""}, {[]int32{3, 4, 5}, "ab cd"}, {[]int32{4, 3}, "b a"}, {[]int32{2, 2, 4, 2, 3, 2}, "b a"}, {[]int32{1, 3, 0, 4}, "ab"}, {[]int32{3, 6, 5}, "a<unk> cd"},
	} {
		if got := v.Text(c.ids); got != c.want {
			t.Errorf("%v is %q, want %q", c.ids, got, c.want)
		}
	}
	for i, want := range []bool{false, false, true, true, false, true, false} {
		if v.StartsWord(i) != want {
			t.Errorf("token %d starts a word: %v", i, !want)
		}
	}
	if hf960(t).StartsWord(4) || hf960(t).StartsWord(7) || !mustNew(t, "<pad>", "HH", "AH0").StartsWord(1) {
		t.Error("letters start words, or phones do not")
	}
	if mustNew(t, "<pad>", "|", "\u2581a").HasPieces() {
		t.Error("pieces beside a boundary")
	}
	if _, err := New([]string{"<pad>", "\u2581in\u2581the"}); err == nil || !strings.Contains(err.Error(), "spans words") {
		t.Error(err)
	}
}

func TestModelRefused(t *testing.T) {
	mark := func(kind uint64) []piece { return []piece{{"<unk>", 0, unknownPiece}, {"\u2581a", 0, kind}} }
	good := writeModel(bpeModel, mark(normalPiece), true)
	if _, err := ParsePieces(good); err != nil {
		t.Fatal(err)
	}
	many := make([]piece, maxUserDefined+1)
	for i := range many {
		many[i] = piece{"\u2581" + string(rune(0x4e00+i)), 0, userDefinedPiece}
	}
	for _, c := range []struct {
		raw  []byte
		want string
	}{
		{nil, "no pieces"}, {[]byte("\n"), "no SentencePiece model"}, {[]byte(`{"<pad>":0}`), "no SentencePiece model"}, {good[:len(good)-3], "no SentencePiece model"},
		{make([]byte, maxBytes+1), "bytes"}, {[]byte(strings.Repeat("\n\x00", maxTokens+1)), "more than 131072 pieces"},
		{append(good[:len(good):len(good)], 0x12, 2, 0x18, 3), "of kind word"}, {append(good[:len(good):len(good)], 0x12, 2, 0x18, 77), "unknown (77)"},
		{append(good[:len(good):len(good)], 0x12, 3, 0xc0, 1, 1), "beginning of words"}, {append(good[:len(good):len(good)], 0x1a, 2, 0x28, 0), "beginning of words"},
		{writeModel(bpeModel, mark(5), true), "type 5"}, {writeModel(bpeModel, mark(1<<40), true), "type 1099511627776"}, {writeModel(bpeModel, []piece{{"a", 0, normalPiece}}, true), "not made from words"},
		{writeModel(bpeModel, []piece{{"\u2581a", float32(math.NaN()), normalPiece}}, true), "NaN"}, {writeModel(bpeModel, append(mark(1), mark(1)...), true), `both "` + "\u2581a"},
		{writeModel(bpeModel, append(mark(1), piece{"|", 0, normalPiece}), true), `is "|"`}, {writeModel(bpeModel, append(mark(1), piece{"a b", 0, normalPiece}), true), "white space"},
		{writeModel(bpeModel, append(mark(1), piece{strings.Repeat("x", 300), 0, normalPiece}), true), "300 bytes"}, {writeModel(bpeModel, append(mark(1), piece{"\xff", 0, normalPiece}), true), "UTF-8"},
		{writeModel(bpeModel, many, true), "user-defined pieces"},
	} {
		if _, err := ParsePieces(c.raw); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.40q: %v; want %s", c.raw, err, c.want)
		}
	}
}

// User-defined pieces are cut out first, and never merged.
func TestUserDefinedPieces(t *testing.T) {
	v, err := ParsePieces(writeModel(bpeModel, []piece{{"\u2581", -1, normalPiece}, {"a", -2, normalPiece}, {"ab", -3, normalPiece}, {"b", -4, normalPiece}, {"bb", 0, userDefinedPiece}}, true))
	if err != nil {
		t.Fatal(err)
	}
	if ids, err := v.Encode("abb ab"); err != nil || !slices.Equal(ids, []int32{4, 5, 8, 4, 6}) {
		t.Errorf("%v, %v", ids, err)
	}
}

func TestTrainPiecesEqualsSentencePiece(t *testing.T) {
	raw, err := os.ReadFile("../lm/testdata/train.txt")
	if err != nil {
		t.Fatal(err)
	}
	model, err := TrainPieces(strings.Lines(string(raw)), 120)
	if err != nil {
		t.Fatal(err)
	}
	v, err := ParsePieces(model)
	if err != nil {
		t.Fatal(err)
	}
	want := readGolden(t).Pieces[3:]
	for i, p := range v.Tokens()[4:] {
		if i >= len(want) || p != want[i] {
			t.Fatalf("piece %d of %d is %q, want %q", i, v.Len()-4, p, want[min(i, len(want)-1)])
		}
	}
	if v.Len()-4 != len(want) {
		t.Fatalf("%d pieces, want %d", v.Len()-4, len(want))
	}
}

// slowPieces is the algorithm of TrainPieces without its book-keeping.
func slowPieces(counts map[string]int, merges int) []string {
	words := map[string][]string{}
	for w := range counts {
		words[w] = strings.Split(WordMark+w, "")
	}
	var list []string
	gone := map[[2]string]bool{}
	for len(list) < merges {
		pairs := map[[2]string]int{}
		for w, s := range words {
			for i := 1; i < len(s); i++ {
				if p := [2]string{s[i-1], s[i]}; !gone[p] && len([]rune(p[0]+p[1])) <= maxPieceRunes {
					pairs[p] += counts[w]
				}
			}
		}
		keys := slices.SortedFunc(maps.Keys(pairs), func(a, b [2]string) int {
			x, y := a[0]+a[1], b[0]+b[1]
			switch {
			case pairs[a] != pairs[b]:
				return pairs[b] - pairs[a]
			case len([]rune(x)) != len([]rune(y)):
				return len([]rune(x)) - len([]rune(y))
			}
			return strings.Compare(x, y)
		})
		if len(keys) == 0 || pairs[keys[0]] < 2 {
			break
		}
		p := keys[0]
		gone[p] = true
		if slices.Contains(list, p[0]+p[1]) {
			continue
		}
		list = append(list, p[0]+p[1])
		for w, s := range words {
			var out []string
			for i := 0; i < len(s); i++ {
				if i+1 < len(s) && s[i] == p[0] && s[i+1] == p[1] {
					out = append(out, p[0]+p[1])
					i++
				} else {
					out = append(out, s[i])
				}
			}
			words[w] = out
		}
	}
	return list
}

// Learnt pieces are those of the plain algorithm; every training text spells and comes back; order and spacing of the text do not matter.
func TestTrainPieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.StringMatching(`[abcü']{1,9}|a{1,20}`), 1, 30).Draw(t, "words")
		size := rapid.IntRange(9, 60).Draw(t, "size")
		model, err := TrainPieces(slices.Values(words), size)
		runes := map[rune]bool{[]rune(WordMark)[0]: true}
		counts := map[string]int{}
		for _, w := range words {
			counts[w]++
			for _, r := range w {
				runes[r] = true
			}
		}
		if size < 3+len(runes) {
			t.Fatalf("%d pieces of %d characters", size, len(runes))
		}
		if err != nil {
			t.Fatal(err)
		}
		v, err := ParsePieces(model)
		if err != nil {
			t.Fatal(err)
		}
		want := slowPieces(counts, size-3-len(runes))
		if got := v.Tokens()[4 : v.Len()-len(runes)]; !slices.Equal(got, want) {
			t.Fatalf("merges %q, want %q", got, want)
		}
		text := strings.Join(words, " ")
		ids, err := v.Encode(text)
		if err != nil || v.Text(ids) != text {
			t.Fatalf("%q becomes %v, %v and comes back as %q", text, ids, err, v.Text(ids))
		}
		slices.Reverse(words)
		if again, err := TrainPieces(slices.Values([]string{strings.Join(words, "  ")}), size); err != nil || !slices.Equal(again, model) {
			t.Fatalf("another file from the same words: %v", err)
		}
	})
}

func TestTrainPiecesRefuses(t *testing.T) {
	for _, c := range []struct {
		text, want string
		size       int
	}{
		{" ", "no words", 10}, {"abc", "make 7 at least", 6}, {"a|b", "stand for themselves", 10}, {"a \u2581b", "stand for themselves", 10}, {"\xff", "UTF-8", 10}, {"ab", "more than", maxTokens},
	} {
		if _, err := TrainPieces(slices.Values([]string{c.text}), c.size); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q, %d: %v; want %s", c.text, c.size, err, c.want)
		}
	}
}

// A vocabulary serves several goroutines, and spells what it has spelt without memory.
func TestPiecesShared(t *testing.T) {
	v, err := Load("testdata/pieces.model")
	if err != nil {
		t.Fatal(err)
	}
	g := readGolden(t)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for _, c := range g.Texts {
				if ids, err := v.Encode(c.Text); err != nil || v.Text(ids) != c.Text {
					t.Errorf("%q: %v", c.Text, err)
				}
			}
		})
	}
	group.Wait()
	dst := make([]int32, 0, 1024)
	if n := testing.AllocsPerRun(10, func() { dst, _ = v.AppendEncoded(dst[:0], g.Texts[0].Text) }); n > 0 {
		t.Errorf("%v allocations for known words", n)
	}
}

// Whatever a file holds, it is refused or gives a vocabulary that spells or refuses any text.
func FuzzParsePieces(f *testing.F) {
	raw, err := os.ReadFile(filepath.Join("testdata", "pieces.model"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw, "THE ROMAN LETTER")
	if raw, err = os.ReadFile(filepath.Join("testdata", "unigram.model")); err != nil {
		f.Fatal(err)
	}
	f.Add(raw, "THE ROMAN LETTER é")
	f.Add(writeModel(unigramModel, []piece{{"\u2581a", -1, normalPiece}, {"a", math.MaxFloat32, normalPiece}, {"ab", -math.MaxFloat32, userDefinedPiece}}, false), "a aab")
	f.Add(writeModel(bpeModel, []piece{{"\u2581a", 1, normalPiece}, {"a", float32(math.Inf(1)), userDefinedPiece}, {"<s>", 0, controlPiece}, {"<0x41>", 0, bytePiece}}, false), "a a\xff")
	f.Fuzz(func(t *testing.T, raw []byte, text string) {
		v, err := ParsePieces(raw)
		if err != nil {
			return
		}
		ids, err := v.Encode(text)
		if err != nil {
			return
		}
		if got := v.Text(ids); got != strings.Join(strings.Fields(text), " ") {
			t.Fatalf("%q comes back as %q", text, got)
		}
		again, err := ParsePieces(v.SentencePiece())
		if err != nil || !again.Equal(v) {
			t.Fatalf("read again: %v", err)
		}
	})
}

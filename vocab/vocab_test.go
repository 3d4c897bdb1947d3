package vocab

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func mustNew(t *testing.T, tokens ...string) *Vocabulary {
	t.Helper()
	v, err := New(tokens)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// The vocabulary of facebook/wav2vec2-base-960h.
func hf960(t *testing.T) *Vocabulary {
	return mustNew(t, strings.Fields("<pad> <s> </s> <unk> | E T A O N I H S R D L U M W C F G Y P B V K ' X J Q Z")...)
}

func TestEncode(t *testing.T) {
	v := hf960(t)
	for _, c := range []struct {
		text string
		want []int32
		back string
	}{
		{"", nil, ""}, {"  \t\n", nil, ""}, {"A", []int32{7}, "A"},
		{" HELLO  WORLD'S\n", []int32{11, 5, 15, 15, 8, 4, 18, 8, 13, 15, 14, 27, 12}, "HELLO WORLD'S"},
	} {
		got, err := v.Encode(c.text)
		if err != nil || !slices.Equal(got, c.want) || v.Text(got) != c.back {
			t.Errorf("%q gives %v %v and back %q", c.text, got, err, v.Text(got))
		}
	}
	if v.Blank() != 0 || v.Boundary() != 4 || v.Len() != 32 || v.Token(31) != "Z" {
		t.Errorf("blank %d, boundary %d, %d tokens", v.Blank(), v.Boundary(), v.Len())
	}
}

// A character outside of the vocabulary is named with its place, and nothing can spell the blank or the boundary.
func TestEncodeErrors(t *testing.T) {
	v := hf960(t)
	for text, want := range map[string]string{
		"HELLO wORLD": `'w' (U+0077), character 7 of "HELLO wORLD"`, "É": `'É' (U+00C9), character 1`, "A|B": `'|' (U+007C), character 2`,
		"<pad>": `'<' (U+003C), character 1`, "A\xffB": "byte 0xff, which is not UTF-8, character 2", "ÄÖ": "character 1",
		strings.Repeat("AB ", 100) + "7": "character 301 of",
	} {
		if ids, err := v.Encode(text); err == nil || !strings.Contains(err.Error(), want) || len(ids) > 0 {
			t.Errorf("%q: %v %v; want %s", text, ids, err, want)
		}
	}
}

func TestPhones(t *testing.T) {
	v, err := Phones(slices.Values([]string{"HH AH0 L OW1", "W ER1 L D", ""}))
	if err != nil {
		t.Fatal(err)
	}
	ids, err := v.Encode("HH ER1  L D")
	if err != nil || v.Text(ids) != "HH ER1 L D" || len(ids) != 4 || v.Boundary() != -1 {
		t.Errorf("%v %v %q", ids, err, v.Text(ids))
	}
	if want := "<pad> <s> </s> <unk> AH0 D ER1 HH L OW1 W"; strings.Join(v.Tokens(), " ") != want {
		t.Errorf("tokens %v", v.Tokens())
	}
}

func TestCharacters(t *testing.T) {
	v, err := Characters(slices.Values([]string{"zwei eins", "fünf|"}))
	if err != nil || strings.Join(v.Tokens(), "") != "<pad><s></s><unk>|efinswzü" {
		t.Fatalf("%v %v", v, err)
	}
	if _, err := Characters(slices.Values([]string{"", " "})); err == nil {
		t.Error("a vocabulary of no characters was made")
	}
}

func TestLongestTokenWins(t *testing.T) {
	v := mustNew(t, "<pad>", "|", "c", "h", "ch", "sch", "s")
	if ids, err := v.Encode("schchs ch"); err != nil || !slices.Equal(ids, []int32{5, 4, 6, 1, 4}) || v.Text(ids) != "schchs ch" {
		t.Errorf("%v %v", ids, err)
	}
}

func TestCollapse(t *testing.T) {
	v := mustNew(t, "a", "<pad>", "b")
	for _, c := range []struct{ path, want []int32 }{
		{nil, nil}, {[]int32{1, 1}, nil}, {[]int32{0, 0, 1, 0, 2, 2, 1}, []int32{0, 0, 2}}, {[]int32{2, 0, 2}, []int32{2, 0, 2}},
	} {
		if got := v.Collapse(c.path); !slices.Equal(got, c.want) {
			t.Errorf("%v gives %v", c.path, got)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	for _, c := range []struct {
		tokens []string
		want   string
	}{
		{nil, "<pad>"}, {[]string{"a", "b"}, "<pad>"}, {[]string{"<pad>", "|"}, "none that a transcript"}, {[]string{"<pad>", "a", "a"}, `tokens 1 and 2 are both "a"`},
		{[]string{"<pad>", ""}, "token 1: it is empty"}, {[]string{"<pad>", "a b"}, "white space"}, {[]string{"<pad>", "\xff"}, "not UTF-8"},
		{[]string{"<pad>", strings.Repeat("x", 300)}, "300 bytes"}, {make([]string, maxTokens+1), "not supported"},
	} {
		if _, err := New(c.tokens); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.50v: %v; want %s", c.tokens, err, c.want)
		}
	}
}

func TestFiles(t *testing.T) {
	v := hf960(t)
	raw, err := v.JSON()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "vocab.json")
	if err := os.WriteFile(path, raw, 0o644); err != nil {
		t.Fatal(err)
	}
	if w, err := Load(path); err != nil || !w.Equal(v) {
		t.Errorf("read back as %v, %v", w, err)
	}
	if w, err := Parse([]byte("<pad>\r\n|\na\nb\n")); err != nil || !slices.Equal(w.Tokens(), []string{"<pad>", "|", "a", "b"}) {
		t.Errorf("lines: %v, %v", w, err)
	}
	for text, want := range map[string]string{
		`{"<pad>":0,"a":2}`: "number 2", `{"<pad>":0,"a":0}`: "number 0 has the tokens", `{"<pad>":-1}`: "number -1", `{"<pad>":0,"a":1`: "unexpected end",
		`{"<pad>":"x"}`: "cannot unmarshal", "": "<pad>", "<pad>\n\na": "token 1: it is empty",
	} {
		if _, err := Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want %s", text, err, want)
		}
	}
}

// Words of known characters come back as they were.
func TestRoundTrip(t *testing.T) {
	v := hf960(t)
	rapid.Check(t, func(rt *rapid.T) {
		words := rapid.SliceOf(rapid.StringMatching(`[A-Z']{1,8}`)).Draw(rt, "words")
		text := strings.Join(words, " ")
		ids, err := v.Encode(text)
		if err != nil || v.Text(ids) != text {
			rt.Fatalf("%q gives %v, %v", text, ids, err)
		}
		// A path that stays and rests between labels has the same labels.
		var path []int32
		for _, id := range ids {
			path = append(path, id, id, int32(v.Blank()))
		}
		if !slices.Equal(v.Collapse(path), ids) {
			rt.Fatalf("%v collapses to %v", path, v.Collapse(path))
		}
	})
}

// Whatever a file holds, it is refused or gives a vocabulary that can be written and read back.
func FuzzParse(f *testing.F) {
	for _, s := range []string{`{"<pad>": 0, "|": 1, "a": 2}`, "<pad>\n|\na\n", "{", "[PAD]\n\xff", `{"<pad>":0,"\ud800":1}`} {
		f.Add([]byte(s), "a b")
	}
	f.Fuzz(func(t *testing.T, raw []byte, text string) {
		v, err := Parse(raw)
		if err != nil {
			return
		}
		out, err := v.JSON()
		if err != nil {
			t.Fatal(err)
		}
		w, err := Parse(out)
		if err != nil || !w.Equal(v) {
			t.Fatalf("written as %q, read as %v, %v", out, w, err)
		}
		ids, err := v.Encode(text)
		if err != nil {
			return
		}
		again, err := v.Encode(v.Text(ids))
		if v.Boundary() >= 0 && (err != nil || !slices.Equal(again, ids)) {
			t.Fatalf("%q gives %v, spelt %q, which gives %v, %v", text, ids, v.Text(ids), again, err)
		}
	})
}

func TestParseTokens(t *testing.T) {
	for _, c := range []struct {
		vocab, added string
		size         int
		want         string // of tokens, or in the error
	}{
		{`{"a":0,"b":1}`, "", 2, "[a b]"},
		{`{"a":0,"b":1}`, "", 0, "[a b]"},
		{`{"a":0,"b":1}`, `{"<s>":2,"</s>":3}`, 2, "[a b]"}, // behind the outputs
		{`{"a":0,"b":1}`, `{"<s>":2,"</s>":3}`, 4, "[a b <s> </s>]"},
		{`{"a":0,"b":1}`, "", 3, "number 2 of 3 has no token"},
		{`{"a":0,"b":2}`, "", 2, `"b" has number 2, outside 0 to 1`},
		{`{"a":0,"b":-1}`, "", 2, "number -1"},
		{`{"a":0,"b":0}`, "", 2, `number 0 has the tokens "a" and "b"`},
		{`{"a":0,"b":2}`, "", 0, "outside"},
		{`{"a":0,"b":99999999999}`, "", 0, "outside"},
		{`{}`, `{"a":0}`, 1, "no tokens"},
		{`null`, `{"a":0}`, 1, "no tokens"},
		{`["a"]`, "", 1, "vocab.json"},
		{`{"a":0}`, `[]`, 1, "added_tokens.json"},
	} {
		tokens, err := ParseTokens([]byte(c.vocab), []byte(c.added), c.size)
		got := fmt.Sprint(tokens)
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, c.want) {
			t.Errorf("%s %s for %d: %s, want %s", c.vocab, c.added, c.size, got, c.want)
		}
	}
}

// Tokens are as many as outputs, and different.
func FuzzParseTokens(f *testing.F) {
	f.Add([]byte(`{"<pad>":0,"<s>":1,"</s>":2,"<unk>":3,"|":4,"E":5}`), []byte(nil), 6)
	f.Add([]byte(`{"a":0,"b":1}`), []byte(`{"<s>":2}`), 0)
	f.Fuzz(func(t *testing.T, vocab, added []byte, size int) {
		tokens, err := ParseTokens(vocab, added, max(size, 0)%maxTokens)
		if err != nil {
			return
		}
		slices.Sort(tokens)
		if len(slices.Compact(tokens)) != len(tokens) {
			t.Fatalf("a token comes twice in %q", tokens)
		}
	})
}

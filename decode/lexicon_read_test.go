package decode

import (
	"reflect"
	"strings"
	"testing"
)

func TestReadLexicon(t *testing.T) {
	v := letters("_ab|")
	got, err := ReadLexicon(strings.NewReader("ab\ta b |\r\n\nba b a |\nab b b"), v)
	want := []Entry{{"ab", v.encode("ab|")}, {"ba", v.encode("ba|")}, {"ab", v.encode("bb")}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("entries %v, %v, want %v", got, err, want)
	}
	for text, want := range map[string]string{
		"a a\nb": `line 2: word "b" has no spelling`,
		"a a x":  `line 1: token "x" of word "a"`,
		"a _":    `token "_" of word "a" is the blank`,
		"a a\n" + strings.Repeat("a ", 1<<16) + "": "line 2: bufio.Scanner: token too long",
	} {
		if _, err := ReadLexicon(strings.NewReader(text), v); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// FuzzReadLexicon: what is read must make a trie, or be refused with an error.
func FuzzReadLexicon(f *testing.F) {
	f.Add("ab\ta b |\nba b a |\nab b b")
	f.Add("a a a a a a\n\xff a")
	f.Fuzz(func(t *testing.T, text string) {
		v := letters("_ab|")
		entries, err := ReadLexicon(strings.NewReader(text), v)
		if err != nil || len(entries) == 0 {
			return
		}
		l, err := NewLexicon(v, entries, nil, SmearMax)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			n := int32(lexiconRoot)
			for _, k := range e.Tokens {
				if n = l.child(n, k); n < 0 {
					t.Fatalf("%v is not in the trie", e)
				}
			}
			found := false
			for _, w := range l.wordsAt(n) {
				found = found || l.words[w] == e.Word
			}
			if !found {
				t.Fatalf("%q is not at its place", e.Word)
			}
		}
	})
}

package score

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestReadTranscripts(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []Transcript
		err        string
	}{
		{"kaldi", "\ufeffa-1 the  cat \r\n\na-2\nb\tx y (z)\n", []Transcript{{"a-1", "", "the  cat"}, {"a-2", "", ""}, {"b", "", "x y (z)"}}, ""},
		{"jsonl", `{"id":"a","text":" A ","speaker":"s","score":1}` + "\n" + `{"text":"","id":"b"}`, []Transcript{{"a", "s", " A "}, {"b", "", ""}}, ""},
		{"trn", ";; a comment\nthe (um) cat (a-1)\n(a-2)\nx(a-3)", []Transcript{{"a-1", "", "the (um) cat"}, {"a-2", "", ""}, {"a-3", "", "x"}}, ""},
		{"empty", "\n\n", nil, ""},
		{"twice", "a x\nb y\n\na z", nil, `line 4: utterance "a" is there already, in line 1`},
		{"latin1", "a x\nb \xe9", nil, "line 2 is not UTF-8"},
		{"no id", `{"id":"a","text":"x"}` + "\n" + `{"text":"x"}`, nil, `line 2, read as jsonl: no "id"`},
		{"empty id", `{"id":"","text":"x"}`, nil, `line 1, read as jsonl: no utterance ID`},
		{"no text", `{"id":"a"}`, nil, `utterance "a" has no "text"`},
		{"no JSON", `{"id":"a","text":"x"}` + "\nb c", nil, "line 2, read as jsonl: invalid character"},
		{"alternatives", "the { cat / rat } (a)", nil, `utterance "a" has alternatives in braces`},
	} {
		got, err := ReadTranscripts(strings.NewReader(c.text), Auto)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: error %v, want %s", c.name, err, c.err)
			}
		} else if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %q, %v", c.name, got, err)
		}
	}
	if got, err := ReadTranscripts(strings.NewReader("a (x)"), Kaldi); err != nil || got[0] != (Transcript{"a", "", "(x)"}) {
		t.Error(got, err)
	}
	if _, err := ReadTranscripts(strings.NewReader("a x"), TRN); err == nil {
		t.Error("trn without IDs")
	}
	if _, err := ReadTranscripts(strings.NewReader("a x"), "ctm"); err == nil || !strings.Contains(err.Error(), "jsonl") {
		t.Error(err)
	}
}

func TestReadSpeakers(t *testing.T) {
	got, err := ReadSpeakers(strings.NewReader("a s\nb\ts\n"))
	if err != nil || !reflect.DeepEqual(got, map[string]string{"a": "s", "b": "s"}) {
		t.Error(got, err)
	}
	for _, bad := range []string{"a", "a b c", "a s\na s"} {
		if _, err := ReadSpeakers(strings.NewReader(bad)); err == nil || !strings.Contains(err.Error(), "line ") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestMatch(t *testing.T) {
	ref := []Transcript{{"c", "", "3"}, {"a", "s", "1"}, {"b", "", "2"}}
	hyp := []Transcript{{"x", "q", "9"}, {"b", "r", "2"}, {"c", "", "4"}}
	_, n, err := Match(ref, hyp, MissingError)
	if err == nil || n != 2 || !strings.Contains(err.Error(), "1 without hypothesis (a), 1 without reference (x)") {
		t.Error(n, err)
	}
	got, n, err := Match(ref, hyp, MissingIgnore)
	if want := []Item{{"c", "", "3", "4"}, {"b", "r", "2", "2"}}; err != nil || n != 2 || !reflect.DeepEqual(got, want) {
		t.Error(got, n, err)
	}
	got, n, err = Match(ref, hyp, MissingEmpty)
	if want := []Item{{"c", "", "3", "4"}, {"a", "s", "1", ""}, {"b", "r", "2", "2"}, {"x", "q", "", "9"}}; err != nil || n != 2 || !reflect.DeepEqual(got, want) {
		t.Error(got, n, err)
	}
	if _, _, err = Match(ref, hyp, "skip"); err == nil {
		t.Error("unknown choice")
	}
	var many []Transcript
	for i := range 9 {
		many = append(many, Transcript{ID: fmt.Sprint("u", i)})
	}
	if _, _, err = Match(many, nil, MissingError); err == nil || !strings.Contains(err.Error(), "9 without hypothesis (u0, u1, u2, u3, u4, …)") {
		t.Error(err)
	}
}

// What is read is UTF-8 and has IDs that are there once.
func FuzzReadTranscripts(f *testing.F) {
	f.Add([]byte("a x y\nb"), 0)
	f.Add([]byte(`{"id":"a","text":"x"}`), 0)
	f.Add([]byte(";; c\nx (a)\n(b)"), 3)
	f.Fuzz(func(t *testing.T, data []byte, format int) {
		list, err := ReadTranscripts(strings.NewReader(string(data)), Formats()[uint(format)%4])
		if err != nil {
			return
		}
		seen := map[string]bool{}
		for _, x := range list {
			if x.ID == "" || seen[x.ID] || !utf8.ValidString(x.ID+x.Text) {
				t.Fatalf("%q", list)
			}
			seen[x.ID] = true
		}
		items, n, err := Match(list, list, MissingError)
		if err != nil || n != 0 || len(items) != len(list) {
			t.Fatal(items, n, err)
		}
	})
}

func FuzzReadSpeakers(f *testing.F) {
	f.Add([]byte("a s\nb s\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		speakers, err := ReadSpeakers(strings.NewReader(string(data)))
		for id, s := range speakers {
			if err != nil || id == "" || s == "" {
				t.Fatalf("%q, %v", speakers, err)
			}
		}
	})
}

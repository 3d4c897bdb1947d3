package score

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func mustScore(t rapid.TB, items []Item, o Options) *Report {
	t.Helper()
	r, err := Score(items, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

var corpus = []Item{
	{"u1", "s2", "the cat sat on the mat", "the cat sat on a mat"},
	{"u2", "s1", "hello world", "hello world"},
	{"u3", "s1", "a b c", "a c d e"},
	{"u4", "s2", "", "um"},
	{"u5", "s3", "the the", "a"},
}

func TestScore(t *testing.T) {
	r := mustScore(t, corpus, Options{})
	total := r.Total()
	want := Counts{Correct: 5 + 2 + 2, Substitutions: 1 + 1, Deletions: 1 + 1, Insertions: 2 + 1}
	if total.Counts != want || total.Utterances != 5 || total.Wrong != 4 || total.SentenceRate() != .8 {
		t.Errorf("%+v", total)
	}
	if got := total.Counts.Rate(); math.Abs(got-7./13) > 1e-15 {
		t.Errorf("rate %g", got)
	}
	speakers := r.BySpeaker()
	if len(speakers) != 3 || speakers[0].Name != "s1" || speakers[0].Counts != (Counts{4, 0, 1, 2}) || speakers[0].Wrong != 1 || speakers[2].Utterances != 1 {
		t.Errorf("%+v", speakers)
	}
	buckets := r.ByLength()
	if len(buckets) != 3 || buckets[0].Name != "0" || buckets[1].Name != "1-5" || buckets[1].Utterances != 3 || buckets[2].Name != "6-10" {
		t.Errorf("%+v", buckets)
	}
	for _, rows := range [][]Row{speakers, buckets} {
		sum := Row{Name: "all"}
		for _, row := range rows {
			sum.Utterances, sum.Wrong, sum.Counts = sum.Utterances+row.Utterances, sum.Wrong+row.Wrong, sum.Counts.Add(row.Counts)
		}
		if sum != total {
			t.Errorf("rows sum to %+v", sum)
		}
	}
	if got := r.Confusions(Substitution, 9); !reflect.DeepEqual(got, []Confusion{{"the", "a", 2}}) {
		t.Errorf("%+v", got)
	}
	if got := r.Confusions(Insertion, 2); !reflect.DeepEqual(got, []Confusion{{"", "d", 1}, {"", "e", 1}}) {
		t.Errorf("%+v", got)
	}
	often := mustScore(t, []Item{{ID: "a", Ref: "a b b c c", Hyp: ""}, {ID: "b", Ref: "b c d", Hyp: "d"}}, Options{})
	if got := often.Confusions(Deletion, 3); !reflect.DeepEqual(got, []Confusion{{"b", "", 3}, {"c", "", 3}, {"a", "", 1}}) {
		t.Errorf("%+v", got)
	}
	if got := r.Worst(3); got[0].ID != "u3" || got[1].ID != "u5" || got[2].ID != "u4" || len(r.Worst(9)) != 4 {
		t.Errorf("worst %s, %s, %s", got[0].ID, got[1].ID, got[2].ID)
	}
	if !math.IsNaN((Counts{Insertions: 3}).Rate()) {
		t.Error("a rate without reference")
	}
	if _, err := Score([]Item{{ID: "a"}, {ID: "a"}}, Options{}); err == nil || !strings.Contains(err.Error(), `"a" is there twice`) {
		t.Error(err)
	}
	if _, err := Score(nil, Options{Unit: "syllable"}); err == nil {
		t.Error("unknown unit")
	}
}

// ByLength counts a reference in the bucket whose name holds its length.
func TestLengthBuckets(t *testing.T) {
	for n, want := range map[int]string{0: "0", 1: "1-5", 5: "1-5", 6: "6-10", 10: "6-10", 11: "11-20", 160: "81-160", 161: "161+", 1000: "161+"} {
		rows := mustScore(t, []Item{{ID: "a", Ref: strings.Repeat("x ", n), Hyp: "x"}}, Options{}).ByLength()
		if len(rows) != 1 || rows[0].Name != want {
			t.Errorf("%d words: %+v", n, rows)
		}
	}
}

func TestUnits(t *testing.T) {
	for u, want := range map[Unit][]string{
		Word: {"né", "a"}, Phone: {"né", "a"}, Char: {"n", "é", " ", " ", "a"}, NonSpace: {"n", "é", "a"},
	} {
		if got := u.Tokens("né  a"); !slices.Equal(got, want) || len(u.Tokens("")) > 0 {
			t.Errorf("%s: %q", u, got)
		}
		if got, err := ParseUnit(string(u)); err != nil || got != u {
			t.Error(got, err)
		}
	}
	if Word.Rate() != "WER" || Char.Rate() != "CER" || NonSpace.Rate() != "CER" || Phone.Rate() != "PER" {
		t.Error("names of rates")
	}
	var b strings.Builder
	if err := WriteAlignment(&b, []Pair{{Correct, "a", "a"}, {Deletion, " ", ""}, {Insertion, "", "\x1b"}, {Substitution, "né", "b"}}); err != nil {
		t.Fatal(err)
	}
	if want := "REF:  a ␣ * né \nHYP:  a * ? b  \nEval:   D I S  \n"; b.String() != want {
		t.Errorf("%q", b.String())
	}
}

func TestRules(t *testing.T) {
	for _, c := range []struct{ rules, in, want string }{
		{"", " Don’t—stop,  NOW! ", " Don’t—stop,  NOW! "},
		{"none", " A ", " A "},
		{"lower", "ÀB’", "àb’"},
		{"upper", "né o", "NÉ O"},
		{"no-punctuation", "don't “stop”—now! $5 l'œuf_x", "dont stop now $5 lœufx"},
		{"no-punctuation-but-apostrophe", "don't ‘stop’", "don't stop"},
		{"straight-apostrophe", "don’t", "don't"},
		{"collapse-space", "\t a \u00a0\n b ", "a b"},
		{"collapse-space,no-punctuation", "a - b", "a   b"},
		{"no-punctuation,collapse-space", "a - b", "a b"},
		{"librispeech", " Don’t—stop,  “now”! ", "DON'T STOP NOW"},
	} {
		r, err := ParseRules(c.rules)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Apply(c.in); got != c.want {
			t.Errorf("%s: %q, want %q", c.rules, got, c.want)
		}
	}
	r, err := ParseRules("lower,librispeech")
	if want := "lower straight-apostrophe upper no-punctuation-but-apostrophe collapse-space"; err != nil || strings.Join(r.Names(), " ") != want {
		t.Error(r.Names(), err)
	}
	for _, bad := range []string{"Lower", "lower,", "lower, upper"} {
		if _, err := ParseRules(bad); err == nil || !strings.Contains(err.Error(), "librispeech") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

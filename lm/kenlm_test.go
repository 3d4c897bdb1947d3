package lm

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// The files of testdata come from KenLM 0.3.0 by testdata/gen_kenlm.sh.

func unzip(t testing.TB, name string) []byte {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// scored is a line of what KenLM's query prints: a word and its log10 probability.
type scored struct {
	word string
	p    float32
}

func readScores(t testing.TB, name string) (out []scored) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		f := strings.Fields(line)
		p, err := strconv.ParseFloat(f[2], 32)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, scored{f[0], float32(p)})
	}
	return out
}

func sameScores(t *testing.T, m *Model, want []scored) {
	t.Helper()
	var sum Figures
	err := EachSentence(context.Background(), []string{"testdata/heldout.txt"}, func(words [][]byte) error {
		sum.Add(m, words, func(word string, _ bool, p float32) {
			if len(want) == 0 {
				t.Fatal("more words than scores")
			}
			// KenLM prints six or seven decimals.
			if w := want[0]; w.word != word || math.Abs(float64(w.p-p)) > 1e-6 {
				t.Errorf("%s: log10 %v, KenLM %s: %v", word, p, w.word, w.p)
			}
			want = want[1:]
		})
		return nil
	})
	if err != nil || len(want) != 0 {
		t.Errorf("%d scores left, %v", len(want), err)
	}
}

// Every score and the perplexities are those of KenLM's query, from every format.
func TestScoresAreKenLMs(t *testing.T) {
	for _, name := range []string{"full", "pruned", "short"} {
		m, err := Open("testdata/" + name + ".arpa.gz")
		if err != nil {
			t.Fatal(err)
		}
		want := readScores(t, name+".scores")
		sameScores(t, m, want)
		path := filepath.Join(t.TempDir(), "m.trie")
		if _, err := m.Save(path, 0); err != nil {
			t.Fatal(err)
		}
		again, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer again.Close()
		sameScores(t, again, want)

		var f Figures
		EachSentence(context.Background(), []string{"testdata/heldout.txt"}, func(words [][]byte) error {
			f.Add(m, words, nil)
			return nil
		})
		all, known := f.Perplexity()
		printed, err := os.ReadFile("testdata/" + name + ".perplexity")
		if err != nil {
			t.Fatal(err)
		}
		var wantAll, wantKnown float64
		var oov, tokens int
		if _, err := fmt.Sscanf(string(printed), "Perplexity including OOVs:	%g\nPerplexity excluding OOVs:	%g\nOOVs:	%d\nTokens:	%d", &wantAll, &wantKnown, &oov, &tokens); err != nil {
			t.Fatal(err)
		}
		if math.Abs(all/wantAll-1) > 1e-5 || math.Abs(known/wantKnown-1) > 1e-5 || f.OOV != oov || f.Tokens != tokens {
			t.Errorf("%s: perplexity %v %v, %d of %d; KenLM prints\n%s", name, all, known, f.OOV, f.Tokens, printed)
		}
	}
}

func TestProbingIsRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m")
	if err := os.WriteFile(path, unzip(t, "full.probing.gz"), 0o644); err != nil {
		t.Fatal(err)
	}
	m, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	sameScores(t, m, readScores(t, "full.scores"))
	if m.Order() != 4 || m.Source != "KenLM probing" {
		t.Errorf("order %d of %s", m.Order(), m.Source)
	}
	for _, err := range []error{m.WriteARPA(io.Discard), m.WriteTrie(io.Discard)} {
		if err == nil || !strings.Contains(err.Error(), "hashes") {
			t.Errorf("writing a probing model: %v", err)
		}
	}
}

// What is not read is refused by name.
func TestKenLMRefused(t *testing.T) {
	good := unzip(t, "full.probing.gz")
	for _, c := range []struct {
		name string
		edit func(b []byte) []byte
		want string
	}{
		{"trie", func([]byte) []byte { return unzip(t, "short.kentrie.gz") }, "type trie"},
		{"version", func(b []byte) []byte { b[len(kenMagic)+1] = '4'; return b }, `version "4"`},
		{"machine", func(b []byte) []byte { b[60] = 9; return b }, "another kind"},
		{"order", func(b []byte) []byte { b[88] = 7; return b }, "7 words"},
		{"no words", func(b []byte) []byte { b[100] = 0; return b }, "no words"},
		{"counts", func(b []byte) []byte { b[88+20+2] = 9; return b }, "shorter"},
		{"cut", func(b []byte) []byte { return b[:len(b)-3] }, "words at its end"},
		{"cut in the header", func(b []byte) []byte { return b[:100] }, "cut short"},
	} {
		if _, err := parseKenLM(c.edit(bytes.Clone(good))); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

// The estimator gives the n-grams of lmplz with its probabilities and backoffs; lmplz computes in float32.
func TestEstimateIsLmplz(t *testing.T) {
	for _, c := range []struct {
		name string
		o    Options
	}{{"full", Options{Order: 4}}, {"pruned", Options{Order: 4, Prune: []uint64{0, 0, 1}}}, {"short", Options{Order: 3}}} {
		out := filepath.Join(t.TempDir(), "m.arpa")
		if _, err := Estimate(context.Background(), []string{"testdata/train.txt"}, out, c.o); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		got, want := arpaLines(t, data), arpaLines(t, unzip(t, c.name+".arpa.gz"))
		if len(got) != len(want) {
			t.Errorf("%s: %d n-grams, lmplz has %d", c.name, len(got), len(want))
		}
		for key, w := range want {
			g, ok := got[key]
			if !ok || math.Abs(g[0]-w[0]) > 3e-6 || math.Abs(g[1]-w[1]) > 3e-6 {
				t.Fatalf("%s: %q has %v, lmplz %v", c.name, key, g, w)
			}
		}
	}
}

// arpaLines reads the n-grams of an ARPA file without the reader under test.
func arpaLines(t *testing.T, data []byte) map[string][2]float64 {
	out := map[string][2]float64{}
	for line := range strings.Lines(string(data)) {
		f := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if len(f) < 2 {
			continue
		}
		var v [2]float64
		for i, s := range []string{f[0], f[len(f)-1]}[:len(f)-1] {
			x, err := strconv.ParseFloat(s, 64)
			if err != nil {
				t.Fatal(err)
			}
			v[i] = x
		}
		out[f[1]] = v
	}
	return out
}

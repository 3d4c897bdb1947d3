package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLM(t *testing.T) {
	dir := t.TempDir()
	text, arpa, trie := filepath.Join(dir, "text"), filepath.Join(dir, "m.arpa.gz"), filepath.Join(dir, "m.trie")
	write(t, text, []byte("THE CAT SAT\nTHE CAT RAN\n\nA DOG SAT\n"))
	out, msg := call(t, exitDone, "lm", "train", text, "--order", "2", "--memory", "2M", "--out", arpa)
	has(t, out, "9 words in 3 sentences, vocabulary 9", "order", "D3+")
	has(t, msg, "warning: 2-grams: ", "0.5, 1 and 1.5")
	out, _ = call(t, exitDone, "lm", "convert", arpa, trie, "--bits", "8")
	has(t, out, "2-gram model of 9 words", "quantized to 8 bits")
	call(t, exitDone, "lm", "train", text, "--order", "2", "--out", filepath.Join(dir, "direct.trie"))
	write(t, text, []byte("THE DOG BARKED\n"))
	out, _ = call(t, exitDone, "lm", "query", arpa, text)
	has(t, out, "THE -", "BARKED? -", "</s> -", "oov 1")
	direct, _ := call(t, exitDone, "lm", "query", filepath.Join(dir, "direct.trie"), text)
	if direct != out {
		t.Errorf("the trie says %q, the ARPA file %q", direct, out)
	}
	out, msg = call(t, exitDone, "lm", "perplexity", trie, text)
	has(t, out, "Perplexity including OOVs:\t", "Perplexity excluding OOVs:\t", "OOVs:\t1", "Tokens:\t4")
	if msg != "" {
		t.Errorf("says %q", msg)
	}
	write(t, text, []byte("the cat sat\n"))
	out, _ = call(t, exitDone, "lm", "perplexity", arpa, text, "--json")
	has(t, out, `"oov": 3`, `"perplexity_without_oov"`)
	_, msg = call(t, exitDone, "lm", "perplexity", arpa, text)
	has(t, msg, "upper case")

	left, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(left) != 4 {
		t.Errorf("files: %v, %v", left, err)
	}
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"lm train", exitUsage, "requires at least 1 arg"},
		{"lm train TEXT", exitUsage, `"out" not set`},
		{"lm train TEXT --out x.bin", exitUsage, "must end in .arpa, .arpa.gz or .trie"},
		{"lm train TEXT --out x.arpa --order 9", exitUsage, "want 1 to 6"},
		{"lm train TEXT --out x.arpa --prune 1", exitUsage, "must be 0, as in 0,0,1"},
		{"lm train TEXT --out x.arpa --memory lots", exitUsage, `"lots" is no amount of memory`},
		{"lm train nowhere --out x.arpa", exitError, "nowhere"},
		{"lm train TEXT --out nowhere/x.arpa", exitError, "nowhere"},
		{"lm query nowhere", exitError, "language model: open nowhere"},
		{"lm query TEXT", exitError, `line 1: "the cat sat" where \data\ must begin`},
		{"lm convert ARPA x.arpa --bits 8", exitUsage, "--bits 8"},
		{"lm convert ARPA x.trie --bits 40", exitUsage, "want 2 to 16"},
		{"lm perplexity ARPA nowhere", exitError, "nowhere"},
	} {
		args := strings.Fields(strings.NewReplacer("TEXT", text, "ARPA", arpa).Replace(c.args))
		_, msg := call(t, c.code, args...)
		has(t, msg, c.want)
	}
	write(t, text, nil)
	_, msg = call(t, exitError, "lm", "perplexity", arpa, text)
	has(t, msg, "no words")
	if _, err := os.Stat("x.arpa"); err == nil {
		t.Error("a model was written after an error")
	}
}

func TestMemoryFlag(t *testing.T) {
	for in, want := range map[string]string{"1G": "1G", "1024M": "1G", "1500m": "1500M", "12345": "12345", "2T": "2048G"} {
		var m memoryFlag
		if err := m.Set(in); err != nil || m.String() != want {
			t.Errorf("%s: %s, %v", in, m.String(), err)
		}
	}
	for _, in := range []string{"", "G", "0", "-1G", "1Q", "99999999999T"} {
		var m memoryFlag
		if err := m.Set(in); err == nil {
			t.Errorf("%q was taken", in)
		}
	}
}

package main

import (
	"encoding/json"
	"math"
	"path/filepath"
	"strings"
	"testing"
)

func TestEval(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		write(t, path, []byte(text))
		return path
	}
	ref := file("text", "u1 the cat sat on the mat\nu2 hello world\nu3 a b c\n")
	hyp := file("hyp.jsonl", `{"id":"u3","text":"a c d e"}`+"\n"+`{"id":"u1","text":"the cat sat on a mat"}`+"\n"+`{"id":"u2","text":"Hello, world"}`)
	worse := file("worse.trn", "x x x (u1)\nhello world (u2)\na b c (u3)\n")
	speakers := file("utt2spk", "u1 s1\nu2 s2\nu3 s2\n")

	out, _ := call(t, exitDone, "eval", ref, hyp)
	has(t, out, "WER  45.45 %  [", "95 %, 1,000 resamples of 3 utterances", "11 words: 8 correct, 2 substituted, 1 deleted, 2 inserted",
		"3 utterances, of which 3 with errors (100.00 %)", "normalised by: none", "hello -> Hello,", "the -> a", "6-10")
	again, _ := call(t, exitDone, "eval", ref, hyp, "--seed", "1", "--bootstrap", "1000")
	if again != out {
		t.Error("the same seed gives another result")
	}

	out, _ = call(t, exitDone, "eval", ref, hyp, "--normalise", "lower,no-punctuation", "--speakers", speakers, "--alignments", "1")
	has(t, out, "WER  36.36 %", "resamples of 2 speakers", "normalised by: lower, no-punctuation", "speaker  utterances",
		"id: (u3)\nScores: (#C #S #D #I) 2 0 1 2\nREF:  a b c * * \nHYP:  a * c d e \nEval:   D   I I \n")

	out, _ = call(t, exitDone, "eval", ref, hyp, "--normalise", "librispeech", "--baseline", worse, "--json", "--alignments", "1", "--speakers", speakers)
	var doc struct {
		Version      int
		Metric       string
		Rules        []string
		Rate         float64
		Total        struct{ Utterances, Wrong int }
		Interval     struct{ Low, High, Estimate float64 }
		Baseline     struct{ Rate float64 }
		Comparison   struct{ Difference struct{ Estimate float64 } }
		Speakers     []struct{ Name string }
		Insertions   []struct{ Hyp string }
		Worst        []struct{ Steps [][3]string }
		SentenceRate float64 `json:"sentence_error_rate"`
	}
	if err := json.Unmarshal([]byte(out), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Version != 1 || doc.Metric != "WER" || math.Abs(doc.Rate-4./11) > 1e-12 || doc.Total.Utterances != 3 || doc.Total.Wrong != 2 || len(doc.Rules) != 4 ||
		doc.Interval.Estimate != doc.Rate || math.Abs(doc.Baseline.Rate-6./11) > 1e-12 || math.Abs(doc.Comparison.Difference.Estimate+2./11) > 1e-12 ||
		len(doc.Speakers) != 2 || len(doc.Insertions) != 2 || doc.Worst[0].Steps[1] != [3]string{"D", "B", ""} {
		t.Errorf("%+v", doc)
	}

	out, _ = call(t, exitDone, "eval", ref, ref, "--unit", "char")
	has(t, out, "CER  0.00 %  [0.00 %, 0.00 %]", "38 characters: 38 correct")
	out, _ = call(t, exitDone, "eval", ref, ref, "--unit", "char-nospace", "--bootstrap", "0")
	has(t, out, "CER  0.00 %\n", "30 characters")
	out, _ = call(t, exitDone, "eval", ref, ref, "--unit", "phone")
	has(t, out, "PER  0.00 %", "11 phones")

	// Utterances that are missing, and other faults, are named.
	part := file("part", "u1 the cat\nzz a\n")
	_, msg := call(t, exitError, "eval", ref, part)
	has(t, msg, "2 without hypothesis (u2, u3), 1 without reference (zz)", "--missing ignore or empty")
	out, _ = call(t, exitDone, "eval", ref, part, "--missing", "ignore", "--speakers", speakers) // zz needs no speaker
	has(t, out, "6 words: 2 correct", "4 deleted", "3 utterances in one file only")
	out, _ = call(t, exitDone, "eval", ref, part, "--missing", "empty")
	has(t, out, "11 words: 2 correct", "9 deleted, 1 inserted", "4 utterances, ")
	_, msg = call(t, exitError, "eval", ref, file("twice", "u1 a\nu1 b\n"))
	has(t, msg, "twice: line 2", `"u1" is there already`)
	_, msg = call(t, exitError, "eval", ref, filepath.Join(dir, "none"))
	has(t, msg, "none")
	_, msg = call(t, exitError, "eval", ref, file("other", "yy a\n"), "--missing", "ignore")
	has(t, msg, "no utterance in common")
	_, msg = call(t, exitError, "eval", ref, hyp, "--speakers", file("few", "u1 s\n"))
	has(t, msg, "few", `"u2" has no speaker`)
	empty := file("empty", "u1\n")
	out, _ = call(t, exitDone, "eval", empty, empty)
	has(t, out, "WER  -\n", "0 words")
	_, msg = call(t, exitError, "eval", empty, empty, "--baseline", empty)
	has(t, msg, "no reference tokens")
	out, _ = call(t, exitDone, "eval", empty, empty, "--json")
	has(t, out, `"rate": null`)

	for args, want := range map[string]string{
		"":                               "accepts 2 arg(s)",
		"a b --unit syllable":            "want word, char, char-nospace or phone",
		"a b --normalise Lower":          "no normalisation rule \"Lower\"",
		"a b --normalise=":               "--normalise is empty",
		"a b --format ctm":               "want auto, kaldi, jsonl or trn",
		"a b --missing skip":             "want error, ignore or empty",
		"a b --costs x":                  "want sclite or plain",
		"a b --bootstrap -1":             "--bootstrap is -1",
		"a b --level 95":                 "--level is 95",
		"a b --alignments -1":            "--alignments is -1",
		"a b --bootstrap 0 --baseline c": "--baseline needs resamples",
	} {
		_, msg := call(t, exitUsage, append([]string{"eval"}, strings.Fields(args)...)...)
		has(t, msg, want)
	}
}

package main

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aural/audio"
	"aural/decode"
	"aural/infer"
	"aural/kernels/ref"
)

// ctcModel is a small model of transformers with random weights.
var ctcModel = filepath.Join("..", "..", "hf", "testdata", "large-ctc")

// transcribed is a line of JSONL.
type transcribed struct {
	ID, Path, Text string
	Seconds, Score float64
	Words          []struct {
		Word       string
		Start, End float64
	}
	NBest    []struct{ Text string }
	Segments []struct{ Start, End float64 }
}

func spoken(t *testing.T, text string) (list []transcribed) {
	t.Helper()
	for line := range strings.Lines(text) {
		var r transcribed
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		list = append(list, r)
	}
	return list
}

func TestTranscribe(t *testing.T) {
	dir := t.TempDir()
	writeCorpus(t, filepath.Join(dir, "all"))
	corpus := filepath.Join(dir, "corpus") // of one speaker
	if err := os.MkdirAll(corpus, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "all", "synth00"), filepath.Join(corpus, "synth00")); err != nil {
		t.Fatal(err)
	}
	store := filepath.Join(dir, "store")
	call(t, exitDone, "data", "import", corpus, "--out", store)

	// Files give what the model gives, in order, and the store the same.
	out, msg := call(t, exitDone, "transcribe", corpus, "--model", ctcModel, "--format", "jsonl")
	has(t, msg, "6 recordings, 7.", "s of audio a second, cpu/")
	found := spoken(t, out)
	if len(found) != 6 || !slices.IsSortedFunc(found, func(a, b transcribed) int { return strings.Compare(a.ID, b.ID) }) {
		t.Fatalf("%d lines: %s", len(found), out)
	}
	// The layers of this model are too small for integers, so int8 gives the same.
	small, msg := call(t, exitDone, "transcribe", corpus, "--model", ctcModel, "--format", "jsonl", "--precision", "int8")
	has(t, msg, "/int8")
	if small != out {
		t.Errorf("int8 gives\n%s, want\n%s", small, out)
	}
	m, err := infer.Open(ctcModel, infer.Options{Backend: ref.New()})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	for i, r := range found[:1] {
		clip, err := audio.DecodeFile(r.Path, audio.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		e, frames, err := m.Emissions(context.Background(), clip.Channels[0], nil)
		if err != nil {
			t.Fatal(err)
		}
		h, err := decode.Greedy(m.Vocabulary(), e, frames, decode.SpecialTokens(m.Vocabulary())...)
		if err != nil {
			t.Fatal(err)
		}
		if r.Text != h.Text || r.Text == "" || math.Abs(r.Score-h.Score) > 1e-3 || len(r.Words) != len(h.Words) || math.Abs(r.Seconds-clip.Seconds()) > 1e-3 {
			t.Errorf("recording %d: %q %v, want %q %v", i, r.Text, r.Score, h.Text, h.Score)
		}
		for k, w := range h.Words {
			if g := r.Words[k]; g.Word != w.Text || math.Abs(g.Start-float64(w.Start)*m.FrameSeconds()) > 1e-3 || math.Abs(g.End-float64(w.End)*m.FrameSeconds()) > 1e-3 {
				t.Errorf("word %d is %+v, want %+v", k, g, w)
			}
		}
	}
	out, _ = call(t, exitDone, "transcribe", "--data", store, "--model", ctcModel, "--format", "jsonl")
	for i, r := range spoken(t, out) {
		if r.ID != found[i].ID || r.Text != found[i].Text || r.Path != "" {
			t.Errorf("row %d of the store is %s %q, the file gave %s %q", i, r.ID, r.Text, found[i].ID, found[i].Text)
		}
	}

	// aural eval reads both of its formats.
	write(t, filepath.Join(dir, "hyp.jsonl"), []byte(out))
	trn, _ := call(t, exitDone, "transcribe", "--data", store, "--model", ctcModel, "--format", "trn")
	write(t, filepath.Join(dir, "hyp.trn"), []byte(trn))
	score, _ := call(t, exitDone, "eval", filepath.Join(dir, "hyp.trn"), filepath.Join(dir, "hyp.jsonl"))
	has(t, score, "WER  0.00 %", "6 utterances")

	// The other formats, one behind the other or a file each.
	text, _ := call(t, exitDone, "transcribe", corpus, "--model", ctcModel)
	if want := found[5].Text; strings.Count(text, "\n") != 6 || !strings.HasSuffix(text, want+"\n") {
		t.Errorf("text %q, want the last line %q", text, want)
	}
	ctm, _ := call(t, exitDone, "transcribe", corpus, "--model", ctcModel, "--format", "ctm")
	has(t, ctm, found[0].ID+" 1 ")
	one, _ := call(t, exitDone, "transcribe", found[0].Path, "--model", ctcModel, "--format", "json", "--nbest", "3", "--chunk", "0.5", "--overlap", "0.1")
	var list []transcribed
	if err := json.Unmarshal([]byte(one), &list); err != nil || len(list) != 1 || len(list[0].NBest) != 3 || list[0].ID != filepath.Base(found[0].ID) {
		t.Errorf("%v: %s", err, one)
	}
	srt, _ := call(t, exitDone, "transcribe", found[0].Path, "--model", ctcModel, "--format", "srt")
	has(t, srt, "1\n00:00:0", " --> 00:00:0")
	captions := filepath.Join(dir, "captions")
	out, _ = call(t, exitDone, "transcribe", corpus, "--model", ctcModel, "--format", "vtt", "--out", captions, "--threads", "1")
	if out != "" {
		t.Errorf("--out and %q on standard output", out)
	}
	for _, r := range found {
		has(t, read(t, captions, filepath.FromSlash(r.ID)+".vtt"), "WEBVTT\n\n00:00:0")
	}
}

// Bad files are named and the others are transcribed.
func TestTranscribeBadFiles(t *testing.T) {
	dir := t.TempDir()
	corpus := filepath.Join(dir, "corpus")
	writeCorpus(t, corpus)
	good, err := filepath.Glob(filepath.Join(corpus, "synth00", "*.wav"))
	if err != nil || len(good) < 2 {
		t.Fatal(good, err)
	}
	bad, short, twin := filepath.Join(dir, "bad.wav"), filepath.Join(dir, "short.wav"), filepath.Join(dir, "x", filepath.Base(good[0]))
	write(t, bad, []byte("this is no audio"))
	write(t, short, audio.AppendWAV16(nil, 16000, make([]int16, 3)))
	write(t, twin, []byte("RIFF"))
	missing := filepath.Join(dir, "missing.mp3")

	out, msg := call(t, exitRejects, "transcribe", bad, good[0], missing, short, good[1], "--model", ctcModel, "--format", "trn")
	has(t, msg, "bad.wav: ", "missing.mp3: ", "aural: 2 of 5 recordings could not be transcribed")
	if got := strings.Split(out, "\n"); len(got) != 4 || !strings.Contains(got[0], "("+strings.TrimSuffix(filepath.Base(good[0]), ".wav")+")") || got[1] != "(short)" {
		t.Errorf("%q", out)
	}
	_, msg = call(t, exitError, "transcribe", bad, "--model", ctcModel)
	has(t, msg, "none of 1 recording could be transcribed")
	out, _ = call(t, exitError, "transcribe", bad, "--model", ctcModel, "--format", "json")
	if out != "[]\n" {
		t.Errorf("%q", out)
	}
	file := filepath.Join(dir, "file")
	write(t, file, nil)
	base := filepath.Join("..", "..", "hf", "testdata", "base-pretraining")
	for _, c := range []struct {
		code int
		want string
		args []string
	}{
		{exitUsage, "name at least one FILE", nil}, {exitUsage, "not both", []string{good[0], "--data", "store"}}, {exitUsage, "--split is for --data", []string{good[0], "--split", "dev"}},
		{exitUsage, "would both have the id", []string{good[0], twin}}, {exitUsage, "give --out FOLDER", []string{good[0], good[1], "--format", "srt"}},
		{exitUsage, `no format "doc"`, []string{good[0], "--format", "doc"}}, {exitUsage, "is no folder", []string{good[0], "--out", file}},
		{exitUsage, "--segment", []string{good[0], "--segment=9"}}, {exitUsage, "loud", []string{good[0], "--channel-policy", "loud"}},
		{exitUsage, "--decoder lexicon needs --lexicon", []string{good[0], "--decoder", "lexicon"}}, {exitError, "no CTC head", []string{good[0], "--model", base}},
		{exitError, "config.json", []string{good[0], "--model", dir}}, {exitError, "language model", []string{good[0], "--lm", filepath.Join(dir, "lm")}},
		{exitError, "more than half", []string{good[0], "--chunk", "1", "--overlap", "2"}}, {exitUsage, "half", []string{good[0], "--precision", "half"}},
		{exitError, "lists no recordings", []string{filepath.Join(dir, "x", "..", "empty")}},
	} {
		if err := os.MkdirAll(filepath.Join(dir, "empty"), 0o755); err != nil {
			t.Fatal(err)
		}
		args := append([]string{"transcribe", "--model", ctcModel}, c.args...)
		out, msg := call(t, c.code, args...)
		has(t, msg, c.want)
		if out != "" {
			t.Errorf("%v prints %q", args, out)
		}
	}
}

// Silences cut a recording into pieces whose times are those of the recording.
func TestTranscribeSegments(t *testing.T) {
	dir := t.TempDir()
	corpus := filepath.Join(dir, "corpus")
	writeCorpus(t, corpus)
	files, _ := filepath.Glob(filepath.Join(corpus, "*", "*.wav"))
	var long []int16
	for _, f := range files[:4] {
		clip, err := audio.DecodeFile(f, audio.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		x := make([]int16, clip.Frames())
		audio.ToInt16(x, clip.Channels[0])
		long = append(append(long, x...), make([]int16, 24000)...)
	}
	path := filepath.Join(dir, "long.wav")
	write(t, path, audio.AppendWAV16(nil, 16000, long))
	out, _ := call(t, exitDone, "transcribe", path, "--model", ctcModel, "--format", "jsonl", "--segment=0.5-3")
	r := spoken(t, out)[0]
	if len(r.Segments) < 3 || len(r.Words) < 4 {
		t.Fatalf("%s", out)
	}
	for i, w := range r.Words {
		if i > 0 && w.Start < r.Words[i-1].Start {
			t.Errorf("word %d goes back in time", i)
		}
		if !slices.ContainsFunc(r.Segments, func(s struct{ Start, End float64 }) bool { return s.Start-1e-3 <= w.Start && w.End <= s.End+1e-3 }) {
			t.Errorf("word %+v is in no segment of %+v", w, r.Segments)
		}
	}
	// Without speech there is no text, and that is no error.
	write(t, path, audio.AppendWAV16(nil, 16000, make([]int16, 64000)))
	out, _ = call(t, exitDone, "transcribe", path, "--model", ctcModel, "--format", "vtt", "--segment")
	if out != "WEBVTT\n" {
		t.Errorf("%q", out)
	}
}

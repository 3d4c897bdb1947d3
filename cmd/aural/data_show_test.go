package main

import (
	"math"
	"path/filepath"
	"strings"
	"testing"
)

// A store goes out in every format, and what went out can come back.
func TestExport(t *testing.T) {
	store := newStore(t)
	dir := t.TempDir()
	for format, back := range map[string]string{"folder": "audio", "fairseq": "train.tsv", "nemo": "manifest.json", "hf": ""} {
		out := filepath.Join(dir, format)
		text, msg := call(t, exitDone, "data", "export", store, "--format", format, "--codec", "flac", "--out", out)
		has(t, text, "24 recordings", out)
		has(t, msg, "24/24 rows")
		if format == "hf" {
			continue // the import of Parquet is tested where it is
		}
		text, _ = call(t, exitDone, "data", "import", filepath.Join(out, back), "--out", out+"-store")
		has(t, text, "24 utterances")
	}
	_, msg := call(t, exitError, "data", "export", store, "--format", "hf", "--out", filepath.Join(dir, "hf"))
	has(t, msg, "choose another name")
	text, _ := call(t, exitDone, "data", "export", store, "--format", "hf", "--out", filepath.Join(dir, "hf2"), "--json")
	has(t, text, `"rows": 24`, `"notes": []`, `"out"`)
	_, msg = call(t, exitUsage, "data", "export", store, "--format", "kaldi", "--out", filepath.Join(dir, "x"))
	has(t, msg, `format "kaldi": want folder`)
	_, msg = call(t, exitUsage, "data", "export", store, "--format", "hf", "--codec", "mp3", "--out", filepath.Join(dir, "x"))
	has(t, msg, `codec "mp3"`)
	text, _ = call(t, exitDone, "__complete", "data", "export", "--format", "")
	if !strings.HasPrefix(text, "folder\nfairseq\nnemo\nhf\n") {
		t.Errorf("completions %q", text)
	}
}

func TestShow(t *testing.T) {
	store := newStore(t)
	out, _ := call(t, exitDone, "data", "show", store, "3", "--ascii")
	has(t, out, "row        3 of 24", "speaker    synth0", "level      peak -", " s\n", "kHz+", "-80 dB ", "@")
	lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	if len(lines) > 24 {
		t.Errorf("%d lines do not fit a terminal", len(lines))
	}
	for _, l := range lines {
		if len(l) > 79 {
			t.Errorf("a line of %d characters: %q", len(l), l)
		}
	}
	id := strings.TrimPrefix(lines[0], "id         ")
	again, _ := call(t, exitDone, "data", "show", store, id, "--ascii")
	if again != out {
		t.Errorf("by id %s it shows\n%s", id, again)
	}
	text, _ := call(t, exitDone, "data", "show", store, id, "--json")
	has(t, text, `"row": 3`, `"peak_db": -`, `"id": "`+id+`"`)
	_, msg := call(t, exitError, "data", "show", store, "24")
	has(t, msg, "no row 24", "rows 0 to 23")
	_, msg = call(t, exitError, "data", "show", store, "3", "--id")
	has(t, msg, `no utterance with the id "3"`)
	_, msg = call(t, exitUsage, "data", "show", store, "3", "--width", "9")
	has(t, msg, "want at least 32")
}

func TestLoudness(t *testing.T) {
	for _, c := range []struct {
		samples   []float32
		peak, rms float64
	}{{nil, quietest, quietest}, {[]float32{0, 0}, quietest, quietest}, {[]float32{-1, 1}, 0, 0}, {[]float32{0.1, 0, 0, 0}, -20, -26.0206}} {
		if peak, rms := loudness(c.samples); math.Abs(peak-c.peak) > 1e-4 || math.Abs(rms-c.rms) > 1e-4 {
			t.Errorf("%v: %v and %v dB, want %v and %v", c.samples, peak, rms, c.peak, c.rms)
		}
	}
}

func TestLinesOf(t *testing.T) {
	known := [][]string{{"id", strings.Repeat("x", 76)}, {"ab", strings.Repeat("x", 77)}, {"c", ""}}
	if got := linesOf(known, 80); got != 4 {
		t.Errorf("%d lines, want 4", got)
	}
}

// The figures of a store, and the list of what is not in it.
func TestInfo(t *testing.T) {
	dir := t.TempDir()
	corpus, store := filepath.Join(dir, "corpus"), filepath.Join(dir, "store")
	writeCorpus(t, corpus)
	for _, name := range []string{"b.wav", "a.wav", "c\x1b[31m.wav"} {
		write(t, filepath.Join(corpus, name), []byte("this is no audio"))
	}
	call(t, exitRejects, "data", "import", corpus, "--out", store, "--max-seconds", "1.35")
	out, _ := call(t, exitDone, "data", "info", store, "--rejected")
	has(t, out, "bad-audio: 2\n  a.wav: ", "too-long: ", "bad-entry: 1\n  c?[31m.wav: ")
	out, _ = call(t, exitDone, "data", "info", store, "--rejected", "--json")
	has(t, out, `"kind": "bad-audio"`, `"count": 2`, `"path": "b.wav"`)
	out, _ = call(t, exitDone, "data", "info", newStore(t), "--rejected")
	if out != "nothing was rejected\n" {
		t.Errorf("%q", out)
	}
	figures := filepath.Join(dir, "new", "figures")
	out, _ = call(t, exitDone, "data", "info", store, "--figures", figures)
	has(t, out, "speakers     4", filepath.Join(figures, "lengths.svg"), filepath.Join(figures, "speakers.svg"))
	has(t, read(t, figures, "lengths.svg"), "Lengths of utterances", "seconds")
	has(t, read(t, figures, "speakers.svg"), "synth00", "minutes", "4 speakers")
}

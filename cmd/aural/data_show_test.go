package main

import (
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

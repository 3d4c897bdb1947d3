package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aural/sweep"
)

// sweepArgs is a sweep of tiny runs.
func sweepArgs(store, init, out string, more ...string) []string {
	return append([]string{"sweep", "--recipe", microTune, "--data", store, "--test", store, "--init", init, "--out", out, "--seeds", "1", "--threads", "1",
		"--set", "train.max_updates=4"}, more...)
}

// A sweep trains and measures each cell once, grows, goes on where it was interrupted, and refuses to become another one.
func TestSweep(t *testing.T) {
	store := transcribedStore(t)
	root := filepath.Dir(store)
	base := filepath.Join(root, "base")
	call(t, exitDone, "pretrain", "--recipe", micro, "--data", store, "--run", base)
	last, out := filepath.Join(base, "last"), filepath.Join(root, "sweep")
	args := func(more ...string) []string { return sweepArgs(store, last, out, more...) }

	text, _ := call(t, exitDone, args("--subsets", "8s", "--modes", "scratch,full", "--dry-run")...)
	has(t, text, "8s-scratch-1", "8s-full-1", "2 cells to train", "open")
	if _, err := os.Stat(out); err == nil {
		t.Error("a dry run made a folder")
	}

	text, msg := call(t, exitDone, args("--subsets", "8s", "--modes", "scratch,full")...)
	has(t, msg, "cell 1/2 8s-scratch-1", "cell 2/2 8s-full-1", "best by validation", "greedy")
	has(t, text, "against scratch", "scratch", "full", "8s (")
	for _, name := range []string{"label-efficiency.svg", "plan.json", "results.jsonl", "cells/8s-full-1/config.yaml"} {
		read(t, out, filepath.FromSlash(name))
	}
	has(t, read(t, out, "cells", "8s-full-1", "config.yaml"), "mode: full", "seconds: 8", "max_updates: 4")

	// More cells are added, those that are done stay, and nothing is trained for another decoder.
	words := filepath.Join(root, "words")
	write(t, words, []byte("BA\nBO\n"))
	grown := args("--subsets", "8s,all", "--modes", "scratch,full", "--set", "all:train.max_updates=2")
	_, msg = call(t, exitDone, grown...)
	if strings.Contains(msg, "/4 8s-") {
		t.Errorf("a cell was trained again:\n%s", msg)
	}
	has(t, msg, "cell 3/4 all-scratch-1", "update 1/2")
	text, msg = call(t, exitDone, append(grown, "--lexicon", words, "--beam", "20")...)
	if strings.Contains(msg, "update ") {
		t.Errorf("a cell was trained again:\n%s", msg)
	}
	has(t, text, "lexicon", "greedy")
	text, _ = call(t, exitDone, append(grown, "--json")...)
	var s sweepSummary
	if err := json.Unmarshal([]byte(text), &s); err != nil || len(s.Cells) != 4 || len(s.Rows) != 8 || len(s.Cells[0].Tested) != 2 || *s.Rows[0].WER.Mean <= 0 {
		t.Errorf("--json: %v\n%s", err, text)
	}
	text, _ = call(t, exitDone, append(grown, "--table", "csv")...)
	has(t, text, "labels,labelled_seconds,mode", "\n8s,")
	var md strings.Builder
	writeMarkdown(&md, [][]string{{"labels", ">WER %"}, {"a|b", "3"}})
	has(t, md.String(), "| labels | WER % |\n| --- | ---: |\n| a\\|b | 3 |\n")

	// Killed between training and measuring: the run is complete, and only measured.
	lines := strings.SplitAfter(read(t, out, "results.jsonl"), "\n")
	write(t, filepath.Join(out, "results.jsonl"), nil)
	_, msg = call(t, exitDone, grown...)
	if strings.Contains(msg, "update 1/") {
		t.Errorf("a complete run was trained again:\n%s", msg)
	}
	again := strings.SplitAfter(read(t, out, "results.jsonl"), "\n")
	var was, is sweep.Record
	if json.Unmarshal([]byte(lines[1]), &was) != nil || json.Unmarshal([]byte(again[1]), &is) != nil || was.Tested.WER != is.Tested.WER || was.Tested.CER != is.Tested.CER {
		t.Errorf("measured\n%sagain\n%s", lines[1], again[1])
	}

	_, msg = call(t, exitError, args("--subsets", "8s", "--modes", "scratch,full", "--set", "mask.length=3")...)
	has(t, msg, "another plan", "subset: all -> none", "mask.length: 4 -> 3", "give another --out")
	_, msg = call(t, exitUsage, args("--subsets", "8s", "--set", "9s:seed=3")...)
	has(t, msg, `"9s" is neither a mode nor a subset`)
	_, msg = call(t, exitUsage, args("--subsets", "8x")...)
	has(t, msg, "--subsets")
	_, msg = call(t, exitError, sweepArgs(store, last, filepath.Join(root, "long"), "--subsets", "1h")...)
	has(t, msg, "cell 1h-scratch-1", "subset of 3600 seconds")
	_, msg = call(t, exitUsage, sweepArgs(store, "", filepath.Join(root, "none"), "--subsets", "8s")...)
	has(t, msg, "--init is missing")
}

// A cell that fails is recorded, the others are trained, and the exit code tells.
func TestSweepFailure(t *testing.T) {
	store := transcribedStore(t)
	out := filepath.Join(filepath.Dir(store), "sweep")
	args := sweepArgs(store, "", out, "--subsets", "8s,all", "--modes", "scratch", "--set", "8s:train.schedule.peak=1e38", "--set", "train.max_skipped=1", "--set", "valid.seconds=0", "--set", "train.optimizer.clip=0")
	text, msg := call(t, exitError, args...)
	has(t, msg, "8s-scratch-1 failed: train: ", "training diverged", "all-scratch-1: WER", "1 cell failed: 8s-scratch-1", "--retry")
	has(t, text, "0 (1 failed)")
	// Without speech held out the last checkpoint counts, and nothing is told of a validation.
	has(t, read(t, out, "results.jsonl"), `"chosen":"last"`, `"valid_wer":null`)
	if strings.Contains(msg, "held out") {
		t.Errorf("a validation of nothing:\n%s", msg)
	}
	_, msg = call(t, exitError, args...)
	has(t, msg, "8s-scratch-1 failed earlier", "1 cell failed")
	if strings.Contains(msg, "cell 1/") {
		t.Errorf("a failed cell was trained again:\n%s", msg)
	}
	_, msg = call(t, exitError, append(args, "--retry")...)
	has(t, msg, "8s-scratch-1 failed: ")
}

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aural/runlog"
)

// writeEndedRun writes a short run that has ended.
func writeEndedRun(t *testing.T, dir, config string) {
	t.Helper()
	w, err := runlog.Create(dir, runlog.Meta{TotalSteps: 20, Config: []byte(config)}, runlog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for step := int64(1); step <= 20; step++ {
		w.Record(&runlog.Record{Step: step, Time: time.Now(), Kind: runlog.Train, Values: []runlog.Value{
			{Name: "contrastive_loss", Value: 5 - 0.1*float64(step)}, {Name: "accuracy", Value: 0.02 * float64(step)}, {Name: "hours_seen", Value: float64(step)}}})
	}
	w.Progress(20, 0)
	if err := w.Close(runlog.Finished, ""); err != nil {
		t.Fatal(err)
	}
}

func TestTop(t *testing.T) {
	root := filepath.Join(t.TempDir(), "runs")
	for i, config := range []string{"seed: 1\ntrain:\n  schedule: {peak: 0.1}\n", "seed: 1\ntrain:\n  schedule: {peak: 0.2}\n"} {
		writeEndedRun(t, filepath.Join(root, "20260314-120"+string(rune('0'+i))+"-"+[]string{"first", "second"}[i]), config)
	}
	dir := filepath.Join(root, "20260314-1200-first")

	// Where the output is no terminal, plain text.
	out, _ := call(t, exitDone, "top", "first", "--runs", root)
	has(t, out, "Run: first\nStatus: finished", "Progress: update 20 of 20, 100.0 percent", "Verdict: ", "train contrastive loss: 3 nats", "train accuracy: 40 %")
	if strings.ContainsAny(out, "│●\x1b") {
		t.Errorf("characters that draw in\n%s", out)
	}
	again, _ := call(t, exitDone, "top", dir, "--plain", "--once")
	if strings.Count(again, "\n") != strings.Count(out, "\n") {
		t.Errorf("--plain --once differs:\n%s", again)
	}
	out, _ = call(t, exitDone, "top", dir, "--once")
	has(t, out, "first", "■ finished", "contrastive loss, nats", "│")
	out, _ = call(t, exitDone, "top", dir, "--once", "--ascii", "--screen", "logs")
	has(t, out, "events 2")
	out, _ = call(t, exitDone, "top", "--runs", root, "--once", "--screen", "9", "--x", "hours", "--smooth", "0.9")
	has(t, out, "first", "second", "hours of audio")
	out, _ = call(t, exitDone, "top", root, "--json")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 2 {
		t.Fatalf("%d lines of JSON:\n%s", len(lines), out)
	}
	for _, line := range lines {
		var got struct {
			Version int
			Status  string
			Step    int64
			Last    bool
			Metrics map[string]struct{ Value float64 }
			Verdict struct{ Level string }
		}
		if err := json.Unmarshal([]byte(line), &got); err != nil || got.Version != 1 || got.Status != "finished" || got.Step != 20 || !got.Last ||
			got.Metrics["train/accuracy"].Value != 0.4 || got.Verdict.Level == "" {
			t.Errorf("%s: %+v (%v)", line, got, err)
		}
	}
	// Event files of TensorBoard beside a run.
	out, _ = call(t, exitDone, "top", filepath.Join(dir, "tb"), "second", "--runs", root, "--once", "--screen", "runs")
	has(t, out, "imported", "second")

	empty := t.TempDir()
	for args, want := range map[string]string{
		"top nowhere --runs " + root:       "there is no run nowhere",
		"top --runs " + empty + "/none":    "there is no folder",
		"top --runs " + empty:              "holds no run",
		"top host:/x/y --once --runs nope": "mirror",
	} {
		if strings.Contains(args, "host:") {
			t.Setenv("PATH", empty) // no ssh
		}
		_, msg := call(t, exitError, strings.Fields(args)...)
		has(t, msg, want)
	}
	for args, want := range map[string]string{
		"top x --screen zebra": `unknown screen "zebra"`,
		"top x --x steps":      `unknown x axis "steps"`,
		"top x --smooth 1":     "--smooth is 1",
		"top x --theme blue":   `unknown theme "blue"`,
		"top x --interval -1":  "--interval is -1",
		"top x --plain --json": "none of the others can be",
	} {
		_, msg := call(t, exitUsage, strings.Fields(args)...)
		has(t, msg, want)
	}
	if left, err := os.ReadDir(filepath.Join(dir, "plots")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

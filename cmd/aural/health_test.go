package main

import (
	"encoding/json"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"aural/health"
	"aural/runlog"
)

// makeRun writes a run of 40 records; change may spoil each of them.
func makeRun(t *testing.T, dir string, change func(v map[string]float64)) {
	t.Helper()
	w, err := runlog.Create(dir, runlog.Meta{Config: []byte("{}\n"), TotalSteps: 2000}, runlog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range int64(40) {
		v := map[string]float64{"loss": 4, "contrastive_loss": 4, "accuracy": .2, "chance_loss": math.Log(101), "code_perplexity": 60, "prob_perplexity": 65,
			"max_perplexity": 80, "duplicate_distractors": .01, "mask_run": 3.7, "gradient_norm": .5, "audio_seconds": 20, "learning_rate": 1e-3}
		if change != nil {
			change(v)
		}
		r := runlog.Record{Step: 10 * (i + 1), Kind: runlog.Train}
		for name, x := range v {
			r.Values = append(r.Values, runlog.Value{Name: name, Value: x})
		}
		w.Record(&r)
	}
	if err := w.Close(runlog.Finished, ""); err != nil {
		t.Fatal(err)
	}
}

func TestHealth(t *testing.T) {
	root := t.TempDir()
	well, small, dead := filepath.Join(root, "20260101-1200-well"), filepath.Join(root, "20260101-1201-small"), filepath.Join(root, "20260101-1202-dead")
	makeRun(t, well, nil)
	makeRun(t, small, func(v map[string]float64) { v["audio_seconds"] = 2 })
	makeRun(t, dead, func(v map[string]float64) {
		v["contrastive_loss"], v["code_perplexity"], v["prob_perplexity"], v["duplicate_distractors"], v["gradient_norm"] = 0, 2, 2, 1, 1e-18
	})

	out, _ := call(t, exitDone, "health", "well", "--runs", root)
	has(t, out, "HEALTHY  "+well, "finished, update 400", "no rule fired")
	out, msg := call(t, exitWatch, "health", small)
	has(t, out, "WATCH  "+small, "small-batch, since update 10", "evidence  2 s of audio", "advice ")
	has(t, msg, "0 broken, 1 to watch, 0 healthy")
	out, msg = call(t, exitBroken, "health", well, small, dead, "--json")
	has(t, msg, "1 broken, 1 to watch, 1 healthy")
	var doc struct {
		Version int
		Level   health.Level
		Runs    []struct {
			Dir, Name, Status string
			Report            health.Report
		}
	}
	if err := json.Unmarshal([]byte(out), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Version != 1 || doc.Level != health.Broken || len(doc.Runs) != 3 {
		t.Fatalf("%+v", doc)
	}
	if r := doc.Runs[2]; r.Name != "dead" || r.Status != "finished" || r.Report.Level != health.Broken || r.Report.Findings[0].Rule != "single-code" || r.Report.Findings[0].Since != 10 {
		t.Errorf("%+v", r)
	}
	if r := doc.Runs[0]; r.Report.Level != health.Healthy || len(r.Report.Findings) > 0 || len(r.Report.Rules) == 0 {
		t.Errorf("%+v", r)
	}

	// The mirror of a run for TensorBoard is judged like the log of another program: by its curves alone.
	out, _ = call(t, exitBroken, "health", filepath.Join(dead, "tb"))
	has(t, out, "BROKEN  "+filepath.Join(dead, "tb")+", update 400", "single-code, since update 10")
	files, err := filepath.Glob(filepath.Join(well, "tb", "*"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	out, _ = call(t, exitDone, "health", files[0], "--json")
	has(t, out, `"level": "healthy"`, `"step": 400`)

	out, _ = call(t, exitDone, "health", "--rules")
	has(t, out, "single-code (up to broken)", "perplexity-reversal (note)", "HF#14387")
	out, _ = call(t, exitDone, "health", "--rules", "--json")
	var rules []health.Rule
	if err := json.Unmarshal([]byte(out), &rules); err != nil || len(rules) != len(health.Rules()) {
		t.Errorf("%d rules, %v", len(rules), err)
	}
	for _, line := range strings.Split(out, "\n") {
		if strings.Contains(line, `"check"`) {
			t.Error(line)
		}
	}

	call(t, exitUsage, "health")
	call(t, exitUsage, "health", "--rules", well)
	_, msg = call(t, exitError, "health", filepath.Join(root, "none"))
	has(t, msg, "no run")
	_, msg = call(t, exitError, "health", root)
	has(t, msg, "a folder with 3 runs, such as "+dead)
	_, msg = call(t, exitError, "health", t.TempDir())
	has(t, msg, "is no run")
}

func TestFolded(t *testing.T) {
	long := "evidence  " + strings.Repeat("word ", 60)
	for i, line := range strings.Split(folded(long, 4, 14), "\n") {
		if len(line) > 101 || i == 0 && !strings.HasPrefix(line, "    evidence  word") || i > 0 && line != "" && !strings.HasPrefix(line, strings.Repeat(" ", 14)+"word") {
			t.Errorf("line %d: %q", i, line)
		}
	}
}

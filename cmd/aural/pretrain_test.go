package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aural/kernels"
	"aural/kernels/cpu"
)

func TestPretrain(t *testing.T) {
	store := newStore(t)
	root := filepath.Join(filepath.Dir(store), "runs")
	dir := filepath.Join(root, "first")

	out, _ := call(t, exitDone, "pretrain", "--recipe", micro, "--data", store, "--run", dir, "--dry-run")
	has(t, out, "parameters", "3 x 1 s (49 frames)", "FLOP", "weights and optimiser", "held out by utterances")
	if _, err := os.Stat(root); err == nil {
		t.Error("a dry run made a directory")
	}

	out, msg := call(t, exitDone, "pretrain", "--recipe", micro, "--data", store, "--run", dir, "--set", "seed=5", "--threads", "1")
	has(t, msg, "update 1/6", "held out, update 3: accuracy", "held out, update 6")
	has(t, out, "6 updates", "code perplexity", "checkpoint-6")
	for name, part := range map[string]string{
		"config.yaml": "seed: 5", "overrides.txt": "seed=5\n", "cmdline.txt": "aural pretrain --recipe testdata/micro.yaml", "env.json": `"dataset": "`,
		"metrics.jsonl": "accuracy", "plots/loss.svg": "<svg", "last/model.safetensors": "quantizer", "last/config.json": "Wav2Vec2ForPreTraining",
	} {
		has(t, read(t, dir, name), part)
	}

	_, msg = call(t, exitError, "pretrain", "--recipe", micro, "--data", store, "--run", dir)
	has(t, msg, "is not empty", "resume")
	// A run that is complete stays as it is.
	out, _ = call(t, exitDone, "pretrain", "--data", store, "--run", dir, "--resume", "auto")
	has(t, out, "6 updates")

	_, msg = call(t, exitError, "pretrain", "--data", store, "--run", dir, "--resume", "auto", "--set", "train.schedule.peak=1e-3", "--set", "train.max_updates=8", "--set", "precision=bf16")
	has(t, msg, "was begun with another recipe", "\n  precision: float32 -> bf16\n", "\n  train.schedule.peak: 0.0005 -> 0.001\n", "train.max_updates: 6 -> 8", "--resume-force")
	_, msg = call(t, exitDone, "pretrain", "--data", store, "--run", dir, "--resume", "last", "--resume-force", "--set", "train.max_updates=8")
	has(t, msg, "continuing from", "changed    train.max_updates: 6 -> 8", "held out, update 8")
	has(t, read(t, dir, "config.yaml"), "max_updates: 8")
	has(t, read(t, dir, "config.yaml.until-6"), "max_updates: 6")
	// From now on it is the run's recipe.
	call(t, exitDone, "pretrain", "--data", store, "--run", dir, "--resume", "auto")

	other := newStore(t)
	write(t, filepath.Join(filepath.Dir(other), "corpus", "synth00", "synth00-0000.txt"), []byte("OTHER WORDS"))
	call(t, exitDone, "data", "import", filepath.Join(filepath.Dir(other), "corpus"), "--out", other, "--overwrite")
	_, msg = call(t, exitError, "pretrain", "--data", other, "--run", dir, "--resume", "auto")
	has(t, msg, "fingerprint", "--resume-force")

	_, msg = call(t, exitError, "pretrain", "--recipe", micro, "--data", store, "--run", filepath.Join(root, "never"), "--set", "valid.seconds=1000")
	has(t, msg, "holding out 16.7 min of", "valid.seconds")
	lookAtRuns(t, root, dir)
}

// lookAtRuns checks the commands that read runs.
func lookAtRuns(t *testing.T, root, dir string) {
	t.Helper()
	out, _ := call(t, exitDone, "runs", root)
	has(t, out, "RUN ", "first", "finished", " 8 ")
	out, _ = call(t, exitDone, "runs", root, "--json")
	var list []runLine
	if err := json.Unmarshal([]byte(out), &list); err != nil || len(list) != 1 || list[0].Status != "finished" || list[0].State.Step != 8 {
		t.Errorf("runs --json: %v\n%s", err, out)
	}
	svg := filepath.Join(t.TempDir(), "a.svg")
	out, _ = call(t, exitDone, "plot", dir, "--out", svg, "--figure", "loss", "--bits", "--csv", "--smooth", "0.5", "--x", "hours")
	has(t, out, svg)
	has(t, read(t, svg), "<svg", "bits")
	has(t, read(t, strings.TrimSuffix(svg, ".svg")+".csv"), "train/loss")
	png := filepath.Join(filepath.Dir(svg), "b.png")
	call(t, exitDone, "plot", "first", "--runs", root, "--out", png, "--dpi", "50", "--theme", "dark")
	has(t, read(t, png), "PNG")
	pdf := filepath.Join(filepath.Dir(svg), "c.pdf")
	call(t, exitDone, "plot", dir, "--metric", "accuracy,valid/loss", "--column", "single", "--no-title", "--xlim", "1,", "--log-y", "--legend", "below", "--json", "--out", pdf)
	has(t, read(t, pdf), "%PDF")
	has(t, read(t, strings.TrimSuffix(pdf, ".pdf")+".json"), `"series":"valid/loss"`)
	call(t, exitDone, "plot", dir, "--figure", "codebook", "--out", svg)
	has(t, read(t, svg), "data:image/png", "Codebook group 0")
	table, _ := call(t, exitDone, "plot", dir, filepath.Join(dir, "tb"), "--table", "md", "--metric", "accuracy")
	has(t, table, "| run ", "| first ", "| tb ", "valid accuracy")
	call(t, exitDone, "plot", dir, "--table", "latex", "--group", "--out", filepath.Join(filepath.Dir(svg), "t.tex"))
	has(t, read(t, filepath.Join(filepath.Dir(svg), "t.tex")), `\toprule`, "first & 8 &")
	_, msg := call(t, exitError, "plot", dir, "--figure", "los", "--out", png)
	has(t, msg, "los")
	_, msg = call(t, exitError, "plot", dir, "--out", filepath.Join(filepath.Dir(svg), "c.gif"))
	has(t, msg, "gif")
}

// One command line that is given again and again begins a run, and then continues it.
// Pretraining goes on from a model folder, and a run that began so goes on without it.
func TestPretrainInit(t *testing.T) {
	store := newStore(t)
	root := filepath.Join(filepath.Dir(store), "runs")
	at := func(name string) string { return filepath.Join(root, name) }
	short := []string{"--data", store, "--set", "train.max_updates=3", "--set", "valid.seconds=0"}
	pretrain := func(code int, args ...string) string {
		_, msg := call(t, code, append(append([]string{"pretrain"}, args...), short...)...)
		return msg
	}
	pretrain(exitDone, "--recipe", micro, "--run", at("first"))
	model := at("model")
	if err := os.Rename(filepath.Join(at("first"), "checkpoint-3"), model); err != nil {
		t.Fatal(err)
	}
	pretrain(exitDone, "--recipe", micro, "--run", at("second"), "--init", model, "--set", "encoder.width=32", "--set", "quantizer.entries=32")
	has(t, read(t, at("second"), "config.yaml"), "init: "+strings.ReplaceAll(model, `\`, `\\`), "width: 16", "fresh_head: false")
	pretrain(exitDone, "--recipe", micro, "--run", at("third"), "--init", model, "--fresh-head", "--set", "quantizer.entries=32")
	has(t, read(t, at("third"), "config.yaml"), "fresh_head: true", "entries: 32")

	has(t, pretrain(exitUsage, "--recipe", micro, "--run", at("never"), "--fresh-head"), "--fresh-head needs --init")
	has(t, pretrain(exitError, "--recipe", micro, "--run", at("never"), "--init", root), "--init", "config.json")
	has(t, pretrain(exitError, "--recipe", micro, "--run", at("never"), "--set", "init="+model, "--set", "encoder.width=32"), "another network", "hidden_size is 16, wanted 32")
	if err := os.RemoveAll(model); err != nil {
		t.Fatal(err)
	}
	_, msg := call(t, exitDone, "pretrain", "--data", store, "--run", at("third"), "--resume", "last", "--resume-force", "--set", "train.max_updates=4")
	has(t, msg, "continuing from")
}

func TestResumeByName(t *testing.T) {
	store := newStore(t)
	root := filepath.Join(filepath.Dir(store), "runs")
	args := []string{"pretrain", "--recipe", micro, "--data", store, "--runs", root, "--name", "job", "--resume", "auto"}
	call(t, exitDone, args...)
	_, msg := call(t, exitDone, args...)
	has(t, msg, "continuing from")
	if runs, err := os.ReadDir(root); err != nil || len(runs) != 1 || !strings.HasSuffix(runs[0].Name(), "-job") {
		t.Errorf("runs %v, %v: want one called job", runs, err)
	}
}

// A diverging run must leave with its own exit code.
func TestDiverged(t *testing.T) {
	store := newStore(t)
	dir := filepath.Join(filepath.Dir(store), "run")
	_, msg := call(t, exitDiverged, "pretrain", "--recipe", micro, "--data", store, "--run", dir, "--set", "train.schedule={peak: 1e30, warmup: 0}",
		"--set", "train.optimizer.weight_decay=1e10", "--set", "train.max_updates=100", "--set", "train.max_skipped=3", "--set", "train.valid_every=0")
	has(t, msg, "diverged")
	out, _ := call(t, exitDone, "runs", filepath.Dir(dir))
	has(t, out, "failed", "diverged")
}

func TestQuickstart(t *testing.T) {
	if testing.Short() {
		t.Skip("makes half an hour of speech")
	}
	dir := filepath.Join(t.TempDir(), "try")
	out, msg := call(t, exitDone, "quickstart", "--dir", dir, "--minutes", "0.02")
	has(t, out, "artificial", "guessing gives 1.0 %", "aural data import FOLDER")
	has(t, msg, "held out")
	if _, err := os.Stat(filepath.Join(dir, "store")); err == nil {
		t.Error("the store was kept")
	}
	figures, err := filepath.Glob(filepath.Join(dir, "runs", "*-quickstart", "plots", "overview.png"))
	if err != nil || len(figures) != 1 {
		t.Errorf("figures %v, %v", figures, err)
	}
}

// What the machine cannot compute is refused, with what to do, and nothing is computed in another precision instead.
func TestPrecisionOfRecipe(t *testing.T) {
	args := []string{"bench", "step", "--recipe", micro, "--batches", "1", "--threads", "1", "--set", "precision=bf16"}
	if slices.Contains(cpu.Precisions(), kernels.PrecisionBF16) {
		out, _ := call(t, exitDone, args...)
		has(t, out, "cpu/amx/bf16")
	} else {
		_, msg := call(t, exitUsage, args...)
		has(t, msg, `precision "bf16" needs variant "amx"`, "--set precision=float32")
	}
	_, msg := call(t, exitUsage, append(args, "--kernels", "portable")...)
	has(t, msg, `--kernels: cpu: precision "bf16" needs variant "amx"`)
}

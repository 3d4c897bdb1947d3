package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aural/audio"
	"aural/internal/synth"
)

// transcribedStore imports a small corpus with transcripts.
func transcribedStore(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for u := range synth.Corpus(synth.Options{Seed: 3, Utterances: 24, Speakers: 4, MinSeconds: 1.1, MaxSeconds: 1.4}) {
		write(t, filepath.Join(dir, "corpus", u.Speaker, u.ID+".wav"), audio.AppendWAV16(nil, synth.Rate, u.Samples))
		write(t, filepath.Join(dir, "corpus", u.Speaker, u.ID+".txt"), []byte(u.Transcript))
	}
	store := filepath.Join(dir, "store")
	call(t, exitDone, "data", "import", filepath.Join(dir, "corpus"), "--out", store)
	return store
}

// microTune is the recipe of the tests.
const microTune = "testdata/microtune.yaml"

// A pretrained model is fine-tuned in all modes, stopped, continued, and refused where it does not fit.
func TestFinetune(t *testing.T) {
	store := transcribedStore(t)
	root := filepath.Join(filepath.Dir(store), "runs")
	base := filepath.Join(root, "base")
	call(t, exitDone, "pretrain", "--recipe", micro, "--data", store, "--run", base)
	last := filepath.Join(base, "last")

	out, _ := call(t, exitDone, "finetune", "--recipe", microTune, "--data", store, "--init", last, "--run", filepath.Join(root, "dry"), "--dry-run")
	has(t, out, "parameters", "held out by utterances", "frames)")

	for _, mode := range []string{"full", "frozen", "scratch"} {
		dir := filepath.Join(root, mode)
		out, msg := call(t, exitDone, "finetune", "--recipe", microTune, "--data", store, "--init", last, "--mode", mode, "--run", dir)
		has(t, msg, "update 1/6", "held out, update 3: word errors", "held out, update 6: word errors")
		has(t, out, "6 updates", "checkpoint-6")
		for name, part := range map[string]string{
			"config.yaml": "mode: " + mode, "snapshots.jsonl": `"transcripts"`, "metrics.jsonl": "ctc_loss", "last/vocab.json": `"<pad>": 0`, "last/config.json": "Wav2Vec2ForCTC",
			"last/tokenizer_config.json": "Wav2Vec2CTCTokenizer", "last/model.safetensors": "lm_head.weight",
		} {
			has(t, read(t, dir, name), part)
		}
	}
	full := filepath.Join(root, "full")
	has(t, read(t, full, "config.yaml"), "width: 16", "init: "+strings.ReplaceAll(last, `\`, `\\`))
	has(t, read(t, full, "snapshots.jsonl"), `"alignment"`)

	// It goes on from its own checkpoint, with the recipe, the vocabulary and the architecture of the run.
	_, msg := call(t, exitError, "finetune", "--data", store, "--run", full, "--resume", "auto", "--set", "train.max_updates=8")
	has(t, msg, "was begun with another recipe", "train.max_updates: 6 -> 8")
	_, msg = call(t, exitDone, "finetune", "--data", store, "--run", full, "--resume", "last", "--resume-force", "--set", "train.max_updates=8")
	has(t, msg, "continuing from", "held out, update 8")

	// Validation with a language model; one that is not there is found before anything is written.
	text, model := filepath.Join(root, "text"), filepath.Join(root, "1.arpa")
	write(t, text, []byte("A B C\nB C A\n"))
	call(t, exitDone, "lm", "train", text, "--out", model, "--order", "1")
	with := filepath.Join(root, "with-lm")
	_, msg = call(t, exitError, "finetune", "--recipe", microTune, "--data", store, "--init", last, "--run", with, "--set", "decode.lm="+model+".gz")
	has(t, msg, "decode.lm: language model: open", "1.arpa.gz")
	if _, err := os.Stat(with); err == nil {
		t.Error("a run was begun without its language model")
	}
	_, msg = call(t, exitDone, "finetune", "--recipe", microTune, "--data", store, "--init", last, "--run", with, "--set", "decode.lm="+model, "--set", "decode.beam=5")
	has(t, msg, "held out, update 6: word errors", "with LM ")
	has(t, read(t, with, "metrics.jsonl"), "wer_lm")

	_, msg = call(t, exitUsage, "finetune", "--recipe", microTune, "--data", store)
	has(t, msg, "mode full needs --init")
	_, msg = call(t, exitError, "finetune", "--recipe", microTune, "--data", store, "--init", root)
	has(t, msg, "--init", "config.json")
	_, msg = call(t, exitUsage, "finetune", "--recipe", microTune, "--data", store, "--mode", "half")
	has(t, msg, `mode: "half" is not full, frozen or scratch`)
	_, msg = call(t, exitError, "finetune", "--recipe", microTune, "--data", store, "--init", last, "--set", "subset.seconds=1e6")
	has(t, msg, "subset of 1e+06 seconds", "change subset.seconds")
	_, msg = call(t, exitError, "finetune", "--recipe", microTune, "--data", newStore(t), "--init", last)
	has(t, msg, "no transcripts to train on")

	out, _ = call(t, exitDone, "recipes", "ft-tiny")
	has(t, out, "freeze:\n  updates: 200")
	out, _ = call(t, exitDone, "recipes", "ft-10h", "--resolved")
	has(t, out, "kind: tri-stage", "vocabulary: characters")
}

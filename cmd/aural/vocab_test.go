package main

import (
	"path/filepath"
	"strings"
	"testing"

	"aural/vocab"
)

func TestVocab(t *testing.T) {
	store := transcribedStore(t)
	dir := filepath.Dir(store)
	model, text := filepath.Join(dir, "words.model"), filepath.Join(dir, "text")
	out, msg := call(t, exitDone, "vocab", "train", "--data", store, "--size", "45", "--case", "upper", "--out", model)
	has(t, out, "words.model: 46 labels, the blank and 42 pieces among them")
	if msg != "" {
		t.Errorf("says %q", msg)
	}
	v, err := vocab.Load(model)
	if err != nil || v.Len() != 46 || strings.ToUpper(v.Token(4)) != v.Token(4) {
		t.Fatalf("%v, %v", v, err)
	}
	write(t, text, []byte("the cat's the\nthe cat\n"))
	out, msg = call(t, exitDone, "vocab", "train", text, "--drop", "'", "--out", model)
	has(t, out, "17 labels, the blank and 13 pieces")
	has(t, msg, "16 pieces instead of 500; more text gives more")

	root := filepath.Join(dir, "runs")
	base := filepath.Join(root, "base")
	call(t, exitDone, "pretrain", "--recipe", micro, "--data", store, "--run", base)
	call(t, exitDone, "vocab", "train", "--data", store, "--size", "45", "--out", model)
	out, _ = call(t, exitDone, "finetune", "--recipe", microTune, "--data", store, "--init", filepath.Join(base, "last"), "--run", filepath.Join(root, "pieces"),
		"--set", "labels.vocabulary="+model)
	has(t, out, "6 updates")
	has(t, read(t, root, "pieces/last/vocab.json"), "\u2581")
	if read(t, root, "pieces/last/sentencepiece.model") != read(t, dir, "words.model") {
		t.Error("the model folder has another SentencePiece model")
	}
	_, msg = call(t, exitDone, "finetune", "--data", store, "--run", filepath.Join(root, "pieces"), "--resume", "last", "--resume-force", "--set", "train.max_updates=7")
	has(t, msg, "continuing from")

	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"vocab train --out x.model", exitUsage, "want either texts or --data STORE"},
		{"vocab train TEXT --data STORE --out x.model", exitUsage, "want either texts or --data STORE"},
		{"vocab train TEXT", exitUsage, `"out" not set`},
		{"vocab train TEXT --out x", exitUsage, "must end in .model"},
		{"vocab train TEXT --case none --out x.model", exitUsage, `"none" is not as-is, lower or upper`},
		{"vocab train TEXT --size 5 --out x.model", exitError, "5 pieces are too few"},
		{"vocab train nowhere --out x.model", exitError, "nowhere"},
		{"vocab train --data nowhere --out x.model", exitError, "nowhere"},
		{"vocab train TEXT --out nowhere/x.model", exitError, "nowhere"},
	} {
		args := strings.Fields(strings.NewReplacer("TEXT", text, "STORE", store).Replace(c.args))
		for i, arg := range args {
			if strings.HasPrefix(arg, "x") || strings.HasPrefix(arg, "nowhere") {
				args[i] = filepath.Join(dir, "none", arg)
			}
		}
		_, msg := call(t, c.code, args...)
		has(t, msg, c.want)
	}
}

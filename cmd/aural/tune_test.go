package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"aural/audio"
	"aural/internal/synth"
)

// smallStore imports a few recordings with transcripts in the tokens of ctcModel.
func smallStore(t *testing.T, texts ...string) string {
	t.Helper()
	dir := t.TempDir()
	i := 0
	for u := range synth.Corpus(synth.Options{Seed: 5, Utterances: len(texts), Speakers: 1, MinSeconds: 1.1, MaxSeconds: 1.6}) {
		write(t, filepath.Join(dir, "corpus", u.ID+".wav"), audio.AppendWAV16(nil, synth.Rate, u.Samples))
		write(t, filepath.Join(dir, "corpus", u.ID+".txt"), []byte(texts[i]))
		i++
	}
	store := filepath.Join(dir, "store")
	call(t, exitDone, "data", "import", filepath.Join(dir, "corpus"), "--out", store)
	return store
}

func TestTuneLM(t *testing.T) {
	texts := []string{"AT TO", "NO AT NO", "", "TO", "NO"}
	store := smallStore(t, texts...)
	dir := t.TempDir()
	text, model := filepath.Join(dir, "text"), filepath.Join(dir, "my model.arpa")
	write(t, text, []byte("AT TO AT\nNO TO\nAT AT TO\n"))
	call(t, exitDone, "lm", "train", text, "--out", model, "--order", "2")
	out, figure := filepath.Join(dir, "trials.json"), filepath.Join(dir, "trials.svg")
	decoder := []string{"--decoder", "prefix", "--lm", model, "--lexicon", "lm", "--beam", "8"}
	args := append([]string{"tune-lm", "--model", ctcModel, "--data", store, "--alphas", "0,2", "--betas=-1,5", "--steps", "2", "--rounds", "1", "--out", out}, decoder...)
	stdout, msg := call(t, exitDone, append(args, "--figure", figure, "--json")...)
	has(t, msg, "note: 1 row without transcript left out", "7 trials of ")
	var r tuned
	if err := json.Unmarshal([]byte(stdout), &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Trials) != 7 || r.Words != 7 || r.Utterances != 4 || r.Version != 1 {
		t.Fatalf("%+v", r)
	}
	has(t, read(t, figure), "beta", "Word error rate of each trial")

	// Every trial is what transcribe and eval give, and the best is the first of the lowest.
	ref, hyp := filepath.Join(dir, "ref.trn"), filepath.Join(dir, "hyp.trn")
	rate := func(flags ...string) float64 {
		got, _ := call(t, exitDone, append([]string{"transcribe", "--data", store, "--model", ctcModel, "--format", "trn"}, flags...)...)
		write(t, hyp, []byte(got))
		var b strings.Builder // the references, with the IDs of the store
		for i, line := range strings.Split(strings.TrimSpace(got), "\n") {
			if texts[i] != "" {
				b.WriteString(texts[i] + " " + line[strings.LastIndex(line, "("):] + "\n")
			}
		}
		write(t, ref, []byte(b.String()))
		got, _ = call(t, exitDone, "eval", ref, hyp, "--json", "--bootstrap", "0", "--missing", "ignore")
		var e struct{ Rate float64 }
		if err := json.Unmarshal([]byte(got), &e); err != nil {
			t.Fatal(err)
		}
		return e.Rate
	}
	best, values := r.Trials[0], map[float64]bool{}
	for _, trial := range r.Trials {
		if got := rate(append(decoder, "--alpha", exactly(trial.Alpha), "--beta", exactly(trial.Beta))...); got != trial.Value {
			t.Errorf("alpha %v, beta %v: rate %v, transcribe and eval give %v", trial.Alpha, trial.Beta, trial.Value, got)
		}
		values[trial.Value] = true
		if trial.Value < best.Value {
			best = trial
		}
	}
	if best != r.Best || len(values) < 2 || rate() != r.Greedy {
		t.Errorf("best %+v of %v, greedy %v; want %+v, %v", r.Best, values, r.Greedy, best, rate())
	}

	// It goes on from its files: with all trials known the model is not run again, and the result is the same.
	stdout, msg = call(t, exitDone, args...)
	has(t, stdout, "trial   alpha", "best", "4 utterances with 7 words", "without language model "+percent2(r.Greedy),
		"--decoder prefix --lm '"+model+"' --lexicon lm --beam 8 --alpha "+exactly(best.Alpha)+" --beta "+exactly(best.Beta)+"\n")
	if strings.Contains(msg, "running the model") || strings.Contains(msg, "trials of") {
		t.Errorf("works again: %s", msg)
	}
	again, _ := call(t, exitDone, append(args, "--json", "--rounds", "1")...)
	if err := json.Unmarshal([]byte(again), &r); err != nil || r.Best != best || len(r.Trials) != 7 {
		t.Errorf("resumed: %+v, %v", r, err)
	}
	_, msg = call(t, exitError, append(args, "--beam", "9")...)
	has(t, msg, "trials.json are of search", "beam 8", "remove the file or name another")
	write(t, filepath.Join(dir, "trials.emissions"), []byte("{}"))
	_, msg = call(t, exitError, args...)
	has(t, msg, "trials.emissions", "remove it")

	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"--lm LM --alpha 2", exitUsage, "--alpha is not for tune-lm"},
		{"--lm LM --nbest 2", exitUsage, "--nbest is not for tune-lm"},
		{"--lm LM --decoder greedy", exitUsage, "--decoder greedy"},
		{"--lm LM --alphas 2", exitUsage, `--alphas: "2" is no range`},
		{"--lm LM --betas 2,", exitUsage, "want LOW,HIGH"},
		{"--lm LM --steps 1", exitUsage, "--steps is 1"},
		{"--lm LM --out trials", exitUsage, "must end in .json"},
		{"--lm LM --figure a.gif", exitUsage, "must end in one of .svg"},
		{"--lm LM --normalise loud", exitUsage, "--normalise"},
		{"--lm LM --seconds -1", exitUsage, "--seconds is -1"},
		{"--lm LM --split dev", exitError, `has no rows of split "dev" with a transcript`},
		{"--lm nowhere", exitError, "--lm: open nowhere"},
		{"", exitUsage, `required flag(s) "lm" not set`},
	} {
		bad := append([]string{"tune-lm", "--model", ctcModel, "--data", store}, strings.Fields(c.args)...)
		for i := range bad {
			if bad[i] == "LM" {
				bad[i] = model
			}
		}
		_, msg := call(t, c.code, bad...)
		has(t, msg, c.want)
	}
}

// The words of a command come back from a shell as they were.
func TestQuoteShell(t *testing.T) {
	for in, want := range map[string]string{"a.arpa": "a.arpa", "": "''", "my model": "'my model'", "it's": `'it'\''s'`, "$x": "'$x'", "-1e-05": "-1e-05"} {
		if got := quoteShell(in); got != want {
			t.Errorf("%q becomes %s, want %s", in, got, want)
		}
	}
}

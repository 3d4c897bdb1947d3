package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"aural/audio"
	"aural/internal/synth"
)

// labelledStore imports a corpus of two different transcripts, and writes an alignment of its halves: what is said in a half is the word of the transcript and the half.
func labelledStore(t *testing.T) (store, ctm string) {
	t.Helper()
	dir := t.TempDir()
	var lines strings.Builder
	i := 0
	for x := range synth.Corpus(synth.Options{Seed: 3, Utterances: 24, Speakers: 4, MinSeconds: 1.1, MaxSeconds: 1.4}) {
		word := []string{"one", "two"}[i/4%2]
		i++
		write(t, filepath.Join(dir, "corpus", x.Speaker, x.ID+".wav"), audio.AppendWAV16(nil, synth.Rate, x.Samples))
		write(t, filepath.Join(dir, "corpus", x.Speaker, x.ID+".txt"), []byte(word))
		fmt.Fprintf(&lines, "%s/%s 1 0 0.5 %s-a\n%s/%s 1 0.5 0.4 %s-b\n", x.Speaker, x.ID, word, x.Speaker, x.ID, word)
	}
	store, ctm = filepath.Join(dir, "store"), filepath.Join(dir, "halves.ctm")
	write(t, ctm, []byte(lines.String()))
	call(t, exitDone, "data", "import", filepath.Join(dir, "corpus"), "--out", store)
	return store, ctm
}

func TestProbe(t *testing.T) {
	store, ctm := labelledStore(t)
	figure := filepath.Join(filepath.Dir(store), "layers.svg")
	probed := func(args ...string) probeReport {
		t.Helper()
		out, _ := call(t, exitDone, append([]string{"probe", "--data", store, "--model", pretrainedModel, "--json", "--bootstrap", "50"}, args...)...)
		var r probeReport
		if err := json.Unmarshal([]byte(out), &r); err != nil {
			t.Fatalf("%v in %s", err, out)
		}
		return r
	}
	r := probed("--figure", figure, "--layers", "all,conv", "--hold-out", "0.5")
	if r.Version != 1 || r.Task != "speaker" || r.Metric != "accuracy" || len(r.Classes) != 4 || r.Utterances != 24 || len(r.Layers) != 4 || r.Layers[3].Layer != "conv" {
		t.Fatalf("%+v", r)
	}
	for _, l := range r.Layers {
		if l.SplitBy != "recording" || l.Trained != 12 || l.Held != 12 || l.Chance != 0.75 || l.Error.Resamples != 50 || l.Classes != 4 {
			t.Errorf("layer %s: %+v", l.Layer, l)
		}
	}
	has(t, read(t, figure), "Speakers by a linear probe", "layer (-1: convolutional features)", "chance")
	if again := probed("--layers", "all,conv", "--hold-out", "0.5", "--threads", "1"); fmt.Sprint(again) != fmt.Sprint(r) {
		t.Errorf("again\n%+v, before\n%+v", again, r)
	}

	out, _ := call(t, exitDone, "probe", "--data", store, "--model", pretrainedModel, "--task", "label", "--layers", "1,2", "--l2", "0.1")
	has(t, out, "layer  accuracy", "95 % interval", "0.1", "label: 24 utterances, 2 classes; held out by speaker, intervals over", "best layer")

	r = probed("--task", "frames", "--alignment", ctm, "--layers", "0", "--frames", "300")
	if l := r.Layers[0]; len(r.Classes) != 4 || l.SplitBy != "speaker" || l.Trained+l.Held > 300 || l.Trained+l.Held < 150 {
		t.Errorf("%+v", r)
	}
	r = probed("--task", "characters", "--layers", "0")
	if l := r.Layers[0]; r.Metric != "CER" || l.Chance != 1 || l.Classes < 8 || l.Trained == 0 || l.Iterations == 0 {
		t.Errorf("%+v", r)
	}
	if r = probed("--seconds", "12", "--layers", "0"); r.Utterances > 12 || r.Utterances < 8 || len(r.Classes) != 4 {
		t.Errorf("12 s of the store: %+v", r)
	}
}

func TestProbeRefuses(t *testing.T) {
	store, ctm := labelledStore(t)
	sentences := transcribedStore(t)
	for _, c := range []struct {
		code int
		args []string
		want string
	}{
		{exitUsage, []string{"--task", "mood"}, `--task is "mood"`},
		{exitUsage, []string{"--task", "frames"}, "go together"},
		{exitUsage, []string{"--alignment", ctm}, "go together"},
		{exitUsage, []string{"--l2", "none"}, "positive number or auto"},
		{exitUsage, []string{"--hold-out", "1"}, "a share between 0 and 1"},
		{exitUsage, []string{"--split-by", "month"}, "--split-by"},
		{exitUsage, []string{"--layers", "9"}, "no layer of a model"},
		{exitUsage, []string{"--bootstrap", "0"}, "--bootstrap is 0"},
		{exitError, []string{"--split", "moon"}, `no rows of split "moon"`},
		{exitError, []string{"--task", "frames", "--alignment", filepath.Join(store, "aural.json")}, "CTM line 1"},
		{exitError, []string{"--task", "label", "--data", sentences}, "sentences and no labels"},
		{exitError, []string{"--data", newStore(t), "--task", "characters"}, "no transcripts to read"},
	} {
		_, msg := call(t, c.code, append([]string{"probe", "--data", store, "--model", pretrainedModel}, c.args...)...)
		has(t, msg, c.want)
	}
}

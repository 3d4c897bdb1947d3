package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aural/audio"
	"aural/infer"
	"aural/kernels/ref"
	"aural/probe"
)

// pretrainedModel is a small model of transformers with a quantizer and random weights.
var pretrainedModel = filepath.Join("..", "..", "hf", "testdata", "large-pretraining")

// array reads a file of NumPy: its header and its data.
func array[T int32 | float32](t *testing.T, path, shape string) []T {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	n := 10 + int(binary.LittleEndian.Uint16(raw[8:]))
	if !strings.HasPrefix(string(raw), "\x93NUMPY\x01\x00") || n%64 != 0 || !strings.Contains(string(raw[:n]), "'shape': "+shape+",") {
		t.Fatalf("%s begins with %q; want shape %s", path, raw[:n], shape)
	}
	data := make([]T, (len(raw)-n)/4)
	if err := binary.Read(bytes.NewReader(raw[n:]), binary.LittleEndian, data); err != nil {
		t.Fatal(err)
	}
	return data
}

// near compares what two back ends or batches gave.
func near(t *testing.T, what string, got, want []float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d numbers, want %d", what, len(got), len(want))
	}
	for i := range got {
		if d := math.Abs(float64(got[i] - want[i])); !(d <= 2e-4) {
			t.Fatalf("%s: number %d is %v, want %v", what, i, got[i], want[i])
		}
	}
}

func TestFeatures(t *testing.T) {
	dir := t.TempDir()
	corpus, out := filepath.Join(dir, "corpus"), filepath.Join(dir, "out")
	writeCorpus(t, corpus)
	for _, speaker := range []string{"synth01", "synth02", "synth03"} {
		if err := os.RemoveAll(filepath.Join(corpus, speaker)); err != nil {
			t.Fatal(err)
		}
	}
	store := filepath.Join(dir, "store")
	call(t, exitDone, "data", "import", corpus, "--out", store)
	var ids []string
	files, err := filepath.Glob(filepath.Join(corpus, "synth00", "*.wav"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		ids = append(ids, "synth00/"+strings.TrimSuffix(filepath.Base(f), ".wav"))
	}

	// What the model gives for the first recording.
	m, err := infer.Open(pretrainedModel, infer.Options{Backend: ref.New()})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	clip, err := audio.DecodeFile(files[0], audio.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	x, err := clip.Mono(audio.Average())
	if err != nil {
		t.Fatal(err)
	}
	states, err := m.Hidden(context.Background(), x, []int{0, 2, infer.Conv})
	if err != nil {
		t.Fatal(err)
	}
	codes, err := m.CodesBatch(context.Background(), [][]float32{x})
	if err != nil {
		t.Fatal(err)
	}
	frames, width, channels := states[0].Rows, states[0].Cols, states[2].Cols

	args := []string{"features", corpus, "--model", pretrainedModel, "--layers", "conv,2,0", "--codes", "--out", out}
	_, msg := call(t, exitDone, args...)
	has(t, msg, fmt.Sprintf("%d recordings", len(ids)), "0 already there")
	first := filepath.Join(out, filepath.FromSlash(ids[0]))
	both := array[float32](t, first+".npy", fmt.Sprintf("(2, %d, %d)", frames, width))
	near(t, "layers", both, slices.Concat(states[0].Data, states[1].Data))
	near(t, "conv", array[float32](t, first+".conv.npy", fmt.Sprintf("(%d, %d)", frames, channels)), states[2].Data)
	if got := array[int32](t, first+".codes.npy", fmt.Sprintf("(%d, %d)", frames, codes[0].Groups)); !slices.Equal(got, codes[0].Data) {
		t.Errorf("codes %v, want %v", got, codes[0].Data)
	}

	// Again: what is there stays, what is missing comes back the same; other settings are refused.
	before, err := os.ReadFile(first + ".npy")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(first + ".npy"); err != nil {
		t.Fatal(err)
	}
	_, msg = call(t, exitDone, args...)
	has(t, msg, "1 recording,", fmt.Sprintf("%d already there", len(ids)-1))
	if after, err := os.ReadFile(first + ".npy"); err != nil || !bytes.Equal(after, before) {
		t.Errorf("made again, %s differs: %v", first, err)
	}
	_, msg = call(t, exitError, append(slices.Clone(args), "--layers", "1")...)
	has(t, msg, "layers was [0 2 conv] and is now [1]")
	_, msg = call(t, exitError, "features", corpus, "--model", ctcModel, "--layers", "conv,2,0", "--out", out)
	has(t, msg, "model was", "codes was true and is now false")
	_, msg = call(t, exitError, "features", corpus, "--model", ctcModel, "--out", store)
	has(t, msg, "is not empty")

	// Means of one layer.
	means := filepath.Join(dir, "means")
	call(t, exitDone, "features", files[0], "--model", pretrainedModel, "--layers", "last", "--mean", "--out", means)
	mean := make([]float32, width)
	probe.Mean(mean, states[1].Data)
	near(t, "mean", array[float32](t, filepath.Join(means, filepath.Base(ids[0])+".npy"), fmt.Sprintf("(%d,)", width)), mean)

	// Arrow: shards of two, of a store; the numbers lie in the file as they are.
	tables := filepath.Join(dir, "tables")
	args = []string{"features", "--data", store, "--model", pretrainedModel, "--layers", "0", "--codes", "--format", "arrow", "--shard", "2", "--out", tables}
	call(t, exitDone, args...)
	shards, _ := filepath.Glob(filepath.Join(tables, "*.arrow"))
	if len(shards) != (len(ids)+1)/2 {
		t.Fatalf("%d shards of %d recordings", len(shards), len(ids))
	}
	raw := read(t, shards[0])
	integers := new(bytes.Buffer)
	binary.Write(integers, binary.LittleEndian, codes[0].Data)
	if !strings.HasPrefix(raw, "ARROW1") || !strings.Contains(raw, integers.String()) {
		t.Error("the codes are not in the first shard")
	}
	if err := os.Remove(shards[1]); err != nil {
		t.Fatal(err)
	}
	_, msg = call(t, exitDone, args...)
	has(t, msg, fmt.Sprintf("%d already there", len(ids)-2))
	var s featureSettings
	if err := json.Unmarshal([]byte(read(t, tables, settingsFile)), &s); err != nil || s.Version != 1 || s.Shard != 2 || s.Source == "" || len(s.Model) != 64 || s.Frame <= 0 {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestFeaturesRefuses(t *testing.T) {
	dir := t.TempDir()
	good := filepath.Join(dir, "good.wav")
	write(t, good, audio.AppendWAV16(nil, 16000, make([]int16, 8000)))
	write(t, filepath.Join(dir, "short.wav"), audio.AppendWAV16(nil, 16000, make([]int16, 3)))
	write(t, filepath.Join(dir, "bad.wav"), []byte("no audio"))
	for _, c := range []struct {
		code int
		args []string
		want string
	}{
		{exitUsage, []string{good, "--format", "csv"}, "want npy or arrow"},
		{exitUsage, []string{good, "--layers", "7"}, `"7" is no layer of a model with`},
		{exitUsage, []string{good, "--layers", "none"}, "writes nothing"},
		{exitUsage, []string{good, "--shard", "0"}, "--shard is 0"},
		{exitUsage, nil, "name at least one FILE"},
		{exitError, []string{good, "--model", ctcModel, "--codes"}, "has no quantizer"},
		{exitRejects, []string{good, filepath.Join(dir, "short.wav"), filepath.Join(dir, "bad.wav"), filepath.Join(dir, "missing.wav")}, "3 of 4 recordings could not be read"},
		{exitError, []string{filepath.Join(dir, "bad.wav"), "--out", filepath.Join(dir, "none")}, "none of 1 recording could be read"},
	} {
		args := append([]string{"features", "--model", pretrainedModel, "--out", filepath.Join(dir, "out")}, c.args...)
		_, msg := call(t, c.code, args...)
		has(t, msg, c.want)
	}
}

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"aural/exec"
	"aural/internal/cudafake"
	"aural/kernels"
	"aural/kernels/cuda/driver"
	"aural/pretrain"
	"aural/train"
)

// linear is a task whose activations take so many bytes for each sample of a batch.
type linear struct {
	trained
	bytes int
	plans int
}

func (l *linear) PlanFor(_ kernels.Backend, d train.DataConfig) (train.Footprint, error) {
	l.plans++
	rows := d.BatchSamples / d.MaxSamples
	return train.Footprint{WeightBytes: 1e9, ArenaBytes: l.bytes * rows * d.MaxSamples, Peak: []exec.Share{{Op: "gelu", Tensors: 7, Bytes: 2e9}}}, nil
}

// The way out is the largest batch that fits, found in few plans.
func TestWayOut(t *testing.T) {
	r := pretrain.Default()
	for _, c := range []struct {
		has  int64
		want string
	}{
		{40e9, "--set data.batch_samples=700000 fits, and --set train.accumulate=2 keeps the audio of an update"},
		{20e9, "--set data.batch_samples=466666 fits, and --set train.accumulate=3 keeps the audio of an update"},
		{4e9, "--set data.batch_samples=66000 --set data.max_samples=66000 fits"},
		{1e9, "choose a smaller recipe"},
	} {
		l := &linear{bytes: 43000}
		s := &session{trained: l, data: r.Data, loop: train.Config{Accumulate: 1}}
		got := s.wayOut(c.has)
		if !strings.HasPrefix(got, c.want) || l.plans > 14 {
			t.Errorf("%d bytes: %q after %d plans, want %q", c.has, got, l.plans, c.want)
		}
		f, err := l.PlanFor(nil, r.Data)
		if err != nil {
			t.Fatal(err)
		}
		if text := planText(f); !strings.Contains(text, "weights and optimiser 1 GB, activations 53.8 GB, most by gelu 2 GB in 7 tensors)") {
			t.Errorf("%q", text)
		}
	}
}

func TestCheckWeights(t *testing.T) {
	for _, c := range []struct {
		accumulate int
		has        available
		fits       bool
	}{{1, available{}, true}, {1, available{2e9, "x", true}, true}, {2, available{1.8e9, "x", true}, false}, {1, available{1.6e9, "x", true}, false}} {
		err := checkWeights(c.accumulate, 100e6, c.has)
		if (err == nil) != c.fits || err != nil && !strings.Contains(err.Error(), "the weights and optimiser alone need") {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// fakeGPU puts a driver that computes nothing in the place of a GPU.
func fakeGPU(t *testing.T, o cudafake.Options) *cudafake.Driver {
	t.Helper()
	fake := cudafake.New(o)
	old := findGPU
	t.Cleanup(func() { findGPU = old })
	findGPU = func() (driver.API, driver.Compiler, error) { return fake, anyImage{}, nil }
	return fake
}

type anyImage struct{}

func (anyImage) Name() string { return "none" }
func (anyImage) Compile(string, []string, driver.Info) ([]byte, string, error) {
	return []byte("image"), "", nil
}

// What does not fit on a GPU is refused before it is allocated, with the plan and batches that do fit.
func TestOutOfMemoryBefore(t *testing.T) {
	store := newStore(t)
	dir := filepath.Join(filepath.Dir(store), "run")
	args := []string{"pretrain", "--recipe", micro, "--data", store, "--run", dir, "--device", "cuda", "--dry-run", "--set", "data.batch_samples=320000"}
	fake := fakeGPU(t, cudafake.Options{Memory: 72 << 20})
	_, msg := call(t, exitError, args...)
	has(t, msg, "the run needs ", "weights and optimiser", "most by ", " tensors", "free on fake")
	for _, c := range fake.Recording.Commands {
		if c.Kind == cudafake.Launch {
			t.Fatal("something ran")
		}
	}
	sets := regexp.MustCompile(`--set data.batch_samples=(\d+) fits, and --set train.accumulate=(\d+)`).FindStringSubmatch(msg)
	if sets == nil {
		t.Fatalf("no way out in %q", msg)
	}
	out, _ := call(t, exitDone, append(args, "--set", "data.batch_samples="+sets[1], "--set", "train.accumulate="+sets[2])...)
	has(t, out, "machine", "fake")
	if _, err := os.Stat(dir); err == nil {
		t.Error("a run that does not fit made a directory")
	}
}

// A device that runs out of memory in the middle of a run ends it with the plan and a way on; the last update is in a checkpoint, from which the run goes on.
func TestOutOfMemoryWithin(t *testing.T) {
	store := newStore(t)
	dir := filepath.Join(filepath.Dir(store), "run")
	args := []string{"pretrain", "--recipe", micro, "--data", store, "--run", dir, "--device", "cuda", "--set", "valid.seconds=0", "--set", "train.save_every=100", "--set", "train.valid_every=100"}
	args = append(args, "--set", "train.max_updates=4")
	// The second run of a program makes graphs, which take memory of the device that no plan knows.
	fakeGPU(t, cudafake.Options{FailAt: map[string]cudafake.Failure{"EndCapture": {Call: 2, Code: driver.OutOfMemory}}})
	_, msg := call(t, exitError, args...)
	has(t, msg, "CUDA_ERROR_OUT_OF_MEMORY", "the run needs ", "activations", "continue with --resume auto --resume-force; --set data.batch_samples=")
	saved, err := filepath.Glob(filepath.Join(dir, "checkpoint-*"))
	if err != nil || len(saved) != 1 {
		t.Fatalf("checkpoints %q, %v\n%s", saved, err, msg)
	}
	has(t, read(t, dir, "state.json"), "OUT_OF_MEMORY", "failed")
	fakeGPU(t, cudafake.Options{})
	_, msg = call(t, exitDone, append(args, "--resume", "auto", "--resume-force", "--set", "data.batch_samples=24000")...)
	has(t, msg, "continuing from "+saved[0])
	if last, err := filepath.Glob(filepath.Join(dir, "checkpoint-4")); err != nil || len(last) != 1 {
		t.Errorf("the run does not end with checkpoint-4: %v", err)
	}
}

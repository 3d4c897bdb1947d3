package pretrain

import (
	"context"
	"encoding/binary"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"aural/internal/cudafake"
	"aural/kernels"
	"aural/kernels/cpu"
	"aural/kernels/cuda"
	"aural/kernels/cuda/driver"
	"aural/runlog"
	"aural/train"
)

// watched is the fake with a list of its allocations, from which touches finds what a launch may read or write: every allocation that one of its arguments
// points into.
type watched struct {
	*cudafake.Driver
	memory map[driver.Ptr]int
}

type watchedContext struct {
	driver.Context
	memory map[driver.Ptr]int
}

func newWatched() *watched {
	w := &watched{memory: map[driver.Ptr]int{}}
	w.Driver = cudafake.New(cudafake.Options{Touches: w.touches})
	return w
}

func (w *watched) Open(n int) (driver.Context, error) {
	c, err := w.Driver.Open(n)
	return watchedContext{c, w.memory}, err
}

func (c watchedContext) Alloc(n int) (driver.Ptr, error) {
	p, err := c.Context.Alloc(n)
	c.memory[p] = n
	return p, err
}

func (c watchedContext) Free(p driver.Ptr) error {
	delete(c.memory, p)
	return c.Context.Free(p)
}

func (w *watched) touches(_ string, args []byte) (reads, writes []cudafake.Span) {
	for i := 0; i+8 <= len(args); i += 8 {
		p := driver.Ptr(binary.LittleEndian.Uint64(args[i:]))
		for at, n := range w.memory {
			if s := (cudafake.Span{At: at, Bytes: n}); p >= at && p < at+driver.Ptr(n) && !slices.Contains(writes, s) {
				writes = append(writes, s)
			}
		}
	}
	return nil, writes
}

// twoMicros trains some updates of two micro-batches, and makes one checkpoint, the last.
func twoMicros(updates uint64) Recipe {
	r := quick()
	r.Data.BatchSamples /= 2
	c := &r.Train
	c.Accumulate, c.LogEvery, c.ValidEvery, c.SaveEvery, c.SaveMinutes, c.SnapshotEvery, c.MaxUpdates = 2, 1, 0, 0, 0, -1, updates
	c.Schedule = train.ScheduleConfig{Kind: train.Constant, Peak: 1e-3}
	return r
}

// trainedAlone runs a task in a new folder and returns the folder.
func trainedAlone(t *testing.T, p train.Task[*Work], be kernels.Backend, r Recipe) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "run")
	w, err := runlog.Create(dir, runlog.Meta{}, runlog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := train.Run(context.Background(), p, be, r.Train, w, train.Options{Seed: r.Seed}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(runlog.Finished, ""); err != nil {
		t.Fatal(err)
	}
	return dir
}

// From the decision about one update to that about the next the host waits once, for what the log needs; everything that comes in is copied beside the kernels, and
// the list of all commands has no two that touch the same memory without an order.
func TestOneWaitAnUpdate(t *testing.T) {
	fake := newWatched()
	be, err := cuda.New(fake, anyImage{}, cuda.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := twoMicros(8)
	p := taskOn(t, r, corpus(t), be)
	trainedAlone(t, p, be, r)
	commands := fake.Recording.Commands
	var decisions []int
	for i, c := range commands {
		if c.Kind == cudafake.Launch && c.Kernel == "clip_scale" {
			decisions = append(decisions, i)
		}
	}
	if len(decisions) != 8 {
		t.Fatalf("%d updates decided, want 8", len(decisions))
	}
	compute := commands[decisions[0]].Stream
	for u := 4; u < len(decisions); u++ { // programs are compiled and recorded before
		waits, blocks, results, graphs := 0, 0, 0, 0
		for _, c := range commands[decisions[u-1]:decisions[u]] {
			switch {
			case c.Kind == cudafake.Sync:
				waits++
			case c.Kind == cudafake.CopyToDevice && c.Stream != compute:
				blocks++
			case c.Kind == cudafake.CopyToHost:
				results++
			case c.Kind == cudafake.Graph:
				graphs++
			}
		}
		// Two blocks of inputs and the optimiser's settings; seven results of each micro-batch, and the verdict.
		if waits != 1 || blocks != 3 || results != 2*7+1 || graphs == 0 {
			t.Errorf("update %d: %d waits, %d blocks sent, %d results, %d graphs; want 1, 3, 15 and some", u, waits, blocks, results, graphs)
		}
	}
	for _, race := range fake.Recording.Races() {
		t.Error(race)
	}
	if err := p.Free(); err != nil {
		t.Error(err)
	}
	if err := be.Close(); err != nil {
		t.Error(err)
	}
}

// poisoned is a task whose second micro-batch of one update holds a sample that is no number.
type poisoned struct {
	*Task
	update uint64
}

func (p poisoned) Prepare(ctx context.Context, at train.Position, w *Work) (int, train.Position, error) {
	rows, next, err := p.Task.Prepare(ctx, at, w)
	if at.Update == p.update && at.Micro == 1 {
		if w.audio.PCM {
			w.audio.Affine[1] = float32(math.NaN())
		} else {
			w.audio.Numbers[7] = float32(math.NaN())
		}
	}
	return rows, next, err
}

// Updates of two micro-batches on CUDA are those of the CPU back end, in the log too, and both skip the update that has no loss: it changes nothing.
func TestMicroBatchesOnCUDA(t *testing.T) {
	store := corpus(t)
	host, err := cpu.New(cpu.Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	r := twoMicros(4)
	var weights [2][]float32
	var logs [2]map[string][]float64
	for i, be := range []kernels.Backend{host, onCUDA(t)} {
		p := taskOn(t, r, store, be)
		log, err := runlog.Open(trainedAlone(t, poisoned{p, 1}, be, r))
		if err != nil {
			t.Fatal(err)
		}
		for more := true; more; {
			if _, more, err = log.Poll(runlog.Budget{}); err != nil {
				t.Fatal(err)
			}
		}
		defer log.Close()
		logs[i] = map[string][]float64{}
		for _, name := range []string{"train/loss", "train/accuracy", "train/code_perplexity", "train/prob_perplexity", "train/gradient_norm", "train/skipped_steps"} {
			_, logs[i][name] = log.Series(name)
		}
		weights[i] = make([]float32, p.Weights().Value.Size())
		if err := be.Download(kernels.BytesOf(weights[i]), p.Weights().Value); err != nil {
			t.Fatal(err)
		}
	}
	sum := 0.0
	for i, w := range weights[0] {
		sum += math.Abs(float64(w - weights[1][i]))
	}
	if mean := sum / float64(len(weights[0])); !(mean <= 2e-6) {
		t.Errorf("weights differ by %v in the mean", mean)
	}
	if s := logs[1]["train/skipped_steps"]; len(s) != 4 || s[0] != 0 || s[3] != 1 {
		t.Errorf("skipped %v, want the second of 4 updates", s)
	}
	for name, want := range logs[0] {
		got := logs[1][name]
		if len(want) == 0 || len(got) != len(want) {
			t.Errorf("%s has %d values, on the CPU %d", name, len(got), len(want))
			continue
		}
		for i := range want {
			if !(math.Abs(got[i]-want[i]) <= 1e-3*math.Abs(want[i])+1e-9) {
				t.Errorf("%s is %v, on the CPU %v", name, got, want)
				break
			}
		}
	}
}

package train

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"aural/kernels"
	"aural/kernels/cpu"
	"aural/runlog"
)

// sameRun holds that two runs have the same weights, moments, state and records, bit for bit.
func sameRun(t *testing.T, got, want string) {
	t.Helper()
	a, err := Find(got, "last")
	if err != nil {
		t.Fatal(err)
	}
	b, err := Find(want, "last")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{modelFile, optimizerFile} {
		x, err := os.ReadFile(filepath.Join(a.Dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if y, err := os.ReadFile(filepath.Join(b.Dir, name)); err != nil || !bytes.Equal(x, y) {
			t.Errorf("%s differs (%v)", name, err)
		}
	}
	a.State.Minutes, b.State.Minutes = 0, 0
	x, _ := a.State.Encode()
	if y, _ := b.State.Encode(); !bytes.Equal(x, y) {
		t.Errorf("the state is\n%s\nwant\n%s", x, y)
	}
	records, wanted := series(t, got), series(t, want)
	for name := range wanted {
		if !maps.Equal(records[name], wanted[name]) {
			t.Errorf("%s is %v, want %v", name, records[name], wanted[name])
		}
	}
	if len(records) != len(wanted) {
		t.Errorf("%d series, want %d", len(records), len(wanted))
	}
	for _, kind := range []runlog.SnapshotKind{runlog.CodebookSnapshot, runlog.BatchSnapshot} {
		x, y := snapshots(t, got, kind), snapshots(t, want, kind)
		if len(y) == 0 || !slices.Equal(x, y) {
			t.Errorf("snapshots of kind %s are\n%s\nwant\n%s", kind, strings.Join(x, "\n"), strings.Join(y, "\n"))
		}
	}
}

// snapshots are those of a run, one text each, without their times.
func snapshots(t *testing.T, dir string, kind runlog.SnapshotKind) []string {
	t.Helper()
	var out []string
	for _, s := range read(t, dir).Snapshots(kind) {
		if s.Codebook != nil {
			out = append(out, fmt.Sprintf("%d: %+v", s.Step, *s.Codebook))
		} else {
			out = append(out, fmt.Sprintf("%d: %+v", s.Step, *s.Batch))
		}
	}
	return out
}

// Training 2N updates is training N, stopping, starting again and training N more. The checkpoint falls before,
// on and after records, validations, epochs and skipped updates.
// The second process computes with another number of threads.
func TestResumeIsBitEqual(t *testing.T) {
	be := testBackend(t)
	single, err := cpu.New(cpu.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { single.Close() })
	for micros, stops := range map[int][]uint64{1: {1, 2, 3, 5, 7, 8, 9, 13, 15, 17}, 2: {4, 6, 8, 10, 12}} {
		cfg := testConfig(18)
		cfg.Accumulate = micros
		poison := map[uint64]float64{7: math.NaN(), 8: math.Inf(1)}
		make := func(be kernels.Backend) *regression {
			r := newRegression(t, be, 8, true)
			r.poison, r.spoil = poison, poison
			return r
		}
		want := finished(t, make(be), cfg)
		for _, at := range stops {
			t.Run(fmt.Sprintf("%d micro-batches, stop after %d", micros, at), func(t *testing.T) {
				stop := new(Stop)
				r := make(be)
				r.ran = func(p Position) {
					if p.Update+1 == at {
						stop.Ask("test")
					}
				}
				run := begin(t)
				if err := Run(context.Background(), r, be, cfg, run, Options{Seed: r.seed, Stop: stop}); !errors.Is(err, ErrStopped) {
					t.Fatalf("got %v, want ErrStopped", err)
				}
				c, err := Find(run.Dir(), "auto")
				if err != nil || c.State.Position.Update != at {
					t.Fatalf("found %+v, %v", c, err)
				}
				run = attach(t, run, at)
				r = make(single)
				if err := Run(context.Background(), r, single, cfg, run, Options{Seed: r.seed, Resume: c}); err != nil {
					t.Fatal(err)
				}
				sameRun(t, run.Dir(), want)
			})
		}
	}
}

// A complete run has nothing to do; one with a higher limit goes on.
func TestResumeOfACompleteRun(t *testing.T) {
	be := testBackend(t)
	cfg := testConfig(8)
	cfg.Schedule.Total = 16
	r := newRegression(t, be, 8, false)
	run := begin(t)
	if err := Run(context.Background(), r, be, cfg, run, Options{}); err != nil {
		t.Fatal(err)
	}
	before := series(t, run.Dir())
	c, err := Find(run.Dir(), "last")
	if err != nil {
		t.Fatal(err)
	}
	run = attach(t, run, 8)
	if err := Run(context.Background(), r, be, cfg, run, Options{Resume: c}); err != nil {
		t.Fatal(err)
	}
	if after := series(t, run.Dir()); !maps.EqualFunc(before, after, maps.Equal[map[int64]uint64, map[int64]uint64]) {
		t.Error("the records of a complete run changed")
	}
	cfg.MaxUpdates = 16
	run = attach(t, run, 8)
	if err := Run(context.Background(), r, be, cfg, run, Options{Resume: c}); err != nil {
		t.Fatal(err)
	}
	if c, err = Find(run.Dir(), "last"); err != nil || c.State.Position.Update != 16 {
		t.Errorf("found %+v, %v", c, err)
	}
}

// The time that a run may take counts over all its processes.
func TestTimeCountsOverProcesses(t *testing.T) {
	be := testBackend(t)
	cfg := testConfig(10)
	cfg.Schedule.Total, cfg.MaxMinutes = 10, 30
	r := newRegression(t, be, 8, false)
	stop := new(Stop)
	stop.Ask("test")
	run := begin(t)
	if err := Run(context.Background(), r, be, cfg, run, Options{Stop: stop}); !errors.Is(err, ErrStopped) {
		t.Fatal(err)
	}
	c, err := Find(run.Dir(), "last")
	if err != nil || !(c.State.Minutes > 0) {
		t.Fatalf("found %+v, %v; want minutes above 0", c, err)
	}
	c.State.Minutes = 31
	run = attach(t, run, 1)
	if err := Run(context.Background(), r, be, cfg, run, Options{Resume: c}); err != nil {
		t.Fatal(err)
	}
	if found, err := Find(run.Dir(), "last"); err != nil || found.State.Position.Update != 1 {
		t.Errorf("found %+v, %v; want no update after the first", found, err)
	}
	if steps, _ := read(t, run.Dir()).Series("valid/loss"); len(steps) != 1 || steps[0] != 1 {
		t.Errorf("validations at %v, want the one that ends a run", steps)
	}
}

// Settings that would make it another run are refused by name, unless forced.
func TestResumeRefusesOtherSettings(t *testing.T) {
	be := testBackend(t)
	r := newRegression(t, be, 8, true)
	run := begin(t)
	cfg := testConfig(10)
	if err := Run(context.Background(), r, be, cfg, run, Options{Seed: 5}); err != nil {
		t.Fatal(err)
	}
	c, err := Find(run.Dir(), "last")
	if err != nil {
		t.Fatal(err)
	}
	cfg.MaxUpdates, cfg.Schedule.Total, cfg.Accumulate = 20, 10, 2
	cfg.Optimizer.Groups = []Group{{Match: "*.bias", LRScale: ptr(0.5)}}
	run = attach(t, run, 10)
	err = Run(context.Background(), r, be, cfg, run, Options{Seed: 6, Resume: c})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, part := range []string{"seed was 5, is 6", "accumulate was 1, is 2", `optimizer.groups was [], is [{"match":"*.bias","lr_scale":0.5}]`} {
		if !bytes.Contains([]byte(err.Error()), []byte(part)) {
			t.Errorf("the error %q does not say %q", err, part)
		}
	}
	if err := Run(context.Background(), r, be, cfg, run, Options{Seed: 6, Resume: c, Force: true}); err != nil {
		t.Error(err)
	}
	if alerts(t, run.Dir())["settings"] != 1 {
		t.Error("the changed settings are not in the log")
	}
}

// Continuing from an older checkpoint sets the newer ones aside, and a run that has checkpoints is not begun anew by mistake.
func TestResumeFromAnOlderCheckpoint(t *testing.T) {
	be := testBackend(t)
	cfg := testConfig(20)
	cfg.Keep.Last = 10
	want := finished(t, newRegression(t, be, 8, false), cfg)
	run := begin(t)
	if err := Run(context.Background(), newRegression(t, be, 8, false), be, cfg, run, Options{Seed: 5}); err != nil {
		t.Fatal(err)
	}
	if err := Run(context.Background(), newRegression(t, be, 8, false), be, cfg, run, Options{Seed: 5}); err == nil {
		t.Error("a run with checkpoints was begun anew")
	}
	c, err := Find(run.Dir(), "checkpoint-10")
	if err != nil {
		t.Fatal(err)
	}
	// What an earlier process left unfinished is removed.
	stale := filepath.Join(run.Dir(), hiddenPrefix+"checkpoint-15-0badf00d")
	if err := os.MkdirAll(filepath.Join(stale, "x"), 0o755); err != nil {
		t.Fatal(err)
	}
	run = attach(t, run, 10)
	if err := Run(context.Background(), newRegression(t, be, 8, false), be, cfg, run, Options{Seed: 5, Resume: c}); err != nil {
		t.Fatal(err)
	}
	sameRun(t, run.Dir(), want)
	if _, err := os.Stat(stale); err == nil {
		t.Error("a stale folder was left")
	}
	aside, _ := filepath.Glob(filepath.Join(run.Dir(), "superseded-*"))
	slices.Sort(aside)
	if len(aside) != 2 || filepath.Base(aside[0]) != "superseded-checkpoint-15" {
		t.Errorf("set aside: %v", aside)
	}
}

// childRun makes the test binary a trainer of the run in this directory, continuing from the newest good checkpoint.
const childRun = "AURAL_TEST_TRAIN_RUN"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childRun); dir != "" {
		if err := child(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func childConfig() Config {
	cfg := testConfig(150)
	cfg.Keep = Keep{Last: 2, Best: 1}
	return cfg
}

func childTask(pace time.Duration) (*regression, error) {
	be, err := cpu.New(cpu.Options{Threads: 1})
	if err != nil {
		return nil, err
	}
	r, err := makeRegression(be, 8, false)
	if err != nil {
		return nil, err
	}
	r.pace, r.poison = pace, map[uint64]float64{13: math.NaN()}
	return r, nil
}

func child(dir string) error {
	r, err := childTask(3 * time.Millisecond)
	if err != nil {
		return err
	}
	c, err := Find(dir, "auto")
	step := int64(0)
	switch {
	case err == nil:
		step = int64(c.State.Position.Update)
	case errors.Is(err, ErrNoCheckpoint):
		c = nil
	default:
		return err
	}
	run, err := runlog.Attach(dir, step, nil, runlog.Options{NoTensorBoard: true})
	if err != nil {
		return err
	}
	if err := Run(context.Background(), r, r.be, childConfig(), run, Options{Seed: r.seed, Resume: c}); err != nil {
		return err
	}
	return run.Close(runlog.Finished, "")
}

// A run that is killed again and again at any moment, also while it writes a checkpoint, ends as one that was left alone.
func TestKilledRunIsBitEqual(t *testing.T) {
	r, err := childTask(0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.be.Close() })
	want := finished(t, r, childConfig())

	run := begin(t)
	if err := run.Close(runlog.Stopped, ""); err != nil {
		t.Fatal(err)
	}
	kills := 0
	for try := 0; ; try++ {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childRun+"="+run.Dir())
		var said bytes.Buffer
		cmd.Stderr = &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- cmd.Wait() }()
		var after <-chan time.Time // never, so that the run ends
		if kills < 15 && try < 40 {
			after = time.After(time.Duration(20+rand.IntN(100)) * time.Millisecond)
		}
		select {
		case err := <-done:
			if err != nil {
				t.Fatalf("%v: %s", err, &said)
			}
			if kills == 0 {
				t.Fatal("the run ended before it was killed once")
			}
			t.Logf("killed %d times", kills)
			sameRun(t, run.Dir(), want)
			if left, _ := filepath.Glob(filepath.Join(run.Dir(), hiddenPrefix+"*")); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
			return
		case <-after:
			kills++
			if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
				t.Fatal(err)
			}
			<-done
		}
	}
}

package train

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"aural/runlog"
)

// ask asks for something and waits until the process has seen it.
func ask(t *testing.T, dir string, commands ...runlog.Command) {
	t.Helper()
	var last runlog.Request
	for _, c := range commands {
		var err error
		if last, err = runlog.Ask(dir, c); err != nil {
			t.Error(err)
			return
		}
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(last.File()))); errors.Is(err, os.ErrNotExist) {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// answers lists the answers of a run as "command result".
func answers(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	for _, e := range read(t, dir).Events() {
		if e.Kind != runlog.Answered {
			continue
		}
		if e.Data["id"] == "" || !strings.Contains(e.Data["by"], "@") || e.Message == "" {
			t.Errorf("answer %+v", e)
		}
		out = append(out, e.Data["command"]+" "+e.Data["result"])
	}
	return out
}

// Requests that come during an update, several at once, or while the held-out data is measured, are done after it and answered one by one.
func TestRequests(t *testing.T) {
	be := testBackend(t)
	const save, pause, goOn, stop = runlog.CheckpointNow, runlog.Pause, runlog.Continue, runlog.StopAndSave
	for name, c := range map[string]struct {
		ask    []runlog.Command
		want   []string
		err    error
		update uint64 // of the checkpoint that is there after all
	}{
		"checkpoint":          {[]runlog.Command{save}, []string{"checkpoint done"}, nil, 2},
		"checkpoint twice":    {[]runlog.Command{save, save}, []string{"checkpoint done", "checkpoint done"}, nil, 2},
		"continue":            {[]runlog.Command{goOn}, []string{"continue refused"}, nil, 0},
		"pause taken back":    {[]runlog.Command{pause, goOn}, []string{"pause done", "continue done"}, nil, 0},
		"stop":                {[]runlog.Command{stop}, []string{"stop done"}, ErrStopped, 2},
		"stop twice":          {[]runlog.Command{stop, stop}, []string{"stop done", "stop done"}, ErrStopped, 2},
		"stop, then pause":    {[]runlog.Command{stop, pause}, []string{"pause refused", "stop done"}, ErrStopped, 2},
		"pause, then stop":    {[]runlog.Command{pause, stop}, []string{"stop done", "pause refused"}, ErrStopped, 2},
		"checkpoint and stop": {[]runlog.Command{save, stop}, []string{"checkpoint done", "stop done"}, ErrStopped, 2},
	} {
		for _, validating := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				r := newRegression(t, be, 8, false)
				run := begin(t)
				cfg := testConfig(4)
				cfg.SaveEvery, cfg.Keep.Last, cfg.ValidEvery = 0, 5, 0
				if validating {
					cfg.ValidEvery = 2
					asked := false
					r.checked = func() {
						if !asked {
							asked = true
							ask(t, run.Dir(), c.ask...)
						}
					}
				} else {
					r.ran = func(at Position) {
						if at.Update == 1 {
							ask(t, run.Dir(), c.ask...)
						}
					}
				}
				if err := Run(context.Background(), r, be, cfg, run, Options{}); !errors.Is(err, c.err) {
					t.Fatalf("got %v, want %v", err, c.err)
				}
				if got := answers(t, run.Dir()); !slices.Equal(got, c.want) {
					t.Errorf("answers %v, want %v", got, c.want)
				}
				updates, err := updatesIn(run.Dir())
				if err != nil || slices.Contains(updates, 2) != (c.update == 2) {
					t.Errorf("checkpoints of updates %v (%v)", updates, err)
				}
				for _, e := range read(t, run.Dir()).Events() {
					if e.Kind != runlog.Answered {
						continue
					}
					saved := c.update == 2 && e.Data["result"] == resultDone && e.Data["command"] != string(pause)
					if path := e.Data["path"]; saved && path != "checkpoint-2" || !saved && path != "" {
						t.Errorf("answer %+v", e)
					}
				}
			})
		}
	}
}

// What is asked while the last update or the last validation runs is answered too.
func TestRequestAtTheEnd(t *testing.T) {
	r := newRegression(t, testBackend(t), 8, false)
	run := begin(t)
	r.checked = func() { ask(t, run.Dir(), runlog.Pause, runlog.CheckpointNow) }
	cfg := testConfig(4)
	if err := Run(context.Background(), r, r.be, cfg, run, Options{}); err != nil {
		t.Fatal(err)
	}
	if got := answers(t, run.Dir()); !slices.Equal(got, []string{"checkpoint done", "pause refused"}) {
		t.Errorf("answers %v", got)
	}
}

// A checkpoint that cannot be written is told to who asked for it, and the run goes on. After a skipped update it waits for a good one.
func TestCheckpointOnRequestFails(t *testing.T) {
	r := newRegression(t, testBackend(t), 8, false)
	run := begin(t)
	r.spoil = map[uint64]float64{3: 1e40, 4: 1e40}
	r.ran = func(at Position) {
		switch at.Update {
		case 1:
			r.save = errors.New("no room")
			ask(t, run.Dir(), runlog.CheckpointNow)
		case 2:
			r.save = nil
		case 3:
			ask(t, run.Dir(), runlog.CheckpointNow)
		}
	}
	cfg := testConfig(8)
	cfg.SaveEvery, cfg.Keep.Last = 0, 5
	var notices []string
	if err := Run(context.Background(), r, r.be, cfg, run, Options{Notice: func(s string) { notices = append(notices, s) }}); err != nil {
		t.Fatal(err)
	}
	if got := answers(t, run.Dir()); !slices.Equal(got, []string{"checkpoint failed", "checkpoint done"}) {
		t.Errorf("answers %v", got)
	}
	if updates, err := updatesIn(run.Dir()); err != nil || !slices.Equal(updates, []uint64{6, 8}) {
		t.Errorf("checkpoints of updates %v (%v), want 6 and 8", updates, err)
	}
	if len(notices) != 3 || !strings.Contains(notices[0], "no room") || !strings.Contains(notices[1], "waits") || !strings.Contains(notices[2], "checkpoint-6") {
		t.Errorf("notices %q", notices)
	}
}

// paused trains 6 updates with a pause after the third, in which it calls then.
func paused(t *testing.T, r *regression, run *runlog.Writer, ctx context.Context, opt Options, then func()) error {
	t.Helper()
	r.ran = func(at Position) {
		if at.Update == 2 {
			ask(t, run.Dir(), runlog.Pause)
		}
	}
	done := make(chan error)
	cfg := testConfig(6)
	go func() { done <- Run(ctx, r, r.be, cfg, run, opt) }()
	for {
		if s, err := runlog.ReadState(run.Dir()); err == nil && s.Paused {
			break
		}
		select {
		case err := <-done:
			return err
		case <-time.After(time.Millisecond):
		}
	}
	then()
	return <-done
}

// A pause is ended by a request, a signal, the end of the job or of the context; a checkpoint can be had during it.
func TestPause(t *testing.T) {
	be := testBackend(t)
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	for name, c := range map[string]struct {
		opt    Options
		ctx    context.Context
		then   func(dir string, o *Options)
		want   error
		answer []string
	}{
		"continue": {then: func(dir string, _ *Options) { ask(t, dir, runlog.Continue) }, answer: []string{"pause done", "continue done"}},
		"checkpoint": {then: func(dir string, _ *Options) {
			ask(t, dir, runlog.CheckpointNow)
			for len(answers(t, dir)) < 2 {
				time.Sleep(time.Millisecond)
			}
			if updates, err := updatesIn(dir); err != nil || !slices.Equal(updates, []uint64{3}) {
				t.Errorf("checkpoints of updates %v (%v)", updates, err)
			}
			ask(t, dir, runlog.Pause, runlog.Continue)
		}, answer: []string{"pause done", "checkpoint done", "pause done", "continue done"}},
		"stop":   {then: func(dir string, _ *Options) { ask(t, dir, runlog.StopAndSave) }, want: ErrStopped, answer: []string{"pause done", "stop done"}},
		"signal": {opt: Options{Stop: new(Stop)}, then: func(_ string, o *Options) { o.Stop.Ask("signal") }, want: ErrStopped, answer: []string{"pause done"}},
		"abort":  {ctx: ctx, then: func(string, *Options) { cancel() }, want: context.Canceled, answer: []string{"pause done"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.ctx == nil {
				c.ctx = context.Background()
			}
			r := newRegression(t, be, 8, false)
			run := begin(t)
			err := paused(t, r, run, c.ctx, c.opt, func() {
				if r.at != 2 {
					t.Errorf("it waits after update %d", r.at+1)
				}
				c.then(run.Dir(), &c.opt)
			})
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if got := answers(t, run.Dir()); !slices.Equal(got, c.answer) {
				t.Errorf("answers %v, want %v", got, c.answer)
			}
			_, last, _ := read(t, run.Dir()).Last("train/loss")
			switch {
			case c.want == nil && r.at != 5:
				t.Errorf("it ended after update %d with loss %v", r.at+1, last)
			case c.want == ErrStopped:
				if found, err := Find(run.Dir(), "last"); err != nil || found.State.Position.Update != 3 {
					t.Errorf("found %+v, %v", found, err)
				}
			}
		})
	}
}

func TestJobEndsInPause(t *testing.T) {
	r := newRegression(t, testBackend(t), 8, false)
	run := begin(t)
	end := time.Now().Add(2*time.Minute + time.Second) // the run stops two minutes before
	err := paused(t, r, run, context.Background(), Options{JobEnd: end}, func() {
		if s, err := runlog.ReadState(run.Dir()); err != nil || !s.JobEnd.Equal(end) || s.At(time.Now()) != runlog.Paused {
			t.Errorf("state %+v, %v", s, err)
		}
	})
	if !errors.Is(err, ErrStopped) || !strings.Contains(err.Error(), "job") {
		t.Errorf("got %v", err)
	}
}

// The time of a pause is no time of training.
func TestPauseDoesNotCount(t *testing.T) {
	r := newRegression(t, testBackend(t), 8, false)
	run := begin(t)
	const nap = 300 * time.Millisecond
	began := time.Now()
	err := paused(t, r, run, context.Background(), Options{}, func() {
		time.Sleep(nap)
		ask(t, run.Dir(), runlog.Continue)
	})
	if err != nil {
		t.Fatal(err)
	}
	most := time.Since(began) - nap
	c, err := Find(run.Dir(), "last")
	if err != nil {
		t.Fatal(err)
	}
	if minutes := c.State.Minutes; minutes > most.Minutes() {
		t.Errorf("%v minutes of training, want at most %v", minutes, most.Minutes())
	}
}

// A run that was paused, saved by request and watched is the run that nobody touched, bit for bit.
func TestTouchedRunIsBitEqual(t *testing.T) {
	be := testBackend(t)
	cfg := testConfig(14)
	cfg.Keep.Last = 20
	want := finished(t, newRegression(t, be, 8, false), cfg)
	r := newRegression(t, be, 8, false)
	run := begin(t)
	r.ran = func(at Position) {
		switch at.Update {
		case 2, 10:
			ask(t, run.Dir(), runlog.CheckpointNow)
		case 3, 9:
			ask(t, run.Dir(), runlog.Pause)
		}
	}
	ended := make(chan struct{})
	watched := make(chan int)
	go func() { // a viewer
		n := 0
		defer func() { watched <- n }()
		log, err := runlog.Open(run.Dir())
		if err != nil {
			t.Error(err)
			return
		}
		defer log.Close()
		for {
			select {
			case <-ended:
				return
			case <-time.After(5 * time.Millisecond):
			}
			if _, _, err := log.Poll(runlog.Budget{}); err != nil {
				t.Error(err)
			}
			if s, err := log.State(); err == nil && s.At(time.Now()) == runlog.Paused {
				n++
				ask(t, run.Dir(), runlog.Continue)
			}
		}
	}()
	err := Run(context.Background(), r, be, cfg, run, Options{Seed: r.seed})
	close(ended)
	if n := <-watched; err != nil || n < 2 {
		t.Fatalf("%v, after %d pauses", err, n)
	}
	var saved []uint64
	if saved, err = updatesIn(run.Dir()); err != nil || !slices.Contains(saved, 3) || !slices.Contains(saved, 11) {
		t.Errorf("checkpoints of updates %v (%v)", saved, err)
	}
	sameRun(t, run.Dir(), want)
}

package runlog

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// trainSteps records steps (from, to] as a deterministic trainer would, with a validation at every fifth.
func trainSteps(w *Writer, from, to int64) {
	for step := from + 1; step <= to; step++ {
		x := math.Sin(float64(step))
		w.Record(&Record{Step: step, Kind: Train, Values: []Value{{"loss", x}, {"gradient_norm", 1 / (x - x*float64(step%3))}}})
		if step%5 == 0 {
			w.Record(&Record{Step: step, Kind: Valid, Values: []Value{{"loss", x / 3}, {fmt.Sprintf("seldom_%d", step%2), x}}})
		}
	}
	lookSteps(w, from, to)
}

// read reads everything of the run in dir.
func read(t *testing.T, dir string) *Reader {
	t.Helper()
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	if _, _, err := r.Poll(Budget{}); err != nil {
		t.Fatal(err)
	}
	return r
}

// sameSeries compares all series bit for bit.
func sameSeries(a, b *Reader) error {
	if !slices.Equal(a.Names(), b.Names()) {
		return fmt.Errorf("series %v and %v", a.Names(), b.Names())
	}
	for _, name := range a.Names() {
		as, av := a.Series(name)
		bs, bv := b.Series(name)
		if !slices.Equal(as, bs) {
			return fmt.Errorf("%s: steps %v and %v", name, as, bs)
		}
		for i := range av {
			if math.Float64bits(av[i]) != math.Float64bits(bv[i]) {
				return fmt.Errorf("%s at step %d: %v and %v", name, as[i], av[i], bv[i])
			}
		}
	}
	return nil
}

// A run that is interrupted and resumed any number of times, from any earlier step, reads like one that was not; also
// for a reader that watches it all.
func TestResumeIsInvisible(t *testing.T) {
	for seed := range uint64(10) {
		random := rand.New(rand.NewPCG(seed, 1))
		between := func(lo, hi int64) int64 { return lo + random.Int64N(hi-lo+1) }
		whole, parts := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "parts")
		total := between(1, 40)
		w, err := Create(whole, Meta{}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		trainSteps(w, 0, total)
		if err := w.Close(Finished, ""); err != nil {
			t.Fatal(err)
		}

		if w, err = Create(parts, Meta{}, Options{}); err != nil {
			t.Fatal(err)
		}
		watcher := read(t, parts)
		for from := int64(0); ; {
			to := between(from, total)
			trainSteps(w, from, to)
			if random.IntN(2) == 0 {
				// The process dies while it writes a line.
				w.metrics.file.Write([]byte(`{"step":9,"time":"2026-`))
				w.snaps.file.Write([]byte(`{"step":9,"time":"2026-`))
			}
			if err := w.Close(Stopped, ""); err != nil {
				t.Fatal(err)
			}
			if _, _, err := watcher.Poll(Budget{}); err != nil {
				t.Fatal(err)
			}
			if to == total {
				break
			}
			from = between(0, to)
			if w, err = Attach(parts, from, nil, Options{}); err != nil {
				t.Fatal(err)
			}
		}
		want := read(t, whole)
		for _, got := range []*Reader{watcher, read(t, parts)} {
			if err := sameSeries(got, want); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			if a, b := looks(got), looks(want); a != b {
				t.Fatalf("seed %d:\n%s\nwant\n%s", seed, a, b)
			}
		}
	}
}

// Time between two processes, and work that was done again, does not count as training time.
func TestElapsed(t *testing.T) {
	clock := &fakeClock{now: testTime}
	o := Options{clock: clock.time}
	dir := filepath.Join(t.TempDir(), "run")
	w, err := Create(dir, Meta{}, o)
	if err != nil {
		t.Fatal(err)
	}
	for step := int64(1); step <= 5; step++ {
		clock.now = clock.now.Add(10 * time.Second)
		w.Record(&Record{Step: step, Kind: Train, Values: []Value{{"loss", 1}}})
	}
	w.Progress(5, 0)
	w.Event(Event{Kind: Alert, Step: 5, Severity: Error, Message: "gone"})
	w.Close(Failed, "")
	clock.now = clock.now.Add(8 * time.Hour)
	if w, err = Attach(dir, 3, nil, o); err != nil {
		t.Fatal(err)
	}
	for step := int64(4); step <= 6; step++ {
		clock.now = clock.now.Add(20 * time.Second)
		w.Record(&Record{Step: step, Kind: Train, Values: []Value{{"loss", 1}}})
	}
	w.Close(Finished, "")
	r := read(t, dir)
	if got, want := r.Elapsed("train/loss"), []float64{10, 20, 30, 50, 70, 90}; !slices.Equal(got, want) {
		t.Errorf("elapsed %v, want %v", got, want)
	}
	for _, e := range r.Events() {
		if want := e.Kind == Alert || e.Kind == Ended && e.Data["status"] == "failed"; e.Superseded != want {
			t.Errorf("event %+v: superseded, want %v", e, want)
		}
	}
}

// TestMain lets the test binary stand for a trainer that is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv("RUNLOG_TEST_DIE_IN"); dir != "" {
		w, err := Create(dir, Meta{}, Options{})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		w.Record(&Record{Step: 7, Kind: Train, Values: []Value{{"loss", 1}}})
		fmt.Println("ready")
		select {}
	}
	os.Exit(m.Run())
}

// The lock of a living trainer holds, also against another process; that of a killed one is taken over, and told.
func TestLockOfAnotherProcess(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "RUNLOG_TEST_DIE_IN="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 16)); err != nil {
		t.Fatal(err)
	}
	if _, err := Attach(dir, 0, nil, Options{}); !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), fmt.Sprint("process ", cmd.Process.Pid)) {
		t.Errorf("attach to a live run: %v", err)
	}
	late := time.Now().Add(time.Hour)
	s, err := ReadState(dir)
	if err != nil || s.At(late) != Running || !s.Silent(late) {
		t.Errorf("a silent trainer that lives: %v, silent %v, %v", s.At(late), s.Silent(late), err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	if s.At(late) != Crashed || s.At(time.Now()) != Running {
		t.Errorf("a killed trainer: %v, and %v right after its heartbeat", s.At(late), s.At(time.Now()))
	}
	var got reports
	w, err := Attach(dir, 5, nil, Options{Report: got.add})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close(Stopped, "")
	if len(got.list) != 1 || !strings.Contains(got.list[0], "took over") {
		t.Errorf("reports %q", got.list)
	}
	r := read(t, dir)
	if e := r.Events(); len(e) != 3 || e[1].Kind != TakenOver || e[2].Kind != Resumed {
		t.Errorf("events %+v", e)
	}
	if _, _, ok := r.Last("train/loss"); ok {
		t.Error("step 7 is still visible after a resume from step 5")
	}
}

// Where the file system has no locks, the process in the file decides.
func TestLockWithoutFlock(t *testing.T) {
	self := owner{PID: os.Getpid(), Host: "here", Time: testTime}
	parent, child := os.Getppid(), exec.Command("true")
	if err := child.Run(); err != nil {
		t.Skipf("SKIPPED, a finished process is needed: %v", err)
	}
	for name, c := range map[string]struct {
		holder owner
		live   bool
	}{
		"lives":         {owner{PID: parent, Host: "here"}, true},
		"has ended":     {owner{PID: child.Process.Pid, Host: "here"}, false},
		"this process":  {owner{PID: os.Getpid(), Host: "here"}, false}, // an earlier Writer that was not closed
		"no number":     {owner{Host: "here"}, false},
		"number reused": {owner{PID: parent, PIDStart: 1, Host: "here"}, ownStart() == 0},
	} {
		if got := c.holder.live(t.TempDir(), self); got != c.live {
			t.Errorf("holder %s: live %v, want %v", name, got, c.live)
		}
	}
}

// A lock from another host holds while that host shows a heartbeat.
func TestLockOfAnotherHost(t *testing.T) {
	dir := t.TempDir()
	self := owner{PID: 1, Host: "here", Time: testTime}
	for _, c := range []struct {
		name  string
		state *State
		since time.Duration
		live  bool
	}{
		{"fresh heartbeat", &State{Version: 1, Status: Running, Time: testTime.Add(-time.Minute)}, time.Hour, true},
		{"old heartbeat", &State{Version: 1, Status: Running, Time: testTime.Add(-time.Hour)}, time.Hour, false},
		{"ended", &State{Version: 1, Status: Finished, Time: testTime}, time.Minute, false},
		{"no heartbeat yet", nil, time.Minute, true},
		{"never a heartbeat", nil, time.Hour, false},
	} {
		os.Remove(filepath.Join(dir, stateFile))
		if c.state != nil {
			if err := writeState(dir, *c.state); err != nil {
				t.Fatal(err)
			}
		}
		other := owner{PID: 1, Host: "there", Time: testTime.Add(-c.since)}
		if got := other.live(dir, self); got != c.live {
			t.Errorf("%s: live %v, want %v", c.name, got, c.live)
		}
	}
}

func TestRuns(t *testing.T) {
	root := t.TempDir()
	at := time.Date(2026, 11, 22, 14, 12, 0, 0, time.Local)
	for i, name := range []string{"base", "base", "tiny"} {
		dir, err := NewDir(root, name, at)
		if err != nil {
			t.Fatal(err)
		}
		clock := &fakeClock{now: at.Add(time.Duration(i) * time.Minute)}
		w, err := Create(dir, Meta{}, Options{clock: clock.time})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Close(Finished, ""); err != nil {
			t.Fatal(err)
		}
	}
	os.Mkdir(filepath.Join(root, "notes"), 0o755)
	os.Mkdir(filepath.Join(root, "broken"), 0o755)
	os.WriteFile(filepath.Join(root, "broken", stateFile), []byte("{"), 0o644)
	os.WriteFile(filepath.Join(root, "broken", lockFile), nil, 0o644)
	os.Mkdir(filepath.Join(root, "store"), 0o755) // a store of audio has a state.json too and is no run
	os.WriteFile(filepath.Join(root, "store", stateFile), []byte("{}"), 0o644)
	runs, err := Runs(root)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range runs {
		got = append(got, fmt.Sprintf("%s %s %s %v", filepath.Base(r.Dir), r.Name, r.Status, r.Err != nil))
	}
	want := []string{"20261122-1412-tiny tiny finished false", "20261122-1412-base-2 base-2 finished false",
		"20261122-1412-base base finished false", "broken broken  true"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, bad := range []string{"", "../x", "a/b", ".hidden", "-rf", "a b", "a%b"} {
		if _, err := NewDir(root, bad, at); err == nil {
			t.Errorf("name %q accepted", bad)
		}
	}
}

package tui

import (
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"aural/runlog"
	"aural/tui/chart"
	"aural/tui/screen"
)

// copyRun copies a run directory as rsync would.
func copyRun(t *testing.T, from, to string) {
	t.Helper()
	if err := os.RemoveAll(to); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// same compares the model's copy of the run with what a new reader finds.
func same(t *testing.T, m *model, dir string) {
	t.Helper()
	r, err := runlog.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, _, err := r.Poll(runlog.Budget{}); err != nil {
		t.Fatal(err)
	}
	for _, name := range r.Names() {
		steps, values := r.Series(name)
		got := &chart.Series{}
		if s := m.run().data[name]; s != nil {
			got = s
		}
		if !slices.Equal(got.Steps, steps) || !slices.Equal(got.Elapsed, r.Elapsed(name)) || !slices.EqualFunc(got.Raw.List(), values, func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) }) {
			t.Fatalf("%s: the view has %v %v, the log %v %v", name, got.Steps, got.Raw.List(), steps, values)
		}
	}
}

// The view follows a run that goes on, is resumed from an earlier update, and is replaced by another one.
func TestFollowLog(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	o := runlog.Options{NoTensorBoard: true, Report: func(err error) { t.Errorf("reported: %v", err) }}
	w, err := runlog.Create(dir, runlog.Meta{TotalSteps: 1000}, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close(runlog.Stopped, "") })
	f, err := newFollower(dir, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer f.close()
	m := newModel(screen.Terminal{}, Options{}, newRunView("run", dir, f, 0))
	random := rand.New(rand.NewPCG(1, 2))
	step, at := int64(0), time.Now() // later than the session began, or the clock of the run stands still
	for range 200 {
		switch random.IntN(12) {
		case 0: // resume, and record about as much again before the next poll
			if err := w.Close(runlog.Stopped, ""); err != nil {
				t.Fatal(err)
			}
			again := random.Int64N(step + 1)
			if w, err = runlog.Attach(dir, again, nil, o); err != nil {
				t.Fatal(err)
			}
			step = again
			fallthrough
		default:
			for range random.IntN(6) {
				step++
				at = at.Add(time.Duration(1+random.IntN(1000)) * time.Millisecond)
				w.Record(&runlog.Record{Step: step, Time: at, Kind: runlog.Train, Values: []runlog.Value{
					{Name: "contrastive_loss", Value: random.Float64()}, {Name: "hours_seen", Value: float64(step)}}})
				if random.IntN(3) == 0 {
					w.Record(&runlog.Record{Step: step, Time: at, Kind: runlog.Valid, Values: []runlog.Value{{Name: "accuracy", Value: math.NaN()}}})
				}
			}
		case 1: // nothing new
		}
		msg := f.poll()
		if msg.err != nil || msg.stateErr != nil || msg.status != runlog.Running {
			t.Fatal(msg.err, msg.stateErr, msg.status)
		}
		m.take(msg)
		same(t, m, dir)
	}

}

// A run is resumed, and records again what ends like before, between two polls.
func TestFollowResumedUnseen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	o := runlog.Options{NoTensorBoard: true, Report: func(err error) { t.Errorf("reported: %v", err) }}
	w, err := runlog.Create(dir, runlog.Meta{}, o)
	if err != nil {
		t.Fatal(err)
	}
	record := func(step int64, later time.Duration, loss float64) {
		w.Record(&runlog.Record{Step: step, Time: time.Now().Add(later), Kind: runlog.Train, Values: []runlog.Value{{Name: "contrastive_loss", Value: loss}}})
	}
	record(1, time.Second, 5)
	record(2, 2*time.Second, 4)
	record(3, 3*time.Second, 3)
	f, err := newFollower(dir, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer f.close()
	m := newModel(screen.Terminal{}, Options{}, newRunView("run", dir, f, 0))
	m.take(f.poll())
	if err := w.Close(runlog.Stopped, ""); err != nil {
		t.Fatal(err)
	}
	if w, err = runlog.Attach(dir, 1, nil, o); err != nil {
		t.Fatal(err)
	}
	defer w.Close(runlog.Stopped, "")
	record(2, 20*time.Second, 4.5)
	record(3, 30*time.Second, 3)
	m.take(f.poll())
	same(t, m, dir)
}

// The metrics are replaced by those of another run that ends with the same point at the same time.
func TestFollowReplaced(t *testing.T) {
	var data [2][]byte
	var dir string
	for i := range data {
		dir = filepath.Join(t.TempDir(), "run")
		w, err := runlog.Create(dir, runlog.Meta{}, runlog.Options{NoTensorBoard: true})
		if err != nil {
			t.Fatal(err)
		}
		for step := range int64(3) { // before the session began: the clock of the run stands still
			w.Record(&runlog.Record{Step: step, Time: fixtureTime.AddDate(-1, 0, 0), Kind: runlog.Train,
				Values: []runlog.Value{{Name: "contrastive_loss", Value: float64(step) + float64(i)*float64(2-step)/8}}})
		}
		if err := w.Close(runlog.Stopped, ""); err != nil {
			t.Fatal(err)
		}
		if data[i], err = os.ReadFile(filepath.Join(dir, "metrics.jsonl")); err != nil {
			t.Fatal(err)
		}
	}
	f, err := newFollower(dir, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer f.close()
	m := newModel(screen.Terminal{}, Options{}, newRunView("run", dir, f, 0))
	m.take(f.poll())
	fresh, log := filepath.Join(dir, "fresh"), filepath.Join(dir, "metrics.jsonl") // another file under the same name
	if err := os.WriteFile(fresh, data[0], 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(fresh, log); err != nil {
		t.Fatal(err)
	}
	m.take(f.poll())
	same(t, m, dir)
}

// A torn line waits, a damaged one is left out and counted on the screen.
func TestDamagedLog(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	copyRun(t, writeFixture(t).Dir(), dir)
	path := filepath.Join(dir, "metrics.jsonl")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(path, data[:len(data)-20], 0o644); err != nil {
		t.Fatal(err)
	}
	m := open(t, screen.Terminal{}, dir)
	if text := m.trouble(); text != "1 damaged log lines left out" {
		t.Errorf("trouble is %q", text)
	}
	if frame := render(m, 80, 24).c.String(); !strings.Contains(frame, "1 damaged log lines left out") {
		t.Errorf("the frame does not tell:\n%s", frame)
	}
}

func TestFrame(t *testing.T) {
	w := writeFixture(t)
	if err := w.Close(runlog.Finished, "all updates done"); err != nil {
		t.Fatal(err)
	}
	frame, err := Frame([]string{w.Dir()}, Options{Output: io.Discard, Environ: []string{"TERM=xterm-256color"}, ASCII: true})
	if err != nil {
		t.Fatal(err)
	}
	checkSize(t, strings.TrimSuffix(frame, "\n"), 80, 24)
	for _, want := range []string{"base-librispeech", "# finished", "update 20,000 of 400,000", "ended at update 20,000: all updates done"} {
		if !strings.Contains(frame, want) {
			t.Errorf("no %q in\n%s", want, frame)
		}
	}
	if _, err := Frame([]string{t.TempDir()}, Options{}); !errors.Is(err, runlog.ErrNotRun) {
		t.Errorf("a directory without a run: %v", err)
	}
}

package runlog

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// fakeClock is a clock that moves a step at each look.
type fakeClock struct {
	mu   sync.Mutex
	now  time.Time
	step time.Duration
}

func (c *fakeClock) time() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(c.step)
	return c.now
}

// reports collects what a Writer reports.
type reports struct {
	mu   sync.Mutex
	list []string
}

func (r *reports) add(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, err.Error())
}

func create(t *testing.T, o Options) *Writer {
	t.Helper()
	w, err := Create(filepath.Join(t.TempDir(), "run"), Meta{Config: []byte("model: tiny\n"), Overrides: []string{"optim.lr=3e-4"},
		Args: []string{"aural", "pretrain", "--note", "it's"}, Env: CollectEnv(), TotalSteps: 100}, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close(Stopped, "end of test") })
	return w
}

// quiet fails the test on any report.
func quiet(t *testing.T) func(error) {
	return func(err error) { t.Errorf("reported: %v", err) }
}

func TestCreate(t *testing.T) {
	w := create(t, Options{Report: quiet(t)})
	for name, want := range map[string]string{
		"config.yaml":   "model: tiny\n",
		"overrides.txt": "optim.lr=3e-4\n",
		"cmdline.txt":   `aural pretrain --note 'it'\''s'` + "\n",
	} {
		if got, err := os.ReadFile(filepath.Join(w.Dir(), name)); err != nil || string(got) != want {
			t.Errorf("%s: got %q, %v; want %q", name, got, err, want)
		}
	}
	s, err := ReadState(w.Dir())
	if err != nil || s.Status != Running || s.PID != os.Getpid() || s.TotalSteps != 100 || s.At(time.Now()) != Running {
		t.Errorf("state %+v, %v", s, err)
	}
	w.Record(&Record{Step: 1, Kind: Train, Values: []Value{{"loss", 4.5}}})
	w.Progress(1, 90*time.Second)
	slog.New(w.Handler(slog.LevelInfo)).Info("hello", "path", "a b", "n", 3)
	w.Event(Event{Step: 1, Kind: Checkpoint, Data: map[string]string{"path": "checkpoint-1"}})
	if err := w.Close(Finished, "all updates done"); err != nil {
		t.Fatal(err)
	}
	if s, err = ReadState(w.Dir()); err != nil || s.Status != Finished || s.Step != 1 || s.Message != "all updates done" {
		t.Errorf("state %+v, %v", s, err)
	}

	r, err := Open(w.Dir())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, more, err := r.Poll(Budget{}); more || err != nil {
		t.Fatal(more, err)
	}
	if steps, values := r.Series("train/loss"); !slices.Equal(steps, []int64{1}) || !slices.Equal(values, []float64{4.5}) {
		t.Errorf("train/loss: %v %v", steps, values)
	}
	var kinds []EventKind
	for _, e := range r.Events() {
		kinds = append(kinds, e.Kind)
	}
	if !slices.Equal(kinds, []EventKind{Started, Checkpoint, Ended}) {
		t.Errorf("events %v", kinds)
	}
	if l := r.Log(); len(l) != 1 || l[0].Message != "hello" || l[0].Attrs != `n=3 path="a b"` || l[0].Level != slog.LevelInfo {
		t.Errorf("log %+v", l)
	}
	if d := r.Damage(); d != (Damage{}) {
		t.Errorf("damage %+v", d)
	}
}

func TestCreateRefuses(t *testing.T) {
	w := create(t, Options{})
	if _, err := Create(w.Dir(), Meta{}, Options{}); !errors.Is(err, os.ErrExist) {
		t.Errorf("create in a run directory: %v", err)
	}
	if _, err := Attach(w.Dir(), 0, nil, Options{}); !errors.Is(err, ErrLocked) {
		t.Errorf("attach to a live run: %v", err)
	}
	if _, err := Attach(t.TempDir(), 0, nil, Options{}); !errors.Is(err, ErrNotRun) {
		t.Errorf("attach to nothing: %v", err)
	}
	if _, err := os.ReadFile(filepath.Join(w.Dir(), lockFile)); err != nil {
		t.Error(err)
	}
	if err := w.Close(Stopped, ""); err != nil {
		t.Fatal(err)
	}
	again, err := Attach(w.Dir(), 0, nil, Options{Report: quiet(t)}) // a lock that was released is not stale
	if err != nil {
		t.Fatal(err)
	}
	again.Close(Stopped, "")
}

func TestRecordRefused(t *testing.T) {
	var got reports
	w := create(t, Options{Report: got.add})
	w.Record(&Record{Step: 5, Kind: Train, Values: []Value{{"loss", 1}}})
	w.Record(&Record{Step: 4, Kind: Train, Values: []Value{{"loss", 1}}}) // into the past
	w.Record(&Record{Step: 4, Kind: Valid, Values: []Value{{"loss", 1}}}) // another kind: fine
	w.Record(&Record{Step: 6, Kind: Train, Values: []Value{{"lo\"ss", 1}}})
	w.Record(&Record{Step: 6, Kind: "session", Values: []Value{{"loss", 1}}})
	w.Record(&Record{Step: 6, Kind: Train})
	w.Record(&Record{Step: -1, Kind: Train, Values: []Value{{"loss", 1}}})
	if w.Dropped() != 5 {
		t.Errorf("%d dropped, want 5", w.Dropped())
	}
	if len(got.list) != 1 || !strings.Contains(got.list[0], "step 4 after step 5") {
		t.Errorf("reports %q, want one about step 4", got.list)
	}
}

// smallDisk is a file on a disk with room for free bytes.
type smallDisk struct {
	free int
	data []byte
}

func (d *smallDisk) Write(p []byte) (int, error) {
	n := min(len(p), d.free)
	d.data = append(d.data, p[:n]...)
	d.free -= n
	if n < len(p) {
		return n, &os.PathError{Op: "write", Path: "log", Err: syscall.ENOSPC}
	}
	return n, nil
}

// A full disk loses nothing that fits in the backlog, drops whole lines beyond it, and never leaves half a line.
func TestSinkFullDisk(t *testing.T) {
	disk := &smallDisk{free: 1550} // the 16th line fits by half
	var got reports
	s := &sink{name: "log", file: disk, report: got.add}
	now := testTime
	line := func(i int) []byte { return fmt.Appendf(nil, "%099d\n", i) }
	kept := 0
	for i := range 60000 { // 6 MB
		if s.write(line(i), now) {
			kept++
		}
	}
	if len(s.backlog) > backlogSize || s.dropped != int64(60000-kept) || s.dropped == 0 {
		t.Fatalf("backlog %d, kept %d, dropped %d", len(s.backlog), kept, s.dropped)
	}
	if len(got.list) != 1 || !strings.Contains(got.list[0], "no space left") {
		t.Errorf("reports %q, want one", got.list)
	}
	disk.free = 10 << 20
	if s.write(line(60000), now.Add(retryAfter/2)); len(s.backlog) == 0 {
		t.Fatal("tried again too early")
	}
	s.write(line(60000), now.Add(retryAfter)) // dropped like the one before, but it empties the backlog
	if len(s.backlog) != 0 || len(got.list) != 2 {
		t.Fatalf("backlog %d, reports %q", len(s.backlog), got.list)
	}
	lines := strings.SplitAfter(string(disk.data), "\n")
	for i := range kept {
		if lines[i] != string(line(i)) {
			t.Fatalf("line %d is %q", i, lines[i])
		}
	}
	if len(disk.data) != 100*kept || s.dropped != int64(60002-kept) {
		t.Errorf("%d bytes for %d lines", len(disk.data), kept)
	}
}

// Training goes on when the metrics are on a full disk; the events tell of it.
func TestWriterFullDisk(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("SKIPPED, this system has no /dev/full")
	}
	var got reports
	w := create(t, Options{Report: got.add})
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	w.mu.Lock()
	w.metrics.file = full
	w.mu.Unlock()
	for i := range 1000 {
		w.Record(&Record{Step: int64(i), Kind: Train, Values: []Value{{"loss", 1}}})
	}
	if len(got.list) != 1 || !strings.Contains(got.list[0], "no space left") {
		t.Errorf("reports %q", got.list)
	}
	if err := w.Sync(); err == nil {
		t.Error("Sync says that all is on the disk")
	}
	if err := w.Close(Finished, ""); err == nil || !strings.Contains(err.Error(), "bytes wait") {
		t.Errorf("Close: %v", err)
	}
	r, err := Open(w.Dir())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, _, err := r.Poll(Budget{}); err != nil {
		t.Fatal(err)
	}
	if e := r.Events(); len(e) != 3 || e[1].Kind != LoggingChanged || e[2].Kind != Ended {
		t.Errorf("events %+v", e)
	}
}

// The heartbeat carries the progress. When it cannot be written that is told once, and training goes on.
func TestHeartbeat(t *testing.T) {
	var got reports
	w := create(t, Options{Report: got.add})
	w.Progress(42, 90*time.Second)
	w.SetTotalSteps(200)
	if err := w.saveState(); err != nil {
		t.Fatal(err)
	}
	s, err := ReadState(w.Dir())
	if err != nil || s.Step != 42 || s.TotalSteps != 200 || s.ETASeconds != 90 || s.StepTime.Before(s.Started) {
		t.Errorf("state %+v, %v", s, err)
	}
	if err := os.RemoveAll(w.Dir()); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := w.saveState(); err == nil {
			t.Error("a heartbeat was written into a directory that is gone")
		}
		w.Record(&Record{Step: 43, Kind: Train, Values: []Value{{"loss", 1}}})
	}
	if len(got.list) != 1 || !strings.Contains(got.list[0], "heartbeat") {
		t.Errorf("reports %q", got.list)
	}
}

// Recording allocates nothing once the buffers have grown, with and without the TensorBoard mirror.
func TestRecordAllocates(t *testing.T) {
	for _, without := range []bool{true, false} {
		w := create(t, Options{NoTensorBoard: without, Report: quiet(t)})
		r := benchmarkRecord()
		w.Record(r)
		if n := testing.AllocsPerRun(100, func() { r.Step++; w.Record(r) }); n != 0 {
			t.Errorf("NoTensorBoard %v: %v allocations a record", without, n)
		}
	}
}

func BenchmarkRecord(b *testing.B) {
	for _, without := range []bool{true, false} {
		b.Run(fmt.Sprintf("NoTensorBoard=%v", without), func(b *testing.B) {
			w, err := Create(filepath.Join(b.TempDir(), "run"), Meta{}, Options{NoTensorBoard: without})
			if err != nil {
				b.Fatal(err)
			}
			defer w.Close(Finished, "")
			r := benchmarkRecord()
			b.ReportAllocs()
			for b.Loop() {
				r.Step++
				w.Record(r)
			}
		})
	}
}

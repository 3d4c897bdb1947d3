package runlog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

// Options are the choices of a process that writes a run.
type Options struct {
	// Report is told once when logging begins to fail, once when it works again, and when a lock was taken over. It may
	// be called from any goroutine. nil writes to standard error.
	Report func(error)
	// NoTensorBoard leaves out the mirror in tb/.
	NoTensorBoard bool

	clock func() time.Time // for tests; nil is time.Now
}

// Writer writes a run directory. One process holds the Writer of a run; its methods may be called from any goroutine.
// After Create or Attach nothing it does can fail the training.
type Writer struct {
	dir    string
	clock  func() time.Time
	report func(error)
	lock   *lock
	quit   chan struct{} // closed to end the heartbeat
	done   chan struct{} // closed when it has ended

	mu         sync.Mutex // guards what follows
	closed     bool
	state      State
	metrics    *sink
	snaps      *sink
	events     *sink
	log        *sink
	board      *board // nil without TensorBoard
	files      []*os.File
	line       []byte           // the line being made
	last       map[string]int64 // last step of each kind
	floor      int64            // the step this process began at; no record is older
	lastSnap   map[SnapshotKind]int64
	lastSample string // name of the last audio file, without the count of those of its step
	sameSample int
	refused    int64     // records that were not fit to be written
	news       []error   // to be reported when mu is free
	requests   []Request // waiting to be taken

	samples chan sampleFile // to the goroutine of the heartbeat
	beatNow chan struct{}   // asks it for a heartbeat

	// Used by that goroutine alone.
	sampleFailing bool
	stuck         map[string]struct{} // requests that were taken and could not be removed

	stateMu      sync.Mutex // one state.json at a time
	stateFailing bool
}

// Create begins a new run in dir, which must be empty or not exist; see [NewDir].
func Create(dir string, m Meta, o Options) (*Writer, error) {
	if err := emptyDir(dir); err != nil {
		return nil, err
	}
	w := newWriter(dir, o)
	if _, err := w.takeLock(); err != nil {
		return nil, err
	}
	w.state.Created = w.state.Started
	w.state.TotalSteps = m.TotalSteps
	err := writeMeta(dir, m)
	if err == nil {
		err = w.start(0, o)
	}
	if err != nil {
		return nil, errors.Join(err, w.lock.release())
	}
	w.Event(Event{Kind: Started, Data: w.self(m.Args)})
	return w, nil
}

// Attach continues the run in dir from the checkpoint of step: what was recorded after that step becomes invisible to
// readers, and new records follow. For the curves to equal those of an uninterrupted run, everything that belongs to a
// step must be recorded, and [Writer.Sync] called, before the checkpoint of that step is published. args is the command
// line of this process.
func Attach(dir string, step int64, args []string, o Options) (*Writer, error) {
	if step < 0 {
		return nil, fmt.Errorf("runlog: resume %s: negative step %d", dir, step)
	}
	old, err := ReadState(dir)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w: %w", ErrNotRun, err)
	}
	if err != nil {
		return nil, fmt.Errorf("runlog: resume %s: %w", dir, err)
	}
	w := newWriter(dir, o)
	stale, err := w.takeLock()
	if err != nil {
		return nil, err
	}
	w.state.Created = old.Created
	w.state.TotalSteps = old.TotalSteps
	if err := w.start(step, o); err != nil {
		return nil, errors.Join(err, w.lock.release())
	}
	if stale != nil {
		what := "took over the lock of " + stale.String() + ", which no longer runs"
		w.Event(Event{Kind: TakenOver, Step: step, Severity: Warning, Message: what})
		w.report(fmt.Errorf("runlog: %s: %s", dir, what))
	}
	w.Event(Event{Kind: Resumed, Step: step, Data: w.self(args)})
	return w, nil
}

func newWriter(dir string, o Options) *Writer {
	w := &Writer{dir: dir, clock: o.clock, report: o.Report, last: make(map[string]int64),
		lastSnap: make(map[SnapshotKind]int64), samples: make(chan sampleFile, 4), beatNow: make(chan struct{}, 1), stuck: make(map[string]struct{})}
	if w.clock == nil {
		w.clock = time.Now
	}
	if w.report == nil {
		w.report = func(err error) { fmt.Fprintln(os.Stderr, err) }
	}
	return w
}

// takeLock takes the lock of the directory and begins the state of this process.
func (w *Writer) takeLock() (stale *owner, err error) {
	host, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("runlog: host name: %w", err)
	}
	self := owner{PID: os.Getpid(), PIDStart: ownStart(), Host: host, Time: w.clock()}
	w.lock, stale, err = acquire(w.dir, self)
	w.state = State{Version: FormatVersion, Status: Running, Started: self.Time, StepTime: self.Time, Time: self.Time,
		Host: host, PID: self.PID, PIDStart: self.PIDStart}
	return stale, err
}

// start opens the logs, marks the session and begins the heartbeat. On error nothing stays open.
func (w *Writer) start(step int64, o Options) (err error) {
	defer func() {
		if err != nil {
			for _, f := range w.files {
				f.Close()
			}
			err = fmt.Errorf("runlog: start %s: %w", w.dir, err)
		}
	}()
	for _, sub := range []string{samplesDir, controlDir} {
		if err = os.MkdirAll(filepath.Join(w.dir, sub), 0o755); err != nil {
			return err
		}
	}
	if err = removeSamples(filepath.Join(w.dir, samplesDir), func(at int64, _ int) bool { return at > step }); err != nil {
		return err
	}
	for _, s := range []struct {
		to   **sink
		name string
	}{{&w.metrics, metricsFile}, {&w.events, eventsFile}, {&w.log, logFile}, {&w.snaps, snapshotsFile}} {
		var f *os.File
		if *s.to, f, err = openSink(filepath.Join(w.dir, s.name), w.logging); err != nil {
			return err
		}
		w.files = append(w.files, f)
	}
	now := w.state.Started
	if !o.NoTensorBoard {
		var f *os.File
		if w.board, f, err = openBoard(filepath.Join(w.dir, boardDir), step, now, w.state.Host, w.state.PID, w.logging); err != nil {
			return err
		}
		w.files = append(w.files, f)
	}
	w.floor = step
	w.state.Step = step
	if err = writeState(w.dir, w.state); err != nil {
		return err
	}
	w.line = appendRecord(w.line[:0], &Record{Step: step, Time: now, Kind: session})
	w.metrics.write(w.line, now)
	w.line = appendSession(w.line[:0], step, now)
	w.snaps.write(w.line, now)
	w.quit, w.done = make(chan struct{}), make(chan struct{})
	go w.beat()
	return nil
}

// self tells who writes, for the events that begin a session.
func (w *Writer) self(args []string) map[string]string {
	return map[string]string{
		"format":  strconv.Itoa(FormatVersion),
		"host":    w.state.Host,
		"pid":     strconv.Itoa(w.state.PID),
		"command": shellQuote(args),
	}
}

// beat does, until the writer is closed, what must not wait for the trainer nor hold it up: it replaces state.json, retries
// what could not be written, writes audio and looks for requests.
func (w *Writer) beat() {
	defer close(w.done)
	heart, look := time.NewTicker(heartbeatEvery), time.NewTicker(lookEvery)
	defer heart.Stop()
	defer look.Stop()
	for {
		select {
		case <-w.quit:
			for len(w.samples) > 0 {
				w.saveSample(<-w.samples)
			}
			return
		case <-heart.C:
			w.Flush()
			w.saveState()
		case <-w.beatNow:
			w.saveState()
		case <-look.C:
			w.lookForRequests()
		case f := <-w.samples:
			w.saveSample(f)
		}
	}
}

// Close ends the run with the given status (Finished, Stopped or Failed) and the reason for it, and releases the lock.
// It returns an error when something that was logged could not be written. Further calls do nothing.
func (w *Writer) Close(status Status, reason string) error {
	w.mu.Lock()
	if w.closed {
		w.unlock()
		return nil
	}
	severity := Info
	if status == Failed {
		severity = Error
	}
	w.event(Event{Step: w.state.Step, Kind: Ended, Severity: severity, Message: reason, Data: map[string]string{"status": string(status)}})
	w.closed = true
	w.state.Status, w.state.Message, w.state.ETASeconds, w.state.Paused = status, reason, 0, false
	w.unlock()
	close(w.quit)
	<-w.done

	err := w.Sync()
	w.mu.Lock()
	for _, f := range w.files {
		err = errors.Join(err, f.Close())
	}
	if lost := w.dropped(); lost > 0 {
		err = errors.Join(err, fmt.Errorf("%d log lines could not be written and are lost", lost))
	}
	w.unlock()
	if err := errors.Join(err, w.saveState(), w.lock.release()); err != nil {
		return fmt.Errorf("runlog: close %s: %w", w.dir, err)
	}
	return nil
}

package runlog

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// logLinesKept bounds the log lines in memory; older ones are forgotten.
const logLinesKept = 5000

// Reader follows the logs of one run, while it is written or after it has ended. It never writes and takes no lock. A
// Reader is used by one goroutine at a time; several Readers may follow one run.
type Reader struct {
	dir     string
	metrics tail
	events  tail
	log     tail
	looks   tail // snapshots.jsonl

	parser     recordParser
	record     Record
	columns    columns
	happened   []Event
	lines      []LogLine
	snaps      snapshots
	generation int
	damage     Damage
}

// Damage counts what a Reader had to leave out.
type Damage struct {
	Lines   int64 // torn, changed or too long
	Records int64 // whole, but out of order
}

// Budget limits one call of Poll. A field that is zero does not limit.
type Budget struct {
	Records  int           // lines of all logs together
	Duration time.Duration // looked at every 16 lines
}

// Open returns a Reader of the run in dir. A run that has written nothing yet is no error.
func Open(dir string) (*Reader, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, fmt.Errorf("runlog: open run: %w", err)
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("runlog: open run %s: %w", dir, ErrNotRun)
	}
	if !isRun(dir) {
		return nil, fmt.Errorf("runlog: open run %s: %w: it holds neither %s nor %s", dir, ErrNotRun, stateFile, metricsFile)
	}
	return &Reader{
		dir:     dir,
		metrics: tail{path: filepath.Join(dir, metricsFile)},
		events:  tail{path: filepath.Join(dir, eventsFile)},
		log:     tail{path: filepath.Join(dir, logFile)},
		looks:   tail{path: filepath.Join(dir, snapshotsFile)},
		columns: newColumns(),
		snaps:   newSnapshots(),
	}, nil
}

// isRun reports whether dir looks like a run, also one that is just being created or was copied in part.
func isRun(dir string) bool {
	for _, name := range []string{metricsFile, lockFile} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return true
		}
	}
	return false
}

// Poll reads on in the logs. It returns how many lines it read and whether it stopped because of the budget. After an
// error the next call tries again. Slices returned by other methods before are void.
func (r *Reader) Poll(b Budget) (n int, more bool, err error) {
	var deadline time.Time
	if b.Duration > 0 {
		deadline = time.Now().Add(b.Duration)
	}
	for _, l := range []struct {
		tail  *tail
		reset func()
		line  func(body []byte) error
	}{
		// The short ones first, so that a view shows them while it loads a long run.
		{&r.events, func() { r.happened = nil }, r.addEvent},
		{&r.metrics, func() { r.columns = newColumns(); r.generation++ }, r.addRecord},
		{&r.log, func() { r.lines = nil }, r.addLogLine},
		{&r.looks, func() { r.snaps = newSnapshots() }, r.addSnapshot},
	} {
		reset, err := l.tail.open()
		if err != nil {
			return n, false, fmt.Errorf("runlog: read %s: %w", l.tail.path, err)
		}
		if reset {
			l.reset()
		}
		for {
			if b.Records > 0 && n >= b.Records || n%16 == 15 && !deadline.IsZero() && time.Now().After(deadline) {
				return n, true, nil
			}
			line, err := l.tail.next()
			if err != nil {
				return n, false, fmt.Errorf("runlog: read %s: %w", l.tail.path, err)
			}
			if line == nil {
				break
			}
			n++
			if body, err := checkLine(line); err != nil || l.line(body) != nil {
				if len(line) > 0 { // an empty line ends one that a crash tore; that one is counted
					r.damage.Lines++
				}
			}
		}
	}
	if err := r.snaps.look(r.dir); err != nil {
		return n, false, fmt.Errorf("runlog: read snapshots: %w", err)
	}
	return n, false, nil
}

func (r *Reader) addSnapshot(body []byte) error {
	err := r.snaps.add(body)
	if errors.Is(err, errOrder) {
		r.damage.Records++
		return nil
	}
	return err
}

func (r *Reader) addRecord(body []byte) error {
	if err := r.parser.parse(body, &r.record); err != nil {
		return err
	}
	if r.record.Kind == session {
		r.columns.session(r.record.Step, r.record.Time)
	} else if !r.columns.add(&r.record) {
		r.damage.Records++
	}
	return nil
}

func (r *Reader) addEvent(body []byte) error {
	e, err := parseEvent(body)
	if err != nil {
		return err
	}
	if e.Kind == Resumed {
		for i := range r.happened {
			if r.happened[i].Step > e.Step {
				r.happened[i].Superseded = true
			}
		}
	}
	r.happened = append(r.happened, e)
	return nil
}

func (r *Reader) addLogLine(body []byte) error {
	l, err := parseLogLine(body)
	if err != nil {
		return err
	}
	if len(r.lines) == 2*logLinesKept {
		r.lines = append(r.lines[:0], r.lines[logLinesKept:]...)
	}
	r.lines = append(r.lines, l)
	return nil
}

// Dir returns the run directory.
func (r *Reader) Dir() string { return r.dir }

// Names returns the series that have data, sorted: "train/loss", "valid/accuracy".
func (r *Reader) Names() []string {
	names := make([]string, 0, len(r.columns.byName))
	for name := range r.columns.byName {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Series returns the points of a series in the order of their steps; values may be NaN or infinite. Both are nil when
// there is no such series. The slices belong to the Reader: they must not be changed and are valid until Poll.
func (r *Reader) Series(name string) (steps []int64, values []float64) {
	if c := r.columns.byName[name]; c != nil {
		return c.steps, c.values
	}
	return nil, nil
}

// Elapsed returns, for each point of a series, the seconds of training until it was recorded. Time between the end of
// one process and the start of the next is not counted, nor is work that was lost and done again.
func (r *Reader) Elapsed(name string) []float64 {
	if c := r.columns.byName[name]; c != nil {
		return c.elapsed
	}
	return nil
}

// Last returns the last point of a series. ok is false when there is none.
func (r *Reader) Last(name string) (step int64, value float64, ok bool) {
	c := r.columns.byName[name]
	if c == nil {
		return 0, 0, false
	}
	n := len(c.steps) - 1
	return c.steps[n], c.values[n], true
}

// Generation changes when the metrics were replaced by others and all series began anew, so that a view can drop what it
// derived from them. A resumed run also shortens series, without a new generation: compare lengths and last steps.
func (r *Reader) Generation() int { return r.generation }

// Events returns the events so far, in the order of the file.
func (r *Reader) Events() []Event { return r.happened }

// Log returns the last lines of the log, at most 5000.
func (r *Reader) Log() []LogLine {
	return r.lines[max(0, len(r.lines)-logLinesKept):]
}

// State reads the heartbeat. Its Status is what the run says; see [State.At] for what it looks like.
func (r *Reader) State() (State, error) { return ReadState(r.dir) }

// Damage returns what was left out so far.
func (r *Reader) Damage() Damage {
	d := r.damage
	d.Lines += r.metrics.long + r.events.long + r.log.long + r.looks.long
	return d
}

// Close closes the files.
func (r *Reader) Close() error {
	return errors.Join(r.metrics.close(), r.events.close(), r.log.close(), r.looks.close())
}

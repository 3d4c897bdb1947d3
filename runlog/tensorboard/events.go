// Package tensorboard reads the event files that TensorBoard shows, whoever wrote them, as curves: of PyTorch, fairseq,
// transformers, Lightning, Keras, or of aural itself. Scalars become series under the names of package runlog, so that a
// run of another program can be laid over one of ours; all else in the files is passed over.
package tensorboard

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"aural/runlog"
)

// ErrNoEvents is returned for a path without event files.
var ErrNoEvents = errors.New("no TensorBoard event files")

// maxSeries bounds the tags of a log, and so the memory that a mistaken file can take.
const maxSeries = 10_000

// Events are the scalars of one event file, or of all event files in a folder and the folders in it, as [runlog.Curves]. It
// follows files that grow, and files that are added. Events is used by one goroutine at a time.
type Events struct {
	path   string
	single bool // path is a file

	files      []*file // in the order of their paths, which is that of their beginning
	listed     time.Time
	folders    map[string]*folder // by path
	base       string             // the folder that gives tags no prefix
	series     map[string]*series // by name
	fairseq    bool               // it was written by fairseq
	generation int
	damage     runlog.Damage
}

var _ runlog.Curves = (*Events)(nil)

// OpenEvents returns the log in path, an event file or a folder with some. Nothing is read before Poll.
func OpenEvents(path string) (*Events, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("tensorboard: open: %w", err)
	}
	e := &Events{path: path, single: !info.IsDir()}
	if e.single && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("tensorboard: open %s: %w: it is not a regular file", path, ErrNoEvents)
	}
	e.reset()
	if err := e.list(); err != nil {
		return nil, fmt.Errorf("tensorboard: open %s: %w", path, err)
	}
	if len(e.files) == 0 {
		return nil, fmt.Errorf("tensorboard: open %s: %w: they have \"tfevents\" in their names", path, ErrNoEvents)
	}
	return e, nil
}

// reset forgets what was read.
func (e *Events) reset() {
	e.files, e.folders, e.base, e.listed = nil, make(map[string]*folder), "", time.Time{}
	e.series, e.fairseq, e.damage = make(map[string]*series), false, runlog.Damage{}
}

// Poll reads on in the files, as [runlog.Reader.Poll] does. n counts records, of scalars and of other things. When a file
// was replaced by another one, all series begin anew.
func (e *Events) Poll(b runlog.Budget) (n int, more bool, err error) {
	var deadline time.Time
	if b.Duration > 0 {
		deadline = time.Now().Add(b.Duration)
	}
	if time.Since(e.listed) > listEvery {
		if err := e.list(); err != nil {
			return 0, false, fmt.Errorf("tensorboard: read %s: %w", e.path, err)
		}
	}
	for _, f := range e.files {
		stop := func() bool {
			more = b.Records > 0 && n >= b.Records || n%16 == 15 && !deadline.IsZero() && time.Now().After(deadline)
			return more
		}
		err := f.read(stop, func(message []byte, err error) {
			n++
			if err != nil {
				e.damage.Lines++
			} else if err := e.add(f, message); err != nil {
				e.damage.Records++
			}
		})
		if errors.Is(err, errReplaced) {
			e.reset()
			e.generation++
			if err := e.list(); err != nil {
				return n, false, fmt.Errorf("tensorboard: read %s: %w", e.path, err)
			}
			return n, true, nil
		}
		if err != nil {
			return n, false, fmt.Errorf("tensorboard: read %s: %w", f.path, err)
		}
		if more {
			return n, true, nil
		}
	}
	return n, false, nil
}

// Dir returns the path that the log was opened with.
func (e *Events) Dir() string { return e.path }

// Names returns the series that have data, sorted: "train/loss", "valid/accuracy".
func (e *Events) Names() []string {
	names := make([]string, 0, len(e.series))
	for name, s := range e.series {
		if len(s.steps) > 0 {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Series returns the points of a series in the order of their steps; values may be NaN or infinite. Losses that fairseq
// logged in bits are in nats. Both are nil when there is no such series. The slices must not be changed and are valid
// until Poll.
func (e *Events) Series(name string) (steps []int64, values []float64) {
	if s := e.series[name]; s != nil && len(s.steps) > 0 {
		return s.steps, s.values
	}
	return nil, nil
}

// Elapsed returns, for each point of a series, the seconds since its folder's first scalar. Time between two processes is
// not counted.
func (e *Events) Elapsed(name string) []float64 {
	if s := e.series[name]; s != nil && len(s.steps) > 0 {
		return s.elapsed
	}
	return nil
}

// Last returns the last point of a series. ok is false when there is none.
func (e *Events) Last(name string) (step int64, value float64, ok bool) {
	steps, values := e.Series(name)
	if len(steps) == 0 {
		return 0, 0, false
	}
	return steps[len(steps)-1], values[len(steps)-1], true
}

// Generation changes when all series began anew because a file was replaced; see [runlog.Reader.Generation].
func (e *Events) Generation() int { return e.generation }

// Damage returns what was left out so far: Lines are records with a wrong checksum, Records those that make no sense.
func (e *Events) Damage() runlog.Damage { return e.damage }

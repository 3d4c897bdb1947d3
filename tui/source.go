package tui

import (
	"math"
	"sync"
	"time"

	"aural/health"
	"aural/runlog"
	"aural/tui/chart"
)

// source is where a run comes from. poll may take long on a slow file system; it runs in a goroutine of its own, and what
// it hands over belongs to the receiver.
type source interface {
	poll() pollMsg
	close() error
}

// pollBudget bounds one poll, so that the screen shows a long run while it is loaded.
const pollBudget = 100 * time.Millisecond

// healthEvery is the least time between two judgements of a run.
const healthEvery = 2 * time.Second

// follower is the source of a run directory.
type follower struct {
	mu     sync.Mutex // held while the reader is used
	reader *runlog.Reader
	closed bool
	now    func() time.Time
	tracker

	events []runlog.Event // as they were handed over last
	lines  []runlog.LogLine
	shots  shotMark
	judged time.Time
	config configReader
}

// tracker tells what is new in curves.
type tracker struct {
	marks      map[string]mark
	generation int
}

// mark is the last point of a series that was handed over. A resumed run takes points back and may record as many again
// before the next poll; the time of the last point then tells.
type mark struct {
	n              int
	step           int64
	value, elapsed float64
}

// shotMark tells whether there are new snapshots: how many of each kind, and the time of the last ones.
type shotMark struct {
	counts [4]int
	last   [4]time.Time
}

func newFollower(dir string, now func() time.Time) (*follower, error) {
	reader, err := runlog.Open(dir)
	if err != nil {
		return nil, err
	}
	return &follower{reader: reader, tracker: tracker{marks: make(map[string]mark)}, now: now, config: configReader{dir: dir}}, nil
}

// poll reads on.
func (f *follower) poll() pollMsg {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return pollMsg{}
	}
	msg := pollMsg{at: f.now()}
	msg.read, msg.more, msg.err = f.reader.Poll(runlog.Budget{Duration: pollBudget})
	msg.reset, msg.changes = f.track(f.reader, f.reader.Generation())
	if msg.changes != nil {
		for _, s := range f.reader.Sessions() {
			msg.sessions = append(msg.sessions, chart.Session{Elapsed: s.Elapsed, Unix: float64(s.Time.UnixMilli()) / 1000})
		}
	}
	if msg.state, msg.stateErr = f.reader.State(); msg.stateErr == nil {
		msg.status = msg.state.At(msg.at)
	}
	if msg.read > 0 || f.events == nil { // else the copies of the poll before are still true, and nobody changes them
		f.events = append([]runlog.Event{}, f.reader.Events()...)
		f.lines = append([]runlog.LogLine{}, f.reader.Log()...)
	}
	msg.events, msg.lines = f.events, f.lines
	msg.snapshots = f.snapshots()
	msg.config = f.config.read()
	if !msg.more && msg.at.Sub(f.judged) >= healthEvery {
		f.judged = msg.at
		if report, err := health.FromReader(f.reader, msg.at); err == nil { // State told of the error
			msg.report = &report
		}
	}
	msg.damage = f.reader.Damage()
	return msg
}

// track returns what is new in the series since the call before, and whether all of them began anew. A series that is gone,
// because a resumed run took all of it back, is emptied.
func (t *tracker) track(curves runlog.Curves, generation int) (reset bool, out []chart.Change) {
	if generation != t.generation {
		t.generation, reset = generation, true
		clear(t.marks)
	}
	for _, name := range curves.Names() {
		if c, ok := t.change(curves, name); ok {
			out = append(out, c)
		}
	}
	for name := range t.marks {
		if steps, _ := curves.Series(name); len(steps) == 0 {
			out = append(out, chart.Change{Name: name})
			delete(t.marks, name)
		}
	}
	return reset, out
}

// change returns what is new in a series.
func (t *tracker) change(curves runlog.Curves, name string) (c chart.Change, ok bool) {
	steps, values := curves.Series(name)
	elapsed := curves.Elapsed(name)
	old := t.marks[name]
	c = chart.Change{Name: name, Keep: old.n}
	if i := old.n - 1; i >= 0 {
		same := i < len(steps) && steps[i] == old.step && math.Float64bits(values[i]) == math.Float64bits(old.value) && elapsed[i] == old.elapsed
		if !same {
			c.Keep = 0
		}
	}
	if c.Keep == len(steps) && c.Keep == old.n {
		return c, false
	}
	c.Steps = append(c.Steps, steps[c.Keep:]...)
	c.Values = append(c.Values, values[c.Keep:]...)
	c.Elapsed = append(c.Elapsed, elapsed[c.Keep:]...)
	n := len(steps)
	t.marks[name] = mark{n, steps[n-1], values[n-1], elapsed[n-1]}
	return c, true
}

// snapshots returns all snapshots when there are new ones.
func (f *follower) snapshots() *snapshots {
	lists := [4][]runlog.Snapshot{f.reader.Snapshots(runlog.CodebookSnapshot), f.reader.Snapshots(runlog.BatchSnapshot),
		f.reader.Snapshots(runlog.TranscriptSnapshot), f.reader.Snapshots(runlog.AlignmentSnapshot)}
	var m shotMark
	for i, l := range lists {
		if m.counts[i] = len(l); len(l) > 0 {
			m.last[i] = l[len(l)-1].Time
		}
	}
	if m == f.shots {
		return nil
	}
	f.shots = m
	clone := func(l []runlog.Snapshot) []runlog.Snapshot { return append([]runlog.Snapshot(nil), l...) }
	return &snapshots{clone(lists[0]), clone(lists[1]), clone(lists[2]), clone(lists[3])}
}

// close closes the files when the poll in work, if any, is done.
func (f *follower) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	return f.reader.Close()
}

// release closes a source, but does not wait for a file system that hangs: the user wants to leave.
func release(s source) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.close() // of files that were only read
	}()
	select {
	case <-done:
	case <-time.After(time.Second):
	}
}

package tui

import (
	"math"
	"sync"
	"time"

	"aural/runlog"
)

// pollBudget bounds one poll, so that the screen shows a long run while it is loaded.
const pollBudget = 100 * time.Millisecond

// follower reads the run. A poll may take long on a slow file system; it runs in a goroutine of its own, and what it
// hands over belongs to the receiver.
type follower struct {
	mu         sync.Mutex // held while the reader is used
	reader     *runlog.Reader
	closed     bool
	names      []string
	marks      map[string]mark
	generation int
	now        func() time.Time
}

// mark is the last point of a series that was handed over. A resumed run takes points back and may record as many again
// before the next poll; the time of the last point then tells.
type mark struct {
	n              int
	step           int64
	value, elapsed float64
}

func newFollower(dir string, now func() time.Time) (*follower, error) {
	reader, err := runlog.Open(dir)
	if err != nil {
		return nil, err
	}
	return &follower{reader: reader, names: followed(), marks: make(map[string]mark), now: now}, nil
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
	if g := f.reader.Generation(); g != f.generation {
		f.generation = g
		clear(f.marks)
		for _, name := range f.names {
			msg.changes = append(msg.changes, change{name: name})
		}
	}
	for _, name := range f.names {
		if c, ok := f.change(name); ok {
			msg.changes = append(msg.changes, c)
		}
	}
	if msg.state, msg.stateErr = f.reader.State(); msg.stateErr == nil {
		msg.status = msg.state.At(msg.at)
	}
	msg.news = f.news()
	msg.damage = f.reader.Damage()
	return msg
}

// change returns what is new in a series.
func (f *follower) change(name string) (c change, ok bool) {
	steps, values := f.reader.Series(name)
	elapsed := f.reader.Elapsed(name)
	old := f.marks[name]
	c = change{name: name, keep: old.n}
	if i := old.n - 1; i >= 0 {
		same := i < len(steps) && steps[i] == old.step && math.Float64bits(values[i]) == math.Float64bits(old.value) && elapsed[i] == old.elapsed
		if !same {
			c.keep = 0
		}
	}
	if c.keep == len(steps) && c.keep == old.n {
		return c, false
	}
	c.steps = append(c.steps, steps[c.keep:]...)
	c.values = append(c.values, values[c.keep:]...)
	f.marks[name] = mark{}
	if n := len(steps); n > 0 {
		f.marks[name] = mark{n, steps[n-1], values[n-1], elapsed[n-1]}
	}
	return c, true
}

// news looks through the events.
func (f *follower) news() news {
	var n news
	for _, e := range f.reader.Events() {
		if e.Superseded {
			continue
		}
		n.last = &e // a new variable in each turn
		if e.Severity != runlog.Info {
			n.alert = &e
			n.alerts++
		}
	}
	if lines := f.reader.Log(); len(lines) > 0 {
		line := lines[len(lines)-1]
		n.line = &line
	}
	return n
}

// close closes the files when the poll in work, if any, is done.
func (f *follower) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	return f.reader.Close()
}

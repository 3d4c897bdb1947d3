package main

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// ticker shows progress: on a terminal one line that is replaced, elsewhere a line now and then. Its methods may be called
// from any goroutine.
type ticker struct {
	mu      sync.Mutex // guards what follows
	w       io.Writer
	columns int
	live    bool
	last    time.Time
	open    bool // a line is on the screen that will be replaced
	held    bool // the terminal belongs to somebody else
	kept    []string
}

// keptNotes bounds what waits while the terminal belongs to somebody else; older notes are in the log of the run.
const keptNotes = 100

// The intervals between two lines.
const (
	liveEvery  = 100 * time.Millisecond
	plainEvery = 10 * time.Second
)

// newTicker looks at w once. plain asks for lines also on a terminal.
func newTicker(w io.Writer, plain bool) *ticker {
	t := &ticker{w: w}
	if !plain {
		t.columns, t.live = isTerminal(w)
	}
	return t
}

// show writes a line if it is time, or if it must be seen.
func (t *ticker) show(must bool, line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.held {
		return
	}
	every := plainEvery
	if t.live {
		every = liveEvery
	}
	if now := time.Now(); must || now.Sub(t.last) >= every {
		t.last = now
		t.write(line)
	}
}

func (t *ticker) write(line string) {
	if !t.live {
		fmt.Fprintln(t.w, line)
		return
	}
	if r := []rune(line); t.columns > 0 && len(r) >= t.columns {
		line = string(r[:t.columns-1])
	}
	fmt.Fprintf(t.w, "\r\x1b[K%s", line)
	t.open = true
}

// note writes a line that stays.
func (t *ticker) note(line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.held {
		if len(t.kept) == keptNotes {
			t.kept = append(t.kept[:0], t.kept[1:]...)
		}
		t.kept = append(t.kept, line)
		return
	}
	t.put(line)
}

func (t *ticker) put(line string) {
	if t.open {
		fmt.Fprint(t.w, "\r\x1b[K")
		t.open = false
	}
	fmt.Fprintln(t.w, line)
}

// hold keeps what is to be written, when that goes to a terminal, until goOn.
func (t *ticker) hold() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, terminal := isTerminal(t.w); terminal {
		t.finish()
		t.held = true
	}
}

// goOn writes what was kept, and goes on.
func (t *ticker) goOn() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.held = false
	for _, line := range t.kept {
		t.put(line)
	}
	t.kept = nil
}

// close leaves the last line on the screen.
func (t *ticker) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.finish()
}

func (t *ticker) finish() {
	if t.open {
		fmt.Fprintln(t.w)
		t.open = false
	}
}

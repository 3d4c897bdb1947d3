package main

import (
	"fmt"
	"io"
	"time"
)

// ticker shows progress: on a terminal one line that is replaced, elsewhere a line now and then.
type ticker struct {
	w       io.Writer
	columns int
	live    bool
	last    time.Time
	open    bool // a line is on the screen that will be replaced
}

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
	if t.open {
		fmt.Fprint(t.w, "\r\x1b[K")
		t.open = false
	}
	fmt.Fprintln(t.w, line)
}

// close leaves the last line on the screen.
func (t *ticker) close() {
	if t.open {
		fmt.Fprintln(t.w)
		t.open = false
	}
}

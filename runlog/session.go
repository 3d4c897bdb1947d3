package runlog

import "time"

// Session is a process that wrote a run, as far as its records still count.
type Session struct {
	Step    int64     // updates done when it began
	Elapsed float64   // seconds of training when it began; see Reader.Elapsed
	Time    time.Time // when it began
}

// Sessions returns the processes that wrote the run, in order. A point at which e seconds were trained was recorded e - Elapsed
// seconds after the Time of the newest one whose Elapsed is not above e.
func (r *Reader) Sessions() []Session { return r.columns.sessions }

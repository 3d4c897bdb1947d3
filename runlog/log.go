package runlog

import (
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Dir returns the run directory.
func (w *Writer) Dir() string { return w.dir }

// Record appends r to the metrics. Within a kind, steps must not decrease. A record that is not fit to be written (a
// bad name, a step in the past) is a mistake in the program; it is dropped, counted and reported, and training goes
// on. Record keeps nothing of r and allocates nothing in the long run.
func (w *Writer) Record(r *Record) {
	w.mu.Lock()
	defer w.unlock()
	if w.closed {
		return
	}
	now := w.clock()
	rec := *r
	if rec.Time.IsZero() {
		rec.Time = now
	}
	err := rec.check()
	if last := max(w.floor, w.last[rec.Kind]); err == nil && rec.Step < last {
		err = fmt.Errorf("step %d after step %d", rec.Step, last)
	}
	if err == nil {
		w.line = appendRecord(w.line[:0], &rec)
		if len(w.line) > maxLine {
			err = fmt.Errorf("%d values make a line of %d bytes, more than %d", len(rec.Values), len(w.line), maxLine)
		}
	}
	if err != nil {
		w.refuse(fmt.Errorf("record of kind %q, step %d: %w", rec.Kind, rec.Step, err))
		return
	}
	w.last[rec.Kind] = rec.Step
	w.metrics.write(w.line, now)
	if w.board != nil {
		w.board.record(&rec, now)
	}
}

// Event appends e to the events. The zero time is replaced by the time of writing.
func (w *Writer) Event(e Event) {
	w.mu.Lock()
	defer w.unlock()
	if !w.closed {
		w.event(e)
	}
}

// event appends e while mu is held.
func (w *Writer) event(e Event) {
	now := w.clock()
	if e.Time.IsZero() {
		e.Time = now
	}
	e.Time = e.Time.UTC().Truncate(time.Millisecond)
	if e.Severity == "" {
		e.Severity = Info
	}
	var err error
	w.line, err = appendEvent(w.line[:0], &e)
	if err == nil && len(w.line) > maxLine {
		err = fmt.Errorf("a line of %d bytes, more than %d", len(w.line), maxLine)
	}
	if err != nil {
		w.refuse(fmt.Errorf("event %q, step %d: %w", e.Kind, e.Step, err))
		return
	}
	w.events.write(w.line, now)
}

// Handler returns a slog handler that appends to the log of the run.
func (w *Writer) Handler(level slog.Leveler) slog.Handler {
	return slog.NewJSONHandler(logLines{w}, &slog.HandlerOptions{Level: level})
}

// logLines puts a checksum into the lines that slog writes, one at a call.
type logLines struct{ w *Writer }

func (l logLines) Write(p []byte) (int, error) {
	n := len(p)
	if n < 3 || string(p[n-2:]) != "}\n" {
		return 0, errors.New("runlog: a log line is not a JSON object")
	}
	l.w.mu.Lock()
	defer l.w.unlock()
	if l.w.closed {
		return n, nil
	}
	l.w.line = append(l.w.line[:0], p[:n-2]...)
	l.w.line = appendChecksum(l.w.line, 0)
	if len(l.w.line) > maxLine {
		l.w.refuse(fmt.Errorf("log line of %d bytes, more than %d", n, maxLine))
		return n, nil
	}
	l.w.log.write(l.w.line, l.w.clock())
	return n, nil
}

// Progress tells the heartbeat how far the run is: updates done, and the time left or 0 when it is not known. It only
// notes the numbers and may be called at every step.
func (w *Writer) Progress(step int64, eta time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if step != w.state.Step {
		w.state.Step, w.state.StepTime = step, w.clock()
	}
	w.state.ETASeconds = eta.Seconds()
}

// SetTotalSteps changes the number of updates planned.
func (w *Writer) SetTotalSteps(n int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.state.TotalSteps = n
}

// SetPaused tells the heartbeat whether the run waits on request. The time of a pause does not count as training.
func (w *Writer) SetPaused(paused bool) {
	w.mu.Lock()
	defer w.unlock()
	if w.closed || w.state.Paused == paused {
		return
	}
	w.state.Paused = paused
	if !paused {
		// A session that begins after all there is voids nothing, and stops the clock of the readers until now.
		step := max(w.floor, w.state.Step)
		for _, last := range w.last {
			step = max(step, last)
		}
		now := w.clock()
		w.line = appendRecord(w.line[:0], &Record{Step: step, Time: now, Kind: session})
		w.metrics.write(w.line, now)
	}
	select {
	case w.beatNow <- struct{}{}: // who asked for it wants to see it soon
	default:
	}
}

// SetJobEnd tells the heartbeat when the batch system will end the process; the zero time stands for never.
func (w *Writer) SetJobEnd(t time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.state.JobEnd = t
}

// Dropped returns how many lines this process could not write or refused to write.
func (w *Writer) Dropped() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dropped()
}

func (w *Writer) dropped() int64 {
	n := w.refused
	for _, s := range w.sinks() {
		n += s.dropped
	}
	return n
}

func (w *Writer) sinks() []*sink {
	s := []*sink{w.metrics, w.events, w.log, w.snaps}
	if w.board != nil {
		s = append(s, w.board.out)
	}
	return s
}

// Flush tries to write what waits for a file that could not be written. The heartbeat calls it every few seconds.
func (w *Writer) Flush() {
	w.mu.Lock()
	defer w.unlock()
	now := w.clock()
	for _, s := range w.sinks() {
		s.flush(now)
	}
}

// Sync brings everything logged so far to the disk. Call it before a checkpoint is published, so that no checkpoint is
// ahead of the log after a loss of power. An error is no reason to stop: the lines are kept and tried again.
func (w *Writer) Sync() error {
	w.Flush()
	w.mu.Lock()
	defer w.unlock()
	var errs []error
	for _, s := range w.sinks() {
		if n := len(s.backlog); n > 0 {
			errs = append(errs, fmt.Errorf("%d bytes wait for %s", n, s.name))
		}
	}
	for _, f := range w.files {
		errs = append(errs, f.Sync())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("runlog: sync: %w", err)
	}
	return nil
}

// saveState writes the heartbeat. Its failure is reported when it begins and when it ends.
func (w *Writer) saveState() error {
	w.stateMu.Lock()
	defer w.stateMu.Unlock()
	w.mu.Lock()
	w.state.Time = w.clock()
	w.state.Dropped = w.dropped()
	s := w.state
	w.mu.Unlock()
	err := writeState(w.dir, s)
	if failing := err != nil; failing != w.stateFailing {
		w.stateFailing = failing
		if failing {
			w.report(fmt.Errorf("runlog: the heartbeat of the run fails; training goes on: %w", err))
		} else {
			w.report(errors.New("runlog: the heartbeat of the run works again"))
		}
	}
	return err
}

// refuse drops a line that must not be written. The first one is reported.
func (w *Writer) refuse(err error) {
	w.refused++
	if w.refused == 1 {
		w.news = append(w.news, fmt.Errorf("runlog: dropped, and further ones will be without notice: %w", err))
	}
}

// logging is told by the sinks, while mu is held, that a file cannot be written or can again.
func (w *Writer) logging(err error) { w.news = append(w.news, err) }

// unlock releases mu and then reports what happened while it was held, also as events: the file of events may be on a
// disk that works.
func (w *Writer) unlock() {
	news := w.news
	w.news = nil
	for _, err := range news {
		if !w.closed {
			w.event(Event{Step: w.state.Step, Kind: LoggingChanged, Severity: Warning, Message: err.Error()})
		}
	}
	w.mu.Unlock()
	for _, err := range news {
		w.report(err)
	}
}

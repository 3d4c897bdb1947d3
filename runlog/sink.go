package runlog

import (
	"fmt"
	"io"
	"os"
	"time"
)

const (
	// backlogSize is how many bytes wait for a file that cannot be written: some hours of records on a full disk.
	backlogSize = 4 << 20
	// retryAfter keeps a slow, broken file system from being asked at every step.
	retryAfter = time.Second
)

// sink appends lines to one file and never fails its caller. What the file does not take stays in a backlog, also the
// rest of a line that was written in part, so the file never holds half a line followed by another one. A line that
// does not fit in the backlog is dropped and counted.
type sink struct {
	name    string
	file    io.Writer
	backlog []byte
	dropped int64
	failing bool
	retryAt time.Time
	report  func(error) // called when a failure begins and when it ends
}

// openSink opens path for appending. A line torn by a crash is ended first, so that it spoils only itself.
func openSink(path string, report func(error)) (*sink, *os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return nil, nil, err
	}
	s := &sink{name: path, file: f, report: report}
	info, err := f.Stat()
	if err == nil && info.Mode().IsRegular() && info.Size() > 0 {
		var last [1]byte
		if _, err = f.ReadAt(last[:], info.Size()-1); err == nil && last[0] != '\n' {
			s.backlog = append(s.backlog, '\n')
		}
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return s, f, nil
}

// write appends one whole line (or TensorBoard record), which it copies. It reports whether the line was kept.
func (s *sink) write(line []byte, now time.Time) bool {
	if len(s.backlog) == 0 {
		// The usual case: nothing waits, and nothing is copied.
		n, err := s.file.Write(line)
		if err == nil {
			return true
		}
		s.backlog = append(s.backlog, line[n:]...)
		s.fail(err, now)
		return true
	}
	kept := len(s.backlog)+len(line) <= backlogSize
	if kept {
		s.backlog = append(s.backlog, line...)
	} else {
		s.dropped++
	}
	if !now.Before(s.retryAt) {
		s.flush(now)
	}
	return kept
}

// flush tries to write the backlog.
func (s *sink) flush(now time.Time) {
	if len(s.backlog) == 0 {
		return
	}
	n, err := s.file.Write(s.backlog)
	s.backlog = append(s.backlog[:0], s.backlog[n:]...)
	if err != nil {
		s.fail(err, now)
		return
	}
	if s.failing {
		s.failing = false
		s.report(fmt.Errorf("runlog: %s can be written again; %d lines were dropped since the run began", s.name, s.dropped))
	}
}

func (s *sink) fail(err error, now time.Time) {
	s.retryAt = now.Add(retryAfter)
	if s.failing {
		return
	}
	s.failing = true
	s.report(fmt.Errorf("runlog: cannot write %s; training goes on, lines are kept in memory up to %d MiB and then dropped: %w",
		s.name, backlogSize>>20, err))
}

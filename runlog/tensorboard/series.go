package tensorboard

import (
	"errors"
	"math"
	"sort"
)

// folder is what one directory of event files shares: TensorBoard takes it for one run.
type folder struct {
	kind    string             // of tags that do not say theirs; or empty
	tags    map[string]*series // by tag; nil for one that is not kept
	elapsed float64            // training time at the last event
	clock   float64            // its wall time; 0 before the first one
	event   event
}

// series are the points of one tag.
type series struct {
	bits    bool  // fairseq gives it in bits
	last    *file // of the last point
	steps   []int64
	values  []float64
	elapsed []float64
}

// from returns the first point of a step of at least step.
func (s *series) from(step int64) int {
	return sort.Search(len(s.steps), func(i int) bool { return s.steps[i] >= step })
}

func (s *series) cut(n int) {
	s.steps, s.values, s.elapsed = s.steps[:n], s.values[:n], s.elapsed[:n]
}

var (
	errStep = errors.New("negative step")
	errMany = errors.New("too many tags")
)

// add takes the message of a record of f.
func (e *Events) add(f *file, message []byte) error {
	in, ev := f.folder, &f.folder.event
	if err := parseEvent(message, ev); err != nil {
		return err
	}
	if !ev.start && len(ev.scalars) == 0 {
		return nil
	}
	if ev.step < 0 {
		return errStep
	}
	switch {
	case ev.start:
		in.restart(ev, true)
		f.begun = true
	case !f.begun:
		// Writers that do not log the start of a process begin a file for each.
		in.restart(ev, false)
		f.begun = true
	case goodTime(ev.wallTime) && ev.wallTime > in.clock:
		if in.clock > 0 {
			in.elapsed += ev.wallTime - in.clock
		}
		in.clock = ev.wallTime
	case goodTime(ev.wallTime) && ev.wallTime < in.clock-1: // a clock that was set back, not events that passed each other
		in.clock = ev.wallTime
	}
	var err error
	for _, v := range ev.scalars {
		s, known := in.tags[string(v.tag)]
		if !known {
			s = e.newSeries(in, string(v.tag))
			in.tags[string(v.tag)] = s
		}
		if s == nil {
			err = errMany
			continue
		}
		// As in TensorBoard's own server, a smaller step says that the writer went back, and voids what came after it. A
		// process that goes on does the last step again.
		if n := len(s.steps); n > 0 && (s.steps[n-1] > ev.step || s.steps[n-1] == ev.step && s.last != f) {
			s.cut(s.from(ev.step))
		}
		s.last = f
		elapsed := in.elapsed
		if n := len(s.elapsed); n > 0 {
			elapsed = max(elapsed, s.elapsed[n-1])
		}
		value := v.value
		if s.bits && e.fairseq {
			value *= math.Ln2
		}
		s.steps = append(s.steps, ev.step)
		s.values = append(s.values, value)
		s.elapsed = append(s.elapsed, elapsed)
	}
	return err
}

// goodTime keeps out what no clock shows.
func goodTime(seconds float64) bool { return seconds > 0 && seconds < 1e12 }

// restart begins the events of a process that continues at the step of ev. The time until then does not count; with void,
// what was logged from that step on is dropped.
func (in *folder) restart(ev *event, void bool) {
	in.elapsed = 0
	for _, s := range in.tags {
		if s == nil {
			continue
		}
		n := s.from(ev.step)
		if void {
			s.cut(n)
		}
		if n > 0 {
			in.elapsed = max(in.elapsed, s.elapsed[n-1])
		}
	}
	if goodTime(ev.wallTime) {
		in.clock = ev.wallTime
	}
}

// newSeries gives a tag its series, nil when there are too many.
func (e *Events) newSeries(in *folder, tag string) *series {
	if len(e.series) == maxSeries {
		return nil
	}
	n := nameOf(in.kind, tag)
	s := &series{bits: n.bits}
	e.series[e.free(n.series)] = s
	if n.fairseq {
		e.isFairseq()
	}
	return s
}

// isFairseq notes that fairseq wrote the log, and turns what was read in bits into nats.
func (e *Events) isFairseq() {
	if e.fairseq {
		return
	}
	e.fairseq = true
	for _, s := range e.series {
		if s.bits {
			for i := range s.values {
				s.values[i] *= math.Ln2
			}
		}
	}
}

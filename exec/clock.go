package exec

import (
	"time"

	"aural/kernels"
)

// clock measures the runs of a program. Where kernels run when they are called, that is the host's time of each step. On a [kernels.Timer] it is the device's: of each step
// in plain runs; of each segment in replayed ones, where its steps share it in the proportions of their plain runs. A run whose predecessor nobody has
// waited for yet is not timed, and counts as the mean of the timed ones.
type clock struct {
	timer kernels.Timer // nil: the host's time
	last  time.Time     // of the host

	marks   kernels.Marks
	times   []time.Duration // room for those between marks
	pending bool            // a timed run has not been collected
	timed   bool            // the present run
	before  bool            // the pending run was before ResetProfile
	err     error           // of collecting, for the next run
}

// outcome is what a run makes of a segment.
type outcome uint8

const (
	skipped outcome = iota
	plainly
	replayed
)

// deviceTime is what is known of a segment on a [kernels.Timer].
type deviceTime struct {
	outcome outcome       // of the run that is pending
	plain   time.Duration // of its steps in plain runs
	sum     time.Duration // of timed runs,
	runs    int64         // which are so many
	untimed int64         // runs that wait for being counted
}

// begin is the start of a run.
func (p *Program) begin() (err error) {
	c := &p.clock
	if c.timer == nil {
		c.last = time.Now()
		return nil
	}
	if c.err != nil {
		return c.err
	}
	if c.marks == nil {
		if c.marks, err = c.timer.NewMarks(len(p.steps) + 1); err != nil {
			return err
		}
		c.times = make([]time.Duration, len(p.steps))
	}
	if c.timed = !c.pending; c.timed {
		c.pending = true
		c.marks.Set()
	}
	return nil
}

// stepDone ends a step that ran plainly.
func (p *Program) stepDone(l *launch) {
	l.calls++
	c := &p.clock
	switch {
	case c.timer == nil:
		p.add(l, c.lap())
	case c.timed:
		c.marks.Set()
	}
}

// lap is the host's time since the last call.
func (c *clock) lap() time.Duration {
	now := time.Now()
	d := now.Sub(c.last)
	c.last = now
	return d
}

// done ends a segment.
func (p *Program) done(g *segment, o outcome) {
	c := &p.clock
	switch {
	case c.timer == nil:
		if o != plainly {
			p.share(g, c.lap())
		}
	case !c.timed:
		if o != skipped {
			g.time.untimed++
		}
	default:
		if o != plainly {
			c.marks.Set()
		}
		g.time.outcome = o
	}
}

// add counts time of a step.
func (p *Program) add(l *launch, d time.Duration) {
	if !p.clock.before {
		l.ns += int64(d)
	}
	if l.backward {
		p.phases.Backward += d
	} else {
		p.phases.Forward += d
	}
}

// share counts time of a segment.
func (p *Program) share(g *segment, d time.Duration) {
	steps := p.steps[g.from:g.to]
	for i := range steps {
		part := 1 / float64(len(steps))
		if g.time.plain > 0 {
			part = float64(steps[i].plain) / float64(g.time.plain)
		}
		p.add(&steps[i], time.Duration(part*float64(d)))
	}
}

// collect counts the run that is pending, if the device is done with it.
func (p *Program) collect() {
	c := &p.clock
	if !c.pending || c.err != nil {
		return
	}
	ok, err := c.marks.Take(c.times)
	if err != nil || !ok {
		c.err = err
		return
	}
	c.pending = false
	times := c.times
	for k := range p.segments {
		g := &p.segments[k]
		t := &g.time
		n := 1
		var sum time.Duration
		if t.outcome == plainly {
			n = g.to - g.from
			for i, d := range times[:n] {
				l := &p.steps[g.from+i]
				l.plain += d
				sum += d
				p.add(l, d)
			}
			t.plain += sum
		} else {
			sum = times[0]
			p.share(g, sum)
		}
		times = times[n:]
		if t.outcome != skipped {
			t.sum += sum
			t.runs++
		}
	}
	c.before = false
	for k := range p.segments {
		g := &p.segments[k]
		t := &g.time
		if t.runs > 0 && t.untimed > 0 {
			p.share(g, time.Duration(float64(t.sum)*float64(t.untimed)/float64(t.runs)))
			t.untimed = 0
		}
	}
}

func (c *clock) free() error {
	m := c.marks
	c.marks, c.pending = nil, false
	if m == nil {
		return nil
	}
	return m.Free()
}

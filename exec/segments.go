package exec

import (
	"errors"
	"fmt"

	"aural/kernels"
)

// segment is a part of a program that runs as a whole or not at all: neighbouring steps under one condition, all forward or all backward. On a [kernels.Recorder] its
// first run after Bind is a plain one, the second is recorded, and that and all later ones replay the recording. (One recording of the whole program would do for one choice of
// conditions; 12 blocks with LayerDrop have 4096.)
type segment struct {
	from, to int // of the program's steps
	cond     int
	backward bool
	name     string
	ran      bool // plainly
	replay   kernels.Replay
	time     deviceTime
}

// cut makes the segments of the steps.
func (p *Program) cut() {
	for i := range p.steps {
		l := &p.steps[i]
		if k := len(p.segments) - 1; k >= 0 && p.segments[k].cond == l.cond && p.segments[k].backward == l.backward {
			p.segments[k].to = i + 1
			continue
		}
		p.segments = append(p.segments, segment{from: i, to: i + 1, cond: l.cond, backward: l.backward})
	}
	for k := range p.segments {
		g := &p.segments[k]
		g.name = fmt.Sprintf("%s to %s", p.steps[g.from].name, p.steps[g.to-1].name)
		if g.backward {
			g.name = "gradient: " + g.name
		}
	}
	p.recorder, _ = p.backend.(kernels.Recorder)
	p.clock.timer, _ = p.backend.(kernels.Timer)
}

// walk starts all segments. What is to be recorded is recorded before, so that no device waits for that between two marks of its time.
func (p *Program) walk(s *kernels.Step) error {
	if err := p.recordDue(); err != nil {
		return err
	}
	if err := p.begin(); err != nil {
		return err
	}
	for k := range p.segments {
		g := &p.segments[k]
		o, err := p.runSegment(g, s)
		if err != nil {
			return err
		}
		p.done(g, o)
	}
	return nil
}

// holds reports whether the condition of a segment does.
func (p *Program) holds(g *segment) bool { return g.cond < 0 || p.conds[g.cond] }

// recordDue records the segments that have run plainly and will run now.
func (p *Program) recordDue() error {
	for k := range p.segments {
		g := &p.segments[k]
		if p.recorder == nil || !g.ran || g.replay != nil || !p.holds(g) {
			continue
		}
		err := p.record(g)
		if errors.Is(err, kernels.ErrUnsupported) {
			p.recorder = nil // recording is switched off
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// record makes the recording of a segment.
func (p *Program) record(g *segment) (err error) {
	steps := p.steps[g.from:g.to]
	g.replay, err = p.recorder.Record(g.name, func(s *kernels.Step) {
		for i := range steps {
			l := &steps[i]
			l.kernel.Run(s, l.in, l.out, l.mem)
		}
	})
	if err != nil {
		g.replay = nil
		return fmt.Errorf("exec: %w", err)
	}
	return nil
}

func (p *Program) runSegment(g *segment, s *kernels.Step) (outcome, error) {
	steps := p.steps[g.from:g.to]
	switch {
	case !p.holds(g):
		for i := range steps {
			if err := p.skip(&steps[i]); err != nil {
				return skipped, err
			}
		}
		return skipped, nil
	case g.replay != nil:
		return replayed, p.replay(g, s)
	}
	for i := range steps {
		l := &steps[i]
		l.kernel.Run(s, l.in, l.out, l.mem)
		p.stepDone(l)
	}
	g.ran = g.ran || p.clock.timer == nil || p.clock.timed // a plain run that is timed tells how long each step is
	return plainly, nil
}

// skip clears what others read of a step that does not run.
func (p *Program) skip(l *launch) error {
	for _, z := range l.zero {
		if err := p.clear(l.out[z]); err != nil {
			return err
		}
	}
	return nil
}

// replay runs a segment from its recording, and makes another one when the back end has moved memory since.
func (p *Program) replay(g *segment, s *kernels.Step) error {
	for !g.replay.Run(s) {
		if err := g.forget(); err != nil {
			return err
		}
		if err := p.record(g); err != nil {
			return err
		}
	}
	steps := p.steps[g.from:g.to]
	for i := range steps {
		steps[i].calls++
	}
	return nil
}

// forget frees the recording of a segment.
func (g *segment) forget() error {
	r := g.replay
	g.replay = nil
	if r == nil {
		return nil
	}
	return r.Free()
}

// forgetRecordings makes all segments begin anew: the memory that was recorded is another now.
func (p *Program) forgetRecordings() (err error) {
	for k := range p.segments {
		err = errors.Join(err, p.segments[k].forget())
		p.segments[k].ran = false
	}
	return err
}

// Free gives back what the back end keeps for the program. The program must be bound again before it runs again.
func (p *Program) Free() error {
	p.bound = false
	return errors.Join(p.forgetRecordings(), p.clock.free())
}

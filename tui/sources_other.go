package tui

import (
	"context"
	"sync"
	"time"

	"aural/health"
	"aural/runlog"
	"aural/runlog/mirror"
	"aural/runlog/tensorboard"
)

// importedStatus is the condition of what another program logged: whether it lives is not known.
const importedStatus runlog.Status = "imported"

// imported is the source of TensorBoard event files.
type imported struct {
	mu     sync.Mutex // held while the events are used
	events *tensorboard.Events
	closed bool
	now    func() time.Time
	tracker
	judged time.Time
	step   int64 // the last one of any series
}

func newImported(path string, o Options) (*imported, error) {
	events, err := tensorboard.OpenEvents(path)
	if err != nil {
		return nil, err
	}
	return &imported{events: events, now: o.now, tracker: tracker{marks: make(map[string]mark)}}, nil
}

// poll reads on. Curves are all there is: no state, no events.
func (s *imported) poll() pollMsg {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return pollMsg{}
	}
	msg := pollMsg{at: s.now(), status: importedStatus}
	msg.read, msg.more, msg.err = s.events.Poll(runlog.Budget{Duration: pollBudget})
	msg.reset, msg.changes = s.track(s.events, s.events.Generation())
	for _, c := range msg.changes {
		if n := len(c.Steps); n > 0 {
			s.step = max(s.step, c.Steps[n-1])
		}
	}
	msg.state.Step = s.step
	if !msg.more && len(msg.changes) > 0 && msg.at.Sub(s.judged) >= healthEvery {
		s.judged = msg.at
		report := health.Examine(health.Input{Curves: s.events, Damage: s.events.Damage(), Now: msg.at})
		msg.report = &report
	}
	msg.damage = s.events.Damage()
	return msg
}

// close ends the reading; event files are opened for each poll alone.
func (s *imported) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}

// remote is the source of a run on another host: a follower of its mirror.
type remote struct {
	*follower
	mirror *mirror.Mirror
}

// behindPause is the pause between two polls while the mirror has more to copy.
const behindPause = 100 * time.Millisecond

func newRemote(ctx context.Context, spec string, o Options) (*remote, error) {
	m, err := mirror.Open(ctx, spec, mirror.Options{Command: o.Remote, Cache: o.Cache})
	if err != nil {
		return nil, err
	}
	f, err := openFollower(m.Dir(), o)
	if err != nil {
		m.Close()
		return nil, err
	}
	return &remote{f, m}, nil
}

func (r *remote) poll() pollMsg {
	msg := r.follower.poll()
	if msg.err == nil {
		msg.err = r.mirror.Err()
	}
	if msg.err == nil && !msg.more && r.mirror.Behind() > 0 {
		time.Sleep(behindPause)
		msg.more = true
	}
	return msg
}

// ask passes a request to the other host.
func (r *remote) ask(c runlog.Command) (runlog.Request, error) { return r.mirror.Ask(c) }

func (r *remote) close() error {
	err := r.follower.close()
	r.mirror.Close()
	return err
}

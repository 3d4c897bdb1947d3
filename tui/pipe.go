package tui

import (
	"context"
	"fmt"
	"time"

	"aural/runlog"
)

// news is what one poll of a run brought, for the modes without a screen.
type news struct {
	run    *runView
	first  bool // the run as it was found, with all that was logged before
	last   bool // the run has ended, or nobody looks any more
	msg    pollMsg
	events []runlog.Event // since the news before
	state  bool           // status or verdict have changed
}

// told is what the news before said of a run.
type told struct {
	events  int
	status  runlog.Status
	verdict string
	err     string
	at      time.Time
}

// watch reads runs without a screen until all of them have ended, or ctx is done, and hands news to emit: the first ones at
// once, later ones when there is a record, an event, or another status or verdict, at most every so often. With once there
// are only the first ones.
func watch(ctx context.Context, m *model, every time.Duration, once bool, emit func(n news) error) error {
	if err := m.load(); err != nil {
		return err
	}
	before := make(map[*runView]*told)
	waiting := make(map[*runView]pollMsg) // changes that came too soon after the news before
	report := func(n news) error {
		t := before[n.run]
		latest := &n.run.latest
		n.events = latest.events[min(t.events, len(latest.events)):]
		before[n.run] = &told{len(latest.events), latest.status, verdictText(n.run), errorText(latest.err), latest.at}
		return emit(n)
	}
	for _, r := range m.shown() {
		before[r] = &told{events: len(r.latest.events)}
		if err := report(news{run: r, first: true, last: once || !r.live()}); err != nil {
			return err
		}
	}
	for !once {
		live := false
		for i, r := range m.runs {
			live = live || before[r] != nil && r.live()
			if before[r] == nil || !r.live() {
				continue
			}
			msg := r.source.poll()
			msg.run = i
			m.take(msg)
			if kept, ok := waiting[r]; ok {
				msg.changes = append(kept.changes, msg.changes...)
			}
			t := before[r]
			n := news{run: r, msg: msg, last: !r.live(), state: r.latest.status != t.status || verdictText(r) != t.verdict || errorText(msg.err) != t.err}
			switch {
			case !n.last && r.latest.at.Sub(t.at) < every:
				waiting[r] = msg
			case n.last || n.state || len(msg.changes) > 0 || len(r.latest.events) != t.events:
				delete(waiting, r)
				if err := report(n); err != nil {
					return err
				}
			}
		}
		if !live {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("tui: %w", context.Cause(ctx))
		case <-time.After(liveEvery):
		}
	}
	return nil
}

func verdictText(r *runView) string {
	if rep := r.latest.report; rep != nil {
		return rep.Level.String() + rep.Summary
	}
	return ""
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

package tui

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"

	"aural/health"
	"aural/runlog"
	"aural/tui/chart"
	"aural/tui/screen"
)

// entry is something that the screen of logs lists. One of the pointers is set.
type entry struct {
	finding *health.Finding
	event   *runlog.Event
	line    *runlog.LogLine
}

// entryID tells an entry from others while its list grows.
type entryID struct {
	nanos, step int64
	text        string
}

func (e entry) id() entryID {
	switch {
	case e.finding != nil:
		return entryID{step: e.finding.Since, text: e.finding.Rule}
	case e.event != nil:
		return entryID{e.event.Time.UnixNano(), e.event.Step, string(e.event.Kind) + e.event.Message}
	}
	return entryID{nanos: e.line.Time.UnixNano(), text: e.line.Message + e.line.Attrs}
}

// alarming reports whether somebody should look at the entry: a finding that is more than a note, or an event that is a
// warning, an error, or the alert of a rule. What was done again later does not count.
func (e entry) alarming() bool {
	switch {
	case e.finding != nil:
		return e.finding.Level > health.Healthy
	case e.event != nil:
		x := e.event
		return !x.Superseded && (x.Kind == runlog.Alert || x.Severity == runlog.Warning || x.Severity == runlog.Error)
	}
	return false
}

// step is the update that the entry belongs to; ok is false for log lines, which have none.
func (e entry) step() (step int64, ok bool) {
	switch {
	case e.finding != nil:
		return e.finding.Since, true
	case e.event != nil:
		return e.event.Step, true
	}
	return 0, false
}

// title is the entry in a few words.
func (e entry) title() string {
	switch {
	case e.finding != nil:
		return e.finding.Title
	case e.event != nil:
		return eventText(*e.event)
	}
	return strings.TrimSpace(e.line.Message + " " + e.line.Attrs)
}

// searched is what a filter is applied to.
func (e entry) searched() string {
	switch {
	case e.finding != nil:
		return strings.Join([]string{e.finding.Rule, e.finding.Level.String(), e.finding.Title, e.finding.Evidence, e.finding.Advice}, " ")
	case e.event != nil:
		return string(e.event.Severity) + " " + eventText(*e.event)
	}
	return e.line.Level.String() + " " + e.title()
}

// findings, events and lines of a run as entries.
func (r *runView) findings() []entry {
	var out []entry
	if rep := r.latest.report; rep != nil {
		for i := range rep.Findings {
			out = append(out, entry{finding: &rep.Findings[i]})
		}
	}
	return out
}

func (r *runView) happenings() []entry {
	out := make([]entry, len(r.latest.events))
	for i := range r.latest.events {
		out[i].event = &r.latest.events[i]
	}
	return out
}

func (r *runView) logLines() []entry {
	out := make([]entry, len(r.latest.lines))
	for i := range r.latest.lines {
		out[i].line = &r.latest.lines[i]
	}
	return out
}

// alerts are the alarming findings and events of a run, in the order of their updates.
func (r *runView) alerts() []entry {
	out := slices.DeleteFunc(append(r.findings(), r.happenings()...), func(e entry) bool { return !e.alarming() })
	slices.SortStableFunc(out, func(a, b entry) int {
		x, _ := a.step()
		y, _ := b.step()
		return int(min(max(x-y, -1), 1))
	})
	return out
}

// place is where an update is on an axis; ok is false when that is not known. On axes of time it lies between the records
// around the update.
func (r *runView) place(step int64, kind chart.AxisKind) (x float64, ok bool) {
	a := r.axis(kind)
	if !a.Available() {
		return 0, false
	}
	if kind != chart.Relative && kind != chart.Wall {
		return a.Of(step), true
	}
	var s *chart.Series
	for _, name := range r.names {
		if r.data[name].Len() > s.Len() {
			s = r.data[name]
		}
	}
	n := s.Len()
	if n == 0 {
		return 0, false
	}
	i := sort.Search(n, func(i int) bool { return s.Steps[i] >= step })
	switch {
	case i == n:
		return a.At(s, n-1), true
	case i == 0 || s.Steps[i] == step:
		return a.At(s, i), true
	}
	from, to := a.At(s, i-1), a.At(s, i)
	return from + (to-from)*float64(step-s.Steps[i-1])/float64(s.Steps[i]-s.Steps[i-1]), true
}

// pointTo puts the cursor at a place of the x axis, and moves a zoomed axis there.
func (m *model) pointTo(x float64) {
	m.view.cursor = x
	if z := m.view.zoom; z != nil && (x < z.Low || x > z.High) {
		moved := chart.Scale{Low: x - (z.High-z.Low)/2, High: x + (z.High-z.Low)/2}.Within(m.allX())
		m.view.zoom, m.view.follow = &moved, false
	}
}

// nextAlert puts the cursor at the next alert of the current run behind it, or the one before, and chooses it on the screen of
// logs. It goes round.
func (m *model) nextAlert(forward bool) {
	r, p := m.run(), m.logs()
	list := r.alerts()
	if len(list) == 0 {
		m.tell("no alerts: "+r.name+" has no findings, warnings or errors", nil)
		return
	}
	i := slices.IndexFunc(list, func(e entry) bool { return p.alert == e.id() })
	switch {
	case i < 0 && forward:
		i = 0
	case i < 0:
		i = len(list) - 1
	case forward:
		i = (i + 1) % len(list)
	default:
		i = (i + len(list) - 1) % len(list)
	}
	e := list[i]
	p.choose(e)
	step, _ := e.step()
	text := fmt.Sprintf("alert %d of %d, update %s: %s", i+1, len(list), screen.Grouped(step), e.title())
	if x, ok := r.place(step, m.view.axis); ok && !math.IsNaN(x) {
		m.pointTo(x)
	} else {
		text += " (its place on this x axis is not known)"
	}
	m.tell(text, nil)
}

// acknowledge marks the alerts of the current run so far as seen.
func (m *model) acknowledge() {
	r, p := m.run(), m.logs()
	n := 0
	for _, e := range r.alerts() {
		if !p.acknowledged(r, e) {
			p.mark(r, e, true)
			n++
		}
	}
	if n == 0 {
		m.tell("no new alerts", nil)
		return
	}
	m.tell(fmt.Sprintf("%d alerts acknowledged; the %s screen keeps them", n, m.panes[logsScreen].title(m)), nil)
}

// unseen counts the alerts of a run that nobody has acknowledged.
func (m *model) unseen(r *runView) int {
	n, p := 0, m.logs()
	for _, e := range r.findings() {
		if e.alarming() && !p.acknowledged(r, e) {
			n++
		}
	}
	for i := range r.latest.events {
		if e := (entry{event: &r.latest.events[i]}); e.alarming() && !p.acknowledged(r, e) {
			n++
		}
	}
	return n
}

// logs is the screen of logs, which keeps what was acknowledged.
func (m *model) logs() *logsPane { return m.panes[logsScreen].(*logsPane) }

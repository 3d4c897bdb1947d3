package tui

import (
	"log/slog"
	"strings"
	"time"

	"aural/health"
	"aural/runlog"
	"aural/tui/screen"
)

// lastEvent describes the newest event or log line.
func (r *runView) lastEvent() (string, screen.Style) {
	var e *runlog.Event
	for i := range r.latest.events {
		if !r.latest.events[i].Superseded {
			e = &r.latest.events[i]
		}
	}
	lines := r.latest.lines
	switch {
	case len(lines) > 0 && (e == nil || lines[len(lines)-1].Time.After(e.Time)):
		line := lines[len(lines)-1]
		return strings.TrimSpace(r.clock(line.Time) + " " + line.Message + " " + line.Attrs), levelStyle(line.Level)
	case e != nil:
		return r.describe(*e), severityStyle(e.Severity)
	}
	return "nothing has happened yet", screen.Faint
}

func levelStyle(l slog.Level) screen.Style {
	switch {
	case l >= slog.LevelError:
		return screen.Bad
	case l >= slog.LevelWarn:
		return screen.Warning
	}
	return screen.Plain
}

func severityStyle(s runlog.Severity) screen.Style {
	switch s {
	case runlog.Error:
		return screen.Bad
	case runlog.Warning:
		return screen.Warning
	}
	return screen.Plain
}

// describe writes an event on one line.
func (r *runView) describe(e runlog.Event) string {
	text := r.clock(e.Time) + " " + eventKind(e) + " at update " + screen.Grouped(e.Step)
	if d := eventDetail(e); d != "" {
		text += ": " + d
	}
	return text
}

// eventText is an event without its time and update.
func eventText(e runlog.Event) string {
	if d := eventDetail(e); d != "" {
		return eventKind(e) + ": " + d
	}
	return eventKind(e)
}

func eventKind(e runlog.Event) string { return words(strings.ReplaceAll(string(e.Kind), "-", " ")) }

// eventDetail is what an event says besides its kind.
func eventDetail(e runlog.Event) string {
	if command := e.Data["command"]; e.Kind == runlog.Answered && command != "" {
		return command + ": " + e.Message
	}
	for _, detail := range []string{e.Message, e.Data["path"], e.Data["rule"]} {
		if detail != "" {
			return detail
		}
	}
	if e.Kind == runlog.Controlled && e.Data["command"] != "" {
		return strings.TrimSuffix(e.Data["command"]+" asked for by "+e.Data["by"], " asked for by ")
	}
	return ""
}

// describeFinding writes a finding of the health rules on one line.
func describeFinding(x health.Finding) (string, screen.Style) {
	s := screen.Warning
	if x.Level == health.Broken {
		s = screen.Bad
	}
	return x.Title + ": " + x.Evidence + " → " + x.Advice, s
}

// clock writes a time of today as such, one of another day with its date.
func (r *runView) clock(t time.Time) string { return clockText(t, r.latest.at) }

func (m *model) clock(t time.Time) string { return clockText(t, m.now()) }

func clockText(t, now time.Time) string {
	t = t.In(now.Location())
	if t.Year() == now.Year() {
		if t.YearDay() == now.YearDay() {
			return t.Format("15:04:05")
		}
		return t.Format("01-02 15:04")
	}
	return t.Format("2006-01-02 15:04")
}

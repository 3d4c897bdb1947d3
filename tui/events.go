package tui

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"aural/runlog"
)

// drawEvents takes the rows above the footer: what is wrong, if anything, and the last thing that happened. On a small
// screen they share one row.
func (m *model) drawEvents(c *canvas, body *rect) {
	text, s := m.lastEvent()
	wrong, alerts := m.trouble(), m.latest.news.alerts
	if c.area.h >= secondLogFrom {
		area := body.bottom(1)
		c.text(area.x, area.y, area.w, text, s)
		if alert := m.latest.news.alert; wrong == "" && alert != nil && alert != m.latest.news.last {
			wrong = m.describe(*alert)
			if alerts > 1 {
				wrong = fmt.Sprintf("%s (%d alerts so far)", wrong, alerts)
			}
		}
		if wrong != "" {
			area = body.bottom(1)
			c.text(area.x, area.y, area.w, wrong, bad)
		}
		return
	}
	area := body.bottom(1)
	x := area.x
	switch {
	case wrong != "":
		text, s = wrong, bad
	case alerts > 0:
		x = c.text(x, area.y, area.w, fmt.Sprintf("!%d ", alerts), bad)
	}
	c.text(x, area.y, area.x+area.w-x, text, s)
}

// trouble says what keeps the screen from showing the run as it is; "" for nothing.
func (m *model) trouble() string {
	var parts []string
	if err := m.latest.err; err != nil {
		parts = append(parts, "cannot read on, trying again: "+err.Error())
	}
	if err := m.latest.stateErr; err != nil {
		parts = append(parts, err.Error())
	}
	if n := m.latest.state.Dropped; n > 0 {
		parts = append(parts, fmt.Sprintf("the trainer could not write %d log lines", n))
	}
	if d := m.latest.damage; d.Lines+d.Records > 0 {
		parts = append(parts, fmt.Sprintf("%d damaged log lines left out", d.Lines+d.Records))
	}
	return strings.Join(parts, "; ")
}

// lastEvent describes the newest event or log line.
func (m *model) lastEvent() (string, style) {
	e, line := m.latest.news.last, m.latest.news.line
	switch {
	case line != nil && (e == nil || line.Time.After(e.Time)):
		s := plain
		if line.Level >= slog.LevelError {
			s = bad
		} else if line.Level >= slog.LevelWarn {
			s = warning
		}
		return strings.TrimSpace(m.clock(line.Time) + " " + line.Message + " " + line.Attrs), s
	case e != nil:
		switch e.Severity {
		case runlog.Error:
			return m.describe(*e), bad
		case runlog.Warning:
			return m.describe(*e), warning
		}
		return m.describe(*e), plain
	}
	return "nothing has happened yet", faint
}

// describe writes an event on one line.
func (m *model) describe(e runlog.Event) string {
	text := m.clock(e.Time) + " " + words(strings.ReplaceAll(string(e.Kind), "-", " ")) + " at update " + grouped(e.Step)
	for _, detail := range []string{e.Message, e.Data["path"], e.Data["rule"]} {
		if detail != "" {
			return text + ": " + detail
		}
	}
	return text
}

// clock writes a time of today as such, one of another day with its date.
func (m *model) clock(t time.Time) string {
	t, now := t.In(m.latest.at.Location()), m.latest.at
	if t.Year() == now.Year() {
		if t.YearDay() == now.YearDay() {
			return t.Format("15:04:05")
		}
		return t.Format("01-02 15:04")
	}
	return t.Format("2006-01-02 15:04")
}

package tui

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"aural/runlog"
	"aural/tui/chart"
	"aural/tui/screen"

	"pgregory.net/rapid"
)

func TestLogsFrames(t *testing.T) {
	mono, colour := screen.Terminal{}, screen.Terminal{Colors: screen.Colors256}
	for _, f := range []struct {
		name          string
		terminal      screen.Terminal
		width, height int
		keys          []string
	}{
		{"logs-80x24", mono, 80, 24, []string{"8"}},
		{"logs-80x24-colour", colour, 80, 24, []string{"8", "tab"}},
		{"logs-160x50", mono, 160, 50, []string{"8", "n"}},
		{"logs-160x50-colour", colour, 160, 50, []string{"8", "n", "n", "a", "down", "down"}},
		{"logs-80x24-log", mono, 80, 24, []string{"8", "tab", "tab", "up", "up", "up"}},
		{"logs-80x24-open", colour, 80, 24, []string{"8", "enter"}},
		{"logs-80x24-filter", mono, 80, 24, []string{"8", "tab", "/", "a", "l", "e", "r", "t", "enter"}},
		{"logs-40x12", mono, 40, 12, []string{"8"}},
	} {
		t.Run(f.name, func(t *testing.T) {
			m := shellModel(f.terminal, 0)
			m.width, m.height = f.width, f.height
			press(m, f.keys...)
			frame := m.View()
			checkSize(t, frame, f.width, f.height)
			golden(t, f.name, frame)
		})
	}
}

// n and N go round the alerts in the order of their updates, and the cursor goes with them on every axis.
func TestNextAlert(t *testing.T) {
	m := shellModel(screen.Terminal{}, 0)
	want := []int64{9000, 9000, 14500, 15050}
	for axis := range chart.AxisKinds {
		m.setAxis(axis)
		m.logs().alert = entryID{}
		for round := range 2 {
			for i, step := range want {
				press(m, "n")
				x, ok := m.run().place(step, axis)
				if !ok || math.IsNaN(x) || m.view.cursor != x {
					t.Fatalf("axis %d, round %d, alert %d: the cursor is at %v, want %v (%v)", axis, round, i, m.view.cursor, x, ok)
				}
				if want := fmt.Sprintf("alert %d of 4, update %s", i+1, screen.Grouped(step)); !strings.HasPrefix(m.notice, want) {
					t.Errorf("says %q, want %q", m.notice, want)
				}
			}
		}
		press(m, "N")
		if !strings.HasPrefix(m.notice, "alert 3 of 4") {
			t.Errorf("N after the last: %q", m.notice)
		}
	}
	// A zoomed axis moves to the alert.
	m.setAxis(chart.Updates)
	m.view.zoom = &chart.Scale{Low: 0, High: 1000}
	press(m, "n")
	if z := m.view.zoom; z.High-z.Low != 1000 || z.Low > m.view.cursor || z.High < m.view.cursor {
		t.Errorf("cursor %v outside of the zoomed axis %v", m.view.cursor, *z)
	}
}

func TestPlace(t *testing.T) {
	r := shellRun("a", 0, 1000, 0, runlog.Running)
	for _, c := range []struct {
		axis chart.AxisKind
		step int64
		want float64
	}{
		{chart.Updates, 333, 333},
		{chart.Hours, 100, 3.12},
		{chart.Hours, 125, 3.9},
		{chart.Relative, 100, 0.47 * 100 / 3600},
		{chart.Relative, 125, 0.47 * 125 / 3600},
		{chart.Relative, 5000, 0.47 * 1000 / 3600},
		{chart.Wall, 100, r.latest.sessions[0].Unix + 47},
	} {
		if got, ok := r.place(c.step, c.axis); !ok || math.Abs(got-c.want) > 1e-9*math.Abs(c.want) {
			t.Errorf("update %d on axis %d is at %v (%v), want %v", c.step, c.axis, got, ok, c.want)
		}
	}
	if _, ok := newRunView("b", "b", nil, 0).place(3, chart.Relative); ok {
		t.Error("a run without records has a place in time")
	}
}

func TestAcknowledge(t *testing.T) {
	m := shellModel(screen.Terminal{}, 1)
	if n := m.unseen(m.run()); n != 4 {
		t.Fatalf("%d alerts, want 4", n)
	}
	press(m, "8", "a") // the worst finding
	if n := m.unseen(m.run()); n != 3 {
		t.Errorf("%d alerts after one was acknowledged", n)
	}
	press(m, "a")
	if n := m.unseen(m.run()); n != 4 {
		t.Errorf("%d alerts after that was taken back", n)
	}
	press(m, "1", "a")
	if n := m.unseen(m.run()); n != 0 {
		t.Errorf("%d alerts after all were acknowledged", n)
	}
	// A new one counts again, and other runs have their own.
	m.run().latest.events = append(m.run().latest.events, runlog.Event{Step: 20001, Time: fixtureTime, Kind: runlog.Alert, Message: "again"})
	if n := m.unseen(m.run()); n != 1 {
		t.Errorf("%d alerts after a new one", n)
	}
	// What was done again later is none.
	m.run().latest.events = append(m.run().latest.events, runlog.Event{Step: 20002, Time: fixtureTime, Kind: runlog.Alert, Message: "lost", Superseded: true})
	if n := m.unseen(m.run()); n != 1 || len(m.run().alerts()) != 5 {
		t.Errorf("%d alerts, %d in all, after one that was done again", n, len(m.run().alerts()))
	}
	press(m, "8", "tab", "up", "up", "a")
	if !strings.Contains(m.notice, "no alert") {
		t.Errorf("a checkpoint was acknowledged: %q", m.notice)
	}
}

// The cursor follows the newest line until it is moved, and stays on its line while others come and go.
func TestLogFollows(t *testing.T) {
	m := shellModel(screen.Terminal{}, 0)
	press(m, "8", "tab", "tab")
	p, r := m.logs(), m.run()
	chosen := func() string {
		list := p.list(r, p.part)
		return list[p.index(list)].line.Message
	}
	add := func(text string) {
		r.latest.lines = append(r.latest.lines[1:len(r.latest.lines):len(r.latest.lines)], runlog.LogLine{Time: fixtureTime, Message: text})
	}
	add("one")
	if chosen() != "one" {
		t.Errorf("%q is chosen, not the newest line", chosen())
	}
	press(m, "up")
	was := chosen()
	add("two")
	if chosen() != was {
		t.Errorf("%q is chosen after a new line, it was %q", chosen(), was)
	}
	press(m, "end")
	add("three")
	if chosen() != "three" {
		t.Errorf("end does not follow: %q", chosen())
	}
}

// The table around an update names the records before, at and after it.
func TestAround(t *testing.T) {
	m := shellModel(screen.Terminal{}, 0)
	rows := m.around(8990, 78)
	text := ""
	for _, r := range rows {
		text += r.text + "\n"
	}
	for _, want := range []string{"8,950     9,000     9,050", "gradient norm                   0.7094        35    0.6701       ×49"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if got := m.around(9000, 78); !strings.Contains(got[1].text, "8,950     9,000     9,050") {
		t.Errorf("at a record: %q", got[1].text)
	}
	if got := m.around(1<<40, 78); !strings.Contains(got[1].text, "20,000         –         –") {
		t.Errorf("behind the last record: %q", got[1].text)
	}
	for _, c := range []struct {
		from, to float64
		better   runlog.Direction
		want     string
		style    screen.Style
	}{
		{1, 1.5, runlog.Up, "+50.0 %", screen.Good}, {1, 1.5, runlog.Down, "+50.0 %", screen.Bad}, {1, 0.95, runlog.Up, "-5.0 %", screen.Plain},
		{1, 30, runlog.Neither, "×30", screen.Plain}, {0, 2, runlog.Up, "+2", screen.Plain}, {3, 3, runlog.Up, "0 %", screen.Plain}, {math.NaN(), 1, runlog.Up, "", screen.Plain},
		{-2, -1, runlog.Up, "+50.0 %", screen.Good},
	} {
		if text, style := changeText(c.from, c.to, c.better); text != c.want || style != c.style {
			t.Errorf("from %v to %v: %q in style %d, want %q in %d", c.from, c.to, text, style, c.want, c.style)
		}
	}
}

// Wrapped text keeps to its width and loses nothing but blanks.
func TestFold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`([a-zäß界/]{0,30} ){0,6}`).Draw(t, "text")
		width := rapid.IntRange(2, 20).Draw(t, "width")
		lines := fold(text, width)
		for _, l := range lines {
			if screen.TextWidth(l) > width {
				t.Fatalf("%q is wider than %d", l, width)
			}
		}
		if got, want := strings.ReplaceAll(strings.Join(lines, ""), " ", ""), strings.ReplaceAll(text, " ", ""); got != want {
			t.Fatalf("%q became %q", want, got)
		}
	})
}

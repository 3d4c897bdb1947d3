package tui

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"aural/runlog"

	tea "github.com/charmbracelet/bubbletea"
)

// Every key does what the table says, is explained in the help, and is bound once.
func TestKeys(t *testing.T) {
	m := newModel("run", terminal{}, nil)
	m.view.help = true
	help := render(m, 120, 60)
	seen := make(map[string]bool)
	for _, b := range bindings() {
		if !strings.Contains(help, b.help) {
			t.Errorf("the help lacks %q", b.help)
		}
		for _, k := range b.keys {
			if seen[k] {
				t.Errorf("%q is bound twice", k)
			}
			seen[k] = true
		}
	}
	for _, c := range []struct {
		keys string
		want view
	}{
		{"l", view{log: true}}, {"ll", view{}}, {"u", view{bits: true}}, {"x", view{hours: true}},
		{"s", view{smooth: 0.9}}, {"ss", view{smooth: 0.99}}, {"sss", view{}},
		{"2", view{zoom: 2}}, {"22", view{}}, {"24", view{zoom: 4}}, {"2e", view{}}, {"e", view{}},
		{"?", view{help: true}}, {"??", view{}}, {"3?", view{help: true, zoom: 3}}, {"3?e", view{zoom: 3}}, {"3?ee", view{}}, {"?1", view{zoom: 1}},
		{"57zZ ", view{}},
	} {
		m := newModel("run", terminal{}, nil)
		for _, k := range c.keys {
			if k == 'e' {
				press(m, "esc")
			} else {
				press(m, string(k))
			}
		}
		if m.view != c.want {
			t.Errorf("%q: %+v, want %+v", c.keys, m.view, c.want)
		}
	}
	for _, k := range []tea.KeyMsg{{Type: tea.KeyRunes, Runes: []rune("q")}, {Type: tea.KeyCtrlC}} {
		_, cmd := m.Update(k)
		if cmd == nil {
			t.Fatalf("%v does nothing", k)
		}
		if _, ok := cmd().(tea.QuitMsg); !ok {
			t.Errorf("%v does not leave", k)
		}
	}
}

func TestStatus(t *testing.T) {
	now := fixtureTime
	state := func(s runlog.Status, age time.Duration, message string) runlog.State {
		return runlog.State{Status: s, Time: now.Add(-age), StepTime: now.Add(-age), Message: message}
	}
	for _, c := range []struct {
		status runlog.Status
		state  runlog.State
		err    error
		want   string
	}{
		{"", runlog.State{}, nil, "● opening"},
		{"", runlog.State{}, errors.New("no state"), "× no state"},
		{runlog.Running, state(runlog.Running, time.Second, ""), nil, "● running"},
		{runlog.Running, state(runlog.Running, 3*time.Minute, ""), nil, "● running, but no heartbeat for 3 min 0 s"},
		{runlog.Running, runlog.State{Status: runlog.Running, Time: now, StepTime: now.Add(-2 * time.Hour)}, nil, "● running, no update for 2 h 0 min"},
		{runlog.Crashed, state(runlog.Running, 50*time.Hour, ""), nil, "× crashed, last heartbeat 2 d 2 h ago"},
		{runlog.Finished, state(runlog.Finished, 0, "all updates done"), nil, "■ finished just now"},
		{runlog.Stopped, state(runlog.Stopped, time.Minute, "SIGTERM"), nil, "■ stopped 1 min 0 s ago: SIGTERM"},
		{runlog.Failed, state(runlog.Failed, time.Minute, "disk full"), nil, "× failed 1 min 0 s ago: disk full"},
		{"paused", state("paused", 0, ""), nil, "× paused"},
	} {
		m := newModel("run", terminal{}, nil)
		m.take(pollMsg{at: now, status: c.status, state: c.state, stateErr: c.err})
		sign, text, _ := m.status()
		if got := sign + " " + text; got != c.want {
			t.Errorf("%s: %q, want %q", c.status, got, c.want)
		}
	}
}

// After an error the view keeps what it knew and says what is wrong.
func TestPollErrors(t *testing.T) {
	m := newModel("run", terminal{}, nil)
	feed(m, "train/contrastive_loss", 4, 3)
	_, cmd := m.Update(pollMsg{at: fixtureTime, err: errors.New("stale file handle"), stateErr: errors.New("no state.json")})
	if cmd == nil {
		t.Error("polling ends")
	}
	frame := render(m, 80, 24)
	for _, want := range []string{"● running", "update 2", "cannot read on, trying again: stale file handle; no state.json"} {
		if !strings.Contains(frame, want) {
			t.Errorf("no %q in\n%s", want, frame)
		}
	}
}

func TestEvents(t *testing.T) {
	event := func(e runlog.Event) *runlog.Event { return &e }
	info := event(runlog.Event{Step: 1500, Time: fixtureTime.Add(-time.Minute), Kind: runlog.StopRequested, Message: "SIGTERM"})
	alert := event(runlog.Event{Step: 7, Time: fixtureTime.Add(-24 * time.Hour), Kind: runlog.Alert, Severity: runlog.Error, Data: map[string]string{"rule": "loss"}})
	early, late := &runlog.LogLine{Time: fixtureTime.AddDate(-1, 0, 0), Message: "early"}, &runlog.LogLine{Time: fixtureTime, Message: "late", Attrs: "n=3", Level: 4}
	for _, c := range []struct {
		news  news
		lines []string // above the keys on 24 rows
		line  string   // on 12 rows
	}{
		{news{}, []string{"nothing has happened yet"}, "nothing has happened yet"},
		{news{line: early}, []string{"2025-03-14 15:09 early"}, "2025-03-14 15:09 early"},
		{news{last: info, line: early}, []string{"15:08:26 stop requested at update 1,500: SIGTERM"}, "15:08:26 stop requested at update 1,500: SIGTERM"},
		{news{last: info, line: late}, []string{"15:09:26 late n=3"}, "15:09:26 late n=3"},
		{news{last: alert, alert: alert, alerts: 1}, []string{"03-13 15:09 alert at update 7: loss"}, "!1 03-13 15:09 alert at update 7: loss"},
		{news{last: info, alert: alert, alerts: 2}, []string{"03-13 15:09 alert at update 7: loss (2 alerts so far)", "15:08:26 stop requested at update 1,500: SIGTERM"},
			"!2 15:08:26 stop requested at update 1,500: SIGTERM"},
	} {
		m := newModel("run", terminal{}, nil)
		m.take(pollMsg{at: fixtureTime, news: c.news})
		lines := strings.Split(render(m, 60, 24), "\n")
		if got := lines[23-len(c.lines) : 23]; !slices.Equal(got, c.lines) {
			t.Errorf("got %q, want %q", got, c.lines)
		}
		if got := strings.Split(render(m, 60, 12), "\n")[10]; got != c.line {
			t.Errorf("got %q, want %q", got, c.line)
		}
	}
}

func TestTerminals(t *testing.T) {
	for _, c := range []struct {
		environ string
		want    terminal
	}{
		{"TERM=xterm-256color", terminal{colors256, false}},
		{"TERM=xterm COLORTERM=truecolor LANG=en_US.UTF-8", terminal{colors256, false}},
		{"TERM=xterm LC_ALL=C LANG=en_US.UTF-8", terminal{colors16, true}},
		{"TERM=screen LANG=de_DE.utf8", terminal{colors16, false}},
		{"TERM=linux LANG=en_US.UTF-8", terminal{colors16, true}},
		{"TERM=dumb", terminal{noStyle, true}},
		{"TERM=vt100", terminal{noStyle, true}},
		{"TERM=xterm-256color NO_COLOR=1", terminal{noColor, false}},
		{"TERM=xterm-256color NO_COLOR=", terminal{colors256, false}},
		{"TERM=xterm TERM=dumb", terminal{noStyle, true}},
	} {
		if got := detectTerminal(strings.Fields(c.environ)); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.environ, got, c.want)
		}
	}
	o := Options{Environ: []string{"TERM=xterm-256color"}, ASCII: true, NoColor: true}
	if got, want := o.terminal(), (terminal{noColor, true}); got != want {
		t.Errorf("options give %+v, want %+v", got, want)
	}
}

// Without colours nothing of SGR's colour codes appears, without styles no escape at all.
func TestColors(t *testing.T) {
	m := follow(t, writeFixture(t).Dir(), terminal{})
	press(m, "s")
	for c := noStyle; c <= colors256; c++ {
		m.terminal.colors = c
		frame := render(m, 100, 30)
		colored := strings.Contains(frame, "\x1b[3") || strings.Contains(frame, ";3") && c >= colors16
		if colored != (c >= colors16) || strings.Contains(frame, "\x1b") != (c > noStyle) {
			t.Errorf("colours %d: %q", c, frame[:200])
		}
		m.terminal.colors = noStyle
		if plain := render(m, 100, 30); stripStyles(frame) != plain {
			t.Errorf("colours %d change the text", c)
		}
	}
}

func TestWideText(t *testing.T) {
	c := newCanvas(terminal{}, 10, 1)
	end := c.text(0, 0, 10, "音声の実験です", plain)
	if got := c.String(); got != "音声の実…" || end != 9 {
		t.Errorf("%q, %d", got, end)
	}
	c.set(1, 0, 'x', plain) // the right half of the first character
	if got := c.String(); got != " x声の実…" {
		t.Errorf("%q", got)
	}
	c.text(0, 0, 10, "a\x1b[31m\n\tb\u0301", plain)
	if got := c.String(); got != "a?[31m??b" {
		t.Errorf("control characters: %q", got)
	}
}

package tui

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"aural/runlog"
	"aural/tui/chart"
	"aural/tui/screen"

	tea "github.com/charmbracelet/bubbletea"
)

// Every key of every screen is explained in its help, and no key is bound twice.
func TestKeysAreExplained(t *testing.T) {
	m := emptyModel(screen.Terminal{})
	m.width, m.height = 200, 120
	for i, p := range m.panes {
		m.show(i)
		m.view.help = true
		help := strings.Join(strings.Fields(m.View()), " ")
		seen := make(map[string]bool)
		for _, b := range m.bindings() { // common keys that the screen uses otherwise are left out
			if !strings.Contains(help, strings.Join(strings.Fields(b.help), " ")) {
				t.Errorf("screen %s: the help lacks %q", p.title(m), b.help)
			}
		}
		for _, b := range bindings() {
			for _, k := range b.keys {
				if seen[k] {
					t.Errorf("%q is bound twice", k)
				}
				seen[k] = true
			}
		}
	}
}

// Keys change what they say they change.
func TestKeys(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		keys  string
		check func(v *view) bool
	}{
		{"y", func(v *view) bool { return v.logY }},
		{"y y", func(v *view) bool { return !v.logY }},
		{"u", func(v *view) bool { return v.bits }},
		{"o", func(v *view) bool { return v.clip }},
		{"b", func(v *view) bool { return !v.bands }},
		{"x", func(v *view) bool { return v.axis == chart.Epochs }},
		{"x x x x x", func(v *view) bool { return v.axis == chart.Updates }},
		{"s", func(v *view) bool { return v.smooth == 0.6 }},
		{"s s S", func(v *view) bool { return v.smooth == 0.6 }},
		{"S", func(v *view) bool { return v.smooth == 0 }},
		{"2", func(v *view) bool { return v.screen == 1 }},
		{"?", func(v *view) bool { return v.help }},
		{"? esc", func(v *view) bool { return !v.help }},
		{"? 3", func(v *view) bool { return !v.help && v.screen == 2 }},
		{"enter", func(v *view) bool { return v.full }},
		{"enter esc", func(v *view) bool { return !v.full }},
		{"+", func(v *view) bool { return v.zoom != nil && v.zoom.Low == 4 && v.zoom.High == 8 }},
		{"+ -", func(v *view) bool { return v.zoom == nil }},
		{"+ +", func(v *view) bool { return v.zoom != nil && v.zoom.Low == 6 && v.zoom.High == 8 }},
		{"+ + left", func(v *view) bool {
			return v.zoom != nil && math.Abs(v.zoom.Low-5.8) < 1e-9 && math.Abs(v.zoom.High-7.8) < 1e-9
		}},
		{"+ esc", func(v *view) bool { return v.zoom == nil }},
		{"m", func(v *view) bool { return v.cursor == 8 }},
		{"m shift+left", func(v *view) bool { return v.cursor == 7 }},
		{"m m", func(v *view) bool { return math.IsNaN(v.cursor) }},
		{"m left esc", func(v *view) bool { return math.IsNaN(v.cursor) }},
		{"space", func(v *view) bool { return v.frozen }},
		{"c", func(v *view) bool { return v.screen == runsScreen }},
		{"ctrl+up", func(v *view) bool { return v.yZoom < 1 }},
	} {
		m := emptyModel(screen.Terminal{})
		m.width, m.height = 80, 24
		feed(m, "train/contrastive_loss", 8, 7, 6, 5, 4, 3, 2, 1)
		feed(m, epochSeries, 0, 0, 0, 1, 1, 2, 2, 3)
		feed(m, hoursSeries, 1, 2, 3, 4, 5, 6, 7, 8)
		if m.view.cursor = nan; m.xScale() != (chart.Scale{Low: 0, High: 8}) {
			t.Fatal(m.xScale())
		}
		for k := range strings.FieldsSeq(c.keys) {
			switch k {
			case "space":
				k = " "
			case "shift+left":
				m.Update(tea.KeyMsg{Type: tea.KeyShiftLeft})
				continue
			}
			press(m, k)
		}
		if !c.check(&m.view) {
			t.Errorf("%q: %+v, zoom %v", c.keys, m.view, m.view.zoom)
		}
	}
	m := emptyModel(screen.Terminal{})
	for _, k := range []string{"q", "ctrl+c"} {
		_, cmd := m.Update(keyMsg(k))
		if cmd == nil {
			t.Fatalf("%v does nothing", k)
		}
		if _, ok := cmd().(tea.QuitMsg); !ok {
			t.Errorf("%v does not leave", k)
		}
	}
}

// A zoomed view at the end of a run moves on with it, unless it does not follow; one elsewhere stays.
func TestFollow(t *testing.T) {
	for _, c := range []struct {
		keys string
		want chart.Scale
	}{{"+", chart.Scale{Low: 6, High: 10}}, {"+ f", chart.Scale{Low: 4, High: 8}}, {"+ left", chart.Scale{Low: 3.6, High: 7.6}}, {"+ f f", chart.Scale{Low: 6, High: 10}}} {
		m := emptyModel(screen.Terminal{})
		feed(m, "train/loss", 8, 7, 6, 5, 4, 3, 2, 1)
		press(m, strings.Fields(c.keys)...)
		m.take(pollMsg{at: fixtureTime, changes: []chart.Change{{Name: "train/loss", Keep: 8, Steps: []int64{9, 10}, Values: []float64{1, 1}}}})
		if z := m.view.zoom; z == nil || math.Abs(z.Low-c.want.Low) > 1e-9 || math.Abs(z.High-c.want.High) > 1e-9 {
			t.Errorf("%q: %v, want %v", c.keys, z, c.want)
		}
	}
}

// A frozen view keeps what it shows and catches up later.
func TestFreeze(t *testing.T) {
	m := emptyModel(screen.Terminal{})
	m.width, m.height = 80, 24
	feed(m, "train/contrastive_loss", 4, 3)
	press(m, " ")
	before := m.View()
	m.Update(pollMsg{at: fixtureTime.Add(time.Minute), status: runlog.Running, changes: []chart.Change{{Name: "train/contrastive_loss", Keep: 2, Steps: []int64{3}, Values: []float64{1}}}})
	if m.View() != before {
		t.Error("a frozen view changes")
	}
	press(m, " ")
	if v, _ := m.run().last("train/contrastive_loss"); v != 1 {
		t.Errorf("after the freeze the last value is %v", v)
	}
}

func TestMouse(t *testing.T) {
	m := emptyModel(screen.Terminal{})
	m.width, m.height = 80, 24
	feed(m, "train/contrastive_loss", 8, 7, 6, 5, 4, 3, 2, 1)
	m.Update(tea.MouseMsg{X: 12, Y: 3, Button: tea.MouseButtonLeft, Action: tea.MouseActionPress})
	if m.view.screen != 1 {
		t.Errorf("a click on a tab leads to screen %d", m.view.screen+1)
	}
	press(m, "1")
	var in rect
	for _, h := range render(m, 80, 24).hits {
		if h.chart == 0 {
			in = chart.Inner(h.area)
		}
	}
	m.Update(tea.MouseMsg{X: in.X, Y: in.Y + 1, Button: tea.MouseButtonWheelUp, Action: tea.MouseActionPress})
	if z := m.view.zoom; z == nil || z.Low != 0 || math.Abs(z.High-6.4) > 1e-9 {
		t.Errorf("the wheel at the left edge zooms to %v", z)
	}
	m.Update(tea.MouseMsg{X: in.X + in.W - 1, Y: in.Y + 1, Button: tea.MouseButtonRight, Action: tea.MouseActionPress})
	if math.Abs(m.view.cursor-6.4) > 1e-9 {
		t.Errorf("the right button at the right edge puts the cursor at %v", m.view.cursor)
	}
}

func TestCondition(t *testing.T) {
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
		{runlog.Paused, state(runlog.Running, 0, ""), nil, "‖ paused"},
		{runlog.Crashed, state(runlog.Running, 50*time.Hour, ""), nil, "× crashed, last heartbeat 2 d 2 h ago"},
		{runlog.Finished, state(runlog.Finished, 0, "all updates done"), nil, "■ finished just now"},
		{runlog.Stopped, state(runlog.Stopped, time.Minute, "SIGTERM"), nil, "■ stopped 1 min 0 s ago: SIGTERM"},
		{runlog.Failed, state(runlog.Failed, time.Minute, "disk full"), nil, "× failed 1 min 0 s ago: disk full"},
		{"odd", state("odd", 0, ""), nil, "× odd"},
	} {
		r := newRunView("run", "", nil, 0)
		r.take(pollMsg{at: now, status: c.status, state: c.state, stateErr: c.err}, 0)
		sign, text, _ := r.condition()
		if got := sign + " " + text; got != c.want {
			t.Errorf("%s: %q, want %q", c.status, got, c.want)
		}
	}
}

// After an error the view keeps what it knew and says what is wrong.
func TestPollErrors(t *testing.T) {
	m := emptyModel(screen.Terminal{})
	m.width, m.height = 80, 24
	feed(m, "train/contrastive_loss", 4, 3)
	_, cmd := m.Update(pollMsg{at: fixtureTime, err: errors.New("stale file handle"), stateErr: errors.New("no state.json")})
	if cmd == nil {
		t.Error("polling ends")
	}
	frame := m.View()
	for _, want := range []string{"● running", "update 2", "cannot read on, trying again: stale file handle; no state.json"} {
		if !strings.Contains(frame, want) {
			t.Errorf("no %q in\n%s", want, frame)
		}
	}
}

// Without colours nothing of SGR's colour codes appears, without styles no escape at all, and colours change no text.
func TestColours(t *testing.T) {
	m := open(t, screen.Terminal{}, writeFixture(t).Dir())
	m.width, m.height = 100, 30
	press(m, "s")
	plain := m.View()
	for theme := range screen.Theme(len(screen.Themes)) {
		for c := screen.NoStyle; c <= screen.TrueColor; c++ {
			m.terminal = screen.Terminal{Colors: c, Theme: theme}
			frame := m.View()
			colored := strings.Contains(frame, "\x1b[3") || strings.Contains(frame, ";3") && c >= screen.Colors16
			if want := c >= screen.Colors16 && theme != screen.Mono; colored != want || strings.Contains(frame, "\x1b") != (c > screen.NoStyle) {
				t.Errorf("theme %d, colours %d: %q", theme, c, frame[:200])
			}
			if stripStyles(frame) != plain {
				t.Errorf("theme %d, colours %d: the text changes", theme, c)
			}
		}
	}
}

func TestFilter(t *testing.T) {
	for _, c := range []struct {
		filter, name string
		want         bool
	}{
		{"", "x", true}, {"PERP", "code_perplexity", true}, {"^code", "prob_perplexity", false}, {"!perp", "loss", true}, {"!perp", "code_perplexity", false},
		{"~cdpx", "code_perplexity", true}, {"~pxc", "code_perplexity", false}, {"!", "x", true}, {"loss|norm", "gradient_norm", true},
	} {
		f, err := newFilter(c.filter)
		if err != nil {
			t.Fatal(err)
		}
		if got := f.match(c.name); got != c.want {
			t.Errorf("%q on %q: %v", c.filter, c.name, got)
		}
	}
	if _, err := newFilter("("); err == nil {
		t.Error("( is an expression")
	}
}

// Polls without news draw nothing anew for a second; news, keys and sizes do at once.
func TestQuiet(t *testing.T) {
	m := emptyModel(screen.Terminal{})
	m.width, m.height = 80, 24
	feed(m, "train/contrastive_loss", 4, 3)
	poll := func(after time.Duration, change func(*pollMsg)) string {
		msg := pollMsg{at: fixtureTime.Add(after), status: m.run().latest.status, state: m.run().latest.state, events: m.run().latest.events, lines: m.run().latest.lines}
		if change != nil {
			change(&msg)
		}
		m.Update(msg)
		return m.View()
	}
	first := poll(0, func(msg *pollMsg) { msg.read = 1 })
	m.drawn.text = "kept"
	if poll(500*time.Millisecond, nil) != "kept" {
		t.Error("a poll without news draws")
	}
	m.Update(pollNowMsg{})
	if m.View() != "kept" {
		t.Error("the beginning of a poll draws")
	}
	if got := poll(time.Second, nil); got != first {
		t.Errorf("after a second nothing was drawn: %q", got)
	}
	for name, change := range map[string]func(*pollMsg){
		"lines": func(msg *pollMsg) { msg.read = 1 }, "an error": func(msg *pollMsg) { msg.err = errors.New("x") }, "its end": func(msg *pollMsg) { msg.err = nil },
		"a step": func(msg *pollMsg) { msg.state.Step++ }, "an end": func(msg *pollMsg) { msg.status = runlog.Stopped },
	} {
		if name == "its end" {
			m.run().latest.err = errors.New("x")
		}
		m.drawn.text, m.drawn.at = "kept", fixtureTime.Add(time.Second)
		if poll(1100*time.Millisecond, change) == "kept" {
			t.Errorf("%s is not drawn", name)
		}
	}
	m.drawn.text = "kept"
	press(m, "y")
	m.Update(pollNowMsg{})
	if m.View() == "kept" {
		t.Error("a key is forgotten when a poll follows")
	}
	m.drawn = picture{text: "kept", width: 80, height: 24, at: m.now()}
	m.width = 81
	m.Update(pollNowMsg{})
	if m.View() == "kept" {
		t.Error("another size is not drawn")
	}
}

// All of the help can be scrolled to on a small screen.
func TestHelpScrolls(t *testing.T) {
	m := emptyModel(screen.Terminal{})
	m.width, m.height = 60, 12
	press(m, "?")
	seen := ""
	for range 40 {
		seen += m.View()
		press(m, "pgdown")
	}
	for _, l := range m.helpLines(60) {
		if !strings.Contains(seen, screen.CutText(l.text, 40)) {
			t.Errorf("never shown: %q", l.text)
		}
	}
	if last := m.View(); strings.Contains(last, "more lines") {
		t.Errorf("there is more behind the end:\n%s", last)
	}
	press(m, "home")
	if first := m.View(); !strings.HasPrefix(first, "overview") || !strings.Contains(first, "more lines") {
		t.Errorf("home does not lead to the beginning:\n%s", first)
	}
}

package tui

import (
	"strings"
	"testing"

	"aural/tui/screen"

	tea "github.com/charmbracelet/bubbletea"
)

// quits reports whether a key ends the view.
func quits(m *model, key string) bool {
	msg := keyMsg(key)
	if key == "ctrl+z" {
		msg = tea.KeyMsg{Type: tea.KeyCtrlZ}
	}
	_, cmd := m.Update(msg)
	if cmd == nil {
		return false
	}
	_, quit := cmd().(tea.QuitMsg)
	return quit
}

// Leaving touches no run. In the program that trains, Ctrl-C is for the training, and nothing happens without a yes.
func TestLeave(t *testing.T) {
	m := shellModel(screen.Terminal{}, 0)
	if !quits(m, "q") || !quits(m, "ctrl+c") {
		t.Error("q or ctrl+c does not leave")
	}
	n := 0
	m.options.Interrupt = func() { n++ }
	if !quits(m, "q") || n != 0 {
		t.Errorf("q in the program that trains: %d interrupts", n)
	}
	if quits(m, "ctrl+c") || m.prompt == nil || !strings.Contains(m.prompt.before, "save and stop") {
		t.Fatal("ctrl+c does not ask")
	}
	if quits(m, "n") || n != 0 || m.prompt != nil {
		t.Errorf("no: %d interrupts", n)
	}
	press(m, "ctrl+c", "ctrl+c")
	if n != 1 || m.prompt != nil {
		t.Errorf("ctrl+c twice: %d interrupts", n)
	}
	// The second interrupt ends at once, and says so.
	press(m, "ctrl+c")
	if m.prompt == nil || !strings.Contains(m.prompt.before, "without saving") {
		t.Error("no warning before the second interrupt")
	}
	press(m, "y")
	if n != 2 {
		t.Errorf("%d interrupts", n)
	}
	// Ctrl-C answers no other question.
	m.options.ReadOnly = false
	press(m, "X", "ctrl+c")
	if n != 2 || m.prompt == nil || !m.prompt.interrupt {
		t.Error("ctrl+c answered another question")
	}
	press(m, "esc")
	if quits(m, "ctrl+z"); !strings.Contains(m.notice, "would halt the training") {
		t.Errorf("ctrl+z: %q", m.notice)
	}
}

func TestParseScreen(t *testing.T) {
	for name, want := range map[string]int{"": 0, "1": 1, "9": 9, "overview": 1, "Logs": 8, "co": 3, "runs": 9, "transcripts": 3, "alignment": 4, "au": 5} {
		if got, err := ParseScreen(name); err != nil || got != want {
			t.Errorf("%q: %d (%v), want %d", name, got, err, want)
		}
	}
	for name, want := range map[string]string{"0": "unknown screen", "10": "unknown screen", "m": "unknown screen", "metrisc": "did you mean metrics?"} {
		if _, err := ParseScreen(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", name, err, want)
		}
	}
	m := shellModel(screen.Terminal{}, 0)
	for i, name := range m.screenNames() {
		if n, err := ParseScreen(Screens[i]); err != nil || n != i+1 || !strings.HasPrefix(strings.ToLower(name), Screens[i][:4]) {
			t.Errorf("screen %d is called %s and %s", i+1, name, Screens[i])
		}
	}
}

// Keys that come together are keys all the same; pasted text is none.
func TestKeysTogether(t *testing.T) {
	m := shellModel(screen.Terminal{}, 0)
	m.Update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("2sym")})
	if m.view.screen != metricsScreen || m.view.smooth != 0.6 || !m.view.logY || m.view.cursor != 20000 {
		t.Errorf("screen %d, smoothing %v, log %v, cursor %v", m.view.screen, m.view.smooth, m.view.logY, m.view.cursor)
	}
	m.Update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("1Xy"), Paste: true})
	if m.view.screen != metricsScreen || m.prompt != nil {
		t.Error("pasted text did something")
	}
	m.Update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("/acc")})
	m.Update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("uracy"), Paste: true})
	if m.filter.text != "accuracy" {
		t.Errorf("the filter is %q", m.filter.text)
	}
}

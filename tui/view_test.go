package tui

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aural/tui/screen"

	tea "github.com/charmbracelet/bubbletea"
)

// updating reports whether the golden frames are to be written: -update, a flag that teatest declares.
func updating() bool { return flag.Lookup("update").Value.String() == "true" }

// golden compares a frame with testdata/name.txt.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".txt")
	got += "\n"
	if updating() {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		a, b := strings.Split(got, "\n"), strings.Split(string(want), "\n")
		for i := range min(len(a), len(b)) {
			if a[i] != b[i] {
				t.Errorf("%s differs (run with -update and look at the change), line %d:\ngot  %q\nwant %q", path, i+1, a[i], b[i])
				return
			}
		}
		t.Errorf("%s has %d lines, got %d", path, len(b), len(a))
	}
}

// keyMsg is the message of a key by its name.
func keyMsg(k string) tea.KeyMsg {
	for t, name := range map[tea.KeyType]string{tea.KeyEsc: "esc", tea.KeyTab: "tab", tea.KeyEnter: "enter", tea.KeyLeft: "left", tea.KeyRight: "right",
		tea.KeyUp: "up", tea.KeyDown: "down", tea.KeyPgDown: "pgdown", tea.KeyPgUp: "pgup", tea.KeyHome: "home", tea.KeyEnd: "end", tea.KeyShiftTab: "shift+tab",
		tea.KeyCtrlUp: "ctrl+up", tea.KeyCtrlDown: "ctrl+down", tea.KeyCtrlC: "ctrl+c", tea.KeyBackspace: "backspace"} {
		if name == k {
			return tea.KeyMsg{Type: t}
		}
	}
	if k == " " {
		return tea.KeyMsg{Type: tea.KeySpace, Runes: []rune(k)}
	}
	return tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(k)}
}

// press gives keys to the model.
func press(m *model, keys ...string) {
	for _, k := range keys {
		m.Update(keyMsg(k))
	}
}

func TestFrames(t *testing.T) {
	dir := writeFixture(t).Dir()
	mono, colour, ascii := screen.Terminal{}, screen.Terminal{Colors: screen.Colors256}, screen.Terminal{ASCII: true}
	for _, f := range []struct {
		name          string
		terminal      screen.Terminal
		width, height int
		keys          []string
	}{
		{"overview-40x12", mono, 40, 12, nil},
		{"overview-80x24", mono, 80, 24, nil},
		{"overview-80x24-colour", colour, 80, 24, []string{"s"}},
		{"overview-80x24-ascii", ascii, 80, 24, nil},
		{"overview-160x50", mono, 160, 50, []string{"s", "s"}},
		{"overview-160x50-colour", colour, 160, 50, nil},
		{"overview-400x120", mono, 400, 120, nil},
		{"overview-80x24-enlarged", mono, 80, 24, []string{"tab", "tab", "tab", "enter", "y", "x"}},
		{"overview-80x24-bits-zoomed", mono, 80, 24, []string{"u", "+", "+", "m", "left"}},
		{"overview-80x24-clipped", mono, 80, 24, []string{"tab", "tab", "tab", "enter", "o"}},
		{"overview-80x24-help", mono, 80, 24, []string{"?"}},
		{"metrics-80x24", mono, 80, 24, []string{"2"}},
		{"metrics-80x24-colour", colour, 80, 24, []string{"2", "pgdown"}},
		{"metrics-160x50", mono, 160, 50, []string{"2", "x", "x", "x"}},
		{"metrics-160x50-colour", colour, 160, 50, []string{"2", "/", "p", "e", "r", "p", "enter"}},
		{"data-80x24", mono, 80, 24, []string{"6"}},
		{"data-80x24-colour", colour, 80, 24, []string{"6"}},
		{"data-160x50", mono, 160, 50, []string{"6"}},
		{"data-160x50-colour", colour, 160, 50, []string{"6"}},
		{"system-80x24", mono, 80, 24, []string{"7"}},
		{"system-80x24-colour", colour, 80, 24, []string{"7"}},
		{"system-160x50", mono, 160, 50, []string{"7"}},
		{"system-160x50-colour", colour, 160, 50, []string{"7"}},
	} {
		t.Run(f.name, func(t *testing.T) {
			m := open(t, f.terminal, dir)
			m.width, m.height = f.width, f.height
			press(m, f.keys...)
			frame := m.View()
			checkSize(t, frame, f.width, f.height)
			golden(t, f.name, frame)
			if f.terminal.ASCII && strings.ContainsFunc(frame, func(r rune) bool { return r > 0x7e }) {
				t.Error("the frame is not ASCII")
			}
		})
	}
}

// checkSize holds a frame to its size.
func checkSize(t interface{ Fatalf(string, ...any) }, frame string, width, height int) {
	lines := strings.Split(frame, "\n")
	if len(lines) != max(height, 1) {
		t.Fatalf("%d lines at %d x %d", len(lines), width, height)
	}
	for _, line := range lines {
		if w := screen.TextWidth(stripStyles(line)); w > width {
			t.Fatalf("a line of %d columns at %d x %d: %q", w, width, height, line)
		}
	}
}

// stripStyles removes the escape sequences that String writes.
func stripStyles(s string) string {
	for {
		i := strings.Index(s, "\x1b[")
		if i < 0 {
			return s
		}
		n := strings.IndexByte(s[i:], 'm')
		s = s[:i] + s[i+n+1:]
	}
}

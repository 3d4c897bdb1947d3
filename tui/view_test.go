package tui

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"
)

var update = flag.Bool("update", false, "write the golden frames")

// golden compares a frame with testdata/name.txt.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".txt")
	got += "\n"
	if *update {
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
		t.Errorf("%s differs (run with -update and look at the change):\n%s", path, got)
	}
}

// press gives keys to the model.
func press(m *model, keys ...string) {
	for _, k := range keys {
		msg := tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(k)}
		if k == "esc" {
			msg = tea.KeyMsg{Type: tea.KeyEsc}
		}
		m.Update(msg)
	}
}

func TestFrames(t *testing.T) {
	dir := writeFixture(t).Dir()
	text, ascii := terminal{}, terminal{ascii: true}
	for _, f := range []struct {
		name          string
		terminal      terminal
		width, height int
		keys          []string
	}{
		{"80x24", text, 80, 24, nil},
		{"40x12", text, 40, 12, nil},
		{"120x35", text, 120, 35, nil},
		{"200x60", text, 200, 60, []string{"s"}},
		{"80x24-ascii", ascii, 80, 24, nil},
		{"80x24-zoom-log", text, 80, 24, []string{"4", "l", "x"}},
		{"80x24-bits-smooth", text, 80, 24, []string{"1", "u", "s"}},
		{"80x24-help", text, 80, 24, []string{"?"}},
		{"80x24-colors", terminal{colors: colors256}, 80, 24, []string{"s"}},
	} {
		t.Run(f.name, func(t *testing.T) {
			m := follow(t, dir, f.terminal)
			press(m, f.keys...)
			frame := render(m, f.width, f.height)
			checkSize(t, frame, f.width, f.height)
			golden(t, f.name, frame)
			if f.terminal.ascii && strings.ContainsFunc(frame, func(r rune) bool { return r > 0x7e }) {
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
		if w := textWidth(stripStyles(line)); w > width {
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

package tui

import (
	"fmt"
	"strings"

	"aural/runlog"
	"aural/tui/screen"
)

// helpLine is a line of the help: a head, or a text behind a name.
type helpLine struct {
	name, text string
	indent     int // of the text
}

// helpLines are what the present screen shows, its keys, those of all screens, what the marks of the charts mean, and what the
// numbers are, in lines of at most width columns.
func (m *model) helpLines(width int) []helpLine {
	var lines []helpLine
	head := func(text string) {
		if len(lines) > 0 {
			lines = append(lines, helpLine{})
		}
		lines = append(lines, helpLine{name: text})
	}
	row := func(name, text string, indent int) {
		for _, line := range wrap(text, width-indent) {
			lines = append(lines, helpLine{name, line, indent})
			name = ""
		}
	}
	p := m.panes[m.view.screen]
	head(p.title(m))
	row("", p.about(m), 0)
	lines = append(lines, helpLine{})
	for _, b := range m.bindings() {
		if b.help != "" {
			row(b.shown, b.help, 11)
		}
	}
	head("charts")
	for _, mark := range []struct{ sign, meaning string }{{"×", "a value that is not finite"}, {"▾", "a value that a logarithmic axis cannot show"},
		{"○", "a value, where there are few"}, {"↑", "an outlier that was left out of the axis"}} {
		row(mark.sign, mark.meaning, 11)
	}
	head("numbers")
	for _, name := range groups()[0].metrics {
		if match, err := runlog.Lookup(name); err == nil {
			row(words(name), match.Metric.Description, 22)
		}
	}
	return lines
}

// help draws the part of the help that was scrolled to, and says when there is more.
func (f *frame) help(area rect) {
	lines := f.m.helpLines(area.W)
	more := area.Bottom(1) // the last row tells how much there is below
	first := f.m.helpTop(len(lines), area.H)
	for y := range min(area.H, len(lines)-first) {
		l := lines[first+y]
		if l.text == "" {
			f.c.Text(area.X, area.Y+y, area.W, l.name, screen.Accent)
			continue
		}
		f.c.Text(area.X, area.Y+y, min(l.indent-1, area.W), l.name, screen.Strong)
		f.c.Text(area.X+l.indent, area.Y+y, area.W-l.indent, l.text, screen.Plain)
	}
	if n := len(lines) - first - area.H; n > 0 {
		f.c.TextRight(more.X, more.Y, more.W, fmt.Sprintf("↓ %d more lines", n), screen.Accent)
	}
}

// helpTop is the first line of the help that is shown, of n on height rows.
func (m *model) helpTop(n, height int) int { return min(max(m.view.helpTop, 0), max(n-height, 0)) }

// scrollHelp takes a key that moves through the help. It reports whether it was one.
func (m *model) scrollHelp(key string) bool {
	height := max(m.height-2, 1) // the last rows have the keys and how much there is below
	n := len(m.helpLines(m.width))
	top := m.helpTop(n, height)
	switch key {
	case "up":
		top--
	case "down", "enter":
		top++
	case "pgup":
		top -= height
	case "pgdown", " ":
		top += height
	case "home":
		top = 0
	case "end":
		top = n
	default:
		return false
	}
	m.view.helpTop = top
	m.view.helpTop = m.helpTop(n, height)
	return true
}

// wrap breaks text into lines of at most width columns, between words.
func wrap(text string, width int) []string {
	var lines []string
	for _, word := range strings.Fields(text) {
		if n := len(lines) - 1; n >= 0 && screen.TextWidth(lines[n])+1+screen.TextWidth(word) <= width {
			lines[n] += " " + word
		} else {
			lines = append(lines, word)
		}
	}
	return lines
}

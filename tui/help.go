package tui

import (
	"strings"

	"aural/runlog"
	"aural/tui/screen"
)

// help draws what the present screen shows, its keys, those of all screens, what the marks of the charts mean, and what the
// numbers are.
func (f *frame) help(area rect) {
	m := f.m
	y := area.Y
	head := func(text string) {
		if y > area.Y && area.H > 24 {
			y++
		}
		if y < area.Y+area.H {
			f.c.Text(area.X, y, area.W, text, screen.Accent)
		}
		y++
	}
	row := func(name, text string, indent int) {
		for _, line := range wrap(text, area.W-indent) {
			if y < area.Y+area.H {
				f.c.Text(area.X, y, min(indent-1, area.W), name, screen.Strong)
				f.c.Text(area.X+indent, y, area.W-indent, line, screen.Plain)
			}
			name = ""
			y++
		}
	}
	p := m.panes[m.view.screen]
	head(p.title(m))
	row("", p.about(m), 0)
	for _, b := range m.bindings() {
		if b.help != "" {
			row(b.shown, b.help, 11)
		}
	}
	head("charts")
	row(string(f.c.Terminal.Character('×')), "a value that is not finite", 11)
	row(string(f.c.Terminal.Character('▾')), "a value that a logarithmic axis cannot show", 11)
	row(string(f.c.Terminal.Character('○')), "a value, where there are few", 11)
	row(string(f.c.Terminal.Character('↑')), "an outlier that was left out of the axis", 11)
	head("numbers")
	for _, g := range groups()[:1] {
		for _, name := range g.metrics {
			if match, err := runlog.Lookup(name); err == nil {
				row(words(name), match.Metric.Description, 22)
			}
		}
	}
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

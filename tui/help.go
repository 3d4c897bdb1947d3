package tui

import (
	"strings"

	"aural/runlog"
)

// drawHelp draws the key table, what the marks of the charts mean, and what the numbers are.
func (m *model) drawHelp(c *canvas, area rect) {
	y := area.y
	head := func(text string) {
		if y > area.y && area.h > 24 {
			y++
		}
		if y < area.y+area.h {
			c.text(area.x, y, area.w, text, accent)
		}
		y++
	}
	row := func(name, text string, indent int) {
		for _, line := range wrap(text, area.w-indent) {
			if y < area.y+area.h {
				c.text(area.x, y, min(indent-1, area.w), name, strong)
				c.text(area.x+indent, y, area.w-indent, line, plain)
			}
			name = ""
			y++
		}
	}
	head("keys")
	for _, b := range bindings() {
		row(b.shown, b.help, 5)
	}
	head("charts")
	for i, p := range panels() {
		for _, ch := range p {
			text := ch.title + ":"
			for _, curve := range ch.curves {
				text += " " + curve.label[:1] + " " + curve.label + ","
			}
			if ch.reference != "" {
				text += " dashed: " + ch.label + ","
			}
			row(panelKeys()[i], text[:len(text)-1], 5)
		}
	}
	row(string(c.terminal.character('×')), "a value that is not finite", 5)
	row(string(c.terminal.character('▾')), "a value that a logarithmic axis cannot show", 5)
	row(string(c.terminal.character('○')), "a value, where there are few", 5)
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
		if n := len(lines) - 1; n >= 0 && textWidth(lines[n])+1+textWidth(word) <= width {
			lines[n] += " " + word
		} else {
			lines = append(lines, word)
		}
	}
	return lines
}

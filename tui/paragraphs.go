package tui

import (
	"maps"
	"slices"

	"aural/tui/screen"
)

// paragraph is a piece of text that is wrapped to the width of its place. A label stands before its first line.
type paragraph struct {
	label, text string
	style       screen.Style
	row         bool // of a table: it is cut instead of wrapped
}

// labelWidth is the column of the labels of paragraphs.
const labelWidth = 10

// lay breaks paragraphs into lines of at most width columns.
func lay(list []paragraph, width int) (out []paragraph) {
	for _, p := range list {
		indent := 0
		if p.label != "" {
			indent = labelWidth
		}
		lines := []string{p.text}
		if !p.row {
			lines = fold(p.text, max(width-indent, 1))
		}
		for i, line := range lines {
			next := paragraph{text: line, style: p.style, row: true}
			if indent > 0 {
				if next.label = " "; i == 0 {
					next.label = p.label
				}
			}
			out = append(out, next)
		}
	}
	return out
}

// fold wraps text between words, and inside those that are longer than a line.
func fold(text string, width int) (out []string) {
	for _, line := range wrap(text, width) {
		for screen.TextWidth(line) > width {
			head := screen.CutText(line, width)
			if head == "" { // a wide character in a narrow column
				break
			}
			out, line = append(out, head), line[len(head):]
		}
		out = append(out, line)
	}
	if len(out) == 0 {
		out = []string{""}
	}
	return out
}

// drawParagraphs draws wrapped paragraphs from the line top on, and returns how many rows it took.
func (f *frame) drawParagraphs(area rect, list []paragraph, top int) int {
	lines := lay(list, area.W)
	lines = lines[min(max(top, 0), len(lines)):]
	for i, line := range lines {
		if i == area.H {
			return i
		}
		x := area.X
		if line.label != "" {
			f.c.Text(x, area.Y+i, min(labelWidth-1, area.W), line.label, screen.Faint)
			x += labelWidth
		}
		f.c.Text(x, area.Y+i, area.X+area.W-x, line.text, line.style)
	}
	return len(lines)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

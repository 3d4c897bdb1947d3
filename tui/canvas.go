package tui

import (
	"strings"

	"github.com/charmbracelet/lipgloss"
)

// cell is a place for a character on the screen.
type cell struct {
	r     rune // 0 is the right half of a wide character
	style style
}

// canvas is the screen while it is drawn. What lies outside is cut off, so that no layout can break a frame: it always
// has the size it was made with.
type canvas struct {
	terminal terminal
	area     rect
	cells    []cell
}

// rect is a part of the screen.
type rect struct{ x, y, w, h int }

func newCanvas(t terminal, width, height int) *canvas {
	c := &canvas{terminal: t, area: rect{0, 0, max(width, 0), max(height, 0)}}
	c.cells = make([]cell, c.area.w*c.area.h)
	for i := range c.cells {
		c.cells[i].r = ' '
	}
	return c
}

// set puts a character of width 1.
func (c *canvas) set(x, y int, r rune, s style) {
	if x < 0 || y < 0 || x >= c.area.w || y >= c.area.h {
		return
	}
	row := c.cells[y*c.area.w : (y+1)*c.area.w]
	// A half of a wide character cannot stand alone.
	if row[x].r == 0 {
		row[x-1].r = ' '
	}
	if x+1 < len(row) && row[x+1].r == 0 {
		row[x+1].r = ' '
	}
	row[x] = cell{r, s}
}

// text writes s from (x, y) on, at most width cells, and returns where it ended. Too long a text ends in an ellipsis.
// Control characters, which names and messages from files may hold, are shown as '?'.
func (c *canvas) text(x, y, width int, s string, st style) int {
	end := x + max(width, 0)
	if textWidth(s) > width {
		s = cutText(s, max(width-1, 0)) + "…"
	}
	for _, r := range s {
		r = c.terminal.character(r)
		w := runeWidth(r)
		if x+w > end {
			break
		}
		switch w {
		case 1:
			c.set(x, y, r, st)
		case 2:
			c.set(x, y, ' ', st)
			if c.set(x+1, y, ' ', st); x >= 0 && x+1 < c.area.w && y >= 0 && y < c.area.h {
				c.cells[y*c.area.w+x].r, c.cells[y*c.area.w+x+1].r = r, 0
			}
		}
		x += w
	}
	return x
}

// right writes s so that it ends before x+width.
func (c *canvas) right(x, y, width int, s string, st style) {
	n := min(textWidth(s), width)
	c.text(x+width-n, y, n, s, st)
}

// character returns what the terminal can show for r.
func (t terminal) character(r rune) rune {
	switch {
	case r < ' ' || r >= 0x7f && r < 0xa0 || r == 0xfffd:
		return '?'
	case !t.ascii || r < 0x7f:
		return r
	}
	switch r {
	case '…':
		return '.'
	case '·', '•', '●':
		return '*'
	case '■':
		return '#'
	case '×', '✖':
		return 'x'
	case '─', '┄':
		return '-'
	case '│':
		return '|'
	case '━':
		return '='
	case '╌':
		return '.'
	case '└':
		return '+'
	case '▾':
		return 'v'
	case '○':
		return 'o'
	}
	return '?'
}

// runeWidth returns how many cells r takes: 0, 1 or 2.
func runeWidth(r rune) int {
	if r < 0x7f || r >= 0x2500 && r < 0x2600 || r >= 0x2800 && r < 0x2900 {
		return 1 // most of a frame: ASCII, boxes, braille
	}
	return min(lipgloss.Width(string(r)), 2)
}

// textWidth returns how many cells s takes, character by character as text writes them.
func textWidth(s string) int {
	n := 0
	for _, r := range s {
		n += runeWidth(max(r, ' '))
	}
	return n
}

// cutText returns the beginning of s that fits in width cells.
func cutText(s string, width int) string {
	for i, r := range s {
		if width -= runeWidth(max(r, ' ')); width < 0 {
			return s[:i]
		}
	}
	return s
}

// String returns the frame: its lines without trailing blanks, joined by newlines.
func (c *canvas) String() string {
	var b strings.Builder
	b.Grow(2 * len(c.cells))
	for y := range c.area.h {
		if y > 0 {
			b.WriteByte('\n')
		}
		row := c.cells[y*c.area.w : (y+1)*c.area.w]
		for len(row) > 0 && row[len(row)-1].r == ' ' {
			row = row[:len(row)-1]
		}
		on := ""
		for _, cell := range row {
			if cell.r == 0 {
				continue
			}
			sgr := c.terminal.colors.sgr(cell.style)
			if cell.r == ' ' && on == "" {
				sgr = ""
			}
			if sgr != on {
				if on != "" {
					b.WriteString("\x1b[m")
				}
				if sgr != "" {
					b.WriteString("\x1b[" + sgr + "m")
				}
				on = sgr
			}
			b.WriteRune(cell.r)
		}
		if on != "" {
			b.WriteString("\x1b[m")
		}
	}
	return b.String()
}

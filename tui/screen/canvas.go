package screen

import (
	"strings"

	"github.com/charmbracelet/lipgloss"
)

// cell is a place for a character on the screen.
type cell struct {
	r     rune // 0 is the right half of a wide character
	style Style
}

// Canvas is the screen while it is drawn. What lies outside is cut off, so that no layout can break a frame: it always
// has the size it was made with.
type Canvas struct {
	Terminal Terminal
	Area     Rect
	cells    []cell
}

// Rect is a part of the screen, in cells.
type Rect struct{ X, Y, W, H int }

// Top takes n rows from the top of r, or all there are.
func (r *Rect) Top(n int) Rect {
	n = min(max(n, 0), r.H)
	out := Rect{r.X, r.Y, r.W, n}
	r.Y, r.H = r.Y+n, r.H-n
	return out
}

// Bottom takes n rows from the bottom of r.
func (r *Rect) Bottom(n int) Rect {
	n = min(max(n, 0), r.H)
	r.H -= n
	return Rect{r.X, r.Y + r.H, r.W, n}
}

// Left takes n columns from the left of r.
func (r *Rect) Left(n int) Rect {
	n = min(max(n, 0), r.W)
	out := Rect{r.X, r.Y, n, r.H}
	r.X, r.W = r.X+n, r.W-n
	return out
}

// Right takes n columns from the right of r.
func (r *Rect) Right(n int) Rect {
	n = min(max(n, 0), r.W)
	r.W -= n
	return Rect{r.X + r.W, r.Y, n, r.H}
}

// Contains reports whether the cell (x, y) lies in r.
func (r Rect) Contains(x, y int) bool { return x >= r.X && y >= r.Y && x < r.X+r.W && y < r.Y+r.H }

// Grid cuts r into rows x columns parts with a blank column between neighbours, row after row.
func (r Rect) Grid(rows, columns int) []Rect {
	var out []Rect
	for i := range max(rows, 0) * max(columns, 0) {
		row, column := i/columns, i%columns
		y0, y1 := r.H*row/rows, r.H*(row+1)/rows
		x0, x1 := (r.W+1)*column/columns, (r.W+1)*(column+1)/columns-1
		out = append(out, Rect{r.X + x0, r.Y + y0, max(x1-x0, 0), y1 - y0})
	}
	return out
}

// New makes a blank canvas.

func New(t Terminal, width, height int) *Canvas {
	c := &Canvas{Terminal: t, Area: Rect{0, 0, max(width, 0), max(height, 0)}}
	c.cells = make([]cell, c.Area.W*c.Area.H)
	for i := range c.cells {
		c.cells[i].r = ' '
	}
	return c
}

// Set puts a character of width 1.
func (c *Canvas) Set(x, y int, r rune, s Style) {
	if x < 0 || y < 0 || x >= c.Area.W || y >= c.Area.H {
		return
	}
	row := c.cells[y*c.Area.W : (y+1)*c.Area.W]
	// A half of a wide character cannot stand alone.
	if row[x].r == 0 {
		row[x-1].r = ' '
	}
	if x+1 < len(row) && row[x+1].r == 0 {
		row[x+1].r = ' '
	}
	row[x] = cell{r, s}
}

// Text writes s from (x, y) on, at most width cells, and returns where it ended. Too long a text ends in an ellipsis.
// Control characters, which names and messages from files may hold, are shown as '?'.
func (c *Canvas) Text(x, y, width int, s string, st Style) int {
	end := x + max(width, 0)
	if TextWidth(s) > width {
		s = CutText(s, max(width-1, 0)) + "…"
	}
	for _, r := range s {
		r = c.Terminal.Character(r)
		w := runeWidth(r)
		if x+w > end {
			break
		}
		switch w {
		case 1:
			c.Set(x, y, r, st)
		case 2:
			c.Set(x, y, ' ', st)
			if c.Set(x+1, y, ' ', st); x >= 0 && x+1 < c.Area.W && y >= 0 && y < c.Area.H {
				c.cells[y*c.Area.W+x].r, c.cells[y*c.Area.W+x+1].r = r, 0
			}
		}
		x += w
	}
	return x
}

// Fill gives every cell of r the character and style.
func (c *Canvas) Fill(r Rect, char rune, s Style) {
	char = c.Terminal.Character(char)
	for y := r.Y; y < r.Y+r.H; y++ {
		for x := r.X; x < r.X+r.W; x++ {
			c.Set(x, y, char, s)
		}
	}
}

// Restyle changes the style of the cells of r and leaves their characters.
func (c *Canvas) Restyle(r Rect, change func(Style) Style) {
	for y := max(r.Y, 0); y < min(r.Y+r.H, c.Area.H); y++ {
		for x := max(r.X, 0); x < min(r.X+r.W, c.Area.W); x++ {
			cell := &c.cells[y*c.Area.W+x]
			cell.style = change(cell.style)
		}
	}
}

// TextRight writes s so that it ends before x+width.
func (c *Canvas) TextRight(x, y, width int, s string, st Style) {
	n := min(TextWidth(s), width)
	c.Text(x+width-n, y, n, s, st)
}

// Character returns what the Terminal can show for r.
func (t Terminal) Character(r rune) rune {
	switch {
	case r < ' ' || r >= 0x7f && r < 0xa0 || r == 0xfffd:
		return '?'
	case !t.ASCII || r < 0x7f:
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
	case '└', '┌', '┐', '┘', '├', '┤', '┬', '┴', '┼':
		return '+'
	case '▲', '↑':
		return '^'
	case '▶', '→', '›':
		return '>'
	case '◀', '←', '‹':
		return '<'
	case '↓':
		return 'v'
	case '✓':
		return '+'
	case '█', '▓', '▀', '▄':
		return '#'
	case '▒', '░':
		return ':'
	case '–', '—', '−':
		return '-'
	case '≤':
		return '<'
	case '≥':
		return '>'
	case 'τ':
		return 't'
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

// TextWidth returns how many cells s takes, character by character as Text writes them.
func TextWidth(s string) int {
	n := 0
	for _, r := range s {
		n += runeWidth(max(r, ' '))
	}
	return n
}

// CutText returns the beginning of s that fits in width cells.
func CutText(s string, width int) string {
	for i, r := range s {
		if width -= runeWidth(max(r, ' ')); width < 0 {
			return s[:i]
		}
	}
	return s
}

// String returns the frame: its lines without trailing blanks, joined by newlines.
func (c *Canvas) String() string {
	var b strings.Builder
	b.Grow(2 * len(c.cells))
	styles := c.Terminal.sheet()
	for y := range c.Area.H {
		if y > 0 {
			b.WriteByte('\n')
		}
		row := c.cells[y*c.Area.W : (y+1)*c.Area.W]
		for len(row) > 0 && row[len(row)-1].r == ' ' && !row[len(row)-1].style.covers() {
			row = row[:len(row)-1]
		}
		on := ""
		for _, cell := range row {
			if cell.r == 0 {
				continue
			}
			sgr := styles.sgr(cell.style)
			if cell.r == ' ' && on == "" && !cell.style.covers() {
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

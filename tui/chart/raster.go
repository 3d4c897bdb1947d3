package chart

import (
	"math"

	"aural/tui/screen"
)

// The layers of a raster, lowest first.
const (
	bandLayer = iota + 1
	referenceLayer
	rawLayer
	curveLayer
)

// raster is a picture of dots behind the character cells of a plot: 2 x 4 dots to a cell in braille patterns, 1 x 3 in
// ASCII.
type raster struct {
	w, h   int // cells
	dx, dy int // dots in a cell
	dash   int // of what is drawn: 0 is solid, see dashed
	gap    int // dot columns that a curve is drawn across
	cells  []dots
}

// dots are the dots of a cell. A later curve of the same layer joins the ones before; one of a higher layer replaces
// them, or a smoothed curve would be as thick as the noise around it.
type dots struct {
	mask  uint8
	layer uint8
	style screen.Style
}

func newRaster(ascii bool, w, h int) *raster {
	r := &raster{w: max(w, 0), h: max(h, 0), dx: 2, dy: 4}
	if ascii {
		r.dx, r.dy = 1, 3
	}
	r.cells, r.gap = make([]dots, r.w*r.h), r.w*r.dx
	return r
}

// width and height are the size in dots.
func (r *raster) width() int  { return r.w * r.dx }
func (r *raster) height() int { return r.h * r.dy }

// span sets the dots of column x from y0 to y1, both counted from the top and in any order.
func (r *raster) span(x, y0, y1 int, layer uint8, s screen.Style) {
	if x < 0 || x >= r.width() || r.dash > 0 && !dashed(r.dash, x) {
		return
	}
	if y0 > y1 {
		y0, y1 = y1, y0
	}
	y0, y1 = max(y0, 0), min(y1, r.height()-1)
	for row := y0 / r.dy; row*r.dy <= y1; row++ {
		c := &r.cells[row*r.w+x/r.dx]
		if layer < c.layer {
			continue
		}
		if layer > c.layer {
			*c = dots{layer: layer}
		}
		first, last := max(y0-row*r.dy, 0), min(y1-row*r.dy, r.dy-1)
		column := uint8(1<<(r.dx*(last+1)) - 1<<(r.dx*first)) // all dots of the rows first to last
		if r.dx == 2 {
			column &= 0x55
		}
		c.mask |= column << (x % r.dx)
		c.style = s
	}
}

// glyph returns the character of the cell (x, y), ' ' for an empty one.
func (r *raster) glyph(x, y int) (rune, screen.Style) {
	c := r.cells[y*r.w+x]
	if c.mask == 0 {
		return ' ', screen.Plain
	}
	if r.dx == 1 {
		if c.layer == rawLayer {
			return ':', c.style // where faint text may not exist
		}
		return [...]rune{' ', '\'', '-', '\'', '.', '|', '.', '|'}[c.mask], c.style
	}
	// The bits run row by row; the bits of Unicode's braille patterns have the first three rows column by column.
	braille := rune(0x2800)
	for bit, to := range [...]int{0, 3, 1, 4, 2, 5, 6, 7} {
		if c.mask>>bit&1 != 0 {
			braille |= 1 << to
		}
	}
	return braille, c.style
}

// curve draws slots, one a dot column: in each the span from its minimum to its maximum, joined to its neighbours unless
// the curve is broken between them. row maps a value to a dot row.
//
// A curve with dashes is interrupted, so that several can be told apart without colours.
func (r *raster) curve(slots []slot, row func(float64) int, layer uint8, s screen.Style, dash int) {
	r.dash = dash
	defer func() { r.dash = 0 }()
	before := -1 // the last column with points that the curve goes on from
	for x := range slots {
		if slots[x].broken {
			before = -1
		}
		if slots[x].n == 0 {
			continue
		}
		r.span(x, row(slots[x].low), row(slots[x].high), layer, s)
		if before >= 0 && x-before <= r.gap {
			r.join(before, row(slots[before].last), x, row(slots[x].first), layer, s)
		}
		if before = x; slots[x].broken {
			before = -1
		}
	}
}

// join draws the line from (x0, y0) to (x1, y1) without gaps, x0 < x1. Each column goes halfway to the next one.
func (r *raster) join(x0, y0, x1, y1 int, layer uint8, s screen.Style) {
	at := func(half int) int { // y at x0 + half/2
		return y0 + int(math.Round(float64(y1-y0)*float64(half)/float64(2*(x1-x0))))
	}
	for x := max(x0, 0); x <= min(x1, r.width()-1); x++ {
		from, to := at(max(2*(x-x0)-1, 0)), at(min(2*(x-x0)+1, 2*(x1-x0)))
		// Of two columns that meet between dots only one has the dot in the middle.
		if x > x0 && from < y1 && to > from {
			from++
		} else if x > x0 && from > y1 && to < from {
			from--
		}
		r.span(x, from, to, layer, s)
	}
}

// dashed reports whether a curve with these dashes is drawn in dot column x.
func dashed(dash, x int) bool {
	switch dash % 4 {
	case 1:
		return x%6 < 4
	case 2:
		return x%3 < 1
	case 3:
		return x%8 < 5 || x%8 == 6
	}
	return true
}

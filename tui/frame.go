package tui

import (
	"strings"

	"aural/tui/chart"
	"aural/tui/screen"
)

// frame is one picture of the program while it is drawn: the canvas, and what was drawn where, for the mouse and for
// exporting exactly what is seen.
type frame struct {
	c     *screen.Canvas
	m     *model
	hits  []hit
	drawn []drawing
}

// hit is a place that the mouse can point at.
type hit struct {
	area  screen.Rect
	chart int                      // index into drawn of a curve chart; -1 for none
	click func(m *model)           // what a click does; nil for nothing
	point func(m *model, x, y int) // what a click at a cell does, and dragging over it; nil for nothing
	wheel func(m *model, up bool)  // what the wheel does; nil is to zoom a chart
}

// drawing is a picture of a frame, as a figure can repeat it. One of the pointers is set.
type drawing struct {
	curves *curvesDrawing
	heat   *heatDrawing
	sound  *soundDrawing
}

// curvesDrawing is a chart of curves as it was drawn.
type curvesDrawing struct {
	def   chartDef
	chart chart.Chart
	y     chart.Scale
}

// The sizes at which the layout changes.
const (
	columnWidth = 27 // of the metrics column
	columnFrom  = 70 // columns of a screen that has it
	chartWidth  = 22 // the least of a chart beside another
	chartHeight = 5  // the least: title, 3 rows, x axis
	fullHeight  = 10 // rows of a screen with header and footer
)

// render draws the screen: exactly height lines of at most width columns. It depends on nothing but its arguments.
//
//	header     name, status, progress, verdict
//	tabs       the screens
//	the screen
//	last line  keys, or an input line, or the answer to a key
func render(m *model, width, height int) *frame {
	f := &frame{c: screen.New(m.terminal, width, height), m: m}
	body := f.c.Area
	if height >= 4 {
		f.footer(body.Bottom(1))
	}
	whole := body
	if m.view.help {
		f.help(body)
	} else {
		f.header(&body)
		if height >= fullHeight {
			f.tabs(body.Top(1))
		}
		m.panes[m.view.screen].draw(f, body)
	}
	if m.prompt != nil {
		m.prompt.drawAbove(f, whole)
	}
	return f
}

// tabs draws the names of the screens: whole, or their first words, or the keys alone, as there is room.
func (f *frame) tabs(area screen.Rect) {
	name, gap := func(i int) string { return f.m.panes[i].title(f.m) }, 2
	first := func(i int) string {
		word, _, _ := strings.Cut(f.m.panes[i].title(f.m), " ")
		return word
	}
	width := func(name func(int) string, gap int) (n int) {
		for i := range f.m.panes {
			n += screen.TextWidth(name(i)) + 2 + gap
		}
		return n - gap
	}
	if width(name, gap) > area.W {
		name, gap = first, 1
	}
	if width(name, gap) > area.W {
		gap, name = 2, func(i int) string {
			if i == f.m.view.screen {
				return first(i)
			}
			return ""
		}
	}
	x := area.X
	for i := range f.m.panes {
		style := screen.Faint
		if i == f.m.view.screen {
			style = screen.Chosen
		}
		end := f.c.Text(x, area.Y, area.X+area.W-x, strings.TrimRight(screenKeys[i]+" "+name(i), " "), style)
		f.hits = append(f.hits, hit{area: screen.Rect{X: x, Y: area.Y, W: end - x, H: 1}, chart: -1, click: func(m *model) { m.show(i) }})
		x = end + gap
	}
}

package plots

import (
	"fmt"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Distances in points.
const (
	margin = 8.0  // around the figure
	gapX   = 14.0 // between panels
	gapY   = 10.0
	gapBar = 6.0 // between a panel and what stands at its right

	// The axes of a panel need this much to be readable, at the usual size of text.
	leastWidth, leastHeight = 130.0, 85.0
)

// frame is what a figure says about all of its panels.
type frame struct {
	title, note string
	columns     int // panels side by side, at most
	labelX      string
}

// columnsIn is how many panels stand side by side in a figure of the given width in points.
func (f frame) columnsIn(panels []panel, width vg.Length, s style) int {
	side := vg.Length(0)
	for k := range panels {
		side = max(side, newCell(&panels[k], width, s).side)
	}
	fit := int((width - 2*margin + gapX) / (s.points(leastWidth) + side + gapX))
	return min(f.columns, len(panels), max(1, fit))
}

// cell is the place of a panel: its header, its axes, its footer, and what stands at its right, with the legend in one of
// the last three.
type cell struct {
	header, footer, side vg.Length
	rows                 [][]entry
	outer, body          draw.Canvas
	axes                 *plot.Plot
}

// drawFigure draws the panels in rows, each with its title above its axes. It fails when the canvas is too small.
func drawFigure(c draw.Canvas, panels []panel, f frame, s style) error {
	c.SetColor(s.background)
	c.Fill(draw.Crop(c, -1, 1, -1, 1).Path()) // a pixel at the edge may belong to the figure in part
	inner := draw.Crop(c, margin, -margin, margin, -margin)
	inner.Max.Y -= drawTop(inner, f, s)

	columns := f.columnsIn(panels, c.Max.X-c.Min.X, s)
	rows := (len(panels) + columns - 1) / columns
	width := (inner.Max.X - inner.Min.X - gapX*vg.Length(columns-1)) / vg.Length(columns)
	cells := make([]cell, len(panels))
	header, footer := make([]vg.Length, rows), make([]vg.Length, rows) // the highest of each row
	side := make([]vg.Length, columns)                                 // the widest of each column
	for k := range panels {
		cells[k] = newCell(&panels[k], width, s)
		header[k/columns] = max(header[k/columns], cells[k].header)
		footer[k/columns] = max(footer[k/columns], cells[k].footer)
		side[k%columns] = max(side[k%columns], cells[k].side)
	}
	free, narrowest := inner.Max.Y-inner.Min.Y-gapY*vg.Length(rows-1), width
	for i := range rows {
		free -= header[i] + footer[i]
	}
	for _, w := range side {
		narrowest = min(narrowest, width-w)
	}
	high := free / vg.Length(rows)
	if lackX, lackY := s.points(leastWidth)-narrowest, s.points(leastHeight)-high; lackX > 0 || lackY > 0 {
		need := c.Rectangle.Size()
		need.X += max(0, lackX) * vg.Length(columns)
		need.Y += max(0, lackY) * vg.Length(rows)
		return fmt.Errorf("the figure is too small for its %d panels: make it at least %.0f mm wide and %.0f mm high", len(panels),
			math.Ceil(float64(need.X/vg.Millimeter)), math.Ceil(float64(need.Y/vg.Millimeter)))
	}
	top := inner.Max.Y
	for i := range rows {
		for k := i * columns; k < min(len(panels), (i+1)*columns); k++ {
			p, l := &panels[k], &cells[k]
			left := inner.Min.X + (width+gapX)*vg.Length(k%columns)
			l.outer = draw.Canvas{Canvas: c.Canvas, Rectangle: vg.Rectangle{
				Min: vg.Point{X: left, Y: top - header[i] - high},
				Max: vg.Point{X: left + width, Y: top - header[i]},
			}}
			l.body = draw.Crop(l.outer, 0, -l.side, 0, 0)
			l.axes = p.axes(vg.Point{X: width - l.side, Y: high}, f.labelX, s)
			y := top
			if s.title && p.title != "" {
				s.write(c, titleSize, s.palette.text, vg.Point{X: left, Y: top}, draw.XLeft, s.fit(p.title, titleSize, width))
				y -= s.points(titleSize + 3)
			}
			if s.legend == Above {
				drawRows(c, p, l.rows, left, y, s)
			}
		}
		top -= header[i] + high + footer[i] + gapY
	}
	align(cells, columns)
	for k := range cells {
		l := &cells[k]
		l.axes.Draw(l.body)
		inside := l.axes.DataCanvas(l.body)
		switch at := inside.Max.X + gapBar; {
		case panels[k].heat != nil:
			panels[k].heat.bar(c, vg.Rectangle{Min: vg.Point{X: at, Y: inside.Min.Y}, Max: inside.Max}, s)
		case s.legend == Right:
			drawRows(c, &panels[k], l.rows, at, inside.Max.Y, s)
		}
		if s.legend == Below {
			drawRows(c, &panels[k], l.rows, l.outer.Min.X, l.outer.Min.Y-s.points(2), s)
		}
	}
	return nil
}

// drawTop writes the title and the note of the figure and returns the height that they take.
func drawTop(c draw.Canvas, f frame, s style) (high vg.Length) {
	room := c.Max.X - c.Min.X
	if s.title && f.title != "" {
		s.write(c, titleSize, s.palette.text, vg.Point{X: c.Min.X, Y: c.Max.Y}, draw.XLeft, s.fit(f.title, titleSize, room))
		high = s.points(titleSize + 5)
		if s.text(titleSize).Width(f.title)+s.text(noteSize).Width(f.note)+s.points(12) < room {
			s.write(c, noteSize, s.muted, vg.Point{X: c.Max.X, Y: c.Max.Y - s.points(2)}, draw.XRight, f.note)
			return high
		}
	}
	if f.note != "" {
		s.write(c, noteSize, s.muted, vg.Point{X: c.Max.X, Y: c.Max.Y - high}, draw.XRight, s.fit(f.note, noteSize, room))
		high += s.points(noteSize + 3)
	}
	return high
}

// newCell measures what stands around the axes of a panel that is width wide.
func newCell(p *panel, width vg.Length, s style) cell {
	var l cell
	if s.title && p.title != "" {
		l.header = s.points(titleSize + 5)
	}
	if p.heat != nil {
		l.side = gapBar + p.heat.barWidth(s)
	}
	switch s.legend {
	case Above:
		l.rows = legendRows(p, width, s)
		l.header += s.points(rowHeight * float64(len(l.rows)))
	case Below:
		l.rows = legendRows(p, width, s)
		l.footer = s.points(rowHeight*float64(len(l.rows)) + 2)
	case Right:
		if p.heat != nil { // the colour bar stands there
			break
		}
		l.rows = legendRows(p, 0, s) // one entry a row
		for _, row := range l.rows {
			l.side = max(l.side, gapBar+row[0].width)
		}
	}
	return l
}

// align crops the bodies of the cells so that the axes of a column stand above each other and those of a row beside each
// other. (plot.Align does this for rows of equal height.)
func align(cells []cell, columns int) {
	type edges struct{ left, right, bottom vg.Length }
	own := make([]edges, len(cells))
	widest := make([]edges, len(cells)) // left and right by column, bottom by row
	for k, l := range cells {
		inside := l.axes.DataCanvas(l.body)
		own[k] = edges{inside.Min.X - l.outer.Min.X, l.outer.Max.X - inside.Max.X, inside.Min.Y - l.outer.Min.Y}
		column, row := &widest[k%columns], &widest[k/columns]
		column.left, column.right = max(column.left, own[k].left), max(column.right, own[k].right)
		row.bottom = max(row.bottom, own[k].bottom)
	}
	for k := range cells {
		column, row := widest[k%columns], widest[k/columns]
		cells[k].body = draw.Crop(cells[k].body, column.left-own[k].left, own[k].right-column.right, row.bottom-own[k].bottom, 0)
	}
}

// fit shortens text to the room there is.
func (s style) fit(line string, size float64, room vg.Length) string {
	t := s.text(size)
	if t.Width(line) <= room {
		return line
	}
	runes := []rune(line)
	for len(runes) > 1 && t.Width(string(runes)+"...") > room {
		runes = runes[:len(runes)-1]
	}
	return string(runes) + "..."
}

package plots

import (
	"fmt"
	"image/color"
	"math"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Distances in points.
const (
	margin = 8.0  // around the figure
	gapX   = 14.0 // between panels
	gapY   = 10.0

	// The axes of a panel need this much to be readable.
	leastWidth, leastHeight = 130.0, 85.0
)

// drawFigure draws the panels in rows of at most the given number of columns, each with its title and legend above its
// axes, and a note about the whole figure at the top. It fails when the canvas is too small.
func drawFigure(c draw.Canvas, panels []panel, columns int, labelX, note string, colours palette) error {
	c.SetColor(colours.background)
	c.Fill(draw.Crop(c, -1, 1, -1, 1).Path()) // a pixel at the edge may belong to the figure in part
	inner := draw.Crop(c, margin, -margin, margin, -margin)
	write(inner, noteSize, colours.muted, inner.Max, draw.XRight, note)
	inner.Max.Y -= noteSize + 3

	columns = min(columns, len(panels), max(1, int((inner.Max.X-inner.Min.X+gapX)/(leastWidth+gapX))))
	rows := (len(panels) + columns - 1) / columns
	width := (inner.Max.X - inner.Min.X - gapX*vg.Length(columns-1)) / vg.Length(columns)
	axes := make([]*plot.Plot, len(panels))
	headers := make([]vg.Length, rows) // the highest of each row
	free := inner.Max.Y - inner.Min.Y - gapY*vg.Length(rows-1)
	for k := range panels {
		i := k / columns
		headers[i] = max(headers[i], titleSize+5+rowHeight*vg.Length(len(legendRows(&panels[k], width))))
	}
	for _, h := range headers {
		free -= h
	}
	size := vg.Point{X: width, Y: free / vg.Length(rows)}
	if size.X < leastWidth || size.Y < leastHeight {
		need := c.Rectangle.Size()
		need.X += max(0, leastWidth-size.X) * vg.Length(columns)
		need.Y += max(0, leastHeight-size.Y) * vg.Length(rows)
		return fmt.Errorf("the figure is too small for its %d panels: make it at least %.0f mm wide and %.0f mm high", len(panels),
			math.Ceil(float64(need.X/vg.Millimeter)), math.Ceil(float64(need.Y/vg.Millimeter)))
	}
	bodies := make([]draw.Canvas, len(panels))
	top := inner.Max.Y
	for i := range rows {
		for k := i * columns; k < min(len(panels), (i+1)*columns); k++ {
			left := inner.Min.X + (width+gapX)*vg.Length(k%columns)
			bodies[k] = draw.Canvas{Canvas: c.Canvas, Rectangle: vg.Rectangle{
				Min: vg.Point{X: left, Y: top - headers[i] - size.Y},
				Max: vg.Point{X: left + width, Y: top - headers[i]},
			}}
			axes[k] = panels[k].axes(size, labelX, colours)
			drawHeader(bodies[k], &panels[k], top, colours)
		}
		top -= headers[i] + size.Y + gapY
	}
	align(axes, bodies, columns)
	for k := range panels {
		axes[k].Draw(bodies[k])
	}
	return nil
}

// align crops the canvases of plots so that the axes of a column stand above each other and those of a row beside each
// other. (plot.Align does this for rows of equal height.)
func align(axes []*plot.Plot, bodies []draw.Canvas, columns int) {
	type edges struct{ left, right, bottom vg.Length }
	own := make([]edges, len(axes))
	widest := make([]edges, len(axes)) // left and right by column, bottom by row
	for k, g := range axes {
		inside := g.DataCanvas(bodies[k])
		own[k] = edges{inside.Min.X - bodies[k].Min.X, bodies[k].Max.X - inside.Max.X, inside.Min.Y - bodies[k].Min.Y}
		column, row := &widest[k%columns], &widest[k/columns]
		column.left, column.right = max(column.left, own[k].left), max(column.right, own[k].right)
		row.bottom = max(row.bottom, own[k].bottom)
	}
	for k := range axes {
		column, row := widest[k%columns], widest[k/columns]
		bodies[k] = draw.Crop(bodies[k], column.left-own[k].left, own[k].right-column.right, row.bottom-own[k].bottom, 0)
	}
}

func textStyle(size float64) text.Style {
	return text.Style{Font: sans(size), Handler: plot.DefaultTextHandler, YAlign: draw.YTop}
}

// write writes one line of text whose top is at the point.
func write(c draw.Canvas, size float64, colour color.Color, at vg.Point, side draw.XAlignment, line string) {
	s := textStyle(size)
	s.Color, s.XAlign = colour, side
	c.FillText(s, at, strings.ReplaceAll(line, "\n", " "))
}

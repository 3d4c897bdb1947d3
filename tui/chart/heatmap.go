package chart

import (
	"fmt"
	"math"
	"strings"

	"aural/tui/screen"
)

// HeatMap is a picture of a table of numbers. Where the terminal has colours for it a cell shows two values, above each
// other; elsewhere it shows one as a letter of rising weight.
type HeatMap struct {
	Key     string // what enlarges it, written before the title
	Title   string
	Note    string // behind the title, as far as there is room
	NoRamp  bool   // the colours are explained elsewhere
	Focused bool

	Values [][]float64          // rows, the first one on top; NaN, or a row that ends early: not known
	Mean   bool                 // values that fall into one place are shown as their mean, not as the largest
	Names  func(row int) string // labels of rows, at most LabelWidth - 1 wide; nil numbers them from 0

	Low, High float64 // values of the ends of the colours; both 0 takes the range of the values
	Log       bool    // logarithmic colours: what is 0 or less is drawn as Low
	Unit      string  // of the values

	X      Scale // what the left edge of the first column and the right edge of the last one are
	XUnit  string
	XWhole bool
	Mark   float64 // place on X marked below the picture; NaN for none
}

// Draw draws the map into area: title and colours above, labels at the left, the horizontal axis below. It returns where
// the values are.
func (h HeatMap) Draw(c *screen.Canvas, area screen.Rect) HeatGrid {
	g := HeatGrid{Rows: len(h.Values), Inner: Inner(area)}
	g.Inner.W += letterWidth // there are no letters at the right
	for _, row := range h.Values {
		g.Columns = max(g.Columns, len(row))
	}
	shade := h.shade()
	h.drawTitle(c, area, shade)
	if g.Inner.W < 1 || g.Inner.H < 1 {
		return g
	}
	if g.Rows == 0 || g.Columns == 0 {
		c.Text(g.Inner.X, g.Inner.Y+g.Inner.H/2, g.Inner.W, "no data yet", screen.Faint)
		return g
	}
	h.drawNames(c, area, g)
	h.drawValues(c, g, shade)
	h.drawAxis(c, area, g)
	return g
}

// HeatGrid says where the values of a heat map are on the screen.
type HeatGrid struct {
	Inner         screen.Rect
	Rows, Columns int
}

// At returns the value under a cell, the first of those that share it. ok is false beside the map.
func (g HeatGrid) At(x, y int) (row, column int, ok bool) {
	if !g.Inner.Contains(x, y) || g.Rows == 0 || g.Columns == 0 {
		return 0, 0, false
	}
	row, _ = cut(g.Rows, g.Inner.H, y-g.Inner.Y)
	column, _ = cut(g.Columns, g.Inner.W, x-g.Inner.X)
	return min(row, g.Rows-1), min(column, g.Columns-1), true
}

// cut returns the part i of n things that are divided into parts, at least one thing.
func cut(n, parts, i int) (from, to int) {
	from = i * n / parts
	return from, max(from+1, (i+1)*n/parts)
}

// shade is the scale of the colours.
func (h *HeatMap) shade() Scale {
	if h.Low != 0 || h.High != 0 {
		return Scale{h.Low, h.High, h.Log}
	}
	var b Bounds
	for _, row := range h.Values {
		for _, v := range row {
			b.Add(v, h.Log)
		}
	}
	if !b.Some {
		b = Bounds{Low: 1, High: 2, Some: true}
	}
	return NewScale(b, h.Log)
}

// level is the place of v among the colours, NaN when it is not known.
func (s Scale) level(v float64) float64 {
	switch {
	case math.IsNaN(v):
		return v
	case s.Log && v <= 0:
		return 0
	}
	f := s.At(v)
	if math.IsNaN(f) {
		return 0.5
	}
	return min(max(f, 0), 1)
}

// pool returns the value of a place that holds some rows and columns.
func (h *HeatMap) pool(top, bottom, from, to int) float64 {
	most, sum, n := math.Inf(-1), 0.0, 0
	for _, row := range h.Values[min(top, len(h.Values)):min(bottom, len(h.Values))] {
		for _, v := range row[min(from, len(row)):min(to, len(row))] {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				continue
			}
			if sum, n = sum+v, n+1; v > most {
				most = v
			}
		}
	}
	switch {
	case n == 0:
		return math.NaN()
	case h.Mean:
		return sum / float64(n)
	}
	return most
}

func (h *HeatMap) drawValues(c *screen.Canvas, g HeatGrid, shade Scale) {
	in := g.Inner
	for x := range in.W {
		from, to := cut(g.Columns, in.W, x)
		for y := range in.H {
			if !c.Terminal.HasHeat() {
				top, bottom := cut(g.Rows, in.H, y)
				c.Set(in.X+x, in.Y+y, screen.Weight(shade.level(h.pool(top, bottom, from, to))), screen.Plain)
				continue
			}
			top, middle := cut(g.Rows, 2*in.H, 2*y)
			next, bottom := cut(g.Rows, 2*in.H, 2*y+1)
			upper, lower := shade.level(h.pool(top, middle, from, to)), shade.level(h.pool(next, bottom, from, to))
			if math.IsNaN(upper) && math.IsNaN(lower) {
				continue
			}
			c.Set(in.X+x, in.Y+y, '▀', screen.Heat(upper, lower))
		}
	}
}

// drawTitle writes title and note, and at the right the colours with the values of their ends.
func (h *HeatMap) drawTitle(c *screen.Canvas, area screen.Rect, shade Scale) {
	line := area.Top(1)
	if line.H == 0 {
		return
	}
	x, end := line.X, line.X+line.W
	if h.Key != "" {
		x = c.Text(x, line.Y, end-x, h.Key+" ", screen.Accent)
	}
	style := screen.Strong
	if h.Focused {
		style = screen.Chosen
	}
	x = c.Text(x, line.Y, end-x, h.Title, style)
	if w := RampWidth(shade, h.Unit); !h.NoRamp && x+2+w <= end {
		Ramp(c, end-w, line.Y, shade, h.Unit)
		end -= w + 2
	}
	if h.Note != "" && x+2+screen.TextWidth(h.Note) <= end {
		c.Text(x+2, line.Y, end-x-2, h.Note, screen.Plain)
	}
}

// rampCells is the width of the colours in a legend.
const rampCells = 10

// Ramp draws the colours of a scale at (x, y) between the values of their ends.
func Ramp(c *screen.Canvas, x, y int, s Scale, unit string) {
	x = c.Text(x, y, math.MaxInt16, screen.Short(s.Low)+" ", screen.Faint)
	x = RampCells(c, x, y, rampCells)
	c.Text(x, y, math.MaxInt16, strings.TrimRight(" "+screen.Short(s.High)+" "+unit, " "), screen.Faint)
}

// RampWidth is how many cells Ramp takes.
func RampWidth(s Scale, unit string) int {
	return screen.TextWidth(strings.TrimRight(fmt.Sprint(screen.Short(s.Low), "  ", screen.Short(s.High), " ", unit), " ")) + rampCells
}

// RampCells draws n cells of rising level and returns where they end.
func RampCells(c *screen.Canvas, x, y, n int) int {
	for i := range n {
		level := float64(i) / float64(max(n-1, 1))
		if c.Terminal.HasHeat() {
			c.Set(x+i, y, '▀', screen.Heat(level, level))
		} else {
			c.Set(x+i, y, screen.Weight(level), screen.Plain)
		}
	}
	return x + n
}

// drawNames writes the labels of the rows; where several share a line, in every second one.
func (h *HeatMap) drawNames(c *screen.Canvas, area screen.Rect, g HeatGrid) {
	before := -1
	for y := range g.Inner.H {
		c.Set(g.Inner.X-1, g.Inner.Y+y, c.Terminal.Character('│'), screen.Faint)
		row, _ := cut(g.Rows, g.Inner.H, y)
		if row == before || y%2 == 1 && g.Rows > g.Inner.H {
			continue
		}
		before = row
		name := fmt.Sprint(row)
		if h.Names != nil {
			name = h.Names(row)
		}
		c.TextRight(area.X, g.Inner.Y+y, LabelWidth-1, name, screen.Faint)
	}
}

// drawAxis draws the horizontal axis, with the place Mark on it.
func (h *HeatMap) drawAxis(c *screen.Canvas, area screen.Rect, g HeatGrid) {
	if area.H < 4 || !(h.X.High > h.X.Low) {
		return
	}
	p := plot{Chart: Chart{X: h.X, XUnit: h.XUnit, XWhole: h.XWhole}, area: area, inner: g.Inner}
	y := g.Inner.Y + g.Inner.H
	c.Set(g.Inner.X-1, y, c.Terminal.Character('└'), screen.Faint)
	room, mark := g.Inner.W, -1
	if h.X.holds(h.Mark) {
		mark = h.X.Dot(h.Mark, g.Inner.W)
	}
	if n := screen.TextWidth(h.XUnit); n > 0 && room >= 3*n && mark < room-n {
		c.TextRight(g.Inner.X, y, room, h.XUnit, screen.Faint)
		room -= n + 1
	} else if mark >= room-LabelWidth {
		room = mark // no label that the mark would cut
	}
	p.drawLabels(c, y, p.xLabels(room))
	if mark >= 0 {
		c.Set(g.Inner.X+mark, y, c.Terminal.Character('▲'), screen.Accent)
	}
}

package chart

import (
	"fmt"
	"math"

	"aural/tui/screen"
)

// drawTitle writes the line above the plot: key, title and unit, then the last values, or those at the cursor, as far as
// there is room.
func (p *plot) drawTitle(c *screen.Canvas) {
	x, end := p.area.X, p.area.X+p.area.W
	if p.Key != "" {
		x = c.Text(x, p.area.Y, end-x, p.Key+" ", screen.Accent)
	}
	title := p.Title
	if p.Unit != "" {
		title += ", " + p.Unit
	}
	if p.power != 0 {
		title += fmt.Sprintf(" ×1e%d", p.power)
	}
	style := screen.Strong
	if p.Focused {
		style = screen.Chosen
	}
	x = c.Text(x, p.area.Y, end-x, title, style)
	entry := func(label string, v float64, s screen.Style) {
		text := label + " " + screen.Number(v)
		if p.NoLast && math.IsNaN(p.Cursor) {
			text = label
		}
		if x+2+screen.TextWidth(text) <= end {
			x = c.Text(x+2, p.area.Y, end-x-2, text, s)
		}
	}
	for _, curve := range p.curves {
		if v, ok := p.read(curve.Curve); ok {
			entry(curve.Label, v*p.Factor, curve.Style)
		}
	}
	for _, l := range p.Lines {
		entry(l.Label, l.Value*p.Factor, screen.Baseline)
	}
	if p.Band != nil && x+2+screen.TextWidth(p.Band.Label) <= end {
		c.Text(x+2, p.area.Y, end-x-2, p.Band.Label, screen.Band)
	}
}

// drawAxes draws the y axis with round numbers where they fall, and the x axis below.
func (p *plot) drawAxes(c *screen.Canvas) {
	in := p.inner
	for y := range in.H {
		c.Set(in.X-1, in.Y+y, c.Terminal.Character('│'), screen.Faint)
	}
	ticks := p.y.Ticks(max(in.H/2, 2))
	if len(ticks) == 0 {
		ticks = []float64{p.y.Low, p.y.High}
	}
	unit := math.Pow(10, float64(p.power))
	free, below := in.H, "" // labels go upwards, one a row
	for _, v := range ticks {
		label := tick(v/unit, ticks, unit, LabelWidth-1)
		if row := in.H - 1 - p.y.Dot(v, in.H); row < free && label != below {
			c.TextRight(p.area.X, in.Y+row, LabelWidth-1, label, screen.Faint)
			free, below = row, label
		}
	}
	if p.area.H < 4 {
		return
	}
	y := in.Y + in.H
	c.Set(in.X-1, y, c.Terminal.Character('└'), screen.Faint)
	room := in.W + letterWidth
	labels := p.xLabels(room)
	if n := screen.TextWidth(p.XUnit); n > 0 && in.W >= 3*n {
		// The unit gives way to what tells how far the axis reaches.
		if beside := p.xLabels(room - n - 1); len(beside) >= min(2, len(labels)) {
			labels = beside
			c.TextRight(in.X, y, room, p.XUnit, screen.Faint)
		}
	}
	p.drawLabels(c, y, labels)
}

func (p *plot) drawLabels(c *screen.Canvas, y int, labels []xLabel) {
	for _, l := range labels {
		c.Text(p.inner.X+l.at, y, len(l.text), l.text, screen.Faint)
	}
}

// xLabel is a label of the x axis and its first column.
type xLabel struct {
	at   int
	text string
}

// xLabels returns the labels of the x axis that fit into room columns without touching each other.
func (p *plot) xLabels(room int) []xLabel {
	var out []xLabel
	ticks, end := p.X.Ticks(max(p.inner.W/8, 1)), -1
	for _, v := range ticks {
		if p.XWhole && v != math.Trunc(v) {
			continue // there are no halves of updates
		}
		label := tick(v, ticks, 1, LabelWidth)
		if p.XText != nil {
			label = p.XText(v)
		}
		if at := max(p.X.Dot(v, p.inner.W)-len(label)/2, 0); at > end && at+len(label) <= room {
			out, end = append(out, xLabel{at, label}), at+len(label)
		}
	}
	return out
}

// tick writes one of the ticks of an axis, divided by unit, with the decimals that tell it from the others, if they fit
// in width.
func tick(v float64, ticks []float64, unit float64, width int) string {
	if v == 0 {
		return "0"
	}
	if len(ticks) >= 2 && math.Abs(v) < 1000 {
		step := math.Abs(ticks[1]-ticks[0]) / unit
		decimals := max(0, int(math.Ceil(-math.Log10(step)-1e-9)))
		if text := fmt.Sprintf("%.*f", decimals, v); step > 0 && len(text) <= width {
			return text
		}
	}
	if text := screen.Short(v); len(text) <= width {
		return text
	}
	return screen.Exponent(fmt.Sprintf("%.0e", v))
}

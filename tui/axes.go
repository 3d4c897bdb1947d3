package tui

import (
	"fmt"
	"math"
)

// drawTitle writes the line above the plot: key, title and unit, then the last values as far as there is room.
func (p *plot) drawTitle(c *canvas, m *model) {
	x, end := p.area.x, p.area.x+p.area.w
	if p.key > 0 {
		x = c.text(x, p.area.y, end-x, fmt.Sprintf("%d ", p.key), accent)
	}
	title := p.title
	if p.unit != "" {
		title += ", " + p.unit
	}
	if p.power != 0 {
		title += fmt.Sprintf(" ×1e%d", p.power)
	}
	x = c.text(x, p.area.y, end-x, title, strong)
	entry := func(label string, v float64, s style) {
		text := label + " " + number(v)
		if x+2+textWidth(text) <= end {
			x = c.text(x+2, p.area.y, end-x-2, text, s)
		}
	}
	for _, curve := range p.curves {
		if v, ok := m.data[curve.series].last(); ok {
			entry(curve.label, v*p.factor, curve.style)
		}
	}
	if v, ok := m.data[p.chart.reference].last(); ok {
		entry(p.label, v*p.factor, baseline)
	}
}

// drawAxes draws the y axis with round numbers where they fall, and the x axis below.
func (p *plot) drawAxes(c *canvas, m *model) {
	in := p.inner
	for y := range in.h {
		c.set(in.x-1, in.y+y, c.terminal.character('│'), faint)
	}
	ticks := p.y.ticks(max(in.h/2, 2))
	if len(ticks) == 0 {
		ticks = []float64{p.y.low, p.y.high}
	}
	unit := math.Pow(10, float64(p.power))
	free, below := in.h, "" // labels go upwards, one a row
	for _, v := range ticks {
		label := tick(v/unit, ticks, unit, labelWidth-1)
		if row := in.h - 1 - p.y.dot(v, in.h); row < free && label != below {
			c.right(p.area.x, in.y+row, labelWidth-1, label, faint)
			free, below = row, label
		}
	}
	if p.area.h < 4 {
		return
	}
	y := in.y + in.h
	c.set(in.x-1, y, c.terminal.character('└'), faint)
	room := in.w + letterWidth
	if name := m.xUnit(); in.w >= 3*len(name) {
		c.right(in.x, y, room, name, faint)
		room -= len(name) + 1
	}
	ticks = p.x.ticks(max(in.w/8, 1))
	end := 0
	for _, v := range ticks {
		if m.axis().hours == nil && v != math.Trunc(v) {
			continue // there are no halves of updates
		}
		label := tick(v, ticks, 1, labelWidth)
		at := max(p.x.dot(v, in.w)-len(label)/2, 0)
		if (at > end || end == 0) && at+len(label) <= room {
			c.text(in.x+at, y, len(label), label, faint)
			end = at + len(label)
		}
	}
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
	if text := short(v); len(text) <= width {
		return text
	}
	return exponent(fmt.Sprintf("%.0e", v))
}

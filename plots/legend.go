package plots

import (
	"slices"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

const (
	sampleWidth = 20.0 // of the line in a legend, points
	rowHeight   = 12.0 // of a row of a legend, points
)

// drawHeader writes the title of a panel at top, and its legend below, above the canvas of its axes.
func drawHeader(c draw.Canvas, p *panel, top vg.Length, colours palette) {
	write(c, titleSize, colours.text, vg.Point{X: c.Min.X, Y: top}, draw.XLeft, p.title)
	y := top - titleSize - 3
	for _, row := range legendRows(p, c.Max.X-c.Min.X) {
		x := c.Min.X
		middle := y - rowHeight/2
		for _, e := range row {
			e.draw(c, p, x, middle, colours)
			write(c, legendSize, colours.text, vg.Point{X: x + e.sample + 4, Y: middle + legendSize*0.6}, draw.XLeft, e.label)
			x += e.width
		}
		y -= rowHeight
	}
}

// entry is an entry of a legend.
type entry struct {
	label         string
	curve         *curve // nil for a reference line
	plain         bool   // stands for a dash in any colour
	sample, width vg.Length
}

// draw draws the sample of the entry from x on, around the height y.
func (e *entry) draw(c draw.Canvas, p *panel, x, y vg.Length, colours palette) {
	d := data{p, colours}
	switch {
	case e.curve == nil:
		c.StrokeLine2(d.referenceStyle(), x, y, x+e.sample, y)
	case p.stack:
		c.SetColor(colours.line(e.curve.colour))
		c.Fill(vg.Rectangle{Min: vg.Point{X: x, Y: y - 3.5}, Max: vg.Point{X: x + e.sample, Y: y + 3.5}}.Path())
	default:
		style := d.style(e.curve)
		style.Width = lineWidth
		if e.plain {
			style.Color = colours.muted
		}
		c.StrokeLine2(style, x, y, x+e.sample, y)
		if e.curve.points {
			c.DrawGlyphNoClip(draw.GlyphStyle{Color: style.Color, Radius: 1.5, Shape: draw.CircleGlyph{}}, vg.Point{X: x + e.sample/2, Y: y})
		}
	}
}

// entries lists what the legend of a panel explains. With one run that is each curve; with several runs, the colour of
// each run, and each kind of dash once. A curve that is the only one needs no entry: the title says what it is.
func entries(p *panel) []entry {
	var list []entry
	several := slices.ContainsFunc(p.curves, func(c curve) bool { return c.run != p.curves[0].run })
	var runs, kinds []entry
	for i := range p.curves {
		c := &p.curves[i]
		has := func(list []entry, label string) bool {
			return slices.ContainsFunc(list, func(e entry) bool { return e.label == label })
		}
		switch {
		case !several:
			list = append(list, entry{label: c.label, curve: c})
		case !has(runs, c.run):
			solid := *c
			solid.dash, solid.points = 0, false
			runs = append(runs, entry{label: c.run, curve: &solid})
		}
		if several && !has(kinds, c.label) {
			kinds = append(kinds, entry{label: c.label, curve: c, plain: true})
		}
	}
	list = append(list, runs...)
	if len(kinds) > 1 {
		list = append(list, kinds...)
	}
	if len(list) == 1 && len(p.lines) == 0 {
		list = nil
	}
	for _, l := range p.lines {
		list = append(list, entry{label: l.label})
	}
	return list
}

// legendRows breaks the legend of a panel into rows of at most width.
func legendRows(p *panel, width vg.Length) [][]entry {
	var rows [][]entry
	var used vg.Length
	for _, e := range entries(p) {
		e.sample = sampleWidth
		if p.stack {
			e.sample = 9
		}
		e.width = e.sample + 4 + textStyle(legendSize).Width(e.label) + 12
		if len(rows) == 0 || used+e.width-12 > width {
			rows, used = append(rows, nil), 0
		}
		rows[len(rows)-1] = append(rows[len(rows)-1], e)
		used += e.width
	}
	return rows
}

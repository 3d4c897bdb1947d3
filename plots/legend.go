package plots

import (
	"image/color"
	"slices"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

const (
	sampleWidth = 20.0 // of the line in a legend, points
	rowHeight   = 12.0 // of a row of a legend, points
	legendGap   = 12.0 // between entries, points
)

// drawRows writes the legend of a panel from left and top on.
func drawRows(c draw.Canvas, p *panel, rows [][]entry, left, top vg.Length, s style) {
	for _, row := range rows {
		x, middle := left, top-s.points(rowHeight)/2
		for _, e := range row {
			e.draw(c, p, x, middle, s)
			s.write(c, legendSize, s.palette.text, vg.Point{X: x + e.sample + s.points(4), Y: middle + s.points(legendSize)*0.6}, draw.XLeft, e.label)
			x += e.width
		}
		top -= s.points(rowHeight)
	}
}

// entry is an entry of a legend.
type entry struct {
	label         string
	curve         *curve      // nil for a reference line or an area
	fill          color.Color // of an area; nil for a line
	edge          color.Color // of an area; nil for none
	plain         bool        // stands for a dash in any colour
	sample, width vg.Length
}

// draw draws the sample of the entry from x on, around the height y.
func (e *entry) draw(c draw.Canvas, p *panel, x, y vg.Length, s style) {
	d := data{p, s}
	block := func(fill, edge color.Color) {
		r := vg.Rectangle{Min: vg.Point{X: x, Y: y - s.points(3.5)}, Max: vg.Point{X: x + e.sample, Y: y + s.points(3.5)}}
		c.SetColor(fill)
		c.Fill(r.Path())
		if edge != nil {
			c.StrokeLines(draw.LineStyle{Color: edge, Width: s.line(rawWidth)}, []vg.Point{r.Min, {X: r.Max.X, Y: r.Min.Y}, r.Max, {X: r.Min.X, Y: r.Max.Y}, r.Min})
		}
	}
	switch {
	case e.fill != nil:
		block(e.fill, e.edge)
	case e.curve == nil:
		c.StrokeLine2(d.levelStyle(), x, y, x+e.sample, y)
	case p.stack:
		block(s.colour(e.curve.colour), nil)
	default:
		if e.curve.low != nil && !e.plain {
			block(s.area(e.curve.colour), s.edge(e.curve.colour))
		}
		line := d.line(e.curve)
		line.Width = s.line(lineWidth)
		if e.plain {
			line.Color = s.muted
		}
		c.StrokeLine2(line, x, y, x+e.sample, y)
		if e.curve.points {
			c.DrawGlyphNoClip(draw.GlyphStyle{Color: line.Color, Radius: s.line(1.5), Shape: draw.CircleGlyph{}}, vg.Point{X: x + e.sample/2, Y: y})
		}
	}
}

// entries lists what the legend of a panel explains. With one run that is each curve; with several runs, the colour of
// each run, and each kind of dash once. A curve that is the only one needs no entry: the title says what it is.
func entries(p *panel, s style) []entry {
	if p.heat != nil {
		return p.heat.legend(s)
	}
	if p.audio != nil {
		return p.audio.legend(s)
	}
	var list []entry
	several := slices.ContainsFunc(p.curves, func(c curve) bool { return c.run != p.curves[0].run })
	var runs, kinds []entry
	for i := range p.curves {
		c := &p.curves[i]
		has := func(list []entry, label string) bool {
			return slices.ContainsFunc(list, func(e entry) bool { return e.label == label })
		}
		if c.label == "" {
			continue
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
	if len(list) == 1 && len(p.lines) == 0 && len(p.bands) == 0 && list[0].curve.low == nil {
		list = nil
	}
	for _, l := range p.lines {
		list = append(list, entry{label: l.label})
	}
	for _, b := range p.bands {
		if b.Label != "" {
			list = append(list, entry{label: b.Label, fill: s.area(b.Colour), edge: s.edge(b.Colour)})
		}
	}
	return list
}

// legendRows breaks the legend of a panel into rows of at most width, as few as possible and about equally long.
func legendRows(p *panel, width vg.Length, s style) [][]entry {
	list := entries(p, s)
	for i := range list {
		e := &list[i]
		e.sample = s.points(sampleWidth)
		if p.stack || e.fill != nil {
			e.sample = s.points(9)
		}
		if room := width - e.sample - s.points(4); room > s.points(40) {
			e.label = s.fit(e.label, legendSize, room)
		}
		e.width = e.sample + s.points(4) + s.text(legendSize).Width(e.label) + s.points(legendGap)
	}
	rows := breakRows(list, width, s)
	for narrower := width * 0.95; narrower > width/2; narrower *= 0.95 {
		if even := breakRows(list, narrower, s); len(even) == len(rows) {
			rows = even
		}
	}
	return rows
}

func breakRows(list []entry, width vg.Length, s style) [][]entry {
	var rows [][]entry
	var used vg.Length
	for _, e := range list {
		if len(rows) == 0 || used+e.width-s.points(legendGap) > width {
			rows, used = append(rows, nil), 0
		}
		rows[len(rows)-1] = append(rows[len(rows)-1], e)
		used += e.width
	}
	return rows
}

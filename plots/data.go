package plots

import (
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

const (
	// densePoints is from how many points on a curve that is not smoothed is thin.
	densePoints = 400

	// columnsPerPoint is the resolution that lines are thinned to: 288 columns an inch, finer than print shows.
	columnsPerPoint = 4

	// pieceLength is how many points are stroked at once. The rasteriser of PNG is slow with lines that cross a row of
	// pixels often: an overview of 40,000 records took 3.2 s in whole lines and takes 0.5 s in pieces.
	pieceLength = 64
)

// data draws what is inside the axes of a panel. It implements plot.Plotter.
type data struct {
	panel *panel
	style style
}

// Plot implements plot.Plotter.
func (d data) Plot(c draw.Canvas, g *plot.Plot) {
	p := d.panel
	switch {
	case p.empty():
		t := g.X.Label.TextStyle
		t.Color, t.YAlign = d.style.muted, draw.YCenter
		c.FillText(t, c.Center(), "not recorded")
	case p.heat != nil:
		p.heat.draw(c, g, d.style)
	case p.audio != nil:
		p.audio.draw(c, g, d.style)
	case p.boxes != nil:
		d.grid(c, g)
		d.bars(c, g)
	case p.stack:
		d.grid(c, g)
		d.areas(c, g)
	default:
		d.lines(c, g)
	}
}

// lines draws curves with what is behind them.
func (d data) lines(c draw.Canvas, g *plot.Plot) {
	for _, b := range d.panel.bands {
		d.fill(c, g, b)
		d.borders(c, g, b)
	}
	for i := range d.panel.curves {
		if v := &d.panel.curves[i]; v.low != nil {
			d.fill(c, g, ViewBand{X: v.x, Low: v.low, High: v.high, Colour: v.colour})
		}
	}
	d.grid(c, g)
	for _, l := range d.panel.lines {
		d.level(c, g, l)
	}
	for i := range d.panel.curves {
		if v := &d.panel.curves[i]; v.low != nil { // areas hide each other, their borders do not
			d.borders(c, g, ViewBand{X: v.x, Low: v.low, High: v.high, Colour: v.colour})
		}
	}
	for i := range d.panel.curves {
		if v := &d.panel.curves[i]; v.smooth != nil && v.low == nil {
			d.strokes(c, g, v, v.raw, draw.LineStyle{Color: d.style.faint(v.colour), Width: d.style.line(rawWidth)})
		}
	}
	for i := range d.panel.curves {
		v := &d.panel.curves[i]
		d.strokes(c, g, v, v.drawn(), d.line(v))
		d.gaps(c, g, v)
	}
	d.marks(c, g)
}

// line is the style of the main line. Dense raw data would make a thick line a band. Of schedules that are the same, all
// remain visible because the lower ones are wider.
func (d data) line(v *curve) draw.LineStyle {
	width := lineWidth
	if v.smooth == nil && !v.exact && len(v.raw) > densePoints {
		width = rawWidth
	}
	width += v.wider
	return draw.LineStyle{Color: d.style.colour(v.colour), Width: d.style.line(width), Dashes: dashes(v.dash)}
}

func (d data) levelStyle() draw.LineStyle {
	return draw.LineStyle{Color: d.style.muted, Width: d.style.line(0.9), Dashes: []vg.Length{1, 2}}
}

func (d data) grid(c draw.Canvas, g *plot.Plot) {
	tx, ty := g.Transforms(&c)
	style := draw.LineStyle{Color: d.style.grid, Width: vg.Points(0.5)}
	for _, t := range g.X.Tick.Marker.Ticks(g.X.Min, g.X.Max) {
		if x := tx(t.Value); c.ContainsX(x) && !t.IsMinor() {
			c.StrokeLine2(style, x, c.Min.Y, x, c.Max.Y)
		}
	}
	for _, t := range g.Y.Tick.Marker.Ticks(g.Y.Min, g.Y.Max) {
		if y := ty(t.Value); c.ContainsY(y) && !t.IsMinor() {
			c.StrokeLine2(style, c.Min.X, y, c.Max.X, y)
		}
	}
}

func (d data) level(c draw.Canvas, g *plot.Plot, l level) {
	if !(l.value >= g.Y.Min && l.value <= g.Y.Max) {
		return
	}
	_, ty := g.Transforms(&c)
	c.StrokeLine2(d.levelStyle(), c.Min.X, ty(l.value), c.Max.X, ty(l.value))
}

// strokes draws values as a line that is broken where they are not finite. A single point is a dot.
func (d data) strokes(c draw.Canvas, g *plot.Plot, v *curve, values []float64, style draw.LineStyle) {
	x := newPlaces(c, g, v.x)
	_, ty := g.Transforms(&c)
	if _, ok := g.Y.Scale.(plot.LogScale); ok {
		values = positive(values)
	}
	dot := draw.GlyphStyle{Color: style.Color, Radius: d.style.line(1.5), Shape: draw.CircleGlyph{}}
	for _, segment := range decimate(x.x, values, x.x0, x.x1, x.columns) {
		line := make([]vg.Point, len(segment))
		for i, p := range segment {
			line[i] = at(x.at(p.x), ty(p.y))
		}
		piece := len(line)
		if len(style.Dashes) == 0 {
			piece = pieceLength
		}
		for from := 0; from < len(line)-1; from += piece {
			c.StrokeLines(style, c.ClipLinesXY(line[from:min(len(line), from+piece+1)])...)
		}
		if v.points || len(line) == 1 {
			for _, p := range line {
				c.DrawGlyph(dot, p)
			}
		}
	}
}

// gaps marks on the horizontal axis where a curve has no finite value.
func (d data) gaps(c draw.Canvas, g *plot.Plot, v *curve) {
	x := newPlaces(c, g, v.x)
	cross := draw.GlyphStyle{Color: d.style.colour(v.colour), Radius: d.style.line(2), Shape: draw.CrossGlyph{}}
	last := vg.Length(math.Inf(-1))
	for i, value := range v.raw {
		if finite(value) || !finite(x.x[i]) {
			continue
		}
		if place := x.at(x.x[i]); place-last >= 1 && c.ContainsX(place) {
			c.DrawGlyphNoClip(cross, vg.Point{X: place, Y: c.Min.Y + 3})
			last = place
		}
	}
}

// areaColumns is how many means a stack is drawn of.
const areaColumns = 240

// tops returns, for each curve of a stack, its upper edge: the sum of the means of the curves up to it.
func (p *panel) tops(x0, x1 float64) [][]float64 {
	sum := make([]float64, areaColumns)
	tops := make([][]float64, len(p.curves))
	for i, v := range p.curves {
		for j, m := range columnMeans(v.x, v.drawn(), x0, x1, areaColumns) {
			sum[j] += m // NaN where a part is missing: half a stack would lie about the whole
		}
		tops[i] = append([]float64(nil), sum...)
	}
	return tops
}

// areas draws a stack, the last curve on top. Columns without a measurement are skipped over.
func (d data) areas(c draw.Canvas, g *plot.Plot) {
	tx, ty := g.Transforms(&c)
	tops := d.panel.tops(g.X.Min, g.X.Max)
	width := (g.X.Max - g.X.Min) / areaColumns
	below := make([]float64, areaColumns)
	for i, top := range tops {
		var upper, lower []vg.Point
		for j := range top {
			if !finite(top[j]) {
				continue
			}
			left, right := tx(g.X.Min+float64(j)*width), tx(g.X.Min+float64(j+1)*width)
			upper = append(upper, vg.Point{X: left, Y: ty(top[j])}, vg.Point{X: right, Y: ty(top[j])})
			lower = append(lower, vg.Point{X: left, Y: ty(below[j])}, vg.Point{X: right, Y: ty(below[j])})
		}
		for j := len(lower) - 1; j >= 0; j-- {
			upper = append(upper, lower[j])
		}
		c.FillPolygon(d.style.colour(d.panel.curves[i].colour), c.ClipPolygonXY(upper))
		below = top
	}
}

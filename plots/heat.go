package plots

import (
	"image"
	"image/color"
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

const (
	barInk = 9.0 // width of the colours in a colour bar, points

	// rasterDPI is the resolution that the cells of a heat map are enlarged to where the file has none of its own, because
	// viewers blur the pixels of an image that they enlarge themselves.
	rasterDPI = 300
)

// The colours of cells besides those of the ramp: not measured, and a zero that is marked.
const (
	missingCell = rampColours + iota
	zeroCell
)

func (h *HeatMap) empty() bool {
	for _, row := range h.Values {
		for _, v := range row {
			if finite(v) {
				return false
			}
		}
	}
	return true
}

// size returns the number of rows and columns of a map that is not empty.
func (h *HeatMap) size() (rows, columns int) { return len(h.Values), len(h.Values[0]) }

// scale returns the values at the ends of the colours, and whether the colours are logarithmic. Ends that are given are
// kept; of a logarithmic map the lower one is the smallest value above zero.
func (h *HeatMap) scale() (lo, hi float64, logarithmic bool) {
	lo, hi = h.Low, h.High
	if lo == hi {
		lo, hi = math.Inf(1), math.Inf(-1)
		for _, row := range h.Values {
			for _, v := range row {
				if finite(v) && (v > 0 || !h.Log && (v != 0 || !h.MarkZero)) {
					lo, hi = min(lo, v), max(hi, v)
				}
			}
		}
	}
	logarithmic = h.Log && lo > 0
	switch {
	case lo > hi:
		lo, hi, logarithmic = 0, 1, false
	case logarithmic && !(hi/lo > 1.001):
		lo, hi = lo/2, hi*2
	case !logarithmic && !(hi > lo):
		lo, hi = widen(lo, hi)
	}
	return max(lo, -1e300), min(hi, 1e300), logarithmic
}

// share returns where a value lies between the ends of the colours, from 0 to 1.
func (h *HeatMap) share() func(v float64) float64 {
	lo, hi, logarithmic := h.scale()
	return func(v float64) float64 {
		at := (v - lo) / (hi - lo)
		if logarithmic {
			at = (math.Log(max(v, 1e-308)) - math.Log(lo)) / (math.Log(hi) - math.Log(lo))
		}
		return min(max(at, 0), 1)
	}
}

// paint returns the cells as indices of the colours.
func (h *HeatMap) paint() [][]uint8 {
	share := h.share()
	rows, columns := h.size()
	cells := make([][]uint8, rows)
	for i, row := range h.Values {
		cells[i] = make([]uint8, columns)
		for j, v := range row {
			switch {
			case !finite(v):
				cells[i][j] = missingCell
			case v == 0 && h.MarkZero:
				cells[i][j] = zeroCell
			default:
				cells[i][j] = uint8(share(v) * (rampColours - 1))
			}
		}
	}
	return cells
}

// colours are those that the cells are indices of.
func (h *HeatMap) colours(s style) color.Palette {
	return append(ramp(), s.background, h.zeroColour(s))
}

// zeroColour stands out from the ramp, whose lower end is dark violet, in both themes.
func (h *HeatMap) zeroColour(s style) color.NRGBA {
	if s.dark {
		return color.NRGBA{0xD5, 0x5E, 0x00, 0xFF}
	}
	return color.NRGBA{0xE0, 0x5A, 0x3A, 0xFF}
}

// raster enlarges cells to an image for a rectangle of the given size in points; it shrinks none.
func raster(cells [][]uint8, colours color.Palette, size vg.Point, dpi float64) *image.Paletted {
	rows, columns := len(cells), len(cells[0])
	times := func(room vg.Length, n int) int { return max(1, int(math.Ceil(float64(room)/72*dpi/float64(n)))) }
	high, wide := times(size.Y, rows), times(size.X, columns)
	m := image.NewPaletted(image.Rect(0, 0, columns*wide, rows*high), colours)
	for i, row := range cells {
		first := m.Pix[i*high*m.Stride : (i*high+1)*m.Stride]
		for j, v := range row {
			for k := range wide {
				first[j*wide+k] = v
			}
		}
		for k := 1; k < high; k++ {
			copy(m.Pix[(i*high+k)*m.Stride:], first)
		}
	}
	return m
}

// axes sets the axes of a heat map: columns by their number or between the given edges, rows downwards.
func (h *HeatMap) axes(g *plot.Plot, wantX int, size vg.Point, s style) {
	rows, columns := h.size()
	g.X.Min, g.X.Max = h.span.over(h.edges())
	g.Y.Label.Text = h.Rows
	if h.Bottom != 0 || h.Top != 0 {
		g.Y.Min, g.Y.Max = h.Bottom, h.Top
		g.X.Tick.Marker, g.Y.Tick.Marker = linearTicks{want: wantX, big: true}, linearTicks{want: max(2, int(float64(size.Y)/27/s.scale))}
		return
	}
	g.Y.Min, g.Y.Max = 0, float64(rows)
	g.Y.Scale = plot.InvertedScale{Normalizer: plot.LinearScale{}}
	g.X.Tick.Marker = linearTicks{want: wantX, big: true}
	if h.Left == 0 && h.Right == 0 {
		g.X.Tick.Marker = plot.ConstantTicks(indexTicks(columns, nil, wantX))
	}
	var names []string
	for _, name := range h.RowNames {
		names = append(names, s.fit(name, tickSize, size.X/3))
	}
	g.Y.Tick.Marker = plot.ConstantTicks(indexTicks(rows, names, max(2, int(float64(size.Y)/14/s.scale))))
}

func (h *HeatMap) edges() (left, right float64) {
	if h.Left == 0 && h.Right == 0 {
		_, columns := h.size()
		return 0, float64(columns)
	}
	return h.Left, h.Right
}

// indexTicks marks the middles of at most about want of n rows or columns, by number or by name.
func indexTicks(n int, names []string, want int) []plot.Tick {
	step := 1
	if n > want {
		step = int(max(1, niceStep(float64(n)/float64(want))))
	}
	var ticks []plot.Tick
	for i := 0; i < n; i += step {
		label := strconv.Itoa(i)
		if names != nil {
			label = ""
			if i < len(names) {
				label = names[i]
			}
		}
		ticks = append(ticks, plot.Tick{Value: float64(i) + 0.5, Label: label})
	}
	return ticks
}

// draw draws the cells.
func (h *HeatMap) draw(c draw.Canvas, g *plot.Plot, s style) {
	tx, ty := g.Transforms(&c)
	left, right := h.edges()
	image := c.Rectangle
	image.Min.X, image.Max.X = tx(left), tx(right)
	c.DrawImage(image, raster(h.paint(), h.colours(s), image.Size(), s.dpi))
	rows, _ := h.size()
	for _, b := range h.Breaks {
		if b > 0 && b < rows {
			y := ty(float64(b))
			c.StrokeLine2(draw.LineStyle{Color: s.background, Width: vg.Points(1.2)}, c.Min.X, y, c.Max.X, y)
		}
	}
	h.over(c, tx, ty, s)
}

// ticks are the marks of the colour bar.
func (h *HeatMap) ticks(high vg.Length, s style) []plot.Tick {
	lo, hi, logarithmic := h.scale()
	if logarithmic {
		return logTicks{}.Ticks(lo, hi)
	}
	return linearTicks{want: min(6, max(2, int(float64(high)/30/s.scale)))}.Ticks(lo, hi)
}

// barWidth is the room that the colour bar takes.
func (h *HeatMap) barWidth(s style) vg.Length {
	if h.empty() {
		return 0
	}
	widest := s.text(tickSize).Width("0.000")
	for _, t := range h.ticks(200, s) {
		widest = max(widest, s.text(tickSize).Width(t.Label))
	}
	w := s.points(barInk) + s.points(5) + widest
	if h.Unit != "" {
		w += s.points(labelSize + 4)
	}
	return w
}

// bar draws the colour bar at the left edge of the rectangle.
func (h *HeatMap) bar(c draw.Canvas, r vg.Rectangle, s style) {
	if h.empty() {
		return
	}
	share := h.share()
	high := r.Max.Y - r.Min.Y
	r.Max.X = r.Min.X + s.points(barInk)
	cells := make([][]uint8, rampColours)
	for i := range cells {
		cells[i] = []uint8{uint8(rampColours - 1 - i)}
	}
	c.DrawImage(r, raster(cells, h.colours(s), r.Size(), s.dpi))
	right := r.Max.X
	for _, t := range h.ticks(high, s) {
		y := r.Min.Y + vg.Length(share(t.Value))*high
		long := vg.Points(3)
		if t.Label == "" {
			long = vg.Points(1.5)
		}
		c.StrokeLine2(draw.LineStyle{Color: s.muted, Width: vg.Points(0.6)}, r.Max.X, y, r.Max.X+long, y)
		if t.Label != "" {
			label := s.text(tickSize)
			label.Color, label.YAlign = s.palette.text, draw.YCenter
			c.FillText(label, vg.Point{X: r.Max.X + vg.Points(4), Y: y}, t.Label)
			right = max(right, r.Max.X+vg.Points(4)+label.Width(t.Label))
		}
	}
	if h.Unit != "" {
		label := s.text(labelSize)
		label.Color, label.Rotation, label.XAlign, label.YAlign = s.palette.text, math.Pi/2, draw.XCenter, draw.YTop
		c.FillText(label, vg.Point{X: right + vg.Points(3), Y: r.Min.Y + high/2}, s.fit(h.Unit, labelSize, high))
	}
}

// legend returns what explains the colours that are not in the bar.
func (h *HeatMap) legend(s style) []entry {
	has := func(what func(v float64) bool) bool {
		for _, row := range h.Values {
			for _, v := range row {
				if what(v) {
					return true
				}
			}
		}
		return false
	}
	var list []entry
	if h.MarkZero && has(func(v float64) bool { return v == 0 }) {
		list = append(list, entry{label: h.Zero, fill: h.zeroColour(s)})
	}
	if !h.empty() && has(func(v float64) bool { return !finite(v) }) {
		list = append(list, entry{label: "not measured", fill: s.background, edge: s.muted})
	}
	return list
}

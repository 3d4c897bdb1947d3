package plots

import (
	"image/color"
	"math"
	"slices"
	"sort"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// The vertical axis of a spectrogram, from the top: the waveform, the bar of the masked spans, the spectrogram itself from 1
// to 0, a row of codes for each group, a row that tells whether the target was found, and the words. Heights in points.
const (
	waveHeight = 28.0
	spanHeight = 4.0
	codeHeight = 9.0
	hitHeight  = 4.0
	wordHeight = 11.0
	rowGap     = 2.0
)

// audioPanel is a spectrogram with the division of its axis.
type audioPanel struct {
	Spectrogram
	at stripes
}

func (a *Spectrogram) empty() bool { return len(a.LogMel) == 0 || len(a.Frequencies) == 0 }

// end returns the time of the right edge.
func (a *Spectrogram) end() float64 {
	wave := 0.0
	if a.Rate > 0 {
		wave = float64(len(a.Waveform)) / float64(a.Rate)
	}
	return a.Start + max(a.Lead+float64(len(a.LogMel))*a.Hop, wave, 1e-3)
}

// groups returns how many codes a frame has.
func (a *Spectrogram) groups() int {
	n := 0
	for _, f := range a.Codes {
		n = max(n, len(f.Codes))
	}
	return n
}

// stripes are the vertical places of the parts, in the unit of the axis; the spectrogram is from 0 to 1.
type stripes struct {
	top, bottom float64
	wave        [2]float64   // low and high
	spans       [2]float64   // equal when there are none
	codes       [][2]float64 // one a group
	hits        [2]float64
	words       [2]float64
}

// stripes divides a height in points that the axis has.
func (a *Spectrogram) stripes(high float64, s style) stripes {
	taken := 0.0
	if len(a.Waveform) > 0 {
		taken += waveHeight + rowGap
	}
	if len(a.Spans) > 0 {
		taken += spanHeight + rowGap
	}
	if n := a.groups(); n > 0 {
		taken += float64(n)*(codeHeight+rowGap) + hitHeight + rowGap
	}
	if len(a.Words) > 0 {
		taken += float64(max(1, a.WordRows))*wordHeight + rowGap
	}
	taken *= s.scale
	point := s.scale / max(high-taken, taken, 20)
	at := stripes{top: 1}
	up := func(points float64) [2]float64 {
		from := at.top + rowGap*point
		at.top = from + points*point
		return [2]float64{from, at.top}
	}
	down := func(points float64) [2]float64 {
		from := at.bottom - rowGap*point
		at.bottom = from - points*point
		return [2]float64{at.bottom, from}
	}
	if len(a.Spans) > 0 {
		at.spans = up(spanHeight)
	}
	if len(a.Waveform) > 0 {
		at.wave = up(waveHeight)
	}
	for range a.groups() {
		at.codes = append(at.codes, down(codeHeight))
	}
	if len(at.codes) > 0 {
		at.hits = down(hitHeight)
	}
	if len(a.Words) > 0 {
		at.words = down(float64(max(1, a.WordRows)) * wordHeight)
	}
	return at
}

// axes sets the axes: seconds, and the names of the stripes with some frequencies.
func (a *audioPanel) axes(g *plot.Plot, wantX int, size vg.Point, s style) {
	high := float64(size.Y) - 26*s.scale // less what the horizontal axis takes
	a.at = a.stripes(high, s)
	at := a.at
	g.X.Min, g.X.Max, g.Y.Min, g.Y.Max = a.Start, a.end(), at.bottom, at.top
	g.X.Tick.Marker = linearTicks{want: wantX}
	g.Y.Label.Text = ""
	middle := func(r [2]float64) float64 { return (r[0] + r[1]) / 2 }
	var ticks []plot.Tick
	apart := (tickSize + 1) * s.scale * (at.top - at.bottom) / high // labels need this much
	above := math.Inf(1)
	for _, hz := range []float64{16000, 8000, 4000, 2000, 1000, 500, 250} {
		if y, ok := a.height(hz); ok && above-y >= apart && y >= apart/4 {
			ticks = append(ticks, plot.Tick{Value: y, Label: frequency(hz)})
			above = y
		}
	}
	for i, r := range at.codes {
		ticks = append(ticks, plot.Tick{Value: middle(r), Label: "code " + strconv.Itoa(i)})
	}
	if len(a.Waveform) > 0 {
		ticks = append(ticks, plot.Tick{Value: middle(at.wave), Label: "wave"})
	}
	g.Y.Tick.Marker = plot.ConstantTicks(ticks)
}

func frequency(hz float64) string {
	if hz >= 1000 {
		return short(hz/1000) + " kHz"
	}
	return short(hz) + " Hz"
}

// height returns where a frequency is on the axis: at the middle of its band, or between two.
func (a *Spectrogram) height(hz float64) (y float64, ok bool) {
	n := len(a.Frequencies)
	i := sort.SearchFloat64s(a.Frequencies, hz)
	switch {
	case i == n || i == 0 && a.Frequencies[0] != hz:
		return 0, false
	case a.Frequencies[i] == hz:
		return (float64(i) + 0.5) / float64(n), true
	}
	f0, f1 := a.Frequencies[i-1], a.Frequencies[i]
	return (float64(i) - 0.5 + (hz-f0)/(f1-f0)) / float64(n), true
}

// draw draws all parts.
func (a *audioPanel) draw(c draw.Canvas, g *plot.Plot, s style) {
	tx, ty := g.Transforms(&c)
	at := a.at
	box := func(x Span, y [2]float64) vg.Rectangle {
		return vg.Rectangle{
			Min: vg.Point{X: max(tx(x.From), c.Min.X), Y: ty(y[0])},
			Max: vg.Point{X: min(tx(x.To), c.Max.X), Y: ty(y[1])},
		}
	}
	fill := func(r vg.Rectangle, colour color.Color) {
		if r.Max.X > r.Min.X {
			c.SetColor(colour)
			c.Fill(r.Path())
		}
	}
	first := a.Start + a.Lead
	c.DrawImage(box(Span{first, first + float64(len(a.LogMel))*a.Hop}, [2]float64{0, 1}), a.shades(s))
	for _, span := range a.Spans {
		fill(box(span, at.spans), s.colour(0))
	}
	if len(a.Waveform) > 0 && a.Rate > 0 {
		a.wave(c, g, at.wave, s)
	}
	most := 1
	for _, f := range a.Codes {
		most = max(most, slices.Max(append([]int{0}, f.Codes...)))
	}
	colours := ramp()
	for _, f := range a.Codes {
		for i, code := range f.Codes {
			r := box(f.Span, at.codes[i])
			paint := colours[max(0, code)*(rampColours-1)/most].(color.NRGBA)
			fill(r, paint)
			label := s.text(noteSize)
			text := strconv.Itoa(code)
			if label.Width(text)+1 < r.Max.X-r.Min.X {
				label.Color, label.XAlign, label.YAlign = contrast(paint), draw.XCenter, draw.YCenter
				c.FillText(label, vg.Point{X: (r.Min.X + r.Max.X) / 2, Y: (r.Min.Y + r.Max.Y) / 2}, text)
			}
		}
		if len(at.codes) > 0 {
			fill(box(f.Span, at.hits), a.hitColour(f.Correct, s))
		}
	}
	a.words(c, box, s)
}

// words draws the words: between lines at their ends, or where they share rows below bars as long as they last, in the first row that has room.
func (a *audioPanel) words(c draw.Canvas, box func(Span, [2]float64) vg.Rectangle, s style) {
	line := draw.LineStyle{Color: s.grid, Width: vg.Points(0.6)}
	free := make([]vg.Length, max(1, a.WordRows)) // where each row has room from
	for i := range free {
		free[i] = c.Min.X
	}
	for _, w := range a.Words {
		r := box(w.Span, a.at.words)
		if r.Max.X <= r.Min.X {
			continue
		}
		label := s.text(tickSize)
		label.Color, label.XAlign, label.YAlign = s.palette.text, draw.XCenter, draw.YCenter
		if w.Doubtful {
			label.Color = s.colour(1)
		}
		if a.WordRows == 0 {
			c.StrokeLine2(line, r.Min.X, r.Min.Y, r.Min.X, r.Max.Y)
			c.StrokeLine2(line, r.Max.X, r.Min.Y, r.Max.X, r.Max.Y)
			if label.Width(w.Text) <= r.Max.X-r.Min.X+2 {
				c.FillText(label, vg.Point{X: (r.Min.X + r.Max.X) / 2, Y: (r.Min.Y + r.Max.Y) / 2}, w.Text)
			}
			continue
		}
		c.StrokeLine2(draw.LineStyle{Color: label.Color, Width: vg.Points(1.5)}, r.Min.X, r.Max.Y, max(r.Min.X, r.Max.X-0.8), r.Max.Y)
		half := label.Width(w.Text) / 2
		middle := min(max((r.Min.X+r.Max.X)/2, c.Min.X+half), c.Max.X-half)
		for row := range free {
			if middle-half < free[row] {
				continue
			}
			high := (r.Max.Y - r.Min.Y) / vg.Length(len(free))
			y := r.Max.Y - high*(vg.Length(row)+0.5)
			if row > 0 {
				c.StrokeLine2(line, middle, r.Max.Y-1, middle, y+high*0.4)
			}
			c.FillText(label, vg.Point{X: middle, Y: y}, w.Text)
			free[row] = middle + half + s.points(3)
			break
		}
	}
}

// legend returns what explains the colours.
func (a *Spectrogram) legend(s style) []entry {
	var list []entry
	if len(a.Spans) > 0 {
		list = append(list, entry{label: "masked", fill: s.colour(0)})
	}
	if slices.ContainsFunc(a.Words, func(w Word) bool { return w.Doubtful }) {
		list = append(list, entry{label: "doubtful word", fill: s.colour(1)})
	}
	if a.groups() > 0 {
		list = append(list, entry{label: "target found", fill: a.hitColour(true, s)}, entry{label: "missed", fill: a.hitColour(false, s)})
	}
	return list
}

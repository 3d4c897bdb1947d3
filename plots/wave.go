package plots

import (
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// waveColumns is how many places of a waveform are drawn in a point where it has more samples than that.
const waveColumns = 2

// wave draws the waveform into a stripe, as loud as the stripe is high: as a line, or where many samples lie in a column as
// the area between the lowest and the highest of each.
func (a *Spectrogram) wave(c draw.Canvas, g *plot.Plot, stripe [2]float64, s style) {
	loudest := 1e-6
	for _, v := range a.Waveform {
		if v := float64(v); finite(v) {
			loudest = max(loudest, math.Abs(v))
		}
	}
	middle, half := (stripe[0]+stripe[1])/2, (stripe[1]-stripe[0])/2
	place := func(i int) float64 { return a.Start + float64(i)/float64(a.Rate) }
	level := func(v float32) float64 { return middle + float64(v)/loudest*half }
	n := len(a.Waveform)
	columns := int(float64(c.Max.X-c.Min.X) * waveColumns)
	if n < 4*columns {
		v := curve{x: make([]float64, n), raw: make([]float64, n)}
		for i, y := range a.Waveform {
			v.x[i], v.raw[i] = place(i), level(y)
		}
		data{style: s}.strokes(c, g, &v, v.raw, draw.LineStyle{Color: s.muted, Width: s.line(0.35)})
		return
	}
	tx, ty := g.Transforms(&c)
	least := s.line(0.15) // half of what silence is high
	var upper, lower []vg.Point
	for k := range columns {
		from, to := k*n/columns, (k+1)*n/columns
		x, low, high := tx(place(from)), slices.Min(a.Waveform[from:to]), slices.Max(a.Waveform[from:to])
		if !finite(float64(low)) || !finite(float64(high)) {
			continue
		}
		upper = append(upper, vg.Point{X: x, Y: ty(level(high)) + least})
		lower = append(lower, vg.Point{X: x, Y: ty(level(low)) - least})
	}
	slices.Reverse(lower)
	c.FillPolygon(s.muted, c.ClipPolygonXY(append(upper, lower...)))
}

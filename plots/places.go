package plots

import (
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// places are points of the horizontal axis on a canvas. On a logarithmic axis they hold logarithms, so that what is thinned
// by columns is thinned by the columns that are seen; what has no logarithm is NaN.
type places struct {
	x       []float64
	x0, x1  float64 // ends of the axis
	columns int     // how finely lines are thinned
	at      func(float64) vg.Length
}

func newPlaces(c draw.Canvas, g *plot.Plot, x []float64) places {
	tx, _ := g.Transforms(&c)
	p := places{x, g.X.Min, g.X.Max, max(1, int(float64(c.Max.X-c.Min.X)*columnsPerPoint)), tx}
	if _, ok := g.X.Scale.(plot.LogScale); ok {
		p.x = make([]float64, len(x))
		for i, v := range x {
			p.x[i] = math.NaN()
			if v > 0 {
				p.x[i] = math.Log(v)
			}
		}
		p.x0, p.x1 = math.Log(p.x0), math.Log(p.x1)
		p.at = func(v float64) vg.Length { return tx(math.Exp(v)) }
	}
	return p
}

// column returns the column of a place.
func (p *places) column(x float64) int {
	if !(p.x1 > p.x0) {
		return 0
	}
	return int(math.Floor(min(max((x-p.x0)/(p.x1-p.x0), -1e9), 1e9) * float64(p.columns)))
}

// positive returns values with NaN in place of what has no logarithm.
func positive(values []float64) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = v
		if v <= 0 {
			out[i] = math.NaN()
		}
	}
	return out
}

// far is a place well outside of any canvas. The arithmetic of clipping overflows with much farther ones.
const far = 1e7

// at returns a point of a canvas, kept from being too far outside of it.
func at(x, y vg.Length) vg.Point {
	return vg.Point{X: min(max(x, -far), far), Y: min(max(y, -far), far)}
}

package plots

import (
	"fmt"
	"math"
)

// Measured is a pair of settings and what it gave.
type Measured struct{ X, Y, Value float64 }

// surfaceCells is how many cells a surface has in each direction: about half a millimetre each.
const surfaceCells = 240

// The size of a surface in millimetres.
const surfaceWidth, surfaceHeight = 150, 110

// Surface draws values that were measured at some pairs of settings into the file path, as a heat map whose every place has the value of the nearest pair, dots at the pairs and a ring at
// the one of the number best. unit is that of the values. Options and errors are as of Histogram.
func Surface(path string, list []Measured, best int, l Labels, unit string, o Options) error {
	if err := o.check(); err != nil {
		return err
	}
	if best < 0 || best >= len(list) {
		return fmt.Errorf("plots: surface: %w: pair %d of %d is the best", ErrNoData, best, len(list))
	}
	h, err := surface(list)
	if err != nil {
		return fmt.Errorf("plots: surface: %w", err)
	}
	h.Rows, h.Unit, h.chosen = l.Y, unit, best
	p := panel{title: l.Title, labelX: l.X, heat: h}
	if err := write(path, []panel{p}, frame{note: l.Note, columns: 1}, size{surfaceWidth, surfaceHeight, 1}, o); err != nil {
		return fmt.Errorf("plots: surface: %w", err)
	}
	return nil
}

// surface makes the map, with half a cell of the coarsest spacing around the pairs.
func surface(list []Measured) (*HeatMap, error) {
	x, y := Limits{math.Inf(1), math.Inf(-1)}, Limits{math.Inf(1), math.Inf(-1)}
	for _, m := range list {
		if !finite(m.X) || !finite(m.Y) || !finite(m.Value) || math.Abs(m.X)+math.Abs(m.Y) > 1e9 {
			return nil, fmt.Errorf("%v at %v, %v: all must be finite", m.Value, m.X, m.Y)
		}
		x[0], x[1], y[0], y[1] = min(x[0], m.X), max(x[1], m.X), min(y[0], m.Y), max(y[1], m.Y)
	}
	for _, l := range []*Limits{&x, &y} {
		if l[0] == l[1] {
			l[0], l[1] = l[0]-0.5, l[1]+0.5
		}
		margin := (l[1] - l[0]) * 0.05
		l[0], l[1] = l[0]-margin, l[1]+margin
	}
	h := &HeatMap{Left: x[0], Right: x[1], Bottom: y[0], Top: y[1]}
	wide, high := x[1]-x[0], y[1]-y[0]
	for i := range surfaceCells {
		row := make([]float64, surfaceCells)
		for j := range row {
			at := [2]float64{(float64(j) + 0.5) / surfaceCells, 1 - (float64(i)+0.5)/surfaceCells}
			nearest := math.Inf(1)
			for _, m := range list {
				d := math.Hypot((m.X-x[0])/wide-at[0], (m.Y-y[0])/high-at[1])
				if d < nearest {
					nearest, row[j] = d, m.Value
				}
			}
		}
		h.Values = append(h.Values, row)
	}
	for _, m := range list {
		h.dots = append(h.dots, [2]float64{m.X, m.Y})
	}
	return h, nil
}

package plots

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Labels are the texts of a figure of bars.
type Labels struct {
	Title, X, Y string
	Note        string // at the top right
}

// Bar is one bar of a figure.
type Bar struct {
	Name  string
	Value float64 // at least 0
}

// box is a bar as it is drawn: a rectangle on the horizontal axis.
type box struct {
	left, right, height float64
}

// The default size of figures of bars, in millimetres.
const barsWidth, barsHeight = 170, 85

// histogramBins is about how many bins a histogram has. The data of a corpus are many; finer bins show the cuts of a
// segmentation as well as the shape.
const histogramBins = 60

// Histogram draws how many values there are in each of about 60 bins of equal width, whose edges are round numbers, into the
// file path; see Render for its format. A value on an edge belongs to the bin above. Width, Height, DPI and Theme of the
// options count. Without a finite value it returns an error that wraps ErrNoData.
func Histogram(path string, values []float64, l Labels, o Options) error {
	return renderBars(path, panel{title: l.Title, unit: l.Y, boxes: bins(values), zero: true}, l, o)
}

// bins counts values. Those that are not finite are left out.
func bins(values []float64) []box {
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, v := range values {
		if finite(v) {
			lo, hi = min(lo, v), max(hi, v)
		}
	}
	if lo > hi {
		return nil
	}
	step := niceStep(max(hi/histogramBins-lo/histogramBins, math.Abs(hi)/1e4, 1e-9)) // some width where all are equal
	first := math.Floor(lo / step)
	boxes := make([]box, int(math.Floor(hi/step)-first)+1)
	for i := range boxes {
		boxes[i].left, boxes[i].right = (first+float64(i))*step, (first+float64(i+1))*step
	}
	for _, v := range values {
		if finite(v) {
			boxes[min(int(math.Floor(v/step)-first), len(boxes)-1)].height++
		}
	}
	return boxes
}

// Bars draws a bar for each value, the largest first, into the file path; see Render for its format. The bars are called by
// their names where there is room for all of them, and counted from 1 otherwise. Options and errors are as of Histogram.
func Bars(path string, bars []Bar, l Labels, o Options) error {
	sorted := slices.DeleteFunc(slices.Clone(bars), func(b Bar) bool { return !finite(b.Value) })
	slices.SortStableFunc(sorted, func(a, b Bar) int { return cmp.Or(cmp.Compare(b.Value, a.Value), cmp.Compare(a.Name, b.Name)) })
	p := panel{title: l.Title, unit: l.Y, zero: true}
	width := cmp.Or(o.Width, barsWidth)*float64(vg.Millimeter) - 50
	p.bars(sorted, width, o.style())
	return renderBars(path, p, l, o)
}

// bars adds bars in the order given, with their names below where there is room in a width of so many points.
func (p *panel) bars(bars []Bar, width float64, s style) {
	gap := 0.1
	if len(bars) > 100 {
		gap = 0 // an outline: gaps would be finer than what a screen shows
	}
	var names plot.ConstantTicks
	for i, b := range bars {
		at := float64(i + 1)
		p.boxes = append(p.boxes, box{at - 0.5 + gap, at + 0.5 - gap, b.Value})
		names = append(names, plot.Tick{Value: at, Label: b.Name})
	}
	if len(names) > 0 && namesFit(names, width/float64(len(names)), s) {
		p.names = names
	}
}

// namesFit reports whether every label has at most this many points.
func namesFit(names plot.ConstantTicks, points float64, s style) bool {
	return !slices.ContainsFunc(names, func(t plot.Tick) bool { return float64(s.text(tickSize).Width(t.Label))+4 > points })
}

func renderBars(path string, p panel, l Labels, o Options) error {
	if err := o.check(); err != nil {
		return err
	}
	if len(p.boxes) == 0 {
		return fmt.Errorf("plots: %s: %w: there is no finite value", path, ErrNoData)
	}
	if err := write(path, []panel{p}, frame{note: l.Note, columns: 1, labelX: l.X}, size{barsWidth, barsHeight, 1}, o); err != nil {
		return fmt.Errorf("plots: %w", err)
	}
	return nil
}

// bars fills the boxes. Neighbours that touch are one shape, without seams between them.
func (d data) bars(c draw.Canvas, g *plot.Plot) {
	tx, ty := g.Transforms(&c)
	boxes := d.panel.boxes
	for from := 0; from < len(boxes); {
		to := from + 1
		for to < len(boxes) && boxes[to].left == boxes[to-1].right {
			to++
		}
		outline := []vg.Point{{X: tx(boxes[from].left), Y: ty(0)}}
		for _, b := range boxes[from:to] {
			outline = append(outline, vg.Point{X: tx(b.left), Y: ty(b.height)}, vg.Point{X: tx(b.right), Y: ty(b.height)})
		}
		outline = append(outline, vg.Point{X: tx(boxes[to-1].right), Y: ty(0)})
		c.FillPolygon(d.style.colour(0), c.ClipPolygonXY(outline))
		from = to
	}
}

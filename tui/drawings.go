package tui

import (
	"math"

	"aural/tui/chart"
	"aural/tui/screen"
)

// listDrawing is a list of values as a curve; the first one stands at first.
func listDrawing(title, xUnit string, first int64, values []float64, lines ...chart.Reference) drawing {
	s := &chart.Series{}
	c := chart.Change{}
	var y chart.Bounds
	for i, v := range values {
		y.Add(v, false)
		if !math.IsNaN(v) {
			c.Steps, c.Values = append(c.Steps, first+int64(i)), append(c.Values, v)
		}
	}
	s.Apply(c)
	ch := chart.NewChart(title)
	ch.X = chart.NewScale(chart.Bounds{Low: float64(first), High: float64(first) + float64(len(values)-1), Some: true}, false)
	ch.XUnit, ch.XWhole, ch.Factor, ch.Lines = xUnit, true, 1, lines
	ch.Curves = []chart.Curve{{Label: title, Series: s, Style: screen.Line(0)}}
	return drawing{curves: &curvesDrawing{chartDef{title: title}, ch, chart.NewScale(y, false)}}
}

// heatDrawing is a heat map as it was drawn.
type heatDrawing struct {
	title       string
	values      [][]float64 // rows of the same length, the first on top; NaN: not known
	rows        []string    // names of the rows; nil numbers them from 0
	rowsLabel   string      // what a row is
	xLabel      string      // what a column is
	left, right float64     // the horizontal axis from the left edge of the first column to the right edge of the last; both 0 number the columns

	unit      string
	low, high float64 // values of the ends of the colours
	log       bool
	zero      string // what a value of 0 means; "" when it has no colour of its own
}

// soundDrawing is a piece of audio with what the model saw of it, as it was drawn.
type soundDrawing struct {
	title    string
	levels   chart.Levels
	view     chart.Span // the visible time in seconds
	waveform []float32  // nil where it was not drawn
	rate     int
	masked   []chart.Span
	codes    []codesDrawing
	words    []wordDrawing
}

// codesDrawing are the codes of a masked frame.
type codesDrawing struct {
	chart.Span
	codes   []int
	correct bool // the target scored above all distractors
}

// wordDrawing is a piece of text at its time.
type wordDrawing struct {
	chart.Span
	text string
}

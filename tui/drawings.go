package tui

import "aural/tui/chart"

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

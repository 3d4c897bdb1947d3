package tui

import (
	"fmt"

	"aural/tui/chart"
	"aural/tui/screen"
)

// Levels is a spectrogram to draw.
type Levels = chart.Levels

// The least size of a spectrogram as text.
const leastColumns, leastLines = 32, 6

// Spectrogram returns a picture of o.Height lines (24 when it is 0) of at most o.Width columns (80), the lowest frequency at
// the bottom. Where Output is a terminal with 256 colours or more, each cell shows two values in colours; elsewhere, and
// without colours or characters beyond ASCII, it shows one as a letter of rising weight. Several values that fall into one
// place are shown as their largest: a click is seen at any width. Values that are not finite are drawn as silence.
func Spectrogram(l Levels, o Options) (string, error) {
	o.complete()
	if o.Width <= 0 {
		o.Width = 80
	}
	if o.Height <= 0 {
		o.Height = 24
	}
	if err := l.Check(); err != nil {
		return "", fmt.Errorf("tui: %w", err)
	}
	if o.Width < leastColumns || o.Height < leastLines {
		return "", fmt.Errorf("tui: a spectrogram of %d columns and %d lines: want at least %d and %d", o.Width, o.Height, leastColumns, leastLines)
	}
	t, err := o.terminal()
	if err != nil {
		return "", err
	}
	if !isTerminal(o.Output) {
		t.Colors = screen.NoStyle
	}
	c := screen.New(t, o.Width-1, o.Height) // the last column stays free: some terminals go on in the next line behind it
	drawText(c, l)
	return c.String() + "\n", nil
}

// drawText fills a canvas with a spectrogram and the legend of its levels below.
func drawText(c *screen.Canvas, l Levels) {
	area := c.Area
	legend := area.Bottom(1)
	chart.Spectrogram{Levels: l}.Draw(c, area)
	const cells = 12
	x := c.Text(legend.X+chart.GutterWidth, legend.Y, legend.W, fmt.Sprintf("%.0f dB ", -l.Range), screen.Faint)
	x = chart.RampCells(c, x, legend.Y, cells)
	c.Text(x, legend.Y, legend.W, " 0 dB", screen.Faint)
}

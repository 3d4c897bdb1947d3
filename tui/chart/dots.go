package chart

import (
	"math"

	"aural/tui/screen"
)

// draw puts the dots on the canvas, with their left upper corner at (x, y). Cells without dots stay as they are.
func (r *raster) draw(c *screen.Canvas, x, y int) {
	for j := range r.h {
		for i := range r.w {
			if glyph, s := r.glyph(i, j); glyph != ' ' {
				c.Set(x+i, y+j, glyph, s)
			}
		}
	}
}

// Waveform is a picture of audio: the least and the largest sample of every dot column.
type Waveform struct {
	Samples      []float32
	Seconds      float64
	View         Span // the visible time; the zero value is all
	Masked       []Span
	Style, Shade screen.Style // of what is heard, and of what is masked
}

// Draw draws the waveform into area, over its whole height whatever the level.
func (w Waveform) Draw(c *screen.Canvas, area screen.Rect) {
	if w.View.To <= w.View.From {
		w.View = Span{0, w.Seconds}
	}
	r := newRaster(c.Terminal.ASCII, area.W, area.H)
	n := len(w.Samples)
	if n == 0 || !(w.Seconds > 0) || r.width() == 0 || r.height() == 0 {
		return
	}
	place := func(t float64) int { return min(max(int(t/w.Seconds*float64(n)), 0), n) }
	first := place(w.View.From)
	visible := w.Samples[min(first, n-1):max(place(w.View.To), min(first, n-1)+1)]
	peak := float32(1e-4) // the noise of 16 bits stays flat
	for _, v := range visible {
		peak = max(peak, v, -v) // a NaN leaves NaN, which dot puts in the middle
	}
	dot := func(v float32) int {
		f := (1 - float64(v/peak)) / 2
		if math.IsNaN(f) {
			f = 0.5
		}
		return int(math.Round(f * float64(r.height()-1)))
	}
	for x := range r.width() {
		from, to := cut(len(visible), r.width(), x)
		low, high := visible[from], visible[from]
		for _, v := range visible[from:to] {
			low, high = min(low, v), max(high, v)
		}
		s := w.Style
		if Covers(w.Masked, w.View.At(x, r.width())) {
			s = w.Shade
		}
		r.span(x, dot(low), dot(high), curveLayer, s)
	}
	r.draw(c, area.X, area.Y)
}

// Columns is a picture of values as columns from the bottom, some of them of another style.
type Columns struct {
	Values []float64
	Low    float64 // the bottom
	High   float64
	Style  screen.Style
	Marked map[int]screen.Style // columns that stand out
}

// Draw draws the columns over the whole width of area: several dots wide where there is room, else the largest value of those
// that share a dot column. What is marked is never hidden.
func (b Columns) Draw(c *screen.Canvas, area screen.Rect) {
	r := newRaster(c.Terminal.ASCII, area.W, area.H)
	n := len(b.Values)
	if n == 0 || r.width() == 0 || r.height() == 0 {
		return
	}
	wide := r.width() / n
	gap := 0
	if wide >= 3 {
		gap = 1
	}
	scale := NewScale(Bounds{Low: b.Low, High: b.High}, false)
	for i, v := range b.Values {
		from, to := i*r.width()/n, max((i+1)*r.width()/n-gap, i*r.width()/n+1)
		style, layer := b.Style, uint8(rawLayer)
		if s, ok := b.Marked[i]; ok {
			style, layer = s, curveLayer
		}
		if math.IsNaN(v) {
			continue
		}
		for x := from; x < to; x++ {
			r.span(x, r.height()-1-scale.Dot(v, r.height()), r.height()-1, layer, style)
		}
	}
	r.draw(c, area.X, area.Y)
}

// Bar draws a horizontal bar of a share from 0 to 1 into the first row of area, to an eighth of a cell.
func Bar(c *screen.Canvas, area screen.Rect, share float64, s screen.Style) {
	if area.H < 1 || !(share > 0) {
		return
	}
	eighths := int(math.Round(min(share, 1) * float64(8*area.W)))
	for x := range eighths / 8 {
		c.Set(area.X+x, area.Y, c.Terminal.Character('█'), s)
	}
	if rest := eighths % 8; rest > 0 && !c.Terminal.ASCII {
		c.Set(area.X+eighths/8, area.Y, []rune(" ▏▎▍▌▋▊▉")[rest], s)
	}
}

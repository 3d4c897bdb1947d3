package chart

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"aural/tui/screen"
)

// Levels is a spectrogram to draw.
type Levels struct {
	Frames  [][]float32 // in dB, frames of bands, the lowest band first; all of one length
	Hz      []float64   // the frequency of each band, rising
	Seconds float64     // the time from the first frame to the end of the last one
	Range   float64     // dB from the loudest value down to what is drawn as silence, above 0
}

// Check says what is wrong with l.
func (l *Levels) Check() error {
	if len(l.Frames) == 0 || len(l.Hz) == 0 || !(l.Seconds > 0) || !(l.Range > 0) {
		return errors.New("a spectrogram needs a frame, a band, and a length and a range above 0")
	}
	for i, f := range l.Frames {
		if len(f) != len(l.Hz) {
			return fmt.Errorf("frame %d of a spectrogram has %d values for %d bands", i, len(f), len(l.Hz))
		}
	}
	return nil
}

// Spectrogram is a picture of Levels, the lowest frequency at the bottom. Several values that fall into one place are shown as
// their largest: a click is seen at any width. Values that are not finite are drawn as silence.
type Spectrogram struct {
	Levels
	View   Span   // the visible time in seconds; the zero value is all
	Masked []Span // drawn in greys, or faint letters
}

// GutterWidth is the width of the labels at the left of all pictures over time, with their line.
const GutterWidth = 5

// Draw draws the picture, labels in kHz at its left and the axis of time below, which takes two rows. l must pass Check.
func (s Spectrogram) Draw(c *screen.Canvas, area screen.Rect) {
	if s.View.To <= s.View.From {
		s.View = Span{0, s.Seconds}
	}
	picture := area
	axis := picture.Bottom(min(2, area.H/3))
	if picture.H < 1 || picture.W <= GutterWidth {
		return
	}
	labels := s.frequencies(picture.H)
	for y, label := range labels {
		c.TextRight(picture.X, picture.Y+y, GutterWidth-1, label, screen.Faint)
		c.Set(picture.X+GutterWidth-1, picture.Y+y, c.Terminal.Character('│'), screen.Faint)
	}
	inner := picture
	inner.Left(GutterWidth)
	s.drawLevels(c, inner)
	if axis.H > 0 {
		c.TextRight(axis.X, axis.Y, GutterWidth-1, "kHz", screen.Faint)
		DrawTime(c, axis, s.View)
	}
}

func (s *Spectrogram) drawLevels(c *screen.Canvas, in screen.Rect) {
	dots := 1
	if c.Terminal.HasHeat() {
		dots = 2
	}
	levels := s.pool(in.W, in.H*dots)
	for x := range in.W {
		at := s.View.At(x, in.W)
		masked := Covers(s.Masked, at)
		for y := range in.H {
			switch {
			case dots == 2 && masked:
				c.Set(in.X+x, in.Y+y, '▀', screen.Shaded(levels[2*y][x], levels[2*y+1][x]))
			case dots == 2:
				c.Set(in.X+x, in.Y+y, '▀', screen.Heat(levels[2*y][x], levels[2*y+1][x]))
			case masked:
				c.Set(in.X+x, in.Y+y, screen.Weight(levels[y][x]), screen.Faint)
			default:
				c.Set(in.X+x, in.Y+y, screen.Weight(levels[y][x]), screen.Plain)
			}
		}
	}
}

// pool returns the visible levels on a grid, the highest frequency first, scaled to 0 (silence) … 1 (loudest).
func (s *Spectrogram) pool(columns, rows int) [][]float64 {
	loudest := math.Inf(-1)
	for _, f := range s.Frames {
		for _, v := range f {
			if v := float64(v); v > loudest && !math.IsInf(v, 0) {
				loudest = v
			}
		}
	}
	n := len(s.Frames)
	first := min(max(int(s.View.From/s.Seconds*float64(n)), 0), n-1)
	frames := s.Frames[first:min(max(int(math.Ceil(s.View.To/s.Seconds*float64(n)-1e-6)), first+1), n)]
	picture := make([][]float64, rows)
	for y := range picture {
		picture[y] = make([]float64, columns)
		low, high := cut(len(s.Hz), rows, rows-1-y)
		for x := range picture[y] {
			most := math.Inf(-1)
			from, to := cut(len(frames), columns, x)
			for _, f := range frames[from:to] {
				for _, v := range f[low:high] {
					if v := float64(v); v > most && !math.IsInf(v, 0) {
						most = v
					}
				}
			}
			if most > loudest-s.Range { // not so when there is no finite value
				picture[y][x] = 1 - (loudest-most)/s.Range
			}
		}
	}
	return picture
}

// frequencies returns the label of each line, from the top: round kHz at the line where they lie, apart from each other.
func (l *Levels) frequencies(lines int) []string {
	labels := make([]string, lines)
	last := -2
	for _, khz := range []float64{0.1, 0.2, 0.5, 1, 2, 3, 4, 6, 8, 12, 16, 24} {
		hz := 1000 * khz
		if hz < l.Hz[0] || hz > l.Hz[len(l.Hz)-1]*1.05 {
			continue
		}
		band := 0
		for band+1 < len(l.Hz) && math.Abs(l.Hz[band+1]-hz) < math.Abs(l.Hz[band]-hz) {
			band++
		}
		if line := (2*band + 1) * lines / (2 * len(l.Hz)); line >= last+2 {
			labels[lines-1-line] = fmt.Sprintf("%g", khz)
			last = line
		}
	}
	return labels
}

// Span is a piece of time in seconds.
type Span struct{ From, To float64 }

// At returns the middle of column x of w columns that show the span.
func (v Span) At(x, w int) float64 {
	return v.From + (v.To-v.From)*(float64(x)+0.5)/float64(max(w, 1))
}

// Columns returns the columns [from, to) of w columns that show v which the span s takes, at least one when it touches v.
// They are none when it lies outside.
func (v Span) Columns(s Span, w int) (from, to int) {
	scale := float64(w) / (v.To - v.From)
	a, b := (s.From-v.From)*scale, (s.To-v.From)*scale
	if !(b > 0 && a < float64(w)) { // also for NaN
		return 0, 0
	}
	from = int(math.Round(max(a, 0)))
	to = int(math.Round(min(b, float64(w))))
	from = min(from, w-1)
	return from, max(to, from+1)
}

// Covers reports whether one of the spans, which rise and lie apart, holds t.
func Covers(spans []Span, t float64) bool {
	i, _ := slices.BinarySearchFunc(spans, t, func(s Span, t float64) int {
		if s.To <= t {
			return -1
		}
		return 1
	})
	return i < len(spans) && t >= spans[i].From
}

// DrawTime draws the axis of time in area, behind the gutter: a line with its ticks, and the seconds below when there is a
// second row.
func DrawTime(c *screen.Canvas, area screen.Rect, view Span) {
	corner := area.X + GutterWidth - 1
	area.Left(GutterWidth)
	w := area.W
	if w < 1 || area.H < 1 {
		return
	}
	c.Set(corner, area.Y, c.Terminal.Character('└'), screen.Faint)
	c.Text(area.X, area.Y, w, strings.Repeat("─", w), screen.Faint)
	ticks := Scale{Low: view.From, High: view.To}.Ticks(max(w/8, 2))
	end := 0
	for _, t := range ticks {
		x := min(int((t-view.From)/(view.To-view.From)*float64(w)), w-1)
		label := tick(t, ticks, 1, 6)
		at := max(x-len(label)/2, 0)
		if at < end || at+len(label) >= w-1 {
			continue
		}
		if x > 0 || view.From > 0 { // the corner is the tick of 0
			c.Set(area.X+x, area.Y, c.Terminal.Character('┬'), screen.Faint)
		}
		if area.H > 1 {
			c.Text(area.X+at, area.Y+1, len(label), label, screen.Faint)
		}
		end = at + len(label) + 1
	}
	if area.H > 1 {
		c.Set(area.X+w-1, area.Y+1, 's', screen.Faint)
	}
}

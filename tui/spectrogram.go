package tui

import (
	"errors"
	"fmt"
	"math"
	"strings"
)

// Levels is a spectrogram to draw.
type Levels struct {
	Frames  [][]float32 // in dB, frames of bands, the lowest band first; all of one length
	Hz      []float64   // the frequency of each band, rising
	Seconds float64     // the time from the first frame to the end of the last one
	Range   float64     // dB from the loudest value down to what is drawn as silence, above 0
}

// The least size of a spectrogram, and the space beside and below the picture.
const (
	leastColumns, leastLines = 32, 6
	leftColumns, lowerLines  = 5, 3
)

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
	if err := l.check(); err != nil {
		return "", err
	}
	if o.Width < leastColumns || o.Height < leastLines {
		return "", fmt.Errorf("tui: a spectrogram of %d columns and %d lines: want at least %d and %d", o.Width, o.Height, leastColumns, leastLines)
	}
	terminal := o.terminal()
	if !isTerminal(o.Output) {
		terminal.colors = noStyle
	}
	return l.draw(newPainter(terminal, trueColor(o.Environ)), o.Width, o.Height), nil
}

func (l *Levels) check() error {
	if len(l.Frames) == 0 || len(l.Hz) == 0 || !(l.Seconds > 0) || !(l.Range > 0) {
		return errors.New("tui: a spectrogram needs a frame, a band, and a length and a range above 0")
	}
	for i, f := range l.Frames {
		if len(f) != len(l.Hz) {
			return fmt.Errorf("tui: frame %d of a spectrogram has %d values for %d bands", i, len(f), len(l.Hz))
		}
	}
	return nil
}

func (l *Levels) draw(p painter, width, height int) string {
	w, h := width-leftColumns-1, height-lowerLines
	picture := l.pool(w, h*p.dots())
	labels := l.frequencies(h)
	var b strings.Builder
	for y := range h {
		fmt.Fprintf(&b, "%*s%s", leftColumns-1, labels[y], p.vertical)
		p.line(&b, picture[y*p.dots():(y+1)*p.dots()])
		b.WriteByte('\n')
	}
	axis, numbers := l.times(w, p)
	fmt.Fprintf(&b, "%*s%s%s\n", leftColumns-1, "kHz", p.corner, axis)
	fmt.Fprintf(&b, "%*s%s\n", leftColumns, "", numbers)
	fmt.Fprintf(&b, "%*s%.0f dB ", leftColumns, "", -l.Range)
	const legend = 12
	ramp := make([][]float64, p.dots())
	for y := range ramp {
		for x := range legend {
			ramp[y] = append(ramp[y], float64(x)/(legend-1))
		}
	}
	p.line(&b, ramp)
	b.WriteString(" 0 dB\n")
	return b.String()
}

// pool returns the levels on a grid, the highest frequency first, scaled to 0 (silence) … 1 (loudest).
func (l *Levels) pool(columns, rows int) [][]float64 {
	loudest := math.Inf(-1)
	for _, f := range l.Frames {
		for _, v := range f {
			if v := float64(v); v > loudest && !math.IsInf(v, 0) {
				loudest = v
			}
		}
	}
	picture := make([][]float64, rows)
	for y := range picture {
		picture[y] = make([]float64, columns)
		first, end := cut(len(l.Hz), rows, rows-1-y)
		for x := range picture[y] {
			most := math.Inf(-1)
			from, to := cut(len(l.Frames), columns, x)
			for _, f := range l.Frames[from:to] {
				for _, v := range f[first:end] {
					if v := float64(v); v > most && !math.IsInf(v, 0) {
						most = v
					}
				}
			}
			if most > loudest-l.Range { // not so when there is no finite value
				picture[y][x] = 1 - (loudest-most)/l.Range
			}
		}
	}
	return picture
}

// cut returns the part i of n things that are divided into parts, at least one thing.
func cut(n, parts, i int) (from, to int) {
	from = i * n / parts
	return from, max(from+1, (i+1)*n/parts)
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

// times returns the horizontal axis with its ticks, and the numbers below it.
func (l *Levels) times(columns int, p painter) (axis, numbers string) {
	line := []rune(strings.Repeat(p.horizontal, columns))
	below := []rune(strings.Repeat(" ", columns))
	copy(below[columns-1:], []rune("s"))
	s := scale{low: 0, high: l.Seconds}
	ticks := s.ticks(max(columns/8, 2))
	end := 0
	for _, t := range ticks {
		x := min(int(t/l.Seconds*float64(columns)), columns-1)
		label := tick(t, ticks, 1, 6)
		at := max(x-len(label)/2, 0)
		if at < end || at+len(label) >= columns-1 {
			continue
		}
		if x > 0 { // the corner is the tick of 0
			line[x] = p.mark
		}
		copy(below[at:], []rune(label))
		end = at + len(label) + 1
	}
	return string(line), string(below)
}

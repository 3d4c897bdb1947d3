package tui

import (
	"bytes"
	"math"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// ridge is a spectrogram of silence with a loud band that rises in time.
func ridge(frames, bands int) Levels {
	l := Levels{Seconds: float64(frames) / 100, Range: 80}
	for b := range bands {
		l.Hz = append(l.Hz, 8000*float64(b+1)/float64(bands))
	}
	for t := range frames {
		f := make([]float32, bands)
		for b := range f {
			f[b] = -100
		}
		f[t*bands/frames] = -20
		l.Frames = append(l.Frames, f)
	}
	return l
}

// Without colours: the ridge runs from the lower left to the upper right, with round numbers beside and below it.
func TestSpectrogramASCII(t *testing.T) {
	got, err := Spectrogram(ridge(200, 40), Options{Output: &bytes.Buffer{}, Width: 46, Height: 11, ASCII: true})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"   8|                                   @@@@@",
		"    |                              @@@@@     ",
		"   6|                         @@@@@          ",
		"    |                    @@@@@               ",
		"    |               @@@@@                    ",
		"   3|          @@@@@                         ",
		"    |     @@@@@                              ",
		" 0.2|@@@@@                                   ",
		" kHz+----------+---------+---------+---------",
		"     0        0.5       1.0       1.5       s",
		"     -80 dB  .::-=+*##%@ 0 dB",
	}
	if got != strings.Join(want, "\n")+"\n" {
		t.Errorf("got\n%s", got)
	}
}

// Every line fits, whatever the size, and there are as many as asked for.
func TestSpectrogramSizes(t *testing.T) {
	escape := regexp.MustCompile("\x1b\\[[0-9;]*m")
	for _, frames := range []int{1, 3, 98, 2000} {
		l := ridge(frames, 80)
		for _, width := range []int{32, 37, 80, 211} {
			for _, height := range []int{6, 9, 24, 70} {
				for _, p := range []painter{newPainter(terminal{noStyle, true}, false), newPainter(terminal{colors256, false}, false), newPainter(terminal{colors256, false}, true)} {
					text := l.draw(p, width, height)
					lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
					if len(lines) != height {
						t.Errorf("%d frames, %d x %d: %d lines", frames, width, height, len(lines))
					}
					for _, line := range lines {
						if n := utf8.RuneCountInString(escape.ReplaceAllString(line, "")); n > width-1 {
							t.Errorf("%d frames, %d x %d: a line of %d: %q", frames, width, height, n, line)
						}
						if strings.Contains(line, "\x1b") && !strings.Contains(line[strings.LastIndex(line, "\x1b"):], "\x1b[m") {
							t.Errorf("colours run out of the line %q", line)
						}
					}
				}
			}
		}
	}
}

// A single loud value among thousands is seen.
func TestSpectrogramClick(t *testing.T) {
	l := ridge(5000, 80)
	for _, f := range l.Frames {
		for b := range f {
			f[b] = -100
		}
	}
	l.Frames[1234][40] = 0
	loud := 0
	for _, row := range l.pool(70, 40) {
		for _, v := range row {
			if v == 1 {
				loud++
			} else if v != 0 {
				t.Errorf("a value %v", v)
			}
		}
	}
	if loud != 1 {
		t.Errorf("the click is in %d places", loud)
	}
}

// Where there are more places than values, every place shows a value.
func TestSpectrogramEnlarged(t *testing.T) {
	l := ridge(3, 3)
	for y, row := range l.pool(9, 9) {
		for x, v := range row {
			if want := x/3 == 2-y/3; (v == 1) != want {
				t.Errorf("column %d, row %d: %v, loud: %t", x, y, v, want)
			}
		}
	}
}

func TestSpectrogramNotFinite(t *testing.T) {
	l := ridge(50, 10)
	l.Frames[3][3], l.Frames[4][3], l.Frames[5][3] = float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))
	for _, row := range l.pool(50, 10) {
		for _, v := range row {
			if !(v >= 0 && v <= 1) {
				t.Errorf("a value %v", v)
			}
		}
	}
	for _, f := range l.Frames {
		for b := range f {
			f[b] = float32(math.NaN())
		}
	}
	if text := l.draw(newPainter(terminal{noStyle, true}, false), 40, 10); strings.Contains(strings.Split(text, "\n")[0], "@") {
		t.Error(text)
	}
}

func TestSpectrogramRefused(t *testing.T) {
	good := ridge(10, 4)
	ragged := ridge(10, 4)
	ragged.Frames[7] = nil
	for name, c := range map[string]struct {
		l Levels
		o Options
	}{
		"nothing": {Levels{}, Options{}}, "ragged": {ragged, Options{}}, "narrow": {good, Options{Width: 10, Height: 24}},
		"low": {good, Options{Width: 80, Height: 3}}, "range": {Levels{good.Frames, good.Hz, 1, 0}, Options{}},
		"length": {Levels{good.Frames, good.Hz, math.NaN(), 80}, Options{}},
	} {
		if text, err := Spectrogram(c.l, c.o); err == nil {
			t.Errorf("%s: drawn\n%s", name, text)
		}
	}
}

// What a terminal can show decides how values are drawn.
func TestPainter(t *testing.T) {
	for _, c := range []struct {
		environ string
		want    string
	}{
		{"TERM=xterm COLORTERM=truecolor", "\x1b[38;2;0;0;4;48;2;252;253;191m▀\x1b[m"},
		{"TERM=xterm-256color", "\x1b[38;5;16;48;5;229m▀\x1b[m"},
		{"TERM=xterm-256color NO_COLOR=1", " "},
		{"TERM=xterm-256color LANG=C", " "},
		{"TERM=xterm", " "},
	} {
		environ := strings.Fields(c.environ)
		p := newPainter(detectTerminal(environ), trueColor(environ))
		var b strings.Builder
		p.line(&b, [][]float64{{0}, {1}}[:p.dots()])
		if b.String() != c.want {
			t.Errorf("%s: %q, want %q", c.environ, &b, c.want)
		}
	}
}

// The ends and the middle of the map, as matplotlib has them; each colour is lighter than the one before.
func TestMagma(t *testing.T) {
	for level, want := range map[float64][3]uint8{-1: {0, 0, 4}, 0: {0, 0, 4}, 0.5: {183, 55, 121}, 1: {252, 253, 191}, 2: {252, 253, 191}} {
		if got := magma(level); got != want {
			t.Errorf("%v: %v, want %v", level, got, want)
		}
	}
	before := -1.0
	for i := range 101 {
		c := magma(float64(i) / 100)
		light := 0.2126*float64(c[0]) + 0.7152*float64(c[1]) + 0.0722*float64(c[2])
		if light < before {
			t.Errorf("darker at %d %%", i)
		}
		before = light
	}
}

func TestNearest256(t *testing.T) {
	for c, want := range map[[3]uint8]int{{0, 0, 0}: 16, {255, 255, 255}: 231, {95, 135, 255}: 69, {128, 128, 128}: 244, {8, 8, 9}: 232} {
		if got := nearest256(c); got != want {
			t.Errorf("%v: %d, want %d", c, got, want)
		}
	}
}

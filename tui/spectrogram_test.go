package tui

import (
	"bytes"
	"math"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"aural/tui/screen"
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
		"    |                              @@@@@",
		"   6|                         @@@@@",
		"    |                    @@@@@",
		"    |               @@@@@",
		"   3|          @@@@@",
		"    |     @@@@@",
		" 0.2|@@@@@",
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
				for _, term := range []screen.Terminal{{Colors: screen.NoStyle, ASCII: true}, {Colors: screen.Colors256}, {Colors: screen.TrueColor}} {
					c := screen.New(term, width-1, height)
					drawText(c, l)
					lines := strings.Split(c.String(), "\n")
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

func TestSpectrogramRefused(t *testing.T) {
	good := ridge(10, 4)
	ragged := ridge(10, 4)
	ragged.Frames[7] = nil
	for name, c := range map[string]struct {
		l Levels
		o Options
	}{
		"nothing": {Levels{}, Options{}}, "ragged": {ragged, Options{}}, "narrow": {good, Options{Width: 10, Height: 24}},
		"low": {good, Options{Width: 80, Height: 3}}, "range": {Levels{Frames: good.Frames, Hz: good.Hz, Seconds: 1}, Options{}},
		"length": {Levels{Frames: good.Frames, Hz: good.Hz, Seconds: math.NaN(), Range: 80}, Options{}},
	} {
		if text, err := Spectrogram(c.l, c.o); err == nil {
			t.Errorf("%s: drawn\n%s", name, text)
		}
	}
}

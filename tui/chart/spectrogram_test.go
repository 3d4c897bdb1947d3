package chart

import (
	"math"
	"strings"
	"testing"

	"aural/tui/screen"
)

// ridge is a spectrogram of silence with a loud band that rises in time.
func ridge(frames, bands int) Spectrogram {
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
	return Spectrogram{Levels: l, View: Span{0, l.Seconds}}
}

// A single loud value among thousands is seen.
func TestSpectrogramClick(t *testing.T) {
	s := ridge(5000, 80)
	for _, f := range s.Frames {
		for b := range f {
			f[b] = -100
		}
	}
	s.Frames[1234][40] = 0
	loud := 0
	for _, row := range s.pool(70, 40) {
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
	s := ridge(3, 3)
	for y, row := range s.pool(9, 9) {
		for x, v := range row {
			if want := x/3 == 2-y/3; (v == 1) != want {
				t.Errorf("column %d, row %d: %v, loud: %t", x, y, v, want)
			}
		}
	}
}

// A part of the time is shown at the whole width.
func TestSpectrogramView(t *testing.T) {
	s := ridge(300, 3)
	s.View = Span{1, 2}
	for y, row := range s.pool(20, 3) {
		for x, v := range row {
			if want := y == 1; (v == 1) != want {
				t.Errorf("column %d, row %d: %v, loud: %t", x, y, v, want)
			}
		}
	}
}

func TestSpectrogramNotFinite(t *testing.T) {
	s := ridge(50, 10)
	s.Frames[3][3], s.Frames[4][3], s.Frames[5][3] = float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))
	for _, row := range s.pool(50, 10) {
		for _, v := range row {
			if !(v >= 0 && v <= 1) {
				t.Errorf("a value %v", v)
			}
		}
	}
	for _, f := range s.Frames {
		for b := range f {
			f[b] = float32(math.NaN())
		}
	}
	c := screen.New(screen.Terminal{}, 40, 10)
	if s.Draw(c, c.Area); strings.Contains(c.String(), "@") {
		t.Error(c)
	}
}

// What is masked is grey where there are colours.
func TestSpectrogramMasked(t *testing.T) {
	s := ridge(100, 2)
	s.Masked = []Span{{0, 0.5}}
	c := screen.New(screen.Terminal{Colors: screen.TrueColor}, 25, 3)
	s.Draw(c, c.Area)
	loud := strings.Split(c.String(), "\n")[1]
	if n := strings.Count(loud, "▀"); n != 20 || !strings.Contains(loud, "48;2;248;248;248m▀▀▀▀▀▀▀▀▀▀\x1b[m\x1b[38;2;0;0;4;48;2;0;0;4m▀") {
		t.Errorf("%d values, %q", n, loud)
	}
}

func TestSpan(t *testing.T) {
	view := Span{1, 3}
	for _, c := range []struct {
		s        Span
		from, to int
	}{{Span{1, 3}, 0, 20}, {Span{0, 1}, 0, 0}, {Span{3, 4}, 0, 0}, {Span{0, 5}, 0, 20}, {Span{2, 2.001}, 10, 11}, {Span{2.99, 4}, 19, 20},
		{Span{math.NaN(), 2}, 0, 0}, {Span{math.NaN(), math.NaN()}, 0, 0}, {Span{math.Inf(-1), math.Inf(1)}, 0, 20}} {
		if from, to := view.Columns(c.s, 20); from != c.from || to != c.to {
			t.Errorf("%v: columns %d to %d, want %d to %d", c.s, from, to, c.from, c.to)
		}
	}
	spans := []Span{{1, 2}, {3, 4}}
	for at, want := range map[float64]bool{0.5: false, 1: true, 1.9: true, 2: false, 3.5: true, 4: false, math.NaN(): false} {
		if Covers(spans, at) != want {
			t.Errorf("%v", at)
		}
	}
}

package plots

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aural/features"
)

// someAlignment is three words of 16 kHz tones: the letters are peaks of a frame or two.
func someAlignment(t testing.TB) Alignment {
	t.Helper()
	const rate, frames, step, start = 16000, 60, 0.02, 3.5
	x := make([]float32, int(rate*(frames*step+0.025)))
	for i := range x {
		s := float64(i) / rate
		x[i] = float32(0.5 * math.Pow(math.Sin(math.Pi*s/0.4), 2) * math.Sin(2*math.Pi*(400+900*s)*s))
	}
	c := features.Default()
	mel, err := features.LogMel(x, c)
	if err != nil {
		t.Fatal(err)
	}
	a := Alignment{Title: "1089-134686-0000", Note: "confidence 0.81", First: start, FrameSeconds: step, Tokens: []string{"<pad>", "|", "A", "B", "E", "T", `"`},
		Sound: Spectrogram{LogMel: mel, Hop: 0.01, Lead: 0.0075, Frequencies: c.Centres(), Waveform: x, Rate: rate, Start: start, WordRows: 2}}
	a.Probabilities = make([][]float64, len(a.Tokens))
	for i := range a.Probabilities {
		a.Probabilities[i] = make([]float64, frames)
		for f := range frames {
			a.Probabilities[i][f] = 0.02
			if i == 0 {
				a.Probabilities[i][f] = 0.88
			}
		}
	}
	say := func(word string, frame int, p float64, doubtful bool) {
		from := frame
		for i, r := range word {
			row := map[rune]int{'A': 2, 'B': 3, 'E': 4, 'T': 5, '"': 6}[r]
			n := 1 + i%2
			for f := frame; f < frame+n; f++ {
				a.Probabilities[row][f], a.Probabilities[0][f] = p, 0.9-p
			}
			a.Path = append(a.Path, PathSpan{Span{start + step*float64(frame), start + step*float64(frame+n)}, row})
			frame += n + 2
		}
		a.Sound.Words = append(a.Sound.Words, Word{Span{start + step*float64(from), start + step*float64(frame-2)}, word, doubtful})
	}
	say("ABATE", 4, 0.85, false)
	say("BE", 24, 0.3, true)
	say("TABETTA", 34, 0.8, false)
	return a
}

func TestGoldenAlignment(t *testing.T) {
	path := filepath.Join(t.TempDir(), "alignment.png")
	if err := RenderAlignment(path, someAlignment(t), Options{DPI: 60}); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	compareGolden(t, "alignment.png", data)
}

// In every format and theme, and the same bytes twice; the names of the words are in it.
func TestAlignmentFormats(t *testing.T) {
	dir := t.TempDir()
	for _, ext := range []string{".svg", ".pdf", ".png", ".eps", ".tex"} {
		var before string
		for range 2 {
			path := filepath.Join(dir, "a"+ext)
			if err := RenderAlignment(path, someAlignment(t), Options{Theme: Dark, DPI: 40, CSV: true, JSON: true}); err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if before != "" && before != string(data) {
				t.Errorf("%s differs when drawn again", ext)
			}
			if before = string(data); ext == ".svg" {
				for _, want := range []string{"ABATE", "TABETTA", "&lt;pad&gt;", "probability", "seconds"} {
					if !strings.Contains(before, want) {
						t.Errorf("%s is not in the figure", want)
					}
				}
			}
		}
	}
	csv, err := os.ReadFile(filepath.Join(dir, "a.csv"))
	if err != nil || !strings.Contains(string(csv), "3.59,seconds,0.85") { // the first letter is in frame 4
		t.Errorf("the table lacks the probability of the first letter: %v", err)
	}
}

func TestAlignmentRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.svg")
	for name, change := range map[string]func(a *Alignment){
		"names":   func(a *Alignment) { a.Tokens = a.Tokens[1:] },
		"ragged":  func(a *Alignment) { a.Probabilities[1] = a.Probabilities[1][1:] },
		"frames":  func(a *Alignment) { a.FrameSeconds = 0 },
		"row":     func(a *Alignment) { a.Path[0].Token = 7 },
		"time":    func(a *Alignment) { a.Path[0].From = math.NaN() },
		"nothing": func(a *Alignment) { a.Probabilities = make([][]float64, len(a.Tokens)) },
		"sound":   func(a *Alignment) { a.Sound.LogMel = nil },
	} {
		a := someAlignment(t)
		change(&a)
		err := RenderAlignment(path, a, Options{})
		if err == nil || !strings.HasPrefix(err.Error(), "plots: alignment: ") || (name == "nothing" || name == "sound") != errors.Is(err, ErrNoData) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("a figure was written after an error")
	}
}

// A surface has the value of the nearest measurement everywhere.
func TestSurface(t *testing.T) {
	list := []Measured{{0, -1, 9}, {1, -1, 7}, {0, 1, 5}, {1, 1, 3}, {0.5, 0, 1}}
	h, err := surface(list)
	if err != nil {
		t.Fatal(err)
	}
	n := len(h.Values)
	for _, c := range []struct{ row, column, want int }{{n - 1, 0, 9}, {n - 1, n - 1, 7}, {0, 0, 5}, {0, n - 1, 3}, {n / 2, n / 2, 1}} {
		if got := h.Values[c.row][c.column]; got != float64(c.want) {
			t.Errorf("cell %d, %d is %v, want %v", c.row, c.column, got, c.want)
		}
	}
	path := filepath.Join(t.TempDir(), "surface.png")
	if err := Surface(path, list, 4, Labels{Title: "Word error rate", X: "alpha", Y: "beta", Note: "best 1 %"}, "%", Options{DPI: 60}); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	compareGolden(t, "surface.png", data)
	for _, bad := range [][]Measured{nil, {{math.NaN(), 0, 1}}, {{0, 0, math.Inf(1)}}} {
		if err := Surface(path, bad, 0, Labels{}, "", Options{}); err == nil {
			t.Errorf("%v is drawn", bad)
		}
	}
	if err := Surface(path, list[:1], 0, Labels{X: "x", Y: "y"}, "", Options{DPI: 40}); err != nil {
		t.Error(err)
	}
}

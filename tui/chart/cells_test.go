package chart

import (
	"fmt"
	"strings"
	"testing"

	"aural/tui/screen"

	"pgregory.net/rapid"
)

// Blocks are as large as fit, in whole rows of round numbers; without room several values share a cell.
func TestCellsIn(t *testing.T) {
	for _, c := range []struct {
		w, h, n                 int
		perRow, width, h2, each int
	}{
		{80, 8, 320, 64, 1, 1, 1}, {45, 8, 320, 40, 1, 1, 1}, {39, 11, 320, 32, 1, 1, 1}, {90, 16, 320, 40, 2, 1, 1}, {41, 24, 32, 8, 4, 2, 1}, {10, 4, 320, 10, 1, 1, 8}, {41, 24, 1, 1, 6, 3, 1},
		{47, 20, 37, 7, 6, 3, 1},
	} {
		g := CellsIn(screen.Rect{W: c.w, H: c.h}, c.n)
		if g.PerRow != c.perRow || g.W != c.width || g.H != c.h2 || g.Each != c.each {
			t.Errorf("%d values in %d x %d: %d in a row of %d x %d cells, %d in each", c.n, c.w, c.h, g.PerRow, g.W, g.H, g.Each)
		}
	}
}

// Each value has a cell that belongs to it, whatever the size.
func TestCellsAt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		area := screen.Rect{X: 3, Y: 2, W: rapid.IntRange(0, 150).Draw(t, "w"), H: rapid.IntRange(0, 60).Draw(t, "h")}
		n := rapid.IntRange(0, 1100).Draw(t, "n")
		g := CellsIn(area, n)
		if g.Rows() > area.H {
			t.Fatalf("%d rows", g.Rows())
		}
		seen := make(map[int]int)
		for y := range area.H {
			for x := range area.W {
				if i, ok := g.At(area.X+x, area.Y+y); ok {
					if i < 0 || i >= n || i%g.Each != 0 {
						t.Fatalf("value %d of %d", i, n)
					}
					seen[i]++
				}
			}
		}
		if area.W > 0 && area.H > 0 && len(seen) != (n+g.Each-1)/g.Each {
			t.Fatalf("%d values of %d are seen, %d in each", len(seen), n, g.Each)
		}
	})
}

func TestCells(t *testing.T) {
	d := Cells{Levels: []float64{0, 1, 0.5, 0, 0.01}, Dead: func(i int) bool { return i == 3 }, Chosen: 2}
	c := screen.New(screen.Terminal{}, 5, 1)
	d.Draw(c, c.Area)
	if got := c.String(); got != ".@o ." {
		t.Errorf("%q", got)
	}
	c = screen.New(screen.Terminal{Colors: screen.TrueColor}, 5, 1)
	d.Draw(c, c.Area)
	if got := c.String(); !strings.Contains(got, "·") || strings.Count(got, "▀") != 3 {
		t.Errorf("%q", got)
	}
	// Two in a cell: the largest is seen, and a dead one only beside another.
	d = Cells{Levels: []float64{0, 1, 0, 0}, Dead: func(i int) bool { return i != 1 }, Chosen: -1}
	c = screen.New(screen.Terminal{}, 2, 1)
	d.Draw(c, c.Area)
	if got := fmt.Sprintf("%-2s", c); got != "@ " {
		t.Errorf("%q", got)
	}
}

// Points that lie apart are not joined where a curve has a gap.
func TestCurveGap(t *testing.T) {
	s := &Series{}
	s.Apply(Change{Steps: []int64{0, 1, 2, 50, 51}, Values: []float64{1, 2, 1, 2, 1}})
	for gap, want := range map[float64]bool{0: true, 1: false, 60: true} {
		ch := NewChart("x")
		ch.X = Scale{Low: 0, High: 100}
		ch.Curves = []Curve{{Label: "a", Series: s, Style: screen.Line(0), Gap: gap}}
		c := screen.New(screen.Terminal{}, 100, 8)
		ch.Draw(c, c.Area)
		joined := true
		for x := LabelWidth + 8; x < LabelWidth+40; x++ {
			column := ""
			for _, line := range strings.Split(c.String(), "\n")[1:7] {
				if r := []rune(line); x < len(r) && r[x] != ' ' {
					column += string(r[x])
				}
			}
			joined = joined && column != ""
		}
		if joined != want {
			t.Errorf("gap %v: joined %t\n%s", gap, joined, c)
		}
	}
}

// Columns: what is marked is seen even among many, and a bar ends within an eighth of a cell.
func TestColumns(t *testing.T) {
	values := make([]float64, 300)
	c := screen.New(screen.Terminal{Colors: screen.Colors256}, 10, 2)
	Columns{Values: values, Low: -1, High: 1, Style: screen.Line(0), Marked: map[int]screen.Style{157: screen.Bad}}.Draw(c, c.Area)
	if got := c.String(); strings.Count(got, "\x1b[1;38;5;203m") != 2 {
		t.Errorf("%q", got)
	}
	for share, want := range map[float64]string{0: "", 0.5: "██▌", 1: "█████", 2: "█████", 0.21: "█"} {
		c := screen.New(screen.Terminal{}, 5, 1)
		if Bar(c, c.Area, share, screen.Plain); c.String() != want {
			t.Errorf("%v: %q", share, c)
		}
	}
}

func TestWaveform(t *testing.T) {
	samples := make([]float32, 1000)
	samples[500], samples[501] = 0.5, -0.5
	c := screen.New(screen.Terminal{ASCII: true}, 10, 1)
	Waveform{Samples: samples, Seconds: 1}.Draw(c, c.Area)
	if got := c.String(); got != "-----|----" {
		t.Errorf("%q", got)
	}
	c = screen.New(screen.Terminal{ASCII: true}, 10, 1)
	Waveform{Samples: samples, Seconds: 1, View: Span{0.495, 0.505}}.Draw(c, c.Area)
	if got := c.String(); got != "-----'.---" {
		t.Errorf("%q", got)
	}
}

package chart

import (
	"math"
	"strings"
	"testing"

	"aural/tui/screen"

	"pgregory.net/rapid"
)

func TestHeatMap(t *testing.T) {
	h := HeatMap{Title: "usage", Note: "of codes", Values: [][]float64{{0, 1, 2}, {3, 4, 5}, {6, 7, math.NaN()}}, X: Scale{Low: 0, High: 300}, XUnit: "updates", Mark: 150}
	c := screen.New(screen.Terminal{ASCII: true}, 42, 5)
	g := h.Draw(c, c.Area)
	want := `usage  of codes             0  .:-=+*#%@ 7
    0|            ............------------
    1|============++++++++++++************
    2|%%%%%%%%%%%%@@@@@@@@@@@@
     +0             100        200 updates`
	got := strings.Split(c.String(), "\n")
	if strings.Join(got[:4], "\n") != strings.Join(strings.Split(want, "\n")[:4], "\n") || !strings.HasSuffix(got[4], "updates") || got[4][24] != '^' {
		t.Errorf("got\n%s", c)
	}
	for _, at := range []struct {
		x, y, row, column int
		ok                bool
	}{{6, 1, 0, 0, true}, {41, 3, 2, 2, true}, {5, 1, 0, 0, false}, {6, 4, 0, 0, false}, {20, 2, 1, 1, true}} {
		if row, column, ok := g.At(at.x, at.y); row != at.row || column != at.column || ok != at.ok {
			t.Errorf("at %d, %d: row %d, column %d, %t", at.x, at.y, row, column, ok)
		}
	}
}

// With colours a cell shows two rows; several values in one place are shown as the largest, or as their mean.
func TestHeatMapPools(t *testing.T) {
	draw := func(mean bool, values ...[]float64) string {
		c := screen.New(screen.Terminal{Colors: screen.TrueColor}, LabelWidth+1, 3)
		HeatMap{Values: values, Mean: mean, Low: 0, High: 1}.Draw(c, c.Area)
		_, line, _ := strings.Cut(c.String(), "│")
		return strings.TrimPrefix(strings.Split(line, "\n")[0], "\x1b[m")
	}
	for _, c := range []struct {
		mean   bool
		values [][]float64
		want   string
	}{
		{false, [][]float64{{0}, {1}}, "\x1b[38;2;0;0;4;48;2;252;253;191m▀\x1b[m"},
		{false, [][]float64{{0, 1}, {0, 0}}, "\x1b[38;2;252;253;191;48;2;0;0;4m▀\x1b[m"},
		{false, [][]float64{{0, 1, math.NaN(), math.Inf(1)}}, "\x1b[38;2;252;253;191;48;2;252;253;191m▀\x1b[m"},
		{true, [][]float64{{0, 0, math.NaN()}}, "\x1b[38;2;0;0;4;48;2;0;0;4m▀\x1b[m"},
		{true, [][]float64{{1, 1}, {math.NaN()}}, "\x1b[38;2;252;253;191;48;2;0;0;4m▀\x1b[m"},
		{false, [][]float64{{math.NaN()}}, ""},
	} {
		if got := draw(c.mean, c.values...); got != c.want {
			t.Errorf("%v, mean %t: %q, want %q", c.values, c.mean, got, c.want)
		}
	}
}

// Nothing that is drawn breaks at any size, with any numbers.
func TestPicturesAnySize(t *testing.T) {
	number := rapid.OneOf(rapid.Float64Range(-2, 2), rapid.SampledFrom([]float64{0, 1e-300, 1e300, -math.MaxFloat64, math.MaxFloat64, math.NaN(), math.Inf(1), math.Inf(-1)}))
	rapid.Check(t, func(t *rapid.T) {
		term := screen.Terminal{Colors: screen.Colors(rapid.IntRange(0, 4).Draw(t, "colors")), ASCII: rapid.Bool().Draw(t, "ascii")}
		c := screen.New(term, rapid.IntRange(0, 90).Draw(t, "width"), rapid.IntRange(0, 30).Draw(t, "height"))
		area := screen.Rect{X: rapid.IntRange(0, 9).Draw(t, "x"), Y: rapid.IntRange(0, 9).Draw(t, "y"), W: c.Area.W, H: c.Area.H}
		span := func(name string) Span { return Span{number.Draw(t, name), number.Draw(t, name)} }
		spans := []Span{span("span"), span("span")}
		switch rapid.IntRange(0, 4).Draw(t, "what") {
		case 0:
			h := HeatMap{Title: "heat", Note: "note", Values: rapid.SliceOfN(rapid.SliceOfN(number, 0, 50), 0, 40).Draw(t, "values"),
				Mean: rapid.Bool().Draw(t, "mean"), Log: rapid.Bool().Draw(t, "log"), X: Scale{Low: number.Draw(t, "low"), High: number.Draw(t, "high")}, XUnit: "updates",
				Mark: number.Draw(t, "mark"), Unit: "%"}
			g := h.Draw(c, area)
			for y := range c.Area.H {
				for x := range c.Area.W {
					if row, column, ok := g.At(x, y); ok && (row < 0 || row >= len(h.Values) || column < 0 || column >= 50) {
						t.Fatalf("row %d, column %d at %d, %d", row, column, x, y)
					}
				}
			}
		case 1:
			s := ridge(rapid.IntRange(1, 200).Draw(t, "frames"), rapid.IntRange(1, 30).Draw(t, "bands"))
			s.View, s.Masked = Span{}, spans
			if from := rapid.Float64Range(-1, 3).Draw(t, "from"); from >= 0 {
				s.View = Span{from, from + rapid.Float64Range(1e-6, 3).Draw(t, "wide")}
			}
			s.Draw(c, area)
		case 2:
			w := Waveform{Seconds: rapid.Float64Range(0, 3).Draw(t, "seconds"), Masked: spans, View: Span{0.5, 1}}
			for _, v := range rapid.SliceOfN(number, 0, 300).Draw(t, "samples") {
				w.Samples = append(w.Samples, float32(v))
			}
			w.Draw(c, area)
		case 3:
			Columns{Values: rapid.SliceOfN(number, 0, 200).Draw(t, "values"), Low: number.Draw(t, "low"), High: number.Draw(t, "high"), Marked: map[int]screen.Style{3: screen.Good}}.Draw(c, area)
		case 4:
			Bar(c, area, number.Draw(t, "share"), screen.Good)
		}
		for _, r := range c.String() {
			if term.ASCII && r > 0x7e {
				t.Fatalf("%q is not ASCII", r)
			}
		}
	})
}

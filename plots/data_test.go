package plots

import (
	"math"
	"slices"
	"testing"

	"gonum.org/v1/plot/vg"
	"pgregory.net/rapid"
)

func TestSmooth(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		name      string
		w         float64
		in, want  []float64
		tolerance float64
	}{
		{"none", 0, []float64{1, 5, 2}, []float64{1, 5, 2}, 0},
		// By hand: (0.5·1)/(0.5); (0.25·1+0.5·3)/0.75; (0.125·1+0.25·3+0.5·2)/0.875.
		{"half", 0.5, []float64{1, 3, 2}, []float64{1, 1.75 / 0.75, 1.875 / 0.875}, 1e-15},
		{"gaps pass through", 0.5, []float64{nan, 1, inf, 3}, []float64{nan, 1, inf, 1.75 / 0.75}, 1e-15},
		{"constant", 0.9, []float64{0.1, 0.1, 0.1}, []float64{0.1, 0.1, 0.1}, 0},
		{"empty", 0.9, []float64{}, []float64{}, 0},
	} {
		got := smooth(c.in, c.w)
		if len(got) != len(c.want) {
			t.Errorf("%s: %v", c.name, got)
			continue
		}
		for i, v := range got {
			same := v == c.want[i] || math.IsNaN(v) && math.IsNaN(c.want[i]) || math.Abs(v-c.want[i]) <= c.tolerance
			if !same {
				t.Errorf("%s: point %d is %v, want %v", c.name, i, v, c.want[i])
			}
		}
	}
}

// The thinned curve has the extremes of every column, the ends of every segment, and only points of the full curve in
// their order; at most four a column and segment.
func TestDecimate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 200).Draw(t, "n")
		columns := rapid.IntRange(1, 20).Draw(t, "columns")
		x, y := make([]float64, n), make([]float64, n)
		at := 0
		for i := range x {
			at += rapid.IntRange(0, 3).Draw(t, "dx")
			x[i], y[i] = float64(at), float64(rapid.IntRange(-5, 5).Draw(t, "y"))
			switch rapid.IntRange(0, 30).Draw(t, "gap") {
			case 0:
				y[i] = math.NaN()
			case 1:
				y[i] = math.Inf(-1)
			}
		}
		x1 := float64(max(at, 1))
		scale := float64(columns) / x1 // columns are as decimate rounds them
		column := func(p point) int { return int(p.x * scale) }

		// The full segments, made the simple way.
		var want [][]point
		for i := 0; i < n; i++ {
			var s []point
			for ; i < n && finite(y[i]); i++ {
				s = append(s, point{x[i], y[i]})
			}
			if len(s) > 0 {
				want = append(want, s)
			}
		}
		got := decimate(x, y, 0, x1, columns)
		if len(got) != len(want) {
			t.Fatalf("%d segments, want %d", len(got), len(want))
		}
		for i := range want {
			full, thin := want[i], got[i]
			if thin[0] != full[0] || thin[len(thin)-1] != full[len(full)-1] {
				t.Fatalf("segment %d: ends %v %v, want %v %v", i, thin[0], thin[len(thin)-1], full[0], full[len(full)-1])
			}
			j := 0
			for _, p := range thin {
				for j < len(full) && full[j] != p {
					j++
				}
				if j == len(full) {
					t.Fatalf("segment %d: %v is no point of the curve, or out of order", i, p)
				}
				j++
			}
			for c := 0; c <= columns; c++ {
				in := func(points []point) (lo, hi float64, count int) {
					lo, hi = math.Inf(1), math.Inf(-1)
					for _, p := range points {
						if column(p) == c {
							lo, hi, count = min(lo, p.y), max(hi, p.y), count+1
						}
					}
					return lo, hi, count
				}
				lo, hi, _ := in(full)
				gotLo, gotHi, count := in(thin)
				if lo != gotLo || hi != gotHi || count > 4 {
					t.Fatalf("segment %d, column %d: extremes %v %v in %d points, want %v %v in at most 4", i, c, gotLo, gotHi, count, lo, hi)
				}
			}
		}
	})
}

func TestColumnMeans(t *testing.T) {
	got := columnMeans([]float64{0, 1, 2, 7, 8, 9}, []float64{1, 3, math.NaN(), 5, 7, 100}, 0, 8, 4)
	if want := []float64{2, 0, 0, 6}; got[0] != want[0] || !math.IsNaN(got[1]) || !math.IsNaN(got[2]) || got[3] != want[3] {
		t.Errorf("got %v, want [2 NaN NaN 6]", got)
	}
}

func TestInterpolate(t *testing.T) {
	steps, values := []int64{10, 20, 40}, []float64{5, 15, 25}
	for step, want := range map[int64]float64{0: 0, 5: 2.5, 10: 5, 15: 10, 20: 15, 30: 20, 40: 25, 99: 25} {
		if got := interpolate(steps, values, step); got != want {
			t.Errorf("step %d: %v, want %v", step, got, want)
		}
	}
	if got := interpolate([]int64{0}, []float64{3}, 0); got != 3 {
		t.Errorf("a single point at zero: %v, want 3", got)
	}
}

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		lo, hi float64
		ticks  linearTicks
		want   []string
	}{
		{0, 400e3, linearTicks{want: 5, big: true}, []string{"0", "100k", "200k", "300k", "400k"}},
		{0, 3.1e6, linearTicks{want: 5, big: true}, []string{"0", "0.5M", "1.0M", "1.5M", "2.0M", "2.5M", "3.0M"}},
		{0, 5.2e-4, linearTicks{want: 5}, []string{"0", "1e-4", "2e-4", "3e-4", "4e-4", "5e-4"}},
		{1.4, 4.8, linearTicks{want: 5}, []string{"1.5", "2.0", "2.5", "3.0", "3.5", "4.0", "4.5"}},
		{-0.3, 0.3, linearTicks{want: 3}, []string{"-0.2", "0", "0.2"}},
		{0, 640, linearTicks{want: 4}, []string{"0", "200", "400", "600"}},
		{1, 1, linearTicks{want: 4}, nil},
		{0, math.NaN(), linearTicks{want: 4}, nil},
	} {
		var got []string
		for _, tick := range c.ticks.Ticks(c.lo, c.hi) {
			got = append(got, tick.Label)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%v to %v: got %q, want %q", c.lo, c.hi, got, c.want)
		}
	}
}

// Ticks lie inside the axis, are few, and no two have the same label.
func TestTicksAnyRange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lo := rapid.Float64Range(-1e9, 1e9).Draw(t, "lo")
		hi := lo + math.Pow(10, rapid.Float64Range(-6, 9).Draw(t, "span"))*max(1, math.Abs(lo)*1e-3)
		ticks := linearTicks{want: 5, big: rapid.Bool().Draw(t, "big")}.Ticks(lo, hi)
		if len(ticks) < 2 || len(ticks) > 9 {
			t.Fatalf("%d ticks from %v to %v", len(ticks), lo, hi)
		}
		for i, tick := range ticks {
			if tick.Value < lo-(hi-lo)*1e-6 || tick.Value > hi+(hi-lo)*1e-6 {
				t.Fatalf("tick %v outside %v to %v", tick.Value, lo, hi)
			}
			if i > 0 && tick.Label == ticks[i-1].Label {
				t.Fatalf("two ticks %q from %v to %v", tick.Label, lo, hi)
			}
		}
	})
}

// An axis holds any finite values, as far as its arithmetic goes.
func TestAxisOfExtremes(t *testing.T) {
	for _, y := range [][]float64{{-1.7e308, 1.7e308}, {0, 1.7e308}, {5e-324, 5e-324}, {-3, -3}, {0, 0}} {
		p := panel{curves: []curve{{steps: []int64{1, 2}, x: []float64{1, 2}, raw: y}}}
		g := p.axes(vg.Point{X: 300, Y: 200}, "update", Options{}.style())
		lo, hi := max(y[0], -1e300), min(y[1], 1e300)
		if !finite(g.Y.Min) || !finite(g.Y.Max) || g.Y.Min > lo || g.Y.Max < hi || g.Y.Norm(0.5*(g.Y.Min+g.Y.Max)) != 0.5 {
			t.Errorf("values %v: axis from %v to %v", y, g.Y.Min, g.Y.Max)
		}
	}
}

func TestLogTicks(t *testing.T) {
	for _, c := range []struct {
		lo, hi float64
		want   []string
	}{
		{0.4, 12, []string{"0.5", "1", "2", "5", "10"}},
		{1.5, 2.6, []string{"1.6", "1.8", "2.0", "2.2", "2.4", "2.6"}},
		{0.01, 1e6, []string{"0.01", "1", "100", "10000", "1e6"}},
		{0, 1, nil},
	} {
		var got []string
		for _, tick := range (logTicks{}).Ticks(c.lo, c.hi) {
			if tick.Label != "" {
				got = append(got, tick.Label)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%v to %v: got %q, want %q", c.lo, c.hi, got, c.want)
		}
	}
}

func TestShort(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 640: "640", math.Log(101): "4.615", 1.0 / 101: "0.0099", 3e-4: "3e-4", 2.5e7: "2.5e7", 0.9: "0.9"} {
		if got := short(v); got != want {
			t.Errorf("%v: %q, want %q", v, got, want)
		}
	}
}

// Every line can be seen on its background: a contrast of at least 2 by WCAG 2, where 1 is none.
func TestPaletteContrast(t *testing.T) {
	for _, theme := range []Theme{Light, Dark} {
		p := theme.palette()
		luminance := func(r, g, b, _ uint32) float64 {
			linear := func(v uint32) float64 {
				c := float64(v) / 0xFFFF
				if c <= 0.04045 {
					return c / 12.92
				}
				return math.Pow((c+0.055)/1.055, 2.4)
			}
			return 0.2126*linear(r) + 0.7152*linear(g) + 0.0722*linear(b)
		}
		back := luminance(p.background.RGBA())
		for i, c := range p.lines {
			line := luminance(c.RGBA())
			if contrast := (max(line, back) + 0.05) / (min(line, back) + 0.05); contrast < 2 {
				t.Errorf("theme %d, line %d: contrast %.2f", theme, i, contrast)
			}
		}
	}
}

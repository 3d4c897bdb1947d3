package chart

import (
	"math"
	"slices"
	"strings"
	"testing"

	"aural/tui/screen"

	"pgregory.net/rapid"
)

// inked returns the cells of column x of a plot, from the top, as true where something is drawn.
func inked(r *raster, dot int) (top, bottom int) {
	top, bottom = -1, -1
	for y := range r.height() {
		c := r.cells[y/r.dy*r.w+dot/r.dx]
		if c.mask>>(y%r.dy*r.dx+dot%r.dx)&1 != 0 {
			if top < 0 {
				top = y
			}
			bottom = y
		}
	}
	return top, bottom
}

// drawnPlot brings one series to a raster as Draw does.
func drawnPlot(ch Chart, r *raster) *plot {
	ch.Factor = 1
	p := &plot{Chart: ch}
	p.plotCurves(r.width())
	b, _ := p.bounds()
	if p.y = NewScale(b, false); ch.Y != nil {
		p.y = *ch.Y
	}
	p.drawRaster(r)
	return p
}

// A spike of one point among many is drawn to its end, wherever it is and however narrow the chart.
func TestSpikeIsSeen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		points, at := 5000, rapid.IntRange(0, 4999).Draw(t, "at")
		raster := newRaster(rapid.Bool().Draw(t, "ascii"), rapid.IntRange(1, 80).Draw(t, "w"), rapid.IntRange(1, 20).Draw(t, "h"))
		values := make([]float64, points)
		values[at] = rapid.SampledFrom([]float64{-1, 1}).Draw(t, "spike")
		ch := NewChart("norm")
		ch.X = Scale{Low: 1, High: float64(points)}
		ch.Curves = []Curve{{Label: "norm", Series: made(values...), Style: screen.Line(0)}}
		p := drawnPlot(ch, raster)
		top, bottom := inked(raster, p.X.Dot(float64(at+1), raster.width()))
		if want := raster.height() - 1; top != 0 || bottom != want {
			t.Fatalf("the spike is drawn from %d to %d, want 0 to %d", top, bottom, want)
		}
	})
}

// made is a series of values at updates 1, 2, …
func made(values ...float64) *Series {
	s, c := &Series{}, Change{Values: values}
	for i := range values {
		c.Steps = append(c.Steps, int64(i+1))
	}
	s.Apply(c)
	return s
}

// drawText draws a chart and returns its lines.
func drawText(ch Chart, t screen.Terminal, w, h int) string {
	c := screen.New(t, w, h)
	ch.Draw(c, c.Area)
	return c.String()
}

// A curve is drawn without holes, except where a value is not finite.
func TestCurveIsWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Float64Range(0, 1), 2, 40).Draw(t, "values")
		r := newRaster(rapid.Bool().Draw(t, "ascii"), 30, 10)
		slots := make([]slot, r.width())
		x := NewScale(Bounds{0, float64(len(values) - 1), true}, false)
		for i, v := range values {
			slots[x.Dot(float64(i), r.width())].take(v, false)
		}
		y := Scale{0, 1, false}
		r.curve(slots, func(v float64) int { return y.Dot(v, r.height()) }, curveLayer, screen.Line(0), 0)
		before0, before1 := inked(r, 0)
		for dot := 1; dot < r.width(); dot++ {
			top, bottom := inked(r, dot)
			if top < 0 || top > before1+1 || bottom < before0-1 {
				t.Fatalf("column %d is drawn from %d to %d, the one before from %d to %d", dot, top, bottom, before0, before1)
			}
			before0, before1 = top, bottom
		}
	})
}

func TestGap(t *testing.T) {
	r := newRaster(false, 10, 4)
	slots := make([]slot, 20)
	slots[0].take(1, false)
	slots[9].take(math.NaN(), false)
	slots[19].take(1, false)
	r.curve(slots, func(float64) int { return 5 }, curveLayer, screen.Line(0), 0)
	for dot := range 20 {
		if top, _ := inked(r, dot); (top >= 0) != (dot == 0 || dot == 19) {
			t.Errorf("column %d: drawn at %d", dot, top)
		}
	}
}

// Charts say why they are empty, and mark what they cannot draw.
func TestOddCharts(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	for _, c := range []struct {
		name   string
		values []float64
		log    bool
		want   []string
	}{
		{"no data", nil, false, []string{"no data yet"}},
		{"all NaN", []float64{nan, nan}, false, []string{"not finite", "NaN"}},
		{"nothing for log", []float64{0, -1}, true, []string{"nothing above 0"}},
		{"one point", []float64{3}, false, []string{"○", "3.0│"}},
		{"constant", []float64{2, 2, 2, 2}, false, []string{"2.0│", "○"}},
		{"NaN and Inf are marked", []float64{1, nan, 2, inf, 3}, false, []string{"×"}},
		{"hidden by log is marked", []float64{1, 0, 100}, true, []string{"▾", "10│"}},
		{"largest numbers", []float64{-math.MaxFloat64, math.MaxFloat64}, false, []string{"×1e308"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			ch := NewChart("norm")
			ch.LogY, ch.X = c.log, Scale{Low: 0, High: 5}
			if c.values != nil {
				ch.Curves = []Curve{{Label: "norm", Series: made(c.values...)}}
			}
			frame := drawText(ch, screen.Terminal{}, 60, 10)
			for _, want := range c.want {
				if !strings.Contains(frame, want) {
					t.Errorf("no %q in\n%s", want, frame)
				}
			}
		})
	}
}

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		scale Scale
		n     int
		want  string
	}{
		{Scale{0, 400000, false}, 4, "0 200k 400k"},
		{Scale{0.0099, 0.63, false}, 4, "0.2 0.4 0.6"},
		{Scale{-1, 1, false}, 3, "-1 0 1"},
		{Scale{1e-6, 5e-4, true}, 4, "1e-6 1e-5 1e-4"},
		{Scale{1e-30, 1, true}, 4, "1e-30 1e-22 1e-14 1e-6"},
		{Scale{0, 7, false}, 0, ""},
	} {
		var got []string
		for _, v := range c.scale.Ticks(c.n) {
			got = append(got, screen.Short(v))
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%v: %q, want %q", c.scale, s, c.want)
		}
	}
	// The ends of this scale have the same logarithm.
	if got := NewScale(Bounds{1e300, math.Nextafter(1e300, 2e300), true}, true).Dot(1e300, 9); got != 4 {
		t.Errorf("on a scale without extent the dot is %d of 9", got)
	}
	rapid.Check(t, func(t *rapid.T) {
		b := Bounds{}
		b.Add(rapid.Float64().Draw(t, "a"), false)
		b.Add(rapid.Float64().Draw(t, "b"), false)
		n := rapid.IntRange(1, 30).Draw(t, "n")
		s := NewScale(b, b.Low > 0 && rapid.Bool().Draw(t, "log"))
		ticks := s.Ticks(n)
		if len(ticks) > n || !slices.IsSorted(ticks) {
			t.Fatalf("%v: %v", s, ticks)
		}
		for _, v := range ticks {
			if s.Dot(v, 1000) != 0 && s.Dot(v, 1000) != 999 && (v < s.Low || v > s.High) {
				t.Fatalf("%v: tick %v is outside", s, v)
			}
		}
	})
}

// The moving average is (1-w) sum w^(n-i) v_i / (1-w^n), and leaves constants alone.
func TestAverage(t *testing.T) {
	a, values := newAverage(0.9), []float64{1, math.NaN(), 5, 2, 2}
	var seen []float64
	for _, v := range values {
		got := a.next(v)
		if math.IsNaN(v) {
			if !math.IsNaN(got) {
				t.Error("NaN does not pass")
			}
			continue
		}
		seen = append(seen, v)
		sum, weights := 0.0, 0.0
		for i, v := range seen {
			w := math.Pow(0.9, float64(len(seen)-1-i))
			sum, weights = sum+w*v, weights+w
		}
		if want := sum / weights; math.Abs(got-want) > 1e-12 {
			t.Errorf("after %v: %v, want %v", seen, got, want)
		}
	}
	for a, n := newAverage(0.99), 0; n < 1000; n++ {
		if got := a.next(7); math.Abs(got-7) > 1e-11 {
			t.Fatalf("a constant becomes %v", got)
		}
	}
}

// Summing up whole blocks changes nothing: the slots equal those of reading point by point.
func TestSlots(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		odd := rapid.SliceOfN(rapid.SampledFrom(oddValues), 0, 3).Draw(t, "odd")
		s, n := &Series{}, rapid.SampledFrom([]int{0, 1, 255, 256, 700, 2000}).Draw(t, "points")
		all := make([]float64, n)
		for i := range all {
			all[i] = 2 + noise(int64(i))
		}
		for _, v := range odd {
			if n > 0 {
				all[rapid.IntRange(0, n-1).Draw(t, "at")] = v
			}
		}
		for done := 0; done < n; { // arrives in parts, behind which something is taken back
			to := min(n, done+rapid.IntRange(1, 700).Draw(t, "more"))
			c := Change{Keep: done, Values: all[done:to]}
			for i := done; i < to; i++ {
				c.Steps = append(c.Steps, int64(2*i))
			}
			s.Apply(c)
			void := rapid.IntRange(0, 600).Draw(t, "void")
			s.Apply(Change{Keep: to, Values: make([]float64, void), Steps: make([]int64, void)})
			done = to
		}
		s.Apply(Change{Keep: n})
		x, width := NewScale(Bounds{0, float64(2 * n), true}, false), rapid.SampledFrom([]int{1, 2, 50}).Draw(t, "width")
		factor, log := rapid.SampledFrom([]float64{1, 100, 1.4427}).Draw(t, "factor"), rapid.Bool().Draw(t, "log")
		want := make([]slot, width)
		for i, v := range all {
			want[x.Dot(float64(2*i), width)].take(v*factor, log)
		}
		if got, _, _ := s.slots(&s.Raw, Axis{}, x, width, factor, log); !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

// Smoothing while points arrive, and again after some were taken back, equals smoothing at once.
func TestSmoothingGoesOn(t *testing.T) {
	s, once := &Series{}, made(1, 2, 3, 4)
	s.Smoothen(0.9)
	s.Apply(Change{Steps: []int64{1, 2, 3}, Values: []float64{1, 9, 8}})
	s.Apply(Change{Keep: 1, Steps: []int64{2, 3}, Values: []float64{2, 3}})
	s.Apply(Change{Keep: 3, Steps: []int64{4}, Values: []float64{4}})
	once.Smoothen(0.9)
	if got, want := s.Smooth.list, once.Smooth.list; len(want) != 4 || !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if s.Smoothen(0); len(s.Smooth.list) != 0 {
		t.Errorf("%d smoothed values are left", len(s.Smooth.list))
	}
}

func TestAxes(t *testing.T) {
	hours := Axis{Kind: Hours, Along: &Series{Steps: []int64{100, 200, 200, 400}, Raw: Values{list: []float64{1, 2, 2.5, 3}}}}
	for _, c := range []struct {
		step int64
		want float64
	}{{0, 0}, {50, 0.5}, {100, 1}, {150, 1.5}, {300, 2.75}, {400, 3}, {1000, 3}, {50, 0.5}} {
		if got := hours.Of(c.step); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("step %d is at %v h, want %v", c.step, got, c.want)
		}
	}
	s := &Series{}
	s.Apply(Change{Steps: []int64{10, 20, 30}, Values: []float64{1, 2, 3}, Elapsed: []float64{0, 3600, 7200}})
	wall := Axis{Kind: Wall, Sessions: []Session{{0, 1000}, {3600, 9000}}} // the second process began an hour late
	for i, want := range []float64{1000, 9000, 12600} {
		if got := wall.At(s, i); got != want {
			t.Errorf("point %d is at %v s, want %v", i, got, want)
		}
		if got := (Axis{Kind: Relative}).At(s, i); got != float64(i) {
			t.Errorf("point %d is at %v h, want %d", i, got, i)
		}
	}
	if (Axis{Kind: Wall}).Available() || (Axis{Kind: Hours}).Available() || !hours.Available() || !wall.Available() {
		t.Error("axes are available without what they need, or not with it")
	}
	for x, want := range map[float64]int{0: 0, 14: 0, 16: 1, 29: 2, 99: 2} {
		if got := s.Nearest(Axis{}, x); got != want {
			t.Errorf("nearest to %v is point %d, want %d", x, got, want)
		}
	}
}

// A zoomed curve runs to the edges of the chart, also where no point is visible, and stays inside.
func TestZoomedCurveReachesEdges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := made(rapid.SliceOfN(rapid.Float64Range(-1, 1), 2, 60).Draw(t, "values")...)
		n := float64(s.Len())
		low := rapid.Float64Range(1, n-0.01).Draw(t, "low")
		high := rapid.Float64Range(low+0.005, n).Draw(t, "high")
		r := newRaster(false, rapid.IntRange(2, 60).Draw(t, "w"), 8)
		ch := NewChart("")
		ch.X = Scale{Low: low, High: high}
		ch.Curves = []Curve{{Series: s}}
		ch.Y = &Scale{Low: -1, High: 1}
		drawnPlot(ch, r)
		for x := range r.width() {
			if top, _ := inked(r, x); top < 0 {
				t.Fatalf("nothing in dot column %d of %d", x, r.width())
			}
		}
	})
}

// A point that the axis cannot place, as where the logged hours of audio are not a number, is no end of a curve.
func TestPointWithoutPlace(t *testing.T) {
	nan := math.NaN()
	for _, places := range [][]float64{{nan, 1, 2}, {1, nan, 3}, {1, 2, nan}, {nan, nan, nan}, {1, math.Inf(1), 3}} {
		for _, x := range []Scale{{Low: 1.5, High: 2.5}, {Low: 1, High: 3}, {Low: nan, High: nan}, {Low: math.Inf(1), High: math.Inf(1)}} {
			r := newRaster(false, 20, 8)
			ch := NewChart("")
			ch.X, ch.Y = x, &Scale{Low: 0, High: 3}
			ch.Curves = []Curve{{Series: made(1, 2, 1), Axis: Axis{Kind: Hours, Along: made(places...)}}}
			drawnPlot(ch, r)
		}
	}
}

// However often a scale is zoomed and moved it keeps an extent that can be drawn.
func TestZoomedScale(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		log := rapid.Bool().Draw(t, "log")
		b := Bounds{}
		for _, name := range []string{"a", "b"} {
			b.Add(rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{5e-324, 1e-300, 1, 1e300})).Draw(t, name), log)
		}
		if !b.Some {
			b.Add(1, log)
		}
		s := NewScale(b, log)
		for range rapid.IntRange(1, 9).Draw(t, "moves") {
			s = s.Zoom(s.Value(rapid.Float64Range(0, 1).Draw(t, "at")), rapid.SampledFrom([]float64{1e-3, 0.5, 1.5, 8}).Draw(t, "factor"))
			s = s.Pan(rapid.Float64Range(-1, 1).Draw(t, "share"))
			if !(s.Low < s.High) || math.IsInf(s.Low, 0) || math.IsInf(s.High, 0) || log && s.Low <= 0 {
				t.Fatalf("the scale is %v", s)
			}
			if ticks := s.Ticks(48); len(ticks) > 48 {
				t.Fatalf("%d ticks on %v", len(ticks), s)
			}
		}
	})
}

// With outliers left out one spike does not flatten the rest, and an arrow tells where it is.
func TestOutliers(t *testing.T) {
	values := make([]float64, 500)
	for i := range values {
		values[i] = 1 + 0.1*math.Sin(float64(i))
	}
	values[250] = 1000
	ch := NewChart("norm")
	ch.X, ch.Outliers = Scale{Low: 1, High: 500}, false
	ch.Curves = []Curve{{Label: "norm", Series: made(values...)}}
	c := screen.New(screen.Terminal{}, 80, 20)
	if y := ch.Draw(c, c.Area); y.High > 1.11 || y.Low > 0.91 || y.Low < 0.89 {
		t.Errorf("the y axis is %v", y)
	}
	if text := c.String(); strings.Count(text, "↑") != 1 {
		t.Errorf("the outlier is not marked once:\n%s", text)
	}
}

// The cursor reads every curve at its nearest point.
func TestCursor(t *testing.T) {
	ch := NewChart("norm")
	ch.X, ch.Cursor = Scale{Low: 1, High: 100}, 50.2
	values := make([]float64, 100)
	for i := range values {
		values[i] = float64(i + 1)
	}
	ch.Curves = []Curve{{Label: "norm", Series: made(values...)}}
	if text := drawText(ch, screen.Terminal{}, 60, 10); !strings.HasPrefix(text, "norm  norm 50\n") {
		t.Error(text)
	}
}

// oddValues are numbers that break charts.
var oddValues = []float64{0, 1, -1, 4.615, 4.615, 1e-300, -1e-300, 5e-324, 1e300, math.MaxFloat64, -math.MaxFloat64,
	math.NaN(), math.Inf(1), math.Inf(-1)}

// noise returns a number between -1 and 1 that depends on n only.
func noise(n int64) float64 {
	return math.Sin(12.9898*float64(n))*0.5 + math.Sin(78.233*float64(n))*0.5
}

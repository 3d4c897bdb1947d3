package tui

import (
	"math"
	"slices"
	"strings"
	"testing"

	"aural/runlog"

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

// A spike of one point among many is drawn to its end, wherever it is and however narrow the chart.
func TestSpikeIsSeen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		points, at := 5000, rapid.IntRange(0, 4999).Draw(t, "at")
		raster := newRaster(rapid.Bool().Draw(t, "ascii"), rapid.IntRange(1, 80).Draw(t, "w"), rapid.IntRange(1, 20).Draw(t, "h"))
		m := newModel("run", terminal{}, nil)
		values := make([]float64, points)
		values[at] = rapid.SampledFrom([]float64{-1, 1}).Draw(t, "spike")
		feed(m, "train/gradient_norm", values...)
		p := plot{chart: panels()[3][0], factor: 1, x: m.xScale()}
		p.plotCurves(m, raster.width())
		b, _ := p.bounds(m)
		p.y = newScale(b, false)
		p.drawRaster(raster)
		top, bottom := inked(raster, p.x.dot(float64(at+1), raster.width()))
		if want := raster.height() - 1; top != 0 || bottom != want {
			t.Fatalf("the spike is drawn from %d to %d, want 0 to %d", top, bottom, want)
		}
	})
}

// A curve is drawn without holes, except where a value is not finite.
func TestCurveIsWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Float64Range(0, 1), 2, 40).Draw(t, "values")
		r := newRaster(rapid.Bool().Draw(t, "ascii"), 30, 10)
		slots := make([]slot, r.width())
		x := newScale(bounds{0, float64(len(values) - 1), true}, false)
		for i, v := range values {
			slots[x.dot(float64(i), r.width())].take(v, false)
		}
		y := scale{0, 1, false}
		r.curve(slots, func(v float64) int { return y.dot(v, r.height()) }, curveLayer, lineA)
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
	r.curve(slots, func(float64) int { return 5 }, curveLayer, lineA)
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
		{"one point", []float64{3}, false, []string{"○n", "3.0│"}},
		{"constant", []float64{2, 2, 2, 2}, false, []string{"2.0│", "○"}},
		{"NaN and Inf are marked", []float64{1, nan, 2, inf, 3}, false, []string{"×"}},
		{"hidden by log is marked", []float64{1, 0, 100}, true, []string{"▾", "10│"}},
		{"largest numbers", []float64{-math.MaxFloat64, math.MaxFloat64}, false, []string{"×1e308"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newModel("run", terminal{}, nil)
			m.loading = false
			m.view = view{log: c.log, zoom: 4}
			if c.values != nil {
				feed(m, "train/gradient_norm", c.values...)
			}
			frame := render(m, 60, 30)
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
		scale scale
		n     int
		want  string
	}{
		{scale{0, 400000, false}, 4, "0 200k 400k"},
		{scale{0.0099, 0.63, false}, 4, "0.2 0.4 0.6"},
		{scale{-1, 1, false}, 3, "-1 0 1"},
		{scale{1e-6, 5e-4, true}, 4, "1e-6 1e-5 1e-4"},
		{scale{1e-30, 1, true}, 4, "1e-30 1e-22 1e-14 1e-6"},
		{scale{0, 7, false}, 0, ""},
	} {
		var got []string
		for _, v := range c.scale.ticks(c.n) {
			got = append(got, short(v))
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%v: %q, want %q", c.scale, s, c.want)
		}
	}
	// The ends of this scale have the same logarithm.
	if got := newScale(bounds{1e300, math.Nextafter(1e300, 2e300), true}, true).dot(1e300, 9); got != 4 {
		t.Errorf("on a scale without extent the dot is %d of 9", got)
	}
	rapid.Check(t, func(t *rapid.T) {
		b := bounds{}
		b.add(rapid.Float64().Draw(t, "a"), false)
		b.add(rapid.Float64().Draw(t, "b"), false)
		n := rapid.IntRange(1, 30).Draw(t, "n")
		s := newScale(b, b.low > 0 && rapid.Bool().Draw(t, "log"))
		ticks := s.ticks(n)
		if len(ticks) > n || !slices.IsSorted(ticks) {
			t.Fatalf("%v: %v", s, ticks)
		}
		for _, v := range ticks {
			if s.dot(v, 1000) != 0 && s.dot(v, 1000) != 999 && (v < s.low || v > s.high) {
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
		s, n := &series{}, rapid.SampledFrom([]int{0, 1, 255, 256, 700, 2000}).Draw(t, "points")
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
			c := change{keep: done, values: all[done:to]}
			for i := done; i < to; i++ {
				c.steps = append(c.steps, int64(2*i))
			}
			s.apply(c)
			void := rapid.IntRange(0, 600).Draw(t, "void")
			s.apply(change{keep: to, values: make([]float64, void), steps: make([]int64, void)})
			done = to
		}
		s.apply(change{keep: n})
		x, width := newScale(bounds{0, float64(2 * n), true}, false), rapid.SampledFrom([]int{1, 2, 50}).Draw(t, "width")
		factor, log := rapid.SampledFrom([]float64{1, 100, runlog.BitsPerNat}).Draw(t, "factor"), rapid.Bool().Draw(t, "log")
		want := make([]slot, width)
		for i, v := range all {
			want[x.dot(float64(2*i), width)].take(v*factor, log)
		}
		if got := s.slots(&s.raw, axis{}, x, width, factor, log); !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

// Smoothing while points arrive, and again after some were taken back, equals smoothing at once.
func TestSmoothingGoesOn(t *testing.T) {
	m, once := newModel("run", terminal{}, nil), newModel("run", terminal{}, nil)
	const name = "train/accuracy"
	press(m, "s")
	m.take(pollMsg{changes: []change{{name: name, steps: []int64{1, 2, 3}, values: []float64{1, 9, 8}}}})
	m.take(pollMsg{changes: []change{{name: name, keep: 1, steps: []int64{2, 3}, values: []float64{2, 3}}}})
	m.take(pollMsg{changes: []change{{name: name, keep: 3, steps: []int64{4}, values: []float64{4}}}})
	feed(once, name, 1, 2, 3, 4)
	press(once, "s")
	if got, want := m.data[name].smooth.list, once.data[name].smooth.list; len(want) != 4 || !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	press(m, "s", "s")
	if n := len(m.data[name].smooth.list); n != 0 {
		t.Errorf("%d smoothed values are left", n)
	}
}

func TestHoursAxis(t *testing.T) {
	x := axis{hours: &series{steps: []int64{100, 200, 200, 400}, raw: values{list: []float64{1, 2, 2.5, 3}}}}.at
	for _, c := range []struct {
		step int64
		want float64
	}{{0, 0}, {50, 0.5}, {100, 1}, {150, 1.5}, {300, 2.75}, {400, 3}, {1000, 3}, {50, 0.5}} {
		if got := x(c.step); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("step %d is at %v h, want %v", c.step, got, c.want)
		}
	}
}

func TestFormats(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 4.6151: "4.615", 0.98765: "0.9877", 49.26: "49.26", 640: "640", 1613.2: "1613", 5e-4: "5.0e-4", 1e-10: "1.0e-10",
		123456: "1.2e5", 0.05: "0.0500", math.Inf(-1): "-Inf", math.Copysign(0, -1): "0"} {
		if got := number(v); got != want {
			t.Errorf("number(%v) is %q, want %q", v, got, want)
		}
	}
	for v, want := range map[float64]string{0: "0", 950: "950", 1000: "1k", 12500: "12.5k", 400000: "400k", 1.2e6: "1.2M", -2e9: "-2G", 1e-5: "1e-5"} {
		if got := short(v); got != want {
			t.Errorf("short(%v) is %q, want %q", v, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0", -1: "-1", 999: "999", 1000: "1,000", -100000: "-100,000", 1234567: "1,234,567"} {
		if got := grouped(n); got != want {
			t.Errorf("grouped(%d) is %q, want %q", n, got, want)
		}
	}
}

func BenchmarkMillionPoints(b *testing.B) {
	m := newModel("run", terminal{colors: colors256}, nil)
	for _, name := range followed() {
		if kind, _, _ := strings.Cut(name, "/"); kind == runlog.Valid {
			continue
		}
		values := make([]float64, 1e6)
		for i := range values {
			values[i] = noise(int64(i)) + 2
		}
		feed(m, name, values...)
	}
	press(m, "s")
	b.ReportAllocs()
	for b.Loop() {
		render(m, 200, 60)
	}
}

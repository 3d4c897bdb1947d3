package probe

import (
	"math"
	"runtime"
	"slices"
	"testing"

	"aural/internal/testkit"
	"aural/rng"

	"pgregory.net/rapid"
)

// random makes vectors of classes around centres that lie apart by about distance.
func random(seed uint64, n, dim, classes int, distance float64) *Set {
	s := rng.At(seed, 0, 1)
	centres := make([]float64, classes*dim)
	for i := range centres {
		centres[i] = distance * s.NormFloat64()
	}
	set := &Set{Dim: dim, Classes: classes}
	for i := range n {
		c := s.IntN(classes)
		if i < classes {
			c = i
		}
		set.Class = append(set.Class, c)
		for d := range dim {
			set.X = append(set.X, float32(centres[c*dim+d]+s.NormFloat64()))
		}
	}
	return set
}

func errorOf(m *Model, s *Set) float64 {
	wrong := 0
	for i, c := range s.Class {
		if m.Predict(s.At(i)) != c {
			wrong++
		}
	}
	return float64(wrong) / float64(s.Len())
}

// The optimum is that of Newton's method in numpy.
func TestOptimumIsNumpys(t *testing.T) {
	var cases []struct {
		Dim, Classes int
		L2, Loss     float64
		X            []float32
		Y            []int
		W, B         []float64
	}
	testkit.Golden(t, "logistic.json", &cases)
	for _, c := range cases {
		m, err := Fit(&Set{Dim: c.Dim, Classes: c.Classes, X: c.X, Class: c.Y}, c.L2, Minimiser{Iterations: 2000, Gradient: 1e-8})
		if err != nil {
			t.Fatal(err)
		}
		if !m.Minimum.Converged || math.Abs(m.Minimum.Value-c.Loss) > 1e-12 {
			t.Errorf("loss %v of %+v, want %v", m.Minimum.Value, m.Minimum, c.Loss)
		}
		testkit.Close(t, "W", m.W, c.W, testkit.Tol{Abs: 1e-5})
		testkit.Close(t, "b", m.B, c.B, testkit.Tol{Abs: 1e-5})
	}
}

func TestGradient(t *testing.T) {
	s := random(3, 23, 19, 5, 0.7)
	p := newProblem(s)
	p.l2 = 0.3
	theta, g := make([]float64, (s.Dim+1)*s.Classes), make([]float64, (s.Dim+1)*s.Classes)
	noise := rng.At(1, 2, 3)
	for i := range theta {
		theta[i] = noise.NormFloat64()
	}
	value := func(x []float64) float64 { v, _ := p.evaluate(x, make([]float64, len(x))); return v }
	if v, _ := p.evaluate(theta, g); v != value(theta) {
		t.Error("two evaluations differ")
	}
	testkit.GradCheck(t, "theta", value, theta, g, testkit.Sample(len(theta), len(theta)), 1e-5, testkit.Tol{Rel: 1e-7, Abs: 1e-9})
}

// The limits: what is separable is separated, and labels that have nothing to do with the features are learnt by heart and not understood.
func TestLimits(t *testing.T) {
	far := random(1, 200, 12, 4, 8)
	m, err := Fit(far.Pick(every(100)), 1e-3, Minimiser{})
	if err != nil {
		t.Fatal(err)
	}
	if e := errorOf(m, far); e != 0 {
		t.Errorf("error %v of classes that lie far apart", e)
	}
	noise := random(2, 2000, 6, 4, 0)
	m, err = Fit(noise.Pick(every(1000)), 1e-3, Minimiser{})
	if err != nil {
		t.Fatal(err)
	}
	rest := noise.Pick(every(2000)[1000:])
	if e := errorOf(m, rest); math.Abs(e-0.75) > 0.05 {
		t.Errorf("error %v of labels at random, want 0.75", e)
	}
	heavy, err := Fit(noise, 1e9, Minimiser{})
	if err != nil {
		t.Fatal(err)
	}
	if largest(heavy.W) > 1e-6 {
		t.Errorf("a penalty that outweighs everything leaves a weight of %v", largest(heavy.W))
	}
	counts := make([]float64, 4)
	for _, c := range noise.Class {
		counts[c]++
	}
	for c := range counts { // then only the frequencies are learnt
		want := math.Log(counts[c] / counts[0])
		if got := heavy.B[c] - heavy.B[0]; math.Abs(got-want) > 1e-3 {
			t.Errorf("intercept of class %d less that of 0 is %v, want %v", c, got, want)
		}
	}
}

// Powers of two change nothing at all; any scale and shift changes nothing but rounding.
func TestScaleOfFeaturesDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := random(rapid.Uint64().Draw(t, "seed"), 40, 5, 3, 1)
		exact, shifted := s.Pick(every(s.Len())), s.Pick(every(s.Len()))
		for d := range s.Dim {
			power := float32(math.Ldexp(1, rapid.IntRange(-8, 8).Draw(t, "power")))
			by, zero := float32(rapid.Float64Range(0.1, 10).Draw(t, "scale")), float32(rapid.Float64Range(-5, 5).Draw(t, "shift"))
			for i := range s.Len() {
				exact.X[i*s.Dim+d] *= power
				shifted.X[i*s.Dim+d] = shifted.X[i*s.Dim+d]*by + zero
			}
		}
		fit := func(s *Set) *Model {
			m, err := Fit(s, 1e-2, Minimiser{Gradient: 1e-9})
			if err != nil {
				t.Fatal(err)
			}
			return m
		}
		a, b, c := fit(s), fit(exact), fit(shifted)
		if !slices.Equal(a.W, b.W) || !slices.Equal(a.B, b.B) {
			t.Error("powers of two changed the weights")
		}
		for i := range a.W {
			if math.Abs(a.W[i]-c.W[i]) > 1e-4 {
				t.Errorf("weight %d is %v, with other units of the features %v", i, a.W[i], c.W[i])
			}
		}
	})
}

// A feature that does not vary has no weight and spoils nothing.
func TestConstantFeature(t *testing.T) {
	s := random(5, 50, 3, 2, 2)
	for i := range s.Len() {
		s.X[i*3+1] = 1e6 + float32(i%2)*0.0625
	}
	m, err := Fit(s, 1e-3, Minimiser{})
	if err != nil {
		t.Fatal(err)
	}
	if m.W[2] != 0 || m.W[3] != 0 || errorOf(m, s) > 0.1 {
		t.Errorf("weights %v, error %v", m.W, errorOf(m, s))
	}
}

// The number of CPUs changes no bit.
func TestThreadsDoNotMatter(t *testing.T) {
	s := random(8, 117, 37, 5, 0.6)
	var want *Model
	for _, n := range []int{1, 2, 3, 7} {
		old := runtime.GOMAXPROCS(n)
		m, err := Fit(s, 1e-3, Minimiser{})
		runtime.GOMAXPROCS(old)
		if err != nil {
			t.Fatal(err)
		}
		if want == nil {
			want = m
		}
		if !slices.Equal(m.W, want.W) || !slices.Equal(m.B, want.B) || m.Minimum != want.Minimum {
			t.Errorf("%d threads give other weights", n)
		}
	}
}

func TestFitRefuses(t *testing.T) {
	good := random(1, 10, 2, 2, 1)
	for name, c := range map[string]struct {
		set Set
		l2  float64
	}{
		"one class":   {Set{Dim: 2, Classes: 1, X: good.X, Class: make([]int, 10)}, 1},
		"no vectors":  {Set{Dim: 2, Classes: 2}, 1},
		"short":       {Set{Dim: 3, Classes: 2, X: good.X, Class: good.Class}, 1},
		"class":       {Set{Dim: 2, Classes: 2, X: good.X, Class: append(slices.Clone(good.Class[:9]), 2)}, 1},
		"NaN":         {Set{Dim: 2, Classes: 2, X: append(slices.Clone(good.X[:19]), float32(math.NaN())), Class: good.Class}, 1},
		"no penalty":  {*good, 0},
		"NaN penalty": {*good, math.NaN()},
	} {
		if _, err := Fit(&c.set, c.l2, Minimiser{}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// The minimiser finds the minimum of Rosenbrock's valley, which is not convex.
func TestMinimiser(t *testing.T) {
	f := func(x, g []float64) (float64, error) {
		a, b := 1-x[0], x[1]-x[0]*x[0]
		g[0], g[1] = -2*a-400*x[0]*b, 200*b
		return a*a + 100*b*b, nil
	}
	x := []float64{-1.2, 1}
	m, err := Minimiser{Gradient: 1e-9}.Minimise(f, x)
	if err != nil || !m.Converged || math.Abs(x[0]-1) > 1e-8 || math.Abs(x[1]-1) > 1e-8 || m.Iterations > 80 {
		t.Errorf("%v, %+v, %v", x, m, err)
	}
	x = []float64{-1.2, 1}
	if m, _ := (Minimiser{Iterations: 3}).Minimise(f, x); m.Converged || m.Iterations != 3 {
		t.Errorf("three iterations: %+v", m)
	}
}

func BenchmarkFit(b *testing.B) {
	s := random(1, 1000, 768, 40, 0.15)
	for b.Loop() {
		m, err := Fit(s, 1e-3, Minimiser{Iterations: 20})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(m.Minimum.Iterations), "iterations")
	}
}

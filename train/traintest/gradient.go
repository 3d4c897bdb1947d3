package traintest

import (
	"math"
	"testing"

	"aural/graph/graphtest"
	"aural/internal/testkit"
	"aural/kernels"
	"aural/rng"
	"aural/train"
)

// Initialize gives parameters values near the initial ones of a model, which initialize hands out, but with noise: away from the special values of biases and norms. It
// returns them.
func Initialize(t testing.TB, b *graphtest.Bench, initialize func(seed uint64, set func(name string, x []float32) error) error) map[string][]float64 {
	t.Helper()
	values := map[string][]float64{}
	if err := initialize(5, func(name string, x []float32) error {
		v := make([]float64, len(x))
		noise := rng.At(9, 0, rng.Site(name))
		for i := range v {
			v[i] = float64(x[i]) + 0.1*noise.NormFloat64()
		}
		values[name] = v
		b.Set(name, v)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return values
}

// Wave is n samples that are nothing like a sine, of order 1.
func Wave(n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = math.Sin(0.05*float64(i)) + 0.3*math.Sin(0.31*float64(i)+1) + 0.1*math.Sin(float64(i*i))
	}
	return x
}

// GradCheck holds the gradients of a float64 model against central differences of its output loss, at some elements of every parameter.
func GradCheck(t testing.TB, b *graphtest.Bench, step *kernels.Step, loss string, specs []train.Spec, values map[string][]float64, elements int) {
	t.Helper()
	b.Run(step)
	grads := map[string][]float64{}
	for _, s := range specs {
		grads[s.Name] = b.Out(train.GradientOutput(s.Name))
	}
	for _, s := range specs {
		f := func(x []float64) float64 {
			b.Set(s.Name, x)
			b.Run(step)
			return b.Out(loss)[0]
		}
		x := values[s.Name]
		testkit.GradCheck(t, s.Name, f, x, grads[s.Name], testkit.Sample(len(x), elements), 1e-5, testkit.Tol{Rel: 1e-5, Abs: 2e-6})
		b.Set(s.Name, x)
	}
}

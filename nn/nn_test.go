package nn

import (
	"errors"
	"math"
	"testing"

	"aural/kernels"
)

func declare(names ...string) *Net {
	n := New(kernels.Float32, true)
	for _, name := range names {
		n.Weight(name, Normal(2), 40, 50)
	}
	return n
}

func values(t *testing.T, n *Net, seed uint64) map[string][]float32 {
	t.Helper()
	out := map[string][]float32{}
	if err := n.Initialize(seed, func(name string, v []float32) error { out[name] = v; return nil }); err != nil {
		t.Fatal(err)
	}
	return out
}

// A parameter's initial value depends on the seed and its name, and on nothing else.
func TestInitializeIsPerName(t *testing.T) {
	one, two := values(t, declare("a", "b", "c"), 1), values(t, declare("c", "x", "a"), 1)
	other := values(t, declare("a"), 2)
	for i := range one["a"] {
		if one["a"][i] != two["a"][i] || one["c"][i] != two["c"][i] {
			t.Fatal("the value of a parameter depends on its neighbours")
		}
	}
	if one["a"][0] == one["b"][0] || one["a"][0] == other["a"][0] {
		t.Error("two names or two seeds gave the same value")
	}
}

func TestInitializeStopsAtAnError(t *testing.T) {
	want := errors.New("full")
	calls := 0
	err := declare("a", "b", "c").Initialize(1, func(string, []float32) error { calls++; return want })
	if !errors.Is(err, want) || calls != 1 {
		t.Errorf("error %v after %d calls", err, calls)
	}
}

// Moments of the initial distributions: 20,000 draws know a standard deviation to about 0.5 %.
func TestInitialDistributions(t *testing.T) {
	const fan = 24
	for _, c := range []struct {
		name      string
		init      Init
		mean, std float64
		most      float64 // no element is larger
	}{
		{"normal", Normal(0.02), 0, 0.02, math.Inf(1)},
		{"uniform", Uniform(0, 1), 0.5, 1 / math.Sqrt(12), 1},
		{"fan in", FanInUniform(fan), 0, 1 / math.Sqrt(3*fan), 1 / math.Sqrt(fan)},
		{"kaiming", KaimingNormal(), 0, math.Sqrt(2.0 / fan), math.Inf(1)},
		{"constant", Constant(3), 3, 0, 3},
	} {
		n := New(kernels.Float32, true)
		n.Weight("w", c.init, 1000, 8, 3)
		var sum, squares, most float64
		w := values(t, n, 3)["w"]
		for _, x := range w {
			sum += float64(x)
			squares += float64(x) * float64(x)
			most = max(most, math.Abs(float64(x)))
		}
		count := float64(len(w))
		mean := sum / count
		std := math.Sqrt(max(0, squares/count-mean*mean))
		if math.Abs(mean-c.mean) > 0.03*c.std || math.Abs(std-c.std) > 0.02*c.std || most > c.most {
			t.Errorf("%s: mean %.4f, deviation %.4f, largest %.4f; want %.4f, %.4f, at most %.4f", c.name, mean, std, most, c.mean, c.std, c.most)
		}
	}
}

// The gain of a weight-normed parameter starts as the norm of its direction, so that the effective weight is the direction itself.
func TestNormOf(t *testing.T) {
	n := New(kernels.Float32, true)
	shape := []int{6, 4, 5}
	n.Weight("g", NormOf("v", shape, Normal(1)), 1, 1, 5)
	n.Weight("v", Normal(1), shape...)
	all := values(t, n, 7)
	for k := range 5 {
		sum := 0.0
		for i := k; i < len(all["v"]); i += 5 {
			sum += float64(all["v"][i]) * float64(all["v"][i])
		}
		if got, want := float64(all["g"][k]), math.Sqrt(sum); math.Abs(got-want) > 1e-6*want {
			t.Errorf("g[%d] = %v, the norm of v is %v", k, got, want)
		}
	}
}

package cpu

import (
	"math"
	"testing"

	"aural/rng"
)

// tables are the vector functions of each variant.
func tables(t *testing.T, f func(t *testing.T, v *vectors)) {
	for _, c := range candidates() {
		if len(c.missing) == 0 {
			t.Run(c.name, func(t *testing.T) { f(t, &c.table().vec) })
		}
	}
}

// grid of arguments: dense near zero, sparse far away.
func arguments(limit float64) []float32 {
	var x []float32
	for v := -limit; v <= limit; v += 1.0 / 512 {
		x = append(x, float32(v))
	}
	for e := -120; e < 0; e += 3 {
		x = append(x, float32(math.Ldexp(1.1, e)), float32(-math.Ldexp(1.3, e)))
	}
	return x
}

func TestExp(t *testing.T) {
	tables(t, func(t *testing.T, v *vectors) {
		x := arguments(87)
		y := make([]float32, len(x))
		v.expSum(y, x, 1, 0)
		for i := range x {
			want := math.Exp(float64(x[i]))
			if e := math.Abs(float64(y[i])-want) / want; !(e < 2.5e-7) {
				t.Fatalf("exp(%v) = %v, want %v: off by %.2g", x[i], y[i], want, e)
			}
		}
		inf, nan := float32(math.Inf(1)), float32(math.NaN())
		special := []float32{-inf, -1e30, -105, 88.5, 89.5, inf, nan}
		out := make([]float32, len(special))
		v.expSum(out, special, 1, 0)
		for i, want := range []float32{0, 0, 0, float32(math.Exp(88.5)), inf, inf, nan} {
			if d := math.Abs(float64(out[i]-want)) / float64(want); out[i] != want && !(want != want && out[i] != out[i]) && !(d < 3e-7) {
				t.Errorf("exp(%v) = %v, want %v", special[i], out[i], want)
			}
		}
	})
}

func TestExpSum(t *testing.T) {
	tables(t, func(t *testing.T, v *vectors) {
		for n := range 70 {
			x := random(n)
			y := make([]float32, n)
			got, want := float64(v.expSum(y, x, 0.7, 0.3)), 0.0
			for i := range x {
				e := math.Exp(0.7*float64(x[i]) - 0.3)
				want += e
				near(t, "exp", n, float64(y[i]), e)
			}
			near(t, "sum of exp", n, got, want)
		}
	})
}

// GELU must be within 1e-6 where it bends and exact far out.
func TestGELU(t *testing.T) {
	tables(t, func(t *testing.T, v *vectors) {
		x := append(arguments(9), -50, -1000, -1e30, 1000, 1e30)
		y, d, one := make([]float32, len(x)), make([]float32, len(x)), make([]float32, len(x))
		for i := range one {
			one[i] = 1
		}
		v.gelu(y, x)
		v.geluGrad(d, one, x)
		for i := range x {
			v := float64(x[i])
			cdf := 0.5 * math.Erfc(-v/math.Sqrt2)
			if e := math.Abs(float64(y[i]) - v*cdf); !(e < 1e-6) {
				t.Fatalf("gelu(%v) = %v, want %v", x[i], y[i], v*cdf)
			}
			slope := cdf + v*math.Exp(-v*v/2)/math.Sqrt(2*math.Pi)
			if e := math.Abs(float64(d[i]) - slope); !(e < 1e-6) {
				t.Fatalf("gelu'(%v) = %v, want %v", x[i], d[i], slope)
			}
		}
		nan := []float32{float32(math.NaN()), 1, float32(math.NaN())}
		v.gelu(y[:3], nan)
		v.geluGrad(d[:3], one[:3], nan)
		if y[0] == y[0] || y[2] == y[2] || d[0] == d[0] || y[1] != y[1] || d[1] != d[1] {
			t.Errorf("NaN gives %v, %v", y[:3], d[:3])
		}
	})
}

func random(n int) []float32 {
	x := make([]float32, n)
	r := rng.At(7, uint64(n), 1)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

func near(t *testing.T, what string, n int, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) <= 3e-6*(math.Abs(want)+math.Sqrt(float64(n)))) {
		t.Fatalf("%s of %d: %v, want %v", what, n, got, want)
	}
}

func TestSums(t *testing.T) {
	tables(t, func(t *testing.T, v *vectors) {
		for n := range 150 {
			x, y := random(n), random(n + 1)[1:]
			var sum, dot, dev float64
			top := math.Inf(-1)
			for i := range x {
				a := float64(x[i])
				sum, dot, dev, top = sum+a, dot+a*float64(y[i]), dev+(a-0.5)*(a-0.5), max(top, a)
			}
			near(t, "sum", n, float64(v.sum(x)), sum)
			near(t, "dot", n, float64(v.dot(x, y)), dot)
			if got := v.dot64(x, y); math.Abs(got-dot) > 1e-13*float64(n+1) {
				t.Fatalf("dot64 of %d: %v, want %v", n, got, dot)
			}
			near(t, "deviation", n, float64(v.deviation(x, 0.5)), dev)
			if got := v.max(x); float64(got) != top {
				t.Fatalf("max of %d: %v, want %v", n, got, top)
			}
		}
	})
}

// Every element by element function must treat exactly the elements asked for, at all lengths and misalignments; the portable ones are the model.
func TestElementwise(t *testing.T) {
	model := portableVectors()
	tables(t, func(t *testing.T, v *vectors) {
		for n := range 70 {
			for name, f := range map[string]func(v *vectors, y, z, w []float32, in [][]float32){
				"add":        func(v *vectors, y, z, w []float32, in [][]float32) { v.add(y, in[0]) },
				"scale":      func(v *vectors, y, z, w []float32, in [][]float32) { v.scale(y, 1.7, in[0]) },
				"score grad": func(v *vectors, y, z, w []float32, in [][]float32) { v.scoreGrad(y, in[0], 0.3, 0.7) },
				"normalize":  func(v *vectors, y, z, w []float32, in [][]float32) { v.normalize(y, in[0], in[1], in[2], 0.2, 1.4) },
				"sums": func(v *vectors, y, z, w []float32, in [][]float32) {
					v.normalizeSums(y, z, in[0], in[1], in[2], 0.2, 1.4)
				},
				"grad": func(v *vectors, y, z, w []float32, in [][]float32) {
					v.normalizeGrad(y, in[0], in[1], in[2], 0.2, 1.4, 0.1, 0.4)
				},
				"affine": func(v *vectors, y, z, w []float32, in [][]float32) { v.affine(y, in[0], in[1], in[2], in[3]) },
				"affine grad": func(v *vectors, y, z, w []float32, in [][]float32) {
					v.affineGrad(y, in[0], in[1], in[2], in[3], in[4], in[5], in[6])
				},
				"add deviation": func(v *vectors, y, z, w []float32, in [][]float32) { v.addDeviation(y, in[0], in[1]) },
				"add centered":  func(v *vectors, y, z, w []float32, in [][]float32) { v.addCentered(y, in[0], in[1], in[2]) },
				"adamw": func(v *vectors, y, z, w []float32, in [][]float32) {
					pos := append([]float32(nil), in[3]...)
					for i := range pos {
						pos[i] *= pos[i]
					}
					v.adamw(y, z, w, in[0], in[1], in[2], pos, adamwRates{0.9, 0.8, 0.2, 0.98, 0.02, 0.01, 0.1, 1.2, 1e-3})
				},
			} {
				var in [][]float32
				for i := range 7 {
					in = append(in, random(n + i + 1)[i+1:])
				}
				apply := func(v *vectors) [3][]float32 {
					var out [3][]float32
					var mid [3][]float32
					for i := range out {
						out[i] = random(n + 20 + i)
						mid[i] = out[i][10+i : 10+i+n : 10+i+n]
					}
					f(v, mid[0], mid[1], mid[2], in)
					return out
				}
				got, want := apply(v), apply(&model)
				for i := range got {
					for j := range got[i] {
						if math.Abs(float64(got[i][j]-want[i][j])) > 2e-6*(1+math.Abs(float64(want[i][j]))) {
							t.Fatalf("%s of %d: output %d[%d] is %v, want %v", name, n, i, j-10-i, got[i][j], want[i][j])
						}
					}
				}
			}
		}
	})
}

func TestAxpy64(t *testing.T) {
	tables(t, func(t *testing.T, v *vectors) {
		for n := range 70 {
			x, y := random(n), make([]float64, n+2)
			for i := range y {
				y[i] = float64(i)
			}
			v.axpy64(y[1:n+1], 0.3, x)
			for i := range y {
				want := float64(i)
				if i > 0 && i <= n {
					want += 0.3 * float64(x[i-1])
				}
				if math.Abs(y[i]-want) > 1e-14*(1+want) {
					t.Fatalf("%d values: [%d] is %v, want %v", n, i, y[i], want)
				}
			}
		}
	})
}

// The noise is the stream of package rng, bit for bit, also where the block number overflows.
func TestNoise(t *testing.T) {
	tables(t, func(t *testing.T, v *vectors) {
		for _, c := range []struct {
			seed, step  uint64
			site, first uint32
		}{{1, 2, 3, 0}, {1<<63 + 7, 1<<40 + 5, 0xdeadbeef, 12345}, {0, 0, 0, math.MaxUint32 - 20}} {
			words := make([]uint32, 3*noiseBlock)
			v.noise(words, c.seed, c.step, c.site, c.first)
			for i, got := range words {
				if want := rng.Block(c.seed, c.step, c.site, c.first+uint32(i/4))[i%4]; got != want {
					t.Fatalf("%+v word %d: %#x, want %#x", c, i, got, want)
				}
			}
		}
	})
}

// The threshold on words must decide as rng.Unit(word) >= p does, for words right at the border.
func TestDropRule(t *testing.T) {
	tables(t, func(t *testing.T, v *vectors) {
		for _, p := range []float64{0, 1e-9, 1.0 / (1 << 24), 0.05, 0.1, 0.25, 0.5, 1.0 / 3, 0.9, 1 - 1.0/(1<<23)} {
			r, ok := rule(p, 1)
			if !ok {
				t.Fatalf("no rule for %v", p)
			}
			var words []uint32
			for d := -3; d <= 3; d++ {
				words = append(words, r.threshold+uint32(d), r.threshold+uint32(d*512), uint32(d))
			}
			x, y := random(len(words)), make([]float32, len(words))
			v.drop(y, x, words, r.threshold, r.keep)
			for i, w := range words {
				want := float32(0)
				if float64(rng.Unit(w)) >= p {
					want = x[i] * float32(1/(1-p))
				}
				if y[i] != want {
					t.Errorf("p %v, word %#x: %v, want %v", p, w, y[i], want)
				}
			}
		}
		if _, ok := rule(1-1e-12, 1); ok {
			t.Error("a rule that keeps nothing")
		}
	})
}

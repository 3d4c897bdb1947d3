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
		x := arguments(86.9) // see expSum
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
		for _, n := range lengths() {
			in := poisoned(n)
			x, y := in[0], in[1]
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

// poisoned are operands of an element by element function: contiguous values with NaN before and after them, which must not be read.
func poisoned(n int) (in [][]float32) {
	for i := range 7 {
		x := make([]float32, n+40)
		for j := range x {
			x[j] = float32(math.NaN())
		}
		copy(x[20-i:20-i+n], random(n + i)[i:])
		in = append(in, x[20-i:20-i+n])
	}
	return in
}

// elementwise are all element by element functions, with up to three outputs, which may be operands as well.
var elementwise = map[string]func(v *vectors, y, z, w []float32, in [][]float32){
	"add":        func(v *vectors, y, z, w []float32, in [][]float32) { v.add(y, in[0]) },
	"scale":      func(v *vectors, y, z, w []float32, in [][]float32) { v.scale(y, 1.7, in[0]) },
	"score grad": func(v *vectors, y, z, w []float32, in [][]float32) { v.scoreGrad(y, in[0], 0.3, 0.7) },
	"exp":        func(v *vectors, y, z, w []float32, in [][]float32) { v.expSum(y, in[0], 0.7, 0.2) },
	"gelu":       func(v *vectors, y, z, w []float32, in [][]float32) { v.gelu(y, in[0]) },
	"gelu grad":  func(v *vectors, y, z, w []float32, in [][]float32) { v.geluGrad(y, in[0], in[1]) },
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
	"add centered":  func(v *vectors, y, z, w []float32, in [][]float32) { v.addCentered(y, z, in[0], in[1], in[2]) },
	"drop": func(v *vectors, y, z, w []float32, in [][]float32) {
		words := make([]uint32, roundUp(len(y), noiseBlock))
		noise(words, 1, 2, 3, 4)
		v.drop(y, in[0], words, 1<<31, 2)
	},
	"adamw": func(v *vectors, y, z, w []float32, in [][]float32) {
		pos := append([]float32(nil), in[3]...)
		for i := range pos {
			pos[i] *= pos[i]
		}
		v.adamw(y, z, w, in[0], in[1], in[2], pos, adamwRates{0.9, 0.8, 0.2, 0.98, 0.02, 0.01, 0.1, 1.2, 1e-3})
	},
}

// lengths has all short ones and those around the registers of a turn.
func lengths() (n []int) {
	for i := range 71 {
		n = append(n, i)
	}
	return append(n, 95, 96, 97, 127, 128, 129, 255, 256, 257, 1023, 1024, 1025)
}

// Every element by element function must treat exactly the elements asked for, at all lengths and misalignments; the portable ones are the model.
func TestElementwise(t *testing.T) {
	model := portableVectors()
	tables(t, func(t *testing.T, v *vectors) {
		for _, n := range lengths() {
			for name, f := range elementwise {
				in := poisoned(n)
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
						if !(math.Abs(float64(got[i][j]-want[i][j])) <= 2e-6*(1+math.Abs(float64(want[i][j])))) {
							t.Fatalf("%s of %d: output %d[%d] is %v, want %v", name, n, i, j-10-i, got[i][j], want[i][j])
						}
					}
				}
			}
		}
	})
}

// NaN and infinities come out as they do of the portable functions, and spoil no neighbours.
func TestSpecialValues(t *testing.T) {
	model := portableVectors()
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	tables(t, func(t *testing.T, v *vectors) {
		for name, f := range elementwise {
			for _, special := range []float32{nan, inf, -inf} {
				for operand := range 3 {
					const n = 45 // two turns and a rest
					apply := func(v *vectors) (out [3][]float32) {
						in := poisoned(n)
						for i := operand; i < n; i += 5 {
							in[operand][i] = special
						}
						for i := range out {
							out[i] = random(n + i)[i:]
						}
						f(v, out[0], out[1], out[2], in)
						return out
					}
					got, want := apply(v), apply(&model)
					for i := range got {
						for j, w := range want[i] {
							if g := got[i][j]; g != w && !(g != g && w != w) && !(math.Abs(float64(g-w)) <= 2e-6*(1+math.Abs(float64(w)))) {
								t.Fatalf("%s with %v in operand %d: output %d[%d] is %v, want %v", name, special, operand, i, j, g, w)
							}
						}
					}
				}
			}
		}
		for i := range 45 {
			x, ones := random(45), poisoned(45)[0]
			x[i] = nan
			if s := v.sum(x); s == s {
				t.Errorf("sum with NaN at %d is %v", i, s)
			}
			if s := v.dot(x, ones); s == s {
				t.Errorf("dot with NaN at %d is %v", i, s)
			}
			if s := v.dot64(ones, x); s == s {
				t.Errorf("dot64 with NaN at %d is %v", i, s)
			}
			if s := v.deviation(x, 1); s == s {
				t.Errorf("deviation with NaN at %d is %v", i, s)
			}
			if s := v.expSum(make([]float32, 45), x, 1, 1); s == s {
				t.Errorf("sum of exp with NaN at %d is %v", i, s)
			}
		}
	})
}

// Assembly takes subnormal numbers for zero and makes none, in vector functions and products; Go code after it has them as ever.
func TestSubnormals(t *testing.T) {
	half := float32(0.5)
	for _, c := range candidates() {
		if len(c.missing) > 0 {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			v, keep := &c.table().vec, float32(1e-39)
			if c.name != "portable" {
				keep = 0
			}
			x, small, ones := make([]float32, 45), make([]float32, 45), make([]float32, 45)
			for i := range x {
				x[i], small[i], ones[i] = 1e-39, 1e-20, 1
			}
			check := func(what string, got, want float32) {
				t.Helper()
				if !(math.Abs(float64(got-want)) <= 1e-3*float64(want)) {
					t.Errorf("%s is %v, want %v", what, got, want)
				}
				if y := x[0] * half; y == 0 {
					t.Fatalf("after %s Go code has no subnormal numbers", what)
				}
			}
			y := make([]float32, 45)
			v.scale(y, 1, x)
			check("scale of 1e-39", y[0], keep)
			check("scale of 1e-39 in the rest", y[44], keep)
			v.scale(y, 1e-19, small)
			check("scale to 1e-39", y[0], keep)
			check("dot with 1e-39", v.dot(x, ones), 45*keep)
			check("dot of 1e-20 and 1e-20", v.dot(small, small), 45*keep/10)
			check("dot64 with 1e-39", float32(v.dot64(x, ones)*1e39)*1e-39, 45*keep)
			v.affine(y, x, small, ones, ones)
			check("affine", y[0], 1)
			b := start(t, Options{Threads: 1, Variant: c.name})
			g := gemm{m: 5, n: 9, k: 1, a: view{x, 1, 1}, b: view{ones, 9, 1}, c: y, ldc: 9}
			b.pool.workers[0].gemm(&g)
			check("product with 1e-39", y[0], keep)
			for name, f := range elementwise {
				f(v, y, make([]float32, 45), make([]float32, 45), poisoned(45))
				check(name, 0, 0)
			}
		})
	}
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

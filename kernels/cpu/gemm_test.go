package cpu

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// matrix is an operand for a test: rows or columns contiguous, other stride with a gap or overlapping, NaN wherever no element is.
func matrix(t *rapid.T, name string, rows, cols int, values *values) view {
	byRow := rapid.Bool().Draw(t, name+" by row")
	inner, outer := cols, rows
	if !byRow {
		inner, outer = rows, cols
	}
	stride := inner + rapid.IntRange(-min(inner-1, 3), 5).Draw(t, name+" gap")
	x := make([]float32, (outer-1)*stride+inner)
	for i := range x {
		x[i] = float32(math.NaN())
	}
	for o := range outer {
		for i := range inner {
			x[o*stride+i] = values.next()
		}
	}
	if byRow {
		return view{x, stride, 1}
	}
	return view{x, 1, stride}
}

// values are small numbers without pattern.
type values uint64

func (v *values) next() float32 {
	*v = *v*6364136223846793005 + 1442695040888963407
	return float32(int32(*v>>33))/(1<<30) - 1
}

func (v view) get(i, j int) float64 { return float64(v.x[i*v.rs+j*v.cs]) }

// withBlocks is a back end whose blocks are so small that few rows and columns need several.
func withBlocks(t testing.TB, variant string, threads int) *Backend {
	b := start(t, Options{Threads: threads, Variant: variant})
	small := *b.variant
	small.gemm.kc, small.gemm.mc, small.gemm.nc, small.gemm.near = 24, 2*small.gemm.mr, 2*small.gemm.nr, small.gemm.nr
	b.variant = &small
	for _, w := range b.pool.workers {
		w.v = &small
	}
	return b
}

// Products of all layouts and edges against plain float64 loops, with guards around C.
func TestProducts(t *testing.T) {
	forEach(t, func(t *testing.T, variant string) {
		for _, b := range []*Backend{start(t, Options{Threads: 1, Variant: variant}), withBlocks(t, variant, 1)} {
			w := b.pool.workers[0]
			rapid.Check(t, func(t *rapid.T) {
				m, n, k := rapid.IntRange(1, 70).Draw(t, "m"), rapid.IntRange(1, 150).Draw(t, "n"), rapid.IntRange(0, 90).Draw(t, "k")
				seed := values(rapid.Uint64().Draw(t, "seed"))
				g := gemm{m: m, n: n, k: k, accumulate: rapid.Bool().Draw(t, "accumulate"), ldc: n + rapid.IntRange(0, 3).Draw(t, "gap")}
				if k > 0 {
					g.a, g.b = matrix(t, "a", m, k, &seed), matrix(t, "b", k, n, &seed)
				}
				if rapid.Bool().Draw(t, "bias") {
					g.bias = make([]float32, n)
					for i := range g.bias {
						g.bias[i] = seed.next()
					}
				}
				if k > 0 && rapid.Bool().Draw(t, "packed before") {
					room := make([]float32, b.packedRoom(k, n))
					for i := range room {
						room[i] = float32(math.NaN())
					}
					g.packed = w.prepack(room, g.b, k, n)
				}
				const guard = 77
				c := make([]float32, guard+(m-1)*g.ldc+n+guard)
				for i := range c {
					c[i] = seed.next()
				}
				before := append([]float32(nil), c...)
				g.c = c[guard : guard+(m-1)*g.ldc+n]
				w.gemm(&g)
				checkProduct(t, &g, before[guard:], c[guard:])
				for i := range c {
					if r := i - guard; (r < 0 || r >= len(g.c) || r%g.ldc >= n) && c[i] != before[i] {
						t.Fatalf("wrote outside C at %d", r)
					}
				}
			})
		}
	})
}

func checkProduct(t *rapid.T, g *gemm, before, after []float32) {
	for i := range g.m {
		for j := range g.n {
			var want, size float64
			for k := range g.k {
				p := g.a.get(i, k) * g.b.get(k, j)
				want, size = want+p, size+math.Abs(p)
			}
			if g.accumulate {
				want += float64(before[i*g.ldc+j])
			}
			if g.bias != nil {
				want += float64(g.bias[j])
			}
			if got := float64(after[i*g.ldc+j]); !(math.Abs(got-want) <= 1e-6*(size+1)) {
				t.Fatalf("%d by %d by %d: C[%d,%d] = %v, want %v", g.m, g.k, g.n, i, j, got, want)
			}
		}
	}
}

// Each element must be summed in the same order whichever part of C a call computes.
func TestPartsDoNotMatter(t *testing.T) {
	forEach(t, func(t *testing.T, variant string) { checkParts(t, withBlocks(t, variant, 1).pool.workers[0]) })
}

// checkParts compares products computed whole with the same in four parts.
func checkParts(t *testing.T, w *worker) {
	rapid.Check(t, func(t *rapid.T) {
		m, n, k := rapid.IntRange(1, 100).Draw(t, "m"), rapid.IntRange(1, 140).Draw(t, "n"), rapid.IntRange(1, 90).Draw(t, "k")
		seed := values(rapid.Uint64().Draw(t, "seed"))
		g := gemm{m: m, n: n, k: k, a: matrix(t, "a", m, k, &seed), b: matrix(t, "b", k, n, &seed), c: make([]float32, m*n), ldc: n}
		if rapid.Bool().Draw(t, "bias") {
			g.bias = make([]float32, n)
			for i := range g.bias {
				g.bias[i] = seed.next()
			}
		}
		w.gemm(&g)
		whole := g.c
		g.c = make([]float32, m*n)
		cutM, cutN := rapid.IntRange(0, m).Draw(t, "cut of m"), rapid.IntRange(0, n).Draw(t, "cut of n")
		for _, r := range [][2]int{{0, cutM}, {cutM, m}} {
			for _, c := range [][2]int{{0, cutN}, {cutN, n}} {
				if r[0] < r[1] && c[0] < c[1] {
					part := g.at(r[0], c[0], r[1]-r[0], c[1]-c[0])
					w.gemm(&part)
				}
			}
		}
		for i, v := range whole {
			if math.Float32bits(v) != math.Float32bits(g.c[i]) {
				t.Fatalf("C[%d,%d] is %v in one part and %v in four", i/n, i%n, v, g.c[i])
			}
		}
	})
}

// The grid must cover the result once, with aligned borders.
func TestGrid(t *testing.T) {
	b := start(t, Options{Threads: 1})
	rapid.Check(t, func(t *rapid.T) {
		b := &Backend{variant: b.variant, threads: rapid.IntRange(1, 128).Draw(t, "threads")}
		m, n := rapid.IntRange(0, 2000).Draw(t, "m"), rapid.IntRange(0, 5000).Draw(t, "n")
		cost := b.tiling()
		cost.shared = rapid.Bool().Draw(t, "shared")
		g, _ := b.gridFor(cost, m, n, rapid.IntRange(1, 20).Draw(t, "copies"))
		covered := 0
		for i := range g.parts() {
			row, col, rows, cols := g.part(i)
			if row%b.variant.gemm.mr != 0 || col%b.variant.gemm.nr != 0 || rows < 1 || cols < 1 || row+rows > m || col+cols > n {
				t.Fatalf("part %d of %+v: %d+%d, %d+%d", i, g, row, rows, col, cols)
			}
			covered += rows * cols
		}
		if covered != m*n {
			t.Fatalf("%+v covers %d of %d elements", g, covered, m*n)
		}
	})
}

func TestProductOutsideItsOperandsPanics(t *testing.T) {
	w := start(t, Options{Threads: 1}).pool.workers[0]
	x := make([]float32, 12)
	for name, g := range map[string]gemm{
		"a":    {m: 4, n: 3, k: 4, a: view{x, 4, 1}, b: view{x, 3, 1}, c: x, ldc: 3},
		"b":    {m: 3, n: 4, k: 4, a: view{x, 4, 1}, b: view{x, 4, 1}, c: x, ldc: 4},
		"c":    {m: 4, n: 4, k: 3, a: view{x, 3, 1}, b: view{x, 4, 1}, c: x, ldc: 4},
		"bias": {m: 3, n: 4, k: 3, a: view{x, 4, 1}, b: view{x, 4, 1}, c: x, ldc: 4, bias: x[:3]},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s is too short, and nothing happens", name)
				}
			}()
			w.gemm(&g)
		}()
	}
}

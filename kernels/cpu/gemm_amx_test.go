package cpu

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"aural/kernels"
	"aural/kernels/kerneltest"

	"pgregory.net/rapid"
)

// startVariant starts a back end with a variant that need not be one of this machine's.
func startVariant(t testing.TB, v *variant, opt Options) *Backend {
	t.Helper()
	b, err := newBackend(v, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// withSmallBlocks makes blocks of the products of a variant so small that few rows and columns need several.
func withSmallBlocks(v *variant) *variant {
	small := *v
	bf16, high := *v.bf16, *v.high
	for _, k := range []*bf16Kernel{&bf16, &high} {
		k.kc, k.mc, k.nc = 64, 64, 96
	}
	small.bf16, small.high = &bf16, &high
	return &small
}

// relativeError bounds |C - Σ ab| by Σ |ab|, from the rounding of operands: with u = 2⁻⁸ the unit roundoff of bfloat16, 2u + u² for rounded operands. Split, an
// operand is off by u² of itself, and the product of the low parts, u² at most, is left out: 3u² and terms of u³. Sums of k terms come on top: each
// product goes through 16 additions in its row of a tile, then one for each of the steps of 32.
func relativeError(p kernels.Precision, k int) float64 {
	const u = 1.0 / (1 << 8)
	if p == kernels.PrecisionBF16 {
		return 2*u + u*u + float64(18+k/32)*0x1p-24
	}
	return 3*u*u + 2*u*u*u + float64(18+3*(k/32+1))*0x1p-24
}

var reducedPrecisions = []kernels.Precision{kernels.PrecisionHigh, kernels.PrecisionBF16}

// checkReduced draws a product, computes it and holds it against float64, with guards around C.
func checkReduced(t *rapid.T, w *worker, p kernels.Precision, most int) {
	dim := func(name string, least int) int {
		return rapid.OneOf(rapid.IntRange(least, most), rapid.SampledFrom([]int{1, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65})).Draw(t, name)
	}
	m, n, k := dim("m", 1), dim("n", 1), dim("k", 0)
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
		room := make([]float32, w.low.packedRoom(k, n))
		for i := range room {
			room[i] = float32(math.NaN())
		}
		g.packed = w.prepack(room, g.b, k, n)
	}
	const guard = 77
	c := make([]float32, guard+(m-1)*g.ldc+n+guard)
	for i := range c {
		c[i] = float32(math.NaN())
		if g.accumulate {
			c[i] = seed.next()
		}
	}
	before := append([]float32(nil), c...)
	g.c = c[guard : guard+(m-1)*g.ldc+n]
	// What earlier products left in the buffers must not matter.
	for _, buf := range [][]uint16{w.lowA[:min(len(w.lowA), 1<<16)], w.lowB[:min(len(w.lowB), 1<<16)]} {
		for i := range buf {
			buf[i] = 0x7fc0
		}
	}
	w.gemm(&g)
	for i := range g.m {
		for j := range g.n {
			var want, size float64
			for k := range g.k {
				x := g.a.get(i, k) * g.b.get(k, j)
				want, size = want+x, size+math.Abs(x)
			}
			start := 0.0
			if g.accumulate {
				start += float64(before[guard+i*g.ldc+j])
			}
			if g.bias != nil {
				start += float64(g.bias[j])
			}
			got, bound := float64(g.c[i*g.ldc+j]), relativeError(p, k)*size+1e-6*math.Abs(start)+1e-6
			if !(math.Abs(got-want-start) <= bound) {
				t.Fatalf("%d by %d by %d: C[%d,%d] = %v, want %v within %v", m, k, n, i, j, got, want+start, bound)
			}
		}
	}
	for i := range c {
		if r := i - guard; (r < 0 || r >= len(g.c) || r%g.ldc >= n) && math.Float32bits(c[i]) != math.Float32bits(before[i]) {
			t.Fatalf("wrote outside C at %d", r)
		}
	}
}

func TestReducedProducts(t *testing.T) {
	for _, p := range reducedPrecisions {
		for name, v := range map[string]*variant{"model": modelAMX(), "small blocks": withSmallBlocks(modelAMX())} {
			t.Run(string(p)+"/"+name, func(t *testing.T) {
				w := startVariant(t, v, Options{Threads: 1, Precision: p}).pool.workers[0]
				rapid.Check(t, func(t *rapid.T) { checkReduced(t, w, p, 150) })
			})
		}
	}
}

// Each element must be summed in the same order whichever part of C a call computes, wherever its borders are.
func TestReducedPartsDoNotMatter(t *testing.T) {
	for _, p := range reducedPrecisions {
		checkParts(t, startVariant(t, withSmallBlocks(modelAMX()), Options{Threads: 1, Precision: p}).pool.workers[0])
	}
}

// One operand value that is not finite, or not after rounding, must leave its row of C not finite, and the other rows alone.
func TestReducedProductsOfInfinities(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, c := range []struct {
		x          float32
		bf16, high string
	}{
		{nan, "NaN", "NaN"},
		{inf, "+Inf", "NaN"}, // high: the low part is Inf - Inf
		{-inf, "-Inf", "NaN"},
		{math.MaxFloat32, "+Inf", "NaN"}, // rounds up to Inf
		{0x1.fep127, "3.3895314e+38", "3.3895314e+38"},
		{0x1p-149, "0", "0"}, // subnormal numbers are zero
	} {
		for _, p := range reducedPrecisions {
			w := startVariant(t, modelAMX(), Options{Threads: 1, Precision: p}).pool.workers[0]
			const m, n, k = 3, 5, 7
			a, b := make([]float32, m*k), make([]float32, k*n)
			for i := range b {
				b[i] = 1
			}
			a[1*k+2] = c.x
			g := gemm{m: m, n: n, k: k, a: view{a, k, 1}, b: view{b, n, 1}, c: make([]float32, m*n), ldc: n}
			w.gemm(&g)
			want := c.bf16
			if p == kernels.PrecisionHigh {
				want = c.high
			}
			for i, v := range g.c {
				if row := i / n; row == 1 && fmt.Sprint(v) != want || row != 1 && v != 0 {
					t.Errorf("%v in row 1, %s: C[%d,%d] = %v, want %s", c.x, p, row, i%n, v, want)
				}
			}
		}
	}
}

// tolerances are those of the classes of ops with products, of which calls of more than so many FLOPs are left out. Inputs are near 1 in size, so a sum of n products with relative errors e of random
// signs is off by about e·√n, which is e times the size of the result; maxima are some times that. Attention passes errors of scores through exp.
func tolerances(p kernels.Precision, most int64) []kerneltest.Option {
	e := 0x1p-16
	if p == kernels.PrecisionBF16 {
		e = 0x1p-8
	}
	return []kerneltest.Option{
		kerneltest.Only(func(op kernels.Op, in []kernels.Desc) bool {
			return multiplies(op) && op.FLOPs(in, infer(op, in)) <= most
		}),
		kerneltest.Tolerate(kerneltest.Summed, kerneltest.Tolerance{Norm: 2 * e, Abs: 2 * e}),
		kerneltest.Tolerate(kerneltest.Composed, kerneltest.Tolerance{Norm: 8 * e, Abs: 4 * e}),
	}
}

// multiplies reports whether an op has products of matrices.
func multiplies(op kernels.Op) bool {
	switch op.(type) {
	case kernels.Linear, kernels.LinearGradInput, kernels.LinearGradWeight, kernels.Conv1D, kernels.Conv1DGradInput, kernels.Conv1DGradWeight,
		kernels.Attention, kernels.AttentionGrad, kernels.GumbelQuantize, kernels.GumbelQuantizeGrad:
		return true
	}
	return false
}

func infer(op kernels.Op, in []kernels.Desc) []kernels.Desc {
	out, err := op.Infer(in)
	if err != nil {
		panic(err)
	}
	return out
}

func TestReducedParity(t *testing.T) {
	for _, p := range reducedPrecisions {
		t.Run(string(p), func(t *testing.T) {
			b := startVariant(t, modelAMX(), Options{Threads: 3, Precision: p})
			kerneltest.Run(t, b, append(tolerances(p, 1<<18), kerneltest.MustRun("gemm/amx/"+string(p), "attention/amx/"+string(p)))...)
		})
	}
}

// Results must not depend on the number of threads, bit for bit.
func TestReducedThreadsDoNotMatter(t *testing.T) {
	for _, p := range reducedPrecisions {
		var back []*Backend
		for threads := 1; threads <= 2; threads++ {
			back = append(back, startVariant(t, withSmallBlocks(modelAMX()), Options{Threads: threads, Precision: p}))
		}
		var cases []kerneltest.Case
		for _, c := range kerneltest.Cases() {
			var in []kernels.Desc
			for _, x := range c.Inputs {
				in = append(in, x.Desc)
			}
			if !multiplies(c.Op) || c.NoKernel != "" {
				continue
			}
			if flops := c.Op.FLOPs(in, infer(c.Op, in)); flops > 1<<16 && flops < 1<<19 {
				cases = append(cases, c)
			}
		}
		resultsAgree(t, back, cases)
	}
}

// The precision that runs must show, and what cannot run must say what to do.
func TestPrecisionIsChosen(t *testing.T) {
	able := []candidate{{reduced, nil, modelAMX}, {"portable", nil, portable}}
	unable := []candidate{{reduced, []string{"AMX-TILE", "AMX-BF16"}, modelAMX}, {"portable", nil, portable}}
	for _, c := range []struct {
		list       []candidate
		name       string
		precision  kernels.Precision
		want, fail string
	}{
		{able, "", kernels.PrecisionFloat32, "cpu/amx", ""},
		{able, "", kernels.PrecisionBF16, "cpu/amx/bf16", ""},
		{able, reduced, kernels.PrecisionHigh, "cpu/amx/high", ""},
		{able, "portable", kernels.PrecisionHigh, "", `precision "high" needs variant "amx", and "portable" was asked for; ask for "amx" or none`},
		{able, "", "half", "", `precision is "half", want float32, high, bf16 or int8`},
		{unable, "", kernels.PrecisionFloat32, "cpu/portable", ""},
		{unable, "", kernels.PrecisionBF16, "", "this machine lacks AMX-TILE, AMX-BF16 for it; use precision float32 here, or a machine with AMX"},
		{unable, reduced, kernels.PrecisionBF16, "", `variant "amx" needs AMX-TILE, AMX-BF16`},
		{unable[1:], "", kernels.PrecisionHigh, "", "which this platform does not have"},
	} {
		v, err := choose(c.list, c.name, c.precision)
		if c.fail != "" {
			if err == nil || !strings.Contains(err.Error(), c.fail) {
				t.Errorf("%q in %s: %v, want %s", c.name, c.precision, err, c.fail)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q in %s: %v", c.name, c.precision, err)
			continue
		}
		if got := startVariant(t, v, Options{Threads: 1, Precision: c.precision}).Name(); got != c.want {
			t.Errorf("%q in %s: %s, want %s", c.name, c.precision, got, c.want)
		}
	}
}

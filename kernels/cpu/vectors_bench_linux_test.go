package cpu

import (
	"fmt"
	"math"
	"runtime"
	"testing"

	"aural/rng"
)

// vectorCase calls one function of the table on n elements. A call reads and writes bytes of memory an element.
type vectorCase struct {
	name  string
	bytes int
	call  func(v *vectors, o *operands)
}

// operands are enough arrays for every function.
type operands struct {
	a     [8][]float32
	d     []float64
	words []uint32
	sink  float64
}

func newOperands(n int) *operands {
	o := &operands{d: make([]float64, n), words: make([]uint32, roundUp(n, noiseBlock))}
	for i := range o.a {
		o.a[i] = random(n)
	}
	for i := range o.a[7] {
		o.a[7][i] *= o.a[7][i] // a second moment
	}
	for i := range o.words {
		o.words[i] = rng.Block(1, 2, 3, uint32(i))[0]
	}
	return o
}

func vectorCases() []vectorCase {
	return []vectorCase{
		{"add", 12, func(v *vectors, o *operands) { v.add(o.a[0], o.a[1]) }},
		{"scale", 8, func(v *vectors, o *operands) { v.scale(o.a[0], 0.5, o.a[1]) }},
		{"axpy64", 20, func(v *vectors, o *operands) { v.axpy64(o.d, 0.5, o.a[1]) }},
		{"sum", 4, func(v *vectors, o *operands) { o.sink += float64(v.sum(o.a[1])) }},
		{"dot", 8, func(v *vectors, o *operands) { o.sink += float64(v.dot(o.a[1], o.a[2])) }},
		{"dot64", 8, func(v *vectors, o *operands) { o.sink += v.dot64(o.a[1], o.a[2]) }},
		{"deviation", 4, func(v *vectors, o *operands) { o.sink += float64(v.deviation(o.a[1], 0.5)) }},
		{"max", 4, func(v *vectors, o *operands) { o.sink += float64(v.max(o.a[1])) }},
		{"expSum", 8, func(v *vectors, o *operands) { o.sink += float64(v.expSum(o.a[0], o.a[1], 0.5, 1)) }},
		{"scoreGrad", 12, func(v *vectors, o *operands) { v.scoreGrad(o.a[0], o.a[1], 0.5, 0.5) }},
		{"gelu", 8, func(v *vectors, o *operands) { v.gelu(o.a[0], o.a[1]) }},
		{"geluGrad", 12, func(v *vectors, o *operands) { v.geluGrad(o.a[0], o.a[1], o.a[2]) }},
		{"normalize", 16, func(v *vectors, o *operands) { v.normalize(o.a[0], o.a[1], o.a[2], o.a[3], 0.1, 1) }},
		{"normalizeSums", 28, func(v *vectors, o *operands) { v.normalizeSums(o.a[0], o.a[1], o.a[2], o.a[3], o.a[4], 0.1, 1) }},
		{"normalizeGrad", 16, func(v *vectors, o *operands) { v.normalizeGrad(o.a[0], o.a[1], o.a[2], o.a[3], 0.1, 1, 0.1, 0.1) }},
		{"affine", 20, func(v *vectors, o *operands) { v.affine(o.a[0], o.a[1], o.a[2], o.a[3], o.a[4]) }},
		{"affineGrad", 32, func(v *vectors, o *operands) {
			v.affineGrad(o.a[0], o.a[1], o.a[2], o.a[3], o.a[4], o.a[5], o.a[6], o.a[7])
		}},
		{"addDeviation", 16, func(v *vectors, o *operands) { v.addDeviation(o.a[0], o.a[1], o.a[2]) }},
		{"addCentered", 28, func(v *vectors, o *operands) { v.addCentered(o.a[0], o.a[4], o.a[1], o.a[2], o.a[3]) }},
		{"noise", 4, func(v *vectors, o *operands) { v.noise(o.words, 1, 2, 3, 4) }},
		{"drop", 12, func(v *vectors, o *operands) { v.drop(o.a[0], o.a[1], o.words, 1<<29, 1.1) }},
		{"adamw", 28, func(v *vectors, o *operands) {
			v.adamw(o.a[0], o.a[5], o.a[7], o.a[0], o.a[1], o.a[5], o.a[7], adamwRates{1, 0.9, 0.1, 0.98, 0.02, 1e-5, 1e-3, 1, 1e-6})
		}},
	}
}

// bestCall runs f in batches of about 0.2 ms and returns the processor time of a call in the best batch, in nanoseconds.
func bestCall(b *testing.B, f func()) float64 {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	batch := func(calls int) float64 {
		start := cpuSeconds(b)
		for range calls {
			f()
		}
		return (cpuSeconds(b) - start) * 1e9 / float64(calls)
	}
	batch(2)
	calls := max(1, int(2e5/batch(2)))
	best := math.Inf(1)
	for b.Loop() {
		best = min(best, batch(calls))
	}
	return best
}

// BenchmarkVectors times the vector functions of each variant on one core: 64 values, where the call itself counts, 1024, in the first-level
// cache, and 4 million, in memory. An operation is a batch of calls; GB/s counts the bytes of vectorCase, to be compared with copy.
func BenchmarkVectors(b *testing.B) {
	for _, n := range []int{64, 1024, 4 << 20} {
		o := newOperands(n)
		run := func(name string, bytes int, f func()) {
			b.Run(fmt.Sprintf("%d/%s", n, name), func(b *testing.B) {
				ns := bestCall(b, f)
				b.ReportMetric(ns, "ns/call")
				b.ReportMetric(float64(bytes*n)/ns, "GB/s")
			})
		}
		run("copy", 8, func() { copy(o.a[0], o.a[1]) })
		for _, c := range vectorCases() {
			for _, candidate := range candidates() {
				if len(candidate.missing) == 0 {
					v := &candidate.table().vec
					run(c.name+"/"+candidate.name, c.bytes, func() { c.call(v, o) })
				}
			}
		}
	}
}

// BenchmarkSubnormals compares a product and vector functions on values of normal size with the same on subnormal ones (inputs), and on normal
// ones whose products are subnormal (results).
func BenchmarkSubnormals(b *testing.B) {
	for _, c := range candidates() {
		if len(c.missing) > 0 {
			continue
		}
		v, be := &c.table().vec, start(b, Options{Threads: 1, Variant: c.name})
		for _, size := range []struct {
			name string
			x, y float32 // factors of the first and the second operand
		}{{"normal", 1, 1}, {"inputs", 1e-39, 1}, {"results", 1e-20, 1e-20}} {
			scaled := func(n int, f float32) []float32 {
				x := random(n)
				for i := range x {
					x[i] *= f
				}
				return x
			}
			const n, m = 1024, 96
			x, y, out, words := scaled(n, size.x), scaled(n, size.y), make([]float32, n), make([]uint32, n)
			g := gemm{m: m, n: m, k: m, a: view{scaled(m*m, size.x), m, 1}, b: view{scaled(m*m, size.y), m, 1}, c: make([]float32, m*m), ldc: m}
			for _, f := range []struct {
				name string
				call func()
			}{
				{"product", func() { be.pool.workers[0].gemm(&g) }},
				{"add", func() { v.add(out, x) }},
				{"scale", func() { v.scale(out, size.y, x) }},
				{"dot", func() { v.dot(x, y) }},
				{"normalize", func() { v.normalize(out, x, y, x, 0, 1) }},
				{"gelu", func() { v.gelu(out, x) }},
				{"drop", func() { v.drop(out, x, words, 0, 1.1) }},
			} {
				clear(out)
				b.Run(c.name+"/"+f.name+"/"+size.name, func(b *testing.B) { b.ReportMetric(bestCall(b, f.call), "ns/call") })
			}
		}
	}
}

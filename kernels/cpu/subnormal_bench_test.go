package cpu

import "testing"

// BenchmarkSubnormals compares a product and vector functions on values of normal size with the same on subnormal ones (inputs), and on normal
// ones whose results are subnormal (results).
func BenchmarkSubnormals(b *testing.B) {
	for _, c := range candidates() {
		if len(c.missing) > 0 {
			continue
		}
		v := c.table()
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
			const n = 1024
			x, y, out, acc := scaled(n, size.x), scaled(n, size.y), make([]float32, n), make([]float32, n)
			run := func(name string, f func()) {
				b.Run(c.name+"/"+name+"/"+size.name, func(b *testing.B) {
					for b.Loop() {
						f()
					}
				})
			}
			be := start(b, Options{Threads: 1, Variant: c.name})
			const m = 96
			g := gemm{m: m, n: m, k: m, a: view{scaled(m*m, size.x), m, 1}, b: view{scaled(m*m, size.y), m, 1}, c: make([]float32, m*m), ldc: m}
			run("product", func() { be.pool.workers[0].gemm(&g) })
			run("scale", func() { v.vec.scale(out, size.y, x) })
			run("add", func() { clear(out); v.vec.add(out, x) })
			run("addCentered", func() { clear(acc); v.vec.addCentered(acc, x, y, out) })
			run("normalize", func() { v.vec.normalize(out, x, y, acc, 0, 1) })
			run("gelu", func() { v.vec.gelu(out, x) })
			run("drop", func() { v.vec.drop(out, x, make([]uint32, n), 0, 1.1) })
			run("dot", func() { v.vec.dot(x, y) })
		}
	}
}

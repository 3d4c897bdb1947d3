package cpu

import (
	"testing"
	"unsafe"

	"aural/kernels"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"
)

// atEdge copies x to memory behind which nothing is mapped.
func atEdge(t testing.TB, page []byte, x []float32) []float32 {
	usable := len(page) - unix.Getpagesize()
	if 4*len(x) > usable {
		t.Fatalf("%d values do not fit", len(x))
	}
	y := unsafe.Slice((*float32)(unsafe.Pointer(&page[usable-4*len(x)])), len(x))
	copy(y, x)
	return y
}

// guarded maps memory whose last page cannot be touched.
func guarded(t testing.TB, bytes int) []byte {
	size := unix.Getpagesize()
	mem, err := unix.Mmap(-1, 0, roundUp(bytes, size)+size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Munmap(mem) })
	if err := unix.Mprotect(mem[len(mem)-size:], unix.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	return mem
}

// Tiles read a step ahead. They must not do so in operands that are not packed: a fault ends the test.
func TestProductsStayInsideTheirOperands(t *testing.T) {
	forEach(t, func(t *testing.T, variant string) {
		w := withBlocks(t, variant, 1).pool.workers[0]
		memA, memB, memC := guarded(t, 1<<17), guarded(t, 1<<17), guarded(t, 1<<17)
		rapid.Check(t, func(rt *rapid.T) {
			m, n, k := rapid.IntRange(1, 70).Draw(rt, "m"), rapid.IntRange(1, 150).Draw(rt, "n"), rapid.IntRange(1, 90).Draw(rt, "k")
			seed := values(rapid.Uint64().Draw(rt, "seed"))
			a, b := matrix(rt, "a", m, k, &seed), matrix(rt, "b", k, n, &seed)
			a.x, b.x = atEdge(t, memA, a.x), atEdge(t, memB, b.x)
			g := gemm{m: m, n: n, k: k, a: a, b: b, c: atEdge(t, memC, make([]float32, m*n)), ldc: n}
			w.gemm(&g)
			checkProduct(rt, &g, make([]float32, m*n), g.c)
		})
	})
}

// Quantising reads no value and writes no byte beyond the last.
func TestQuantizingStaysInsideItsOperands(t *testing.T) {
	forEach(t, func(t *testing.T, variant string) {
		b := start(t, Options{Threads: 1, Variant: variant, Precision: kernels.PrecisionInt8})
		from, to, seed := guarded(t, 1<<12), guarded(t, 1<<12), values(1)
		for n := 1; n < 100; n++ {
			x := make([]float32, n)
			for i := range x {
				x[i] = seed.next()
			}
			end, size := len(to)-unix.Getpagesize(), n*b.int8.width
			for i := range to[:end] {
				to[i] = 0xa5
			}
			b.int8.quantizeRow(to[end-size:end], atEdge(t, from, x))
			if to[end-size-1] != 0xa5 {
				t.Fatalf("%d values: wrote before the first", n)
			}
		}
	})
}

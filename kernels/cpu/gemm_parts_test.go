package cpu

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Sums must be cut so that every step counts once, in order.
func TestSpans(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows, length := rapid.IntRange(0, 5).Draw(t, "rows"), rapid.IntRange(0, 3000).Draw(t, "length")
		split := splitSums(rapid.IntRange(1, 2000).Draw(t, "m"), rapid.IntRange(1, 2000).Draw(t, "n"), rows*length)
		at, sum := 0, 0
		for i, x := range spans(split, rows, length) {
			if i > 0 && x.sum == sum+1 {
				sum++
			}
			if x.sum != sum || x.row*length+x.from != at || x.to > length || x.to <= x.from && rows*length > 0 {
				t.Fatalf("span %d of %d rows of %d in %d sums is %+v after %d steps", i, rows, length, split, x, at)
			}
			at += x.to - x.from
		}
		if at != rows*length || sum != split-1 {
			t.Fatalf("%d of %d rows of %d steps, %d of %d sums", at, rows, length, sum+1, split)
		}
	})
}

// What packing takes, for the tilings of float32, shared columns, and products that count no reading (AMX, int8).
func TestPackingCost(t *testing.T) {
	float32s, reduced := tiling{mr: 12, nr: 32, mc: 240, nc: 1024, packCost: 40}, tiling{mr: 12, nr: 32, nc: 1024, packCost: 20}
	shared := float32s
	shared.shared = true
	for _, c := range []struct {
		tiling
		m, n, want int
	}{
		{float32s, 240, 2048, 40 * (240 + 2048)},
		{float32s, 241, 2048, 40*(2*241+2048) + 15*2*2048},
		{shared, 240, 2048, 40*240 + 15*2048},
		{shared, 241, 2048, 40*241 + 15*2*2048},
		{reduced, 240, 2048, 20 * (2*240 + 2048)},
		{reduced, 2000, 1024, 20 * (2000 + 1024)},
	} {
		if got := c.packing(c.m, c.n); got != c.want {
			t.Errorf("%+v: %d by %d costs %d, want %d", c.tiling, c.m, c.n, got, c.want)
		}
	}
}

// runs computes the phases of a plan in memory that is not a number anywhere.
func (p *plan) runs(t *rapid.T) {
	scratch, err := allocate(p.scratch)
	if err != nil {
		t.Fatal(err)
	}
	defer scratch.Free()
	for i := range scratch.Host {
		scratch.Host[i] = 0xff
	}
	p.kernel().Run(nil, nil, nil, scratch.Host)
}

// Products whose columns all workers pack together are those of one worker, bit for bit.
func TestSharedColumns(t *testing.T) {
	forEach(t, func(t *testing.T, variant string) {
		shared := 0
		for threads := 1; threads <= 4; threads++ {
			b := withBlocks(t, variant, threads)
			rapid.Check(t, func(t *rapid.T) {
				m, n, k := rapid.IntRange(1, 200).Draw(t, "m"), rapid.IntRange(1, 200).Draw(t, "n"), rapid.IntRange(1, 60).Draw(t, "k")
				seed := values(rapid.Uint64().Draw(t, "seed"))
				g := gemm{m: m, n: n, k: k, a: matrix(t, "a", m, k, &seed), b: matrix(t, "b", k, n, &seed), c: make([]float32, m*n), ldc: n}
				b.pool.workers[0].gemm(&g)
				want := slices.Clone(g.c)
				for i := range g.c {
					g.c[i] = float32(math.NaN())
				}
				p := b.plan("product")
				p.gemm(m, n, k, func(*call) gemm { return g })
				shared += len(p.phases) - 1
				p.runs(t)
				for i, v := range want {
					if math.Float32bits(v) != math.Float32bits(g.c[i]) {
						t.Fatalf("C[%d,%d] is %v, want %v", i/n, i%n, g.c[i], v)
					}
				}
			})
		}
		if shared == 0 {
			t.Error("no product was shared")
		}
	})
}

// Long sums are right, and the same for any number of threads.
func TestLongSums(t *testing.T) {
	forEach(t, func(t *testing.T, variant string) {
		back := []*Backend{start(t, Options{Threads: 1, Variant: variant}), start(t, Options{Threads: 3, Variant: variant})}
		split := 0
		rapid.Check(t, func(t *rapid.T) {
			m, n := rapid.IntRange(1, 30).Draw(t, "m"), rapid.IntRange(1, 40).Draw(t, "n")
			rows, length, groups := rapid.IntRange(1, 3).Draw(t, "rows"), rapid.IntRange(0, 1500).Draw(t, "length"), rapid.IntRange(1, 2).Draw(t, "groups")
			split += splitSums(m, n, rows*length) - 1
			seed := values(rapid.Uint64().Draw(t, "seed"))
			x, y := make([]float32, groups*rows*length*m), make([]float32, groups*rows*length*n)
			for _, v := range [][]float32{x, y} {
				for i := range v {
					v[i] = seed.next()
				}
			}
			var first []float32
			for _, b := range back {
				c := make([]float32, groups*m*n)
				for i := range c {
					c[i] = float32(math.NaN())
				}
				p := b.plan("sums")
				p.sums(m, n, rows, length, groups, func(_ *call, group, row int) gemm {
					at := (group*rows + row) * length
					return gemm{a: view{x[at*m:][:length*m], 1, m}, b: view{y[at*n:][:length*n], n, 1}, c: c[group*m*n:][:m*n], ldc: n}
				})
				p.runs(t)
				if first == nil {
					first = c
				}
				for i, v := range c {
					if math.Float32bits(v) != math.Float32bits(first[i]) {
						t.Fatalf("element %d is %v with %d threads, %v with one", i, v, b.threads, first[i])
					}
				}
			}
			for i, v := range first {
				group, row, col := i/(m*n), i/n%m, i%n
				var want float64
				for s := group * rows * length; s < (group+1)*rows*length; s++ {
					want += float64(x[s*m+row]) * float64(y[s*n+col])
				}
				if !(math.Abs(float64(v)-want) <= 1e-6*float64(rows*length+1)) {
					t.Fatalf("group %d: C[%d,%d] = %v, want %v", group, row, col, v, want)
				}
			}
		})
		if split == 0 {
			t.Error("no sum was cut")
		}
	})
}

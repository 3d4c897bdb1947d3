package cpu

import (
	"fmt"
	"testing"
	"time"

	"aural/kernels"
	"aural/kernels/kerneltest"
)

func newBench(b *testing.B, variant string) *Backend {
	be, err := New(Options{Variant: variant})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { be.Close() })
	return be
}

// BenchmarkOps times the ops of training steps with the best variant.
func BenchmarkOps(b *testing.B) { kerneltest.Bench(b, newBench(b, "")) }

// peak measures what the tile kernel reaches with all operands in the first-level cache, on all workers at once, in FLOP/s.
func (b *Backend) peak() float64 {
	const kc, calls, parts = 128, 400, 16
	t := &b.variant.gemm
	work := func(_ *call, w *worker, _ int) {
		for range calls {
			t.tile(kc, &w.packA[0], &w.packB[0], &w.corner[0], int64(4*t.nr), 0, nil)
		}
	}
	best := time.Duration(1 << 62)
	for range 20 {
		start := time.Now()
		b.pool.parallel(parts, work, nil)
		best = min(best, time.Since(start))
	}
	return float64(parts*calls*2*kc*t.mr*t.nr) / best.Seconds()
}

// BenchmarkProducts times matrix products and reports the best run, in GFLOP/s and as a percentage of the peak measured just before: a ratio
// that means something on a machine that others use as well.
func BenchmarkProducts(b *testing.B) {
	const f = kernels.Float32
	type product struct {
		name string
		op   kernels.Op
		in   []kernels.Desc
	}
	var products []product
	for _, s := range [][3]int{{1500, 768, 3072}, {1500, 768, 768}, {400, 256, 1024}, {1500, 128, 512}} {
		m, k, n := s[0], s[1], s[2]
		name := fmt.Sprintf("%dx%dx%d/", m, k, n)
		products = append(products,
			product{name + "y", kernels.Linear{}, []kernels.Desc{kernels.Of(f, m, k), kernels.Of(f, n, k), kernels.Of(f, n)}},
			product{name + "dx", kernels.LinearGradInput{}, []kernels.Desc{kernels.Of(f, m, n), kernels.Of(f, n, k)}},
			product{name + "dw", kernels.LinearGradWeight{}, []kernels.Desc{kernels.Of(f, m, n), kernels.Of(f, m, k)}})
	}
	conv := kernels.Conv1D{Stride: 2, Groups: 1}
	x, w := kernels.Of(f, 1, 16000, 512), kernels.Of(f, 512, 512, 3)
	y := kernels.Of(f, 1, conv.OutLen(16000, 3), 512)
	products = append(products,
		product{"conv512k3s2/y", conv, []kernels.Desc{x, w}},
		product{"conv512k3s2/dx", kernels.Conv1DGradInput{Conv: conv, Len: 16000}, []kernels.Desc{y, w}},
		product{"conv512k3s2/dw", kernels.Conv1DGradWeight{Conv: conv, Kernel: 3}, []kernels.Desc{y, x}})
	for _, variant := range Variants() {
		be := newBench(b, variant)
		for _, p := range products {
			b.Run(variant+"/"+p.name, func(b *testing.B) { be.benchProduct(b, p.op, p.in) })
		}
	}
}

func (b *Backend) benchProduct(tb *testing.B, op kernels.Op, in []kernels.Desc) {
	out, err := op.Infer(in)
	if err != nil {
		tb.Fatal(err)
	}
	k, err := b.Compile(op, in, out)
	if err != nil {
		tb.Fatal(err)
	}
	alloc := func(ds []kernels.Desc) (bufs []kernels.Buffer) {
		for _, d := range ds {
			m, err := b.Alloc(d.Bytes())
			if err != nil {
				tb.Fatal(err)
			}
			tb.Cleanup(func() { m.Free() })
			buf, err := m.Slice(d, 0)
			if err != nil {
				tb.Fatal(err)
			}
			bufs = append(bufs, buf)
		}
		return bufs
	}
	ins, outs, scratch := alloc(in), alloc(out), alloc([]kernels.Desc{kernels.Of(kernels.Uint8, k.Scratch)})[0].HostBytes()
	peak := b.peak()
	best := time.Duration(1 << 62)
	for tb.Loop() {
		start := time.Now()
		k.Run(nil, ins, outs, scratch)
		best = min(best, time.Since(start))
	}
	rate := float64(op.FLOPs(in, out)) / best.Seconds()
	tb.ReportMetric(rate/1e9, "GFLOP/s")
	tb.ReportMetric(100*rate/peak, "%peak")
}

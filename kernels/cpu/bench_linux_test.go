package cpu

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"aural/kernels"

	"golang.org/x/sys/unix"
)

// cpuSeconds is the processor time of the thread, which must be locked to its goroutine. Unlike the clock it means the same when other
// programs use the machine.
func cpuSeconds(b *testing.B) float64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		b.Fatal(err)
	}
	return float64(t.Nano()) / 1e9
}

// peak measures in FLOP/s what the float32 tile kernel reaches on one core with all operands in the first-level cache.
func (b *Backend) peak(tb *testing.B) float64 {
	const kc, calls = 64, 400
	t, w := &b.variant.gemm, b.pool.workers[0]
	best := 0.0
	for range 50 {
		start := cpuSeconds(tb)
		for range calls {
			t.tile(kc, &w.packA[0], &w.packB[0], &w.corner[0], int64(4*t.nr), 0, nil)
		}
		best = max(best, float64(calls*2*kc*t.mr*t.nr)/(cpuSeconds(tb)-start))
	}
	return best
}

// BenchmarkProducts times matrix products on one core and reports the best run, in GFLOP/s and as a percentage of the float32 peak measured
// just before, which products in reduced precision pass.
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
		for _, precision := range kernels.Precisions() {
			int8 := precision == kernels.PrecisionInt8
			if precision != kernels.PrecisionFloat32 && !int8 && variant != reduced {
				continue
			}
			be := start(b, Options{Threads: 1, Variant: variant, Precision: precision})
			for _, p := range products {
				if int8 && !strings.HasSuffix(p.name, "/y") {
					continue
				}
				b.Run(be.label+"/"+p.name, func(b *testing.B) { be.benchProduct(b, p.op, p.in) })
			}
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
	if b.int8 != nil { // as in inference, its only use
		if err := b.Freeze(op, ins[1]); err != nil {
			tb.Fatal(err)
		}
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	peak, best := b.peak(tb), 0.0
	for tb.Loop() {
		start := cpuSeconds(tb)
		k.Run(nil, ins, outs, scratch)
		best = max(best, float64(op.FLOPs(in, out))/(cpuSeconds(tb)-start))
	}
	tb.ReportMetric(best/1e9, "GFLOP/s")
	tb.ReportMetric(100*best/peak, "%peak")
}

// BenchmarkNarrowProducts times products with few columns, as in the groups of positional convolutions and short rests, on one core. B is
// stored by row or by column.
func BenchmarkNarrowProducts(b *testing.B) {
	const m, k = 480, 768
	for _, variant := range Variants() {
		be := start(b, Options{Threads: 1, Variant: variant})
		w := be.pool.workers[0]
		for _, n := range []int{4, 8, 16, 24, 40, 48} {
			for i, right := range []view{{random(k * n), n, 1}, {random(k * n), 1, k}} {
				g := gemm{m: m, n: n, k: k, a: view{random(m * k), k, 1}, b: right, c: make([]float32, m*n), ldc: n}
				b.Run(fmt.Sprintf("%s/%d/%s", variant, n, [...]string{"rows", "columns"}[i]), func(b *testing.B) {
					runtime.LockOSThread()
					defer runtime.UnlockOSThread()
					best := 0.0
					for b.Loop() {
						start := cpuSeconds(b)
						w.gemm(&g)
						best = max(best, 2*m*k*float64(n)/(cpuSeconds(b)-start))
					}
					b.ReportMetric(best/1e9, "GFLOP/s")
				})
			}
		}
	}
}

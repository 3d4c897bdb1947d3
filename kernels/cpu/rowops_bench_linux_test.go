package cpu

import (
	"math"
	"runtime"
	"testing"

	"aural/kernels"
)

// BenchmarkRowOps times the ops that are no products, on one core and in processor time, with the sizes of a small model (8 crops of 3 s).
func BenchmarkRowOps(b *testing.B) {
	const f, i32, rows, dim, frames = kernels.Float32, kernels.Int32, 500, 64, 9599
	of := kernels.Of
	type call struct {
		op kernels.Op
		in []kernels.Desc
	}
	x, ch, stats := of(f, 8, frames, dim), of(f, dim), of(f, 8, dim)
	vec, list, codes := of(f, rows, dim), of(i32, rows, 100), of(i32, rows, 2)
	logits, book, index, scalar := of(f, rows, 64), of(f, 1, 64, 32), of(i32, rows), of(f)
	v, dir, norm := of(f, 128, 16, 64), of(f, 1, 1, 64), of(f, 64)
	nce, gumbel := kernels.InfoNCE{Temp: 0.1}, kernels.GumbelQuantize{Groups: 2, Frames: 149, Noise: true, Hard: true}
	for _, variant := range Variants() {
		be := start(b, Options{Threads: 1, Variant: variant})
		for _, c := range []call{
			{kernels.GroupNorm{Groups: dim, Eps: 1e-5}, []kernels.Desc{x, ch, ch}},
			{kernels.GroupNormGrad{Groups: dim}, []kernels.Desc{x, x, ch, stats, stats}},
			{kernels.WeightNorm{}, []kernels.Desc{dir, v}},
			{kernels.WeightNormGrad{}, []kernels.Desc{v, dir, v, norm}},
			{nce, []kernels.Desc{vec, vec, list, codes}},
			{kernels.InfoNCEGrad{InfoNCE: nce}, []kernels.Desc{scalar, vec, vec, list, of(f, rows), codes}},
			{gumbel, []kernels.Desc{logits, book, index, scalar}},
			{kernels.GumbelQuantizeGrad{Quantize: gumbel}, []kernels.Desc{of(f, rows, 64), logits, book, index, scalar, codes}},
			{kernels.Diversity{Groups: 2}, []kernels.Desc{logits, index}},
		} {
			b.Run(variant+"/"+c.op.Name(), func(b *testing.B) {
				var in []kernels.Buffer
				for k, d := range c.in {
					buf := kernels.New(d.DType, d.Shape...)
					switch {
					case d.DType == f:
						copy(buf.F32(), random(buf.Size()))
						if d.Size() == 1 {
							buf.F32()[0] = 1 // a temperature
						}
					case k == len(c.in)-1: // codes
						for j := range buf.I32() {
							buf.I32()[j] = int32(j * 7919 % 32)
						}
					case d.Size() > rows: // negatives
						for j := range buf.I32() {
							buf.I32()[j] = int32(j * 7919 % rows)
						}
					}
					in = append(in, buf)
				}
				j := prepare(b, be, c.op, kernels.Step{}, in)
				runtime.LockOSThread()
				defer runtime.UnlockOSThread()
				best := math.Inf(1)
				for b.Loop() {
					start := cpuSeconds(b)
					j.run()
					best = min(best, cpuSeconds(b)-start)
				}
				b.ReportMetric(best*1e6, "µs")
				b.ReportMetric(float64(kernels.Bytes(c.in, nil))/best/1e9, "GB/s-read")
			})
		}
	}
}

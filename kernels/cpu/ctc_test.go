package cpu

import (
	"math"
	"testing"

	"aural/kernels"
	"aural/rng"
)

// ctcBatch are rows of random lengths with targets that fit them.
func ctcBatch(rows, frames, classes, labels int) []kernels.Buffer {
	in := []kernels.Buffer{kernels.New(kernels.Float32, rows, frames, classes), kernels.New(kernels.Int32, rows),
		kernels.New(kernels.Int32, rows, labels), kernels.New(kernels.Int32, rows)}
	r := rng.At(1, 2, 3)
	for i := range in[0].F32() {
		in[0].F32()[i] = float32(2 * r.NormFloat64())
	}
	for b := range rows {
		in[1].I32()[b] = int32(2*labels + r.IntN(frames-2*labels+1))
		in[3].I32()[b] = int32(r.IntN(labels + 1))
		for i := range labels {
			in[2].I32()[b*labels+i] = int32(1 + r.IntN(classes-1))
		}
	}
	return in
}

// A row gives the same numbers, bit for bit, in a batch and alone with its padding cut off.
func TestCTCBatchIsItsRows(t *testing.T) {
	forEach(t, func(t *testing.T, variant string) {
		b := start(t, Options{Threads: 2, Variant: variant})
		const rows, frames, classes, labels = 7, 61, 19, 13
		op := kernels.CTCLoss{}
		in := ctcBatch(rows, frames, classes, labels)
		dloss := kernels.New(kernels.Float32)
		dloss.F32()[0] = 0.5
		loss := prepare(t, b, op, kernels.Step{}, in)
		loss.run()
		grad := prepare(t, b, kernels.CTCLossGrad{CTC: op}, kernels.Step{}, append([]kernels.Buffer{dloss}, in...))
		grad.run()
		for r := range rows {
			n, u := int(in[1].I32()[r]), int(in[3].I32()[r])
			alone := []kernels.Buffer{kernels.New(kernels.Float32, 1, n, classes), kernels.New(kernels.Int32, 1), kernels.New(kernels.Int32, 1, u), kernels.New(kernels.Int32, 1)}
			copy(alone[0].F32(), in[0].F32()[r*frames*classes:])
			alone[1].I32()[0], alone[3].I32()[0] = int32(n), int32(u)
			copy(alone[2].I32(), in[2].I32()[r*labels:])
			one := prepare(t, b, op, kernels.Step{}, alone)
			one.run()
			if got, want := loss.out[1].F32()[r], one.out[0].F32()[0]; got != want {
				t.Errorf("row %d: loss %v in the batch, %v alone", r, got, want)
			}
			oneGrad := prepare(t, b, kernels.CTCLossGrad{CTC: op}, kernels.Step{}, append([]kernels.Buffer{dloss}, alone...))
			oneGrad.run()
			for i, want := range oneGrad.out[0].F32() {
				if got := grad.out[0].F32()[r*frames*classes+i]; got != want {
					t.Fatalf("row %d: gradient %d is %v in the batch, %v alone", r, i, got, want)
				}
			}
		}
	})
}

// Each class's gradient at a frame is its probability less its occupancy, so those of a frame add up to 0; and a certain right alignment has none.
func TestCTCGradientSumsToZero(t *testing.T) {
	b := start(t, Options{Threads: 1})
	const rows, frames, classes, labels = 3, 300, 30, 100
	in := ctcBatch(rows, frames, classes, labels)
	dloss := kernels.New(kernels.Float32)
	dloss.F32()[0] = 1
	grad := prepare(t, b, kernels.CTCLossGrad{}, kernels.Step{}, append([]kernels.Buffer{dloss}, in...))
	grad.run()
	for n := range rows * frames {
		var sum float64
		for _, d := range grad.out[0].F32()[n*classes:][:classes] {
			sum += float64(d)
		}
		if math.Abs(sum) > 1e-6 {
			t.Fatalf("frame %d: the gradient adds up to %v", n, sum)
		}
	}
}

// BenchmarkCTC is 100 s of speech with 15 labels a second in rows of 10 s; see the floor at the type ctc.
func BenchmarkCTC(b *testing.B) {
	be := start(b, Options{Threads: 1})
	in := ctcBatch(10, 500, 32, 150)
	for i := range in[1].I32() {
		in[1].I32()[i], in[3].I32()[i] = 500, 150
	}
	dloss := kernels.New(kernels.Float32)
	for _, c := range []struct {
		op     kernels.Op
		in     []kernels.Buffer
		sweeps float64
	}{{kernels.CTCLoss{}, in, 1}, {kernels.CTCLossGrad{}, append([]kernels.Buffer{dloss}, in...), 2}} {
		b.Run(c.op.Name(), func(b *testing.B) {
			j := prepare(b, be, c.op, kernels.Step{}, c.in)
			for range b.N {
				j.run()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(c.sweeps*10*500*301), "ns/cell")
		})
	}
}

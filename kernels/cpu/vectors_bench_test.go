package cpu

import (
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
		{"addCentered", 20, func(v *vectors, o *operands) { v.addCentered(o.a[0], o.a[1], o.a[2], o.a[3]) }},
		{"noise", 4, func(v *vectors, o *operands) { v.noise(o.words, 1, 2, 3, 4) }},
		{"drop", 12, func(v *vectors, o *operands) { v.drop(o.a[0], o.a[1], o.words, 1<<29, 1.1) }},
		{"adamw", 28, func(v *vectors, o *operands) {
			v.adamw(o.a[0], o.a[5], o.a[7], o.a[0], o.a[1], o.a[5], o.a[7], adamwRates{1, 0.9, 0.1, 0.98, 0.02, 1e-5, 1e-3, 1, 1e-6})
		}},
	}
}

// BenchmarkVectors times the vector functions of each variant on one core: 64 values, where the call counts, 1024, in the first-level cache,
// and 4 million, in memory. The floor of the last is copy of the same bytes.
func BenchmarkVectors(b *testing.B) {
	for _, n := range []int{64, 1024, 4 << 20} {
		o := newOperands(n)
		run := func(name string, bytes int, f func()) {
			b.Run(name, func(b *testing.B) {
				b.SetBytes(int64(bytes * n))
				for b.Loop() {
					f()
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/value")
			})
		}
		size := map[int]string{64: "64", 1024: "1Ki", 4 << 20: "4Mi"}[n]
		run(size+"/copy", 8, func() { copy(o.a[0], o.a[1]) })
		for _, c := range vectorCases() {
			for _, candidate := range candidates() {
				if len(candidate.missing) == 0 {
					v := &candidate.table().vec
					run(size+"/"+c.name+"/"+candidate.name, c.bytes, func() { c.call(v, o) })
				}
			}
		}
	}
}

package cpu

import (
	"unsafe"

	"aural/kernels"
)

// plan is an op compiled for fixed shapes: phases that run one after the other, and the scratch memory that they share.
type plan struct {
	b       *Backend
	variant string
	scratch int
	phases  []phase
}

// phase is a number of independent parts.
type phase struct {
	parts int
	run   task
}

func (b *Backend) plan(name string) *plan { return &plan{b: b, variant: name + "/" + b.label} }

func (p *plan) add(parts int, run task) { p.phases = append(p.phases, phase{parts, run}) }

// kernel makes the plan callable.
func (p *plan) kernel() kernels.Kernel {
	b := p.b
	run := func(s *kernels.Step, in, out []kernels.Buffer, scratch []byte) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.call = call{step: s, in: in, out: out, scratch: scratch}
		for i := range p.phases {
			b.pool.parallel(p.phases[i].parts, p.phases[i].run, &b.call)
		}
		b.call = call{}
	}
	return kernels.Kernel{Variant: p.variant, Scratch: p.scratch, Run: run}
}

// region is a part of a plan's scratch memory.
type region struct{ off, n int } // byte offset, elements

// floats reserves scratch memory for n float32 values.
func (p *plan) floats(n int) region { return p.reserve(n, 4) }

func (p *plan) reserve(n, size int) region {
	r := region{p.scratch, n}
	p.scratch = roundUp(p.scratch+n*size, kernels.Alignment)
	return r
}

// panels reserves, for each worker, memory for a (k,n) matrix packed by worker.prepack.
func (p *plan) panels(k, n int) region {
	return p.floats(p.b.threads * p.b.packedRoom(k, n))
}

// own is a worker's share of a region that has one of equal size for each.
func (r region) own(c *call, w *worker) []float32 {
	per := r.n / w.of
	return r.f32(c)[w.index*per:][:per]
}

func (r region) f32(c *call) []float32 { return regionOf[float32](r, c) }
func (r region) i32(c *call) []int32   { return regionOf[int32](r, c) }
func (r region) u32(c *call) []uint32  { return regionOf[uint32](r, c) }
func (r region) f64(c *call) []float64 { return regionOf[float64](r, c) }

func regionOf[T float32 | int32 | uint32 | float64 | scaled | rowScale](r region, c *call) []T {
	if r.n == 0 {
		return nil
	}
	mem := c.scratch[r.off : r.off+r.n*int(unsafe.Sizeof(*new(T)))]
	return unsafe.Slice((*T)(unsafe.Pointer(&mem[0])), r.n)
}

// floats views bytes as float32 values.
func floats(mem []byte) []float32 {
	if len(mem) == 0 {
		return nil
	}
	return unsafe.Slice((*float32)(unsafe.Pointer(&mem[0])), len(mem)/4)
}

// halves views the memory of float32 values as values of 16 bits.
func halves(x []float32) []uint16 {
	if len(x) == 0 {
		return nil
	}
	return unsafe.Slice((*uint16)(unsafe.Pointer(&x[0])), 2*len(x))
}

// source gives the values of an operand of the running call: an input, an output or a region of scratch memory.
type source func(c *call) []float32

func input(i int) source  { return func(c *call) []float32 { return c.in[i].F32() } }
func output(i int) source { return func(c *call) []float32 { return c.out[i].F32() } }

// pointBlock is the number of elements of one part of an element by element op: 64 KiB, so that a few operands fit a second-level cache.
const pointBlock = 16 << 10

// pointwise adds a phase that treats elements [0,n) in independent blocks.
func (p *plan) pointwise(n int, f func(c *call, lo, hi int)) {
	p.add(ceilDiv(n, pointBlock), func(c *call, _ *worker, i int) {
		f(c, i*pointBlock, min(n, (i+1)*pointBlock))
	})
}

// rows adds a phase over rows of the given width, whose rows are independent.
func (p *plan) rows(n, width int, f func(c *call, w *worker, lo, hi int)) {
	block := max(1, pointBlock/max(width, 1))
	p.add(ceilDiv(n, block), func(c *call, w *worker, i int) {
		f(c, w, i*block, min(n, (i+1)*block))
	})
}

// A sum over rows is cut into blocks by the number of rows alone: at least minSumRows rows a block, at most maxSumBlocks blocks.
const (
	minSumRows   = 32
	maxSumBlocks = 128
)

// sumBlocks cuts n rows into blocks of equal size.
func sumBlocks(n int) (size, count int) {
	size = max(minSumRows, ceilDiv(n, maxSumBlocks))
	return size, ceilDiv(n, size)
}

// rowSums adds two phases. The first calls f for each block of rows with a zeroed vector of the given width to add to; the second sums
// these vectors, in the order of the blocks, and gives the totals of columns [lo,hi) to store.
func (p *plan) rowSums(n, width int, f func(c *call, w *worker, acc []float32, lo, hi int), store func(c *call, lo int, total []float32)) {
	size, count := sumBlocks(n)
	part := p.floats(max(count, 1) * width)
	p.add(max(count, 1), func(c *call, w *worker, i int) {
		acc := part.f32(c)[i*width:][:width]
		clear(acc)
		f(c, w, acc, min(n, i*size), min(n, (i+1)*size))
	})
	const columns = 256
	p.add(ceilDiv(width, columns), func(c *call, w *worker, i int) {
		lo, hi := i*columns, min(width, (i+1)*columns)
		all := part.f32(c)
		total := all[lo:hi]
		for k := 1; k < count; k++ {
			w.v.vec.add(total, all[k*width+lo:][:hi-lo])
		}
		store(c, lo, total)
	})
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

func roundUp(n, to int) int { return ceilDiv(n, to) * to }

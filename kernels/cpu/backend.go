// Package cpu computes the vocabulary of package kernels on the processor: blocked, vectorised and parallel, in float32.
//
// The work of an op is a list of phases; a phase is a number of independent parts that a fixed pool of workers shares. Parts are cut by
// shape alone wherever their borders can touch a sum, so results do not depend on the number of threads, bit for bit.
//
// Nearly all arithmetic of a training step is matrix products. There is one product routine, [worker.gemm], which packs panels of both
// matrices and calls a register-tile kernel (Goto and van de Geijn 2008); convolutions use it through overlapping views of their
// input. The instruction set enters only through a table of function pointers, [variant]; which tables a machine can use is found at run time.
//
// The variants in assembly take subnormal numbers (below 1.2e-38) for zero and make none, in matrix products and in the loops of the vectors
// table: a processor takes a hundred times as long for them, and weights or gradients that fade out would slow training down that much. The
// portable variant, and what little is plain Go in all of them, keeps them.
package cpu

import (
	"errors"
	"fmt"
	"runtime"
	"sync"

	"aural/kernels"
)

// Options choose how a back end computes.
type Options struct {
	Threads int    // workers; 0 means GOMAXPROCS
	Variant string // one of Known, or "" for the best that this machine has
	// Precision of matrix products; "" means float32. high and bf16 need the variant amx.
	Precision kernels.Precision
}

// Backend is the CPU back end. Kernels of one back end may be called from several goroutines; they take turns.
type Backend struct {
	variant *variant
	low     *bf16Kernel // products in reduced precision, nil for float32
	int8    *int8Kernel // products of large layers in precision int8, nil for the others
	label   string      // variant and, unless it is float32, precision
	threads int
	pool    *pool
	packed  kernels.Memory // packing buffers of all workers

	mu     sync.Mutex // guards call, frozen and the pool
	call   call
	frozen map[*byte]*frozen // by the address of the weight
}

// worker is what one thread of the pool owns.
type worker struct {
	sleeper
	v      *variant
	index  int
	of     int // workers
	packA  []float32
	packB  []float32
	corner []float32 // a register tile, for the edges of a matrix
	int8   *int8Kernel

	// For products in reduced precision, where the back end computes in one.
	low        *bf16Kernel
	lowA, lowB []uint16
	lowEdge    []float32 // panelSide columns, for the edges of a matrix
}

// call holds the arguments of the kernel that runs.
type call struct {
	step    *kernels.Step
	in, out []kernels.Buffer
	scratch []byte
}

// New starts a back end.
func New(opt Options) (*Backend, error) {
	if opt.Precision == "" {
		opt.Precision = kernels.PrecisionFloat32
	}
	v, err := choose(candidates(), opt.Variant, opt.Precision)
	if err != nil {
		return nil, err
	}
	return newBackend(v, opt)
}

// newBackend starts a back end with a variant that has the precision.
func newBackend(v *variant, opt Options) (*Backend, error) {
	threads := opt.Threads
	if threads == 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	if threads < 1 || threads > 4096 {
		return nil, fmt.Errorf("cpu: %d threads asked for, want 1 to 4096", threads)
	}
	b := &Backend{variant: v, low: v.forPrecision(opt.Precision), label: v.name, threads: threads, frozen: map[*byte]*frozen{}}
	if opt.Precision == kernels.PrecisionInt8 {
		b.int8 = &v.int8
	}
	if b.low != nil || b.int8 != nil {
		b.label += "/" + string(opt.Precision)
	}
	workers := make([]*worker, threads)
	room := b.rooms(&worker{}, nil)
	mem, err := allocate(threads * room)
	if err != nil {
		return nil, err
	}
	for i := range workers {
		workers[i] = &worker{v: v, index: i, of: threads, low: b.low, int8: b.int8}
		b.rooms(workers[i], mem.Host[i*room:(i+1)*room])
	}
	b.packed, b.pool = mem, newPool(workers)
	return b, nil
}

// rooms cuts memory into the buffers of a worker, and returns how many bytes they need. For the first question there is no memory yet.
func (b *Backend) rooms(w *worker, mem []byte) int {
	used := 0
	take := func(n int) []byte {
		lo := used
		used = roundUp(used+n, kernels.Alignment)
		if mem == nil {
			return nil
		}
		return mem[lo : lo+n : lo+n]
	}
	g := &b.variant.gemm
	w.packA, w.packB, w.corner = floats(take(4*g.mc*g.kc)), floats(take(4*g.nc*g.kc)), floats(take(4*max(g.mr*g.nr, b.variant.int8.mr*b.variant.int8.nr)))
	if t := b.low; t != nil {
		w.lowA, w.lowB = halves(floats(take(2*t.parts*t.mc*t.kc))), halves(floats(take(2*t.parts*t.nc*t.kc)))
		w.lowEdge = floats(take(4 * t.mc * panelSide))
	}
	return used
}

// Name implements kernels.Backend: "cpu/" and the variant, and the precision unless it is float32, as in "cpu/amx/bf16".
func (b *Backend) Name() string { return "cpu/" + b.label }

// Threads is the number of workers.
func (b *Backend) Threads() int { return b.threads }

// Alloc implements kernels.Backend.
func (b *Backend) Alloc(bytes int) (kernels.Memory, error) {
	mem, err := allocate(bytes)
	if err != nil {
		return mem, err
	}
	free := mem.Free
	mem.Free = func() error { return errors.Join(b.thaw(mem.Host), free()) }
	return mem, nil
}

// Upload implements kernels.Backend.
func (b *Backend) Upload(dst kernels.Buffer, src []byte) error { return move(dst.HostBytes(), src) }

// Download implements kernels.Backend.
func (b *Backend) Download(dst []byte, src kernels.Buffer) error { return move(dst, src.HostBytes()) }

func move(dst, src []byte) error {
	if len(dst) != len(src) {
		return fmt.Errorf("cpu: copying %d bytes to a place of %d", len(src), len(dst))
	}
	copy(dst, src)
	return nil
}

// Sync implements kernels.Backend. Kernels have finished when Run returns, so there is nothing to wait for.
func (b *Backend) Sync() error { return nil }

// Close ends the workers. A second Close does nothing.
func (b *Backend) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.pool == nil {
		return nil
	}
	b.pool.close()
	b.pool = nil
	return b.packed.Free()
}

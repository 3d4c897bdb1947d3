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
	"fmt"
	"runtime"
	"sync"

	"aural/kernels"
)

// Options choose how a back end computes.
type Options struct {
	Threads int    // workers; 0 means GOMAXPROCS
	Variant string // "portable", "avx2", "avx512", or "" for the best that this machine has
}

// Backend is the CPU back end. Kernels of one back end may be called from several goroutines; they take turns.
type Backend struct {
	variant *variant
	threads int
	pool    *pool
	packed  kernels.Memory // packing buffers of all workers

	mu   sync.Mutex // guards call and the pool
	call call
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
}

// call holds the arguments of the kernel that runs.
type call struct {
	step    *kernels.Step
	in, out []kernels.Buffer
	scratch []byte
}

// New starts a back end.
func New(opt Options) (*Backend, error) {
	v, err := pick(candidates(), opt.Variant)
	if err != nil {
		return nil, err
	}
	threads := opt.Threads
	if threads == 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	if threads < 1 || threads > 4096 {
		return nil, fmt.Errorf("cpu: %d threads asked for, want 1 to 4096", threads)
	}
	g := &v.gemm
	sizes := [...]int{g.mc * g.kc, g.nc * g.kc, roundUp(g.mr*g.nr, 16)}
	per := sizes[0] + sizes[1] + sizes[2]
	mem, err := allocate(threads * per * 4)
	if err != nil {
		return nil, err
	}
	b := &Backend{variant: v, threads: threads, packed: mem}
	workers := make([]*worker, threads)
	for i := range workers {
		f := floats(mem.Host[i*per*4 : (i+1)*per*4])
		a, rest := f[:sizes[0]:sizes[0]], f[sizes[0]:]
		workers[i] = &worker{v: v, index: i, of: threads, packA: a, packB: rest[:sizes[1]:sizes[1]], corner: rest[sizes[1]:]}
	}
	b.pool = newPool(workers)
	return b, nil
}

// Name implements kernels.Backend.
func (b *Backend) Name() string { return "cpu/" + b.variant.name }

// Threads is the number of workers.
func (b *Backend) Threads() int { return b.threads }

// Alloc implements kernels.Backend.
func (b *Backend) Alloc(bytes int) (kernels.Memory, error) { return allocate(bytes) }

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

package cuda

import (
	"fmt"
	"reflect"
	"unsafe"

	"aural/kernels"
	"aural/kernels/cuda/driver"
)

// plan is an op compiled for fixed shapes: launches that run one after the other, and the device memory that they use beside tensors.
type plan struct {
	b        *Backend
	variant  string
	exact    bool // products are in float32, whatever the precision
	scratch  int  // bytes
	launches []launch
}

// launch is one kernel of a plan. args is memory of the struct that bind fills in when the plan runs.
type launch struct {
	kernel  string
	f       driver.Function
	grid    driver.Dim
	block   driver.Dim
	shared  int
	product driver.PlannedProduct // instead of a kernel, if not nil
	args    []byte
	bind    func(c *call)
}

// call is what a running plan is called with.
type call struct {
	step    driver.Ptr // of the step{} that kernels which draw noise read
	drew    bool       // whether the launch that was bound last does
	ins     []kernels.Buffer
	outs    []kernels.Buffer
	scratch driver.Ptr
}

// in, out are the addresses of tensors; an empty one has any.
func (c *call) in(i int) driver.Ptr  { return driver.Ptr(c.ins[i].Dev) }
func (c *call) out(i int) driver.Ptr { return driver.Ptr(c.outs[i].Dev) }

// region is a part of a plan's scratch memory.
type region int

func (r region) at(c *call) driver.Ptr { return c.scratch + driver.Ptr(r) }

// scratchAlignment lets every region be read 16 bytes at a time, and keeps regions in cache lines of their own.
const scratchAlignment = 256

func (b *Backend) plan(variant string) *plan { return &plan{b: b, variant: variant} }

// reserve gives the plan scratch memory. Its content is not kept between runs, but between launches of a run.
func (p *plan) reserve(bytes int) region {
	r := region(p.scratch)
	p.scratch = ceilDiv(p.scratch+bytes, scratchAlignment) * scratchAlignment
	return r
}

// floats reserves n float32 values.
func (p *plan) floats(n int) region { return p.reserve(4 * n) }

// add appends a launch of a kernel. bind sets the pointers in a each time that the plan runs; it must not allocate,
// and nothing that it sets may depend on the step: a recorded launch is replayed at other steps.
// A grid without blocks is no launch.
func add[A any](p *plan, kernel string, grid, block driver.Dim, shared int, a *A, bind func(c *call)) {
	listed(reflect.TypeFor[A]())
	if grid.X == 0 || grid.Y == 0 || grid.Z == 0 {
		return
	}
	if size := unsafe.Sizeof(*a); size > maxArgs {
		panic(fmt.Sprintf("cuda: the parameter of %s has %d bytes, more than %d", kernel, size, maxArgs))
	}
	args := unsafe.Slice((*byte)(unsafe.Pointer(a)), unsafe.Sizeof(*a))
	p.launches = append(p.launches, launch{kernel: kernel, grid: grid, block: block, shared: shared, args: args, bind: bind})
}

// threads of a block where nothing speaks for another number.
const threads = 256

// each is a grid with one thread for each of n elements.
func each(n int) (grid, block driver.Dim) {
	return driver.Dim{X: uint32(ceilDiv(n, threads)), Y: 1, Z: 1}, driver.Dim{X: threads, Y: 1, Z: 1}
}

// each warp of a grid has one of n rows, 8 warps a block.
func eachWarp(n int) (grid, block driver.Dim) {
	return driver.Dim{X: uint32(ceilDiv(n, threads/32)), Y: 1, Z: 1}, driver.Dim{X: threads, Y: 1, Z: 1}
}

// blocks is a grid of n blocks.
func blocks(n, threads int) (grid, block driver.Dim) {
	return driver.Dim{X: uint32(n), Y: 1, Z: 1}, driver.Dim{X: uint32(threads), Y: 1, Z: 1}
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// Package cuda computes the vocabulary of package kernels on NVIDIA GPUs, through the driver seam of kernels/cuda/driver.
//
// The kernels are CUDA C++ text in src, compiled when a back end starts. An op is a [plan]: launches whose parameters are prepared once and whose
// pointers are filled in at each run. One goroutine on a thread of its own talks to the driver; Run hands it the launches and returns, so a whole
// training step is queued ahead of the device, and errors come out of Sync with the name of the kernel.
//
// Results have the same bits for the same inputs: every sum has an order that depends on shapes alone, and no kernel adds floats atomically.
package cuda

import (
	"errors"
	"fmt"
	"os"
	"sync"

	"aural/kernels"
	"aural/kernels/cuda/driver"
)

// Options choose how a back end computes.
type Options struct {
	Ordinal int // which device
	// Precision of matrix products and attention; "" means float32.
	Precision kernels.Precision
	// MMASync computes products with mma.sync on devices that have wgmma too, to compare the two.
	MMASync bool
	// BLAS multiplies the matrices of linear layers, where it has a way, instead of this package's kernels: in float32 and bf16. Results have the bits that its version
	// gives. nil: none.
	BLAS driver.BLAS
	// SyncEach waits for every launch, so that an error names the kernel that made it. There are no graphs then.
	SyncEach bool
}

// Backend is the CUDA back end of one device. Kernels of one back end may be called from several goroutines; they take turns.
type Backend struct {
	exec      *executor
	info      driver.Info
	precision kernels.Precision
	wgmma     bool  // products of bfloat16 use the instruction of Hopper (sm_90a)
	widths    []int // of its tiles

	blas        string                                              // name of the library, if one is used
	products    driver.Products                                     // used by the executor alone
	planProduct func(driver.Product) (driver.PlannedProduct, error) // nil without a library

	graphs    bool       // Record makes some
	recording sync.Mutex // one at a time

	mu        sync.Mutex // guards what follows
	recorded  *recording // that is being made
	moves     int        // of scratch
	call      call
	step      kernels.Step // the one queued last for kernels that draw noise,
	stepped   bool         // if there was one
	functions map[string]driver.Function
	module    driver.Module
	scratch   driver.Ptr // shared by all plans, which run one after the other
	room      int        // its bytes
	copies    transfers
	closed    bool
}

// New opens a device and compiles the kernels for it.
func New(api driver.API, compiler driver.Compiler, o Options) (*Backend, error) {
	if o.Precision == "" {
		o.Precision = kernels.PrecisionFloat32
	}
	if err := o.Precision.Validate(); err != nil {
		return nil, err
	}
	if o.Precision == kernels.PrecisionInt8 {
		return nil, fmt.Errorf("cuda: precision int8 is computed on the CPU alone; take bf16 here, or --device cpu")
	}
	e, info, err := start(api, o.Ordinal, o.SyncEach)
	if err != nil {
		return nil, err
	}
	b := &Backend{
		exec: e, info: info, precision: o.Precision, wgmma: info.Major == 9 && !o.MMASync, widths: wgmmaWidths, functions: map[string]driver.Function{},
		graphs: !o.SyncEach && os.Getenv(driver.SyncVariable) != "1" && os.Getenv(GraphVariable) != "0",
	}
	image, log, err := compiler.Compile(Text(), nil, info)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cuda: compiling the kernels with %s for %s: %w\n%s", compiler.Name(), info.Name, err, log), b.Close())
	}
	err = b.exec.do(func(ctx driver.Context) (err error) {
		if b.module, err = ctx.Load(image); err != nil {
			return err
		}
		return b.exec.steps.open(ctx)
	})
	if err == nil && o.BLAS != nil {
		err = b.openBLAS(o.BLAS)
	}
	if err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

// Name implements kernels.Backend: "cuda/" and the device's name, the precision unless it is float32, and the library of products if one is used.
func (b *Backend) Name() string {
	name := "cuda/" + b.info.Name
	if b.precision != kernels.PrecisionFloat32 {
		name += "/" + string(b.precision)
	}
	if b.blas != "" {
		name += "/" + b.blas
	}
	return name
}

// Info describes the device.
func (b *Backend) Info() driver.Info { return b.info }

// Alloc implements kernels.Backend.
func (b *Backend) Alloc(bytes int) (kernels.Memory, error) {
	if bytes < 0 {
		return kernels.Memory{}, fmt.Errorf("cuda: cannot allocate %d bytes", bytes)
	}
	var p driver.Ptr
	err := b.exec.do(func(ctx driver.Context) (err error) {
		if p, err = b.exec.alloc(ctx, max(bytes, 1)); err != nil {
			free, total, _ := ctx.Memory()
			return fmt.Errorf("cuda: %d bytes, of %d free and %d there are: %w", bytes, free, total, err)
		}
		return ctx.Fill(b.exec.stream, p, max(bytes, 1), 0)
	})
	if err != nil {
		return kernels.Memory{}, err
	}
	var once sync.Once
	free := func() (err error) {
		once.Do(func() { err = b.exec.do(func(ctx driver.Context) error { return b.exec.free(ctx, p, max(bytes, 1)) }) })
		return err
	}
	return kernels.Memory{Dev: uintptr(p), Size: bytes, Free: free}, nil
}

// Upload implements kernels.Backend. It waits for what runs.
func (b *Backend) Upload(dst kernels.Buffer, src []byte) error {
	if len(src) != dst.Bytes() {
		return fmt.Errorf("cuda: copying %d bytes to a place of %d", len(src), dst.Bytes())
	}
	return b.copy(len(src), func(ctx driver.Context) error { return ctx.CopyToDevice(b.exec.stream, driver.Ptr(dst.Dev), src) })
}

// Download implements kernels.Backend. It waits for what runs.
func (b *Backend) Download(dst []byte, src kernels.Buffer) error {
	if len(dst) != src.Bytes() {
		return fmt.Errorf("cuda: copying %d bytes to a place of %d", src.Bytes(), len(dst))
	}
	return b.copy(len(dst), func(ctx driver.Context) error { return ctx.CopyToHost(b.exec.stream, dst, driver.Ptr(src.Dev)) })
}

// Clear implements kernels.Clearer. It does not wait.
func (b *Backend) Clear(dst kernels.Buffer) error {
	if n := dst.Bytes(); n > 0 {
		b.exec.commands <- command{what: clearMemory, at: driver.Ptr(dst.Dev), bytes: n}
	}
	return nil
}

func (b *Backend) copy(n int, queue func(driver.Context) error) error {
	return b.wait(func(ctx driver.Context) error {
		if n > 0 && b.exec.failed == nil {
			if err := queue(ctx); err != nil {
				return fmt.Errorf("cuda: copying %d bytes: %w", n, err)
			}
		}
		return b.exec.sync(ctx)
	})
}

// Sync implements kernels.Backend.
func (b *Backend) Sync() error { return b.wait(b.exec.sync) }

// wait does a call that ends in a sync, after which the slots of all blocks that were sent before are empty.
func (b *Backend) wait(call func(driver.Context) error) error {
	b.mu.Lock()
	sends := b.copies.sends
	b.mu.Unlock()
	err := b.exec.do(call)
	b.mu.Lock()
	b.arrived(sends)
	b.mu.Unlock()
	return err
}

// Close ends the executor. A second Close does nothing.
func (b *Backend) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil
	}
	b.closed = true
	err := b.exec.do(func(ctx driver.Context) error {
		err := b.exec.sync(ctx)
		for g := range b.exec.graphs {
			err = errors.Join(err, ctx.FreeGraph(g))
		}
		for m := range b.exec.marks {
			err = errors.Join(err, m.free(ctx))
		}
		if b.scratch != 0 {
			err = errors.Join(err, b.exec.free(ctx, b.scratch, b.room))
		}
		err = errors.Join(err, b.exec.steps.close(ctx))
		if b.products != nil {
			err = errors.Join(err, b.products.Close())
		}
		if b.module != 0 {
			err = errors.Join(err, ctx.Unload(b.module))
		}
		return errors.Join(err, b.closeCopies(ctx), ctx.FreeStream(b.exec.stream), ctx.Close())
	})
	close(b.exec.commands)
	<-b.exec.ended
	return err
}

// finish makes a plan callable: it finds the functions and makes room for scratch memory.
func (b *Backend) finish(p *plan) (kernels.Kernel, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range p.launches {
		if l := &p.launches[i]; l.grid.Y > maxGrid || l.grid.Z > maxGrid {
			return kernels.Kernel{}, fmt.Errorf("cuda: %s: kernel %s would need a grid of %v: %w; a smaller batch fits", p.variant, l.kernel, l.grid, kernels.ErrUnsupported)
		}
	}
	if b.exec == nil { // for plans
		b.room = max(b.room, p.scratch)
		return kernels.Kernel{Variant: p.variant}, nil
	}
	err := b.exec.do(func(ctx driver.Context) error {
		for i := range p.launches {
			l := &p.launches[i]
			if l.product != nil {
				continue
			}
			f, ok := b.functions[l.kernel]
			if !ok {
				var err error
				if f, err = ctx.Function(b.module, l.kernel); err != nil {
					return err
				}
				b.functions[l.kernel] = f
			}
			if l.f = f; l.shared > defaultShared {
				if err := ctx.AllowShared(f, l.shared); err != nil {
					return err
				}
			}
		}
		return b.grow(ctx, p.scratch)
	})
	if err != nil {
		return kernels.Kernel{}, fmt.Errorf("cuda: %s: %w", p.variant, err)
	}
	run := func(s *kernels.Step, in, out []kernels.Buffer, _ []byte) { b.run(p, s, in, out) }
	return kernels.Kernel{Variant: p.variant, Run: run}, nil
}

// defaultShared is the dynamic shared memory that a kernel may have without AllowShared.
const defaultShared = 48 << 10

// maxGrid is the most blocks along the second and third axis of a grid.
const maxGrid = 1<<16 - 1

// grow makes the scratch memory at least so large. After an error it is as large as it was, if that can still be had.
func (b *Backend) grow(ctx driver.Context, bytes int) error {
	had := b.room
	if bytes <= had {
		return nil
	}
	if err := b.exec.sync(ctx); err != nil {
		return err
	}
	if b.scratch != 0 { // first, because both may not fit
		if err := b.exec.free(ctx, b.scratch, had); err != nil {
			return err
		}
	}
	b.scratch, b.room = 0, 0
	b.moves++
	take := func(bytes int) error {
		p, err := b.exec.alloc(ctx, bytes)
		if err == nil {
			b.scratch, b.room = p, bytes
		}
		return err
	}
	err := take(bytes)
	if err == nil {
		return nil
	}
	err = fmt.Errorf("%d bytes of working memory: %w", bytes, err)
	if had > 0 {
		err = errors.Join(err, take(had))
	}
	return err
}

// run fills in the parameters of each launch and hands them to the executor, or keeps them where the step is that of a recording.
func (b *Backend) run(p *plan, s *kernels.Step, in, out []kernels.Buffer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.call = call{step: b.exec.steps.at, ins: in, outs: out, scratch: b.scratch}
	r := b.recorded
	if r != nil && s != &r.step {
		r = nil
	}
	for i := range p.launches {
		l := &p.launches[i]
		l.bind(&b.call)
		c := command{what: launchKernel, launch: l}
		copy(c.args[:], l.args)
		if r != nil {
			r.drew = r.drew || b.call.drew
			r.launches = append(r.launches, c)
			continue
		}
		if b.call.drew {
			b.draw(s)
		}
		b.exec.commands <- c
	}
	b.call = call{}
}

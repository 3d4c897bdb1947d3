package kerneltest

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"

	"aural/kernels"
)

// rig is a call compiled by a back end, with guarded memory.
type rig struct {
	b       kernels.Backend
	call    Call
	kernel  kernels.Kernel
	in, out []*guarded
	scratch *scratch
}

// newRig compiles and allocates. The error wraps kernels.ErrUnsupported when the back end refuses the call.
func newRig(b kernels.Backend, c Call) (_ *rig, err error) {
	outDescs, err := c.outputs()
	if err != nil {
		return nil, err
	}
	r := &rig{b: b, call: c}
	if r.kernel, err = b.Compile(c.Op, descs(c.In), outDescs); err != nil {
		return nil, fmt.Errorf("compile: %w", err)
	}
	if r.kernel.Variant == "" {
		return nil, errors.New("the kernel does not name its variant")
	}
	r.scratch = newScratch(r.kernel.Scratch)
	defer func() {
		if err != nil {
			err = errors.Join(err, r.free())
		}
	}()
	for _, buf := range c.In {
		g, err := newGuarded(b, buf.Desc)
		if err != nil {
			return nil, err
		}
		r.in = append(r.in, g)
	}
	for _, d := range outDescs {
		g, err := newGuarded(b, d)
		if err != nil {
			return nil, err
		}
		r.out = append(r.out, g)
	}
	return r, nil
}

func (r *rig) free() error {
	var err error
	for _, g := range append(r.in, r.out...) {
		err = errors.Join(err, g.free())
	}
	return err
}

// run stores the inputs, dirties outputs and scratch with the given byte, runs once and returns the outputs on the host.
// In place, outputs share the inputs that the case names.
func (r *rig) run(step kernels.Step, dirty byte, inPlace bool) ([]kernels.Buffer, error) {
	shared := map[*guarded]bool{}
	out := append([]*guarded(nil), r.out...)
	if inPlace {
		for o, i := range r.call.InPlace {
			out[o] = r.in[i]
			shared[r.in[i]] = true
		}
	}
	for i, g := range r.in {
		if err := g.store(dirtyNaN, r.call.In[i].HostBytes()); err != nil {
			return nil, err
		}
	}
	for _, g := range r.out {
		if err := g.store(dirty, nil); err != nil {
			return nil, err
		}
	}
	r.scratch.dirty(dirty)
	if err := r.launch(step, buffers(out)); err != nil {
		return nil, err
	}
	if err := r.scratch.intact(dirty); err != nil {
		return nil, err
	}
	for _, g := range r.in {
		if !shared[g] {
			if err := g.unchanged(); err != nil {
				return nil, err
			}
		}
	}
	results := make([]kernels.Buffer, len(out))
	for o, g := range out {
		content, err := g.load()
		if err != nil {
			return nil, err
		}
		results[o] = kernels.New(g.buf.DType, g.buf.Shape...)
		copy(results[o].HostBytes(), content)
	}
	return results, nil
}

func (r *rig) launch(step kernels.Step, out []kernels.Buffer) error {
	r.kernel.Run(&step, buffers(r.in), out, r.scratch.inner)
	return r.b.Sync()
}

func buffers(gs []*guarded) []kernels.Buffer {
	bufs := make([]kernels.Buffer, len(gs))
	for i, g := range gs {
		bufs[i] = g.buf
	}
	return bufs
}

// allocations counts what one run allocates on the Go heap: the fewest of some tries, because the counter also sees other goroutines.
func (r *rig) allocations() (uint64, error) {
	in, out, step := buffers(r.in), buffers(r.out), r.call.Step
	fewest := ^uint64(0)
	var before, after runtime.MemStats
	for i := 0; i < 10 && fewest > 0; i++ { // Go's runtime may allocate beside a run; a kernel that does, does in each
		runtime.ReadMemStats(&before)
		r.kernel.Run(&step, in, out, r.scratch.inner)
		runtime.ReadMemStats(&after)
		fewest = min(fewest, after.Mallocs-before.Mallocs)
	}
	return fewest, r.b.Sync()
}

// sameBits reports the first output in which two runs differ.
func sameBits(a, b []kernels.Buffer) error {
	for o := range a {
		if !bytes.Equal(a[o].HostBytes(), b[o].HostBytes()) {
			return fmt.Errorf("output %d %v differs in its bits", o, a[o].Desc)
		}
	}
	return nil
}

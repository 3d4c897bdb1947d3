package cpu

import (
	"errors"
	"unsafe"

	"aural/kernels"
)

// frozen is a weight that does not change any more, as products need it: a matrix for each group of a convolution, one for a linear layer.
type frozen struct {
	mem  kernels.Memory
	room int // values of a group
}

func (f *frozen) group(i int) []float32 { return floats(f.mem.Host)[i*f.room:][:f.room] }

// Freeze implements kernels.Freezer: it packs the weight of a linear layer or a convolution, which takes as much memory again and spares packing it in each call. What
// is computed stays the same bit for bit. In precision int8 it quantises the large ones instead, to a quarter of their memory; in other reduced precision it does nothing.
func (b *Backend) Freeze(op kernels.Op, weight kernels.Buffer) error {
	if b.low != nil || weight.Bytes() == 0 {
		return nil
	}
	b.mu.Lock()
	_, done := b.frozen[address(weight)]
	b.mu.Unlock()
	if done {
		return nil
	}
	if b.int8.serves(op, weight.Shape) {
		f, err := b.freezeInt8(op, weight)
		if err != nil {
			return err
		}
		b.mu.Lock()
		b.frozen[address(weight)] = f
		b.mu.Unlock()
		return nil
	}
	shape := weight.Shape
	outs, groups, width, taps := shape[0], 1, shape[1], 1
	switch o := op.(type) {
	case kernels.Linear:
	case kernels.Conv1D:
		groups, taps = o.Groups, shape[2]
	default:
		return nil
	}
	k, n := width*taps, outs/groups
	f := &frozen{room: roundUp(b.packedRoom(k, n), kernels.Alignment/4)}
	var err error
	if f.mem, err = allocate(4 * groups * f.room); err != nil {
		return err
	}
	p := b.plan("freeze")
	from := input(0)
	if taps > 1 {
		tapMajor := p.floats(outs * k)
		p.rows(outs, k, func(c *call, _ *worker, lo, hi int) {
			for o := lo; o < hi; o++ {
				transpose(tapMajor.f32(c)[o*k:], c.in[0].F32()[o*k:], width, taps)
			}
		})
		from = tapMajor.f32
	}
	p.add(groups, func(c *call, w *worker, i int) {
		w.prepack(f.group(i), view{from(c)[i*n*k:], 1, k}, k, n)
	})
	scratch, err := allocate(p.scratch)
	if err != nil {
		return errors.Join(err, f.mem.Free())
	}
	p.kernel().Run(nil, []kernels.Buffer{weight}, nil, scratch.Host)
	b.mu.Lock()
	b.frozen[address(weight)] = f
	b.mu.Unlock()
	return scratch.Free()
}

func address(x kernels.Buffer) *byte { return unsafe.SliceData(x.HostBytes()) }

// frozenOf is what Freeze has made of a weight, nil when it was not called. Kernels call it while they run, when nothing can be frozen.
func (b *Backend) frozenOf(weight kernels.Buffer) *frozen { return b.frozen[address(weight)] }

// thaw forgets the frozen weights in memory that is given back.
func (b *Backend) thaw(host []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	lo := uintptr(unsafe.Pointer(unsafe.SliceData(host)))
	var errs []error
	for at, f := range b.frozen {
		if a := uintptr(unsafe.Pointer(at)); a >= lo && a < lo+uintptr(len(host)) {
			delete(b.frozen, at)
			errs = append(errs, f.mem.Free())
		}
	}
	return errors.Join(errs...)
}

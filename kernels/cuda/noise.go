package cuda

import (
	"errors"
	"math"
	"unsafe"

	"aural/kernels"
	"aural/kernels/cuda/driver"
)

// step is Step of src/noise.cuh: a kernels.Step in memory of the device, for the kernels that draw noise.
type step struct {
	Seed, Update uint64
	Row          int64
}

// noise is Noise of src/noise.cuh: which stream a launch draws from, and dropout's rule.
type noise struct {
	Step      driver.Ptr
	Site      uint32
	Threshold uint32
	Keep      float32
	_         uint32
}

// at makes the launch draw the noise of the step that runs.
func (n *noise) at(c *call) {
	n.Step, c.drew = c.step, true
}

// dropout is the rule for a probability. A word w gives rng.Unit(w) = (w>>9 + 0.5)/2²³, so Unit(w) >= p exactly when w>>9 >= p·2²³ - 0.5.
// It is not ok where p is so close to 1 that no word is kept.
func dropout(p float64, site uint32) (n noise, ok bool) {
	lowest := max(0, math.Ceil(p*(1<<23)-0.5))
	return noise{Site: site, Threshold: uint32(int64(lowest) << 9), Keep: float32(1 / (1 - p))}, lowest < 1<<23
}

// stepSlots is how many steps may be on their way to the device.
const stepSlots = 32

// steps brings steps to the device, in order with the launches and without waiting for them. A slot of page-locked memory is written again only when its copy has
// certainly happened. The executor alone uses it.
type steps struct {
	at    driver.Ptr
	host  []byte // of slots
	slots []step // in host
	used  int    // since somebody waited for the stream
}

func (s *steps) open(ctx driver.Context) (err error) {
	const size = int(unsafe.Sizeof(step{}))
	if s.at, err = ctx.Alloc(size); err != nil {
		return err
	}
	if s.host, err = ctx.HostAlloc(stepSlots * size); err != nil {
		return err
	}
	s.slots = unsafe.Slice((*step)(unsafe.Pointer(unsafe.SliceData(s.host))), stepSlots)
	return nil
}

func (s *steps) close(ctx driver.Context) (err error) {
	if s.at != 0 {
		err = ctx.Free(s.at)
	}
	if s.host != nil {
		err = errors.Join(err, ctx.HostFree(s.host))
	}
	return err
}

// upload queues the copy of a step.
func (e *executor) upload(ctx driver.Context, s step) error {
	r := &e.steps
	if r.used == len(r.slots) {
		if err := e.sync(ctx); err != nil {
			return err
		}
	}
	slot := &r.slots[r.used]
	*slot = s
	r.used++
	return ctx.CopyToDevice(e.stream, r.at, unsafe.Slice((*byte)(unsafe.Pointer(slot)), unsafe.Sizeof(s)))
}

// draw queues the step for the launches that follow and draw noise, unless it is the one that they find there.
func (b *Backend) draw(s *kernels.Step) {
	if b.stepped && b.step == *s {
		return
	}
	b.step, b.stepped = *s, true
	b.exec.commands <- command{what: uploadStep, step: step{s.Seed, s.Update, int64(s.Row)}}
}

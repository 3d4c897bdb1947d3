package libcuda

import (
	"fmt"
	"runtime"
	"unsafe"

	"aural/internal/dynlib"
	"aural/kernels/cuda/driver"
)

// context implements driver.Context. The driver keeps the current context per thread, so all calls come from the thread that opened it.
type context struct {
	d       *Driver
	info    driver.Info
	device  int32
	names   map[driver.Function]string
	last    string // the kernel that was launched last
	capture driver.Stream

	// Memory for arguments and results of calls. It is on the heap, which Go does not move, so that no call allocates.
	out  *results
	pack *packed
}

type results struct {
	a, b uint64
	time float32
}

// packed holds the arguments of a launch, and the list of cuLaunchKernel that points to them.
type packed struct {
	args  [maxArgs]byte
	size  uint64
	extra [5]uintptr
}

// maxArgs is how many bytes of arguments a kernel may have.
const maxArgs = 4096

// Kinds of entries of the list, and flags, from cuda.h.
const (
	launchBufferPointer  = 1
	launchBufferSize     = 2
	hostAllocPortable    = 1
	streamNonBlocking    = 1
	captureThreadLocal   = 1
	maxDynamicSharedSize = 8 // CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
)

// Open implements driver.API.
func (d *Driver) Open(ordinal int) (driver.Context, error) {
	infos, err := d.Devices()
	if err != nil {
		return nil, err
	}
	if ordinal < 0 || ordinal >= len(infos) {
		return nil, fmt.Errorf("cuda: there is no device %d; the driver shows %d, from 0 on", ordinal, len(infos))
	}
	c := &context{d: d, names: map[driver.Function]string{}, out: &results{}, pack: &packed{}}
	if c.device, c.info, err = d.device(ordinal); err != nil {
		return nil, err
	}
	p := c.pack
	p.extra = [5]uintptr{launchBufferPointer, uintptr(unsafe.Pointer(&p.args)), launchBufferSize, uintptr(unsafe.Pointer(&p.size)), 0}
	if err := c.check(d.f.primaryRetain, d.f.primaryRetain.Call(c.a(), uintptr(c.device))); err != nil {
		return nil, err
	}
	if err := c.check(d.f.setCurrent, d.f.setCurrent.Call(uintptr(c.out.a))); err != nil {
		d.f.primaryRelease.Call(uintptr(c.device))
		return nil, err
	}
	return c, nil
}

// a and b are where calls put their results.
func (c *context) a() uintptr { return uintptr(unsafe.Pointer(&c.out.a)) }
func (c *context) b() uintptr { return uintptr(unsafe.Pointer(&c.out.b)) }

func (c *context) check(f dynlib.Func, r uintptr) error {
	if int32(r) == driver.Success {
		return nil
	}
	return c.d.result(f, r, c.last)
}

// Info implements driver.Context.
func (c *context) Info() driver.Info { return c.info }

// Memory implements driver.Context.
func (c *context) Memory() (free, total int64, err error) {
	err = c.check(c.d.f.memGetInfo, c.d.f.memGetInfo.Call(c.a(), c.b()))
	return int64(c.out.a), int64(c.out.b), err
}

// Alloc implements driver.Context.
func (c *context) Alloc(bytes int) (driver.Ptr, error) {
	err := c.check(c.d.f.memAlloc, c.d.f.memAlloc.Call(c.a(), uintptr(bytes)))
	if err != nil {
		return 0, fmt.Errorf("%d bytes of device memory: %w", bytes, err)
	}
	return driver.Ptr(c.out.a), nil
}

// Free implements driver.Context.
func (c *context) Free(p driver.Ptr) error {
	return c.check(c.d.f.memFree, c.d.f.memFree.Call(uintptr(p)))
}

// HostAlloc implements driver.Context.
func (c *context) HostAlloc(bytes int) ([]byte, error) {
	c.out.a = 0
	if err := c.check(c.d.f.hostAlloc, c.d.f.hostAlloc.Call(c.a(), uintptr(bytes), hostAllocPortable)); err != nil {
		return nil, fmt.Errorf("%d bytes of page-locked memory: %w", bytes, err)
	}
	return unsafe.Slice(*(**byte)(unsafe.Pointer(&c.out.a)), bytes), nil
}

// HostFree implements driver.Context.
func (c *context) HostFree(b []byte) error {
	return c.check(c.d.f.hostFree, c.d.f.hostFree.Call(uintptr(unsafe.Pointer(unsafe.SliceData(b)))))
}

// NewStream implements driver.Context. The stream does not wait for the default stream, nor that for it.
func (c *context) NewStream() (driver.Stream, error) {
	err := c.check(c.d.f.streamCreate, c.d.f.streamCreate.Call(c.a(), streamNonBlocking))
	return driver.Stream(c.out.a), err
}

// FreeStream implements driver.Context.
func (c *context) FreeStream(s driver.Stream) error {
	return c.check(c.d.f.streamDestroy, c.d.f.streamDestroy.Call(uintptr(s)))
}

// NewEvent implements driver.Context.
func (c *context) NewEvent() (driver.Event, error) {
	err := c.check(c.d.f.eventCreate, c.d.f.eventCreate.Call(c.a(), 0))
	return driver.Event(c.out.a), err
}

// FreeEvent implements driver.Context.
func (c *context) FreeEvent(e driver.Event) error {
	return c.check(c.d.f.eventDestroy, c.d.f.eventDestroy.Call(uintptr(e)))
}

// Record implements driver.Context.
func (c *context) Record(e driver.Event, s driver.Stream) error {
	return c.check(c.d.f.eventRecord, c.d.f.eventRecord.Call(uintptr(e), uintptr(s)))
}

// Wait implements driver.Context.
func (c *context) Wait(s driver.Stream, e driver.Event) error {
	return c.check(c.d.f.streamWait, c.d.f.streamWait.Call(uintptr(s), uintptr(e), 0))
}

// Elapsed implements driver.Context.
func (c *context) Elapsed(from, to driver.Event) (float32, error) {
	err := c.check(c.d.f.eventElapsed, c.d.f.eventElapsed.Call(uintptr(unsafe.Pointer(&c.out.time)), uintptr(from), uintptr(to)))
	return c.out.time, err
}

// Sync implements driver.Context. Other goroutines run meanwhile.
func (c *context) Sync(s driver.Stream) error {
	return c.check(c.d.f.streamSync, c.d.f.streamSync.Call(uintptr(s)))
}

// CopyToDevice implements driver.Context.
func (c *context) CopyToDevice(s driver.Stream, to driver.Ptr, from []byte) error {
	if len(from) == 0 {
		return nil
	}
	err := c.check(c.d.f.copyHtoD, c.d.f.copyHtoD.Call(uintptr(to), uintptr(unsafe.Pointer(unsafe.SliceData(from))), uintptr(len(from)), uintptr(s)))
	runtime.KeepAlive(from)
	return err
}

// CopyToHost implements driver.Context.
func (c *context) CopyToHost(s driver.Stream, to []byte, from driver.Ptr) error {
	if len(to) == 0 {
		return nil
	}
	err := c.check(c.d.f.copyDtoH, c.d.f.copyDtoH.Call(uintptr(unsafe.Pointer(unsafe.SliceData(to))), uintptr(from), uintptr(len(to)), uintptr(s)))
	runtime.KeepAlive(to)
	return err
}

// CopyDevice implements driver.Context.
func (c *context) CopyDevice(s driver.Stream, to, from driver.Ptr, bytes int) error {
	if bytes == 0 {
		return nil
	}
	return c.check(c.d.f.copyDtoD, c.d.f.copyDtoD.Call(uintptr(to), uintptr(from), uintptr(bytes), uintptr(s)))
}

// Fill implements driver.Context.
func (c *context) Fill(s driver.Stream, to driver.Ptr, bytes int, value byte) error {
	if bytes == 0 {
		return nil
	}
	return c.check(c.d.f.fill, c.d.f.fill.Call(uintptr(to), uintptr(value), uintptr(bytes), uintptr(s)))
}

// Close implements driver.Context.
func (c *context) Close() error {
	c.d.f.setCurrent.Call(0)
	return c.check(c.d.f.primaryRelease, c.d.f.primaryRelease.Call(uintptr(c.device)))
}

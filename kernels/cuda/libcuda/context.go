package libcuda

import (
	"fmt"
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
	frame *dynlib.Frame
	out   *results
	pack  *packed
	held  unsafe.Pointer // host memory of the call that runs; what is stored here is on the heap and stays
}

type results struct {
	a, b uint64
	time float32
	log  [8192]byte // of the compiler in the driver
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
	c := &context{d: d, names: map[driver.Function]string{}, frame: &dynlib.Frame{}, out: &results{}, pack: &packed{}}
	if c.device, c.info, err = d.device(ordinal); err != nil {
		return nil, err
	}
	p := c.pack
	p.extra = [5]uintptr{launchBufferPointer, uintptr(unsafe.Pointer(&p.args)), launchBufferSize, uintptr(unsafe.Pointer(&p.size)), 0}
	if err := c.do(c.d.f.primaryRetain, c.a(), uintptr(c.device)); err != nil {
		return nil, err
	}
	if err := c.do(c.d.f.setCurrent, uintptr(c.out.a)); err != nil {
		d.f.primaryRelease.Call(uintptr(c.device))
		return nil, err
	}
	return c, nil
}

// a and b are where calls put their results.
func (c *context) a() uintptr { return uintptr(unsafe.Pointer(&c.out.a)) }
func (c *context) b() uintptr { return uintptr(unsafe.Pointer(&c.out.b)) }

// do calls a function with numbers and with addresses of c's own memory.
func (c *context) do(f dynlib.Func, args ...uintptr) error {
	return c.check(f, c.frame.Call(f, args...))
}

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
	err = c.do(c.d.f.memGetInfo, c.a(), c.b())
	return int64(c.out.a), int64(c.out.b), err
}

// Alloc implements driver.Context.
func (c *context) Alloc(bytes int) (driver.Ptr, error) {
	err := c.do(c.d.f.memAlloc, c.a(), uintptr(bytes))
	if err != nil {
		return 0, fmt.Errorf("%d bytes of device memory: %w", bytes, err)
	}
	return driver.Ptr(c.out.a), nil
}

// Free implements driver.Context.
func (c *context) Free(p driver.Ptr) error {
	return c.do(c.d.f.memFree, uintptr(p))
}

// HostAlloc implements driver.Context.
func (c *context) HostAlloc(bytes int) ([]byte, error) {
	c.out.a = 0
	if err := c.do(c.d.f.hostAlloc, c.a(), uintptr(bytes), hostAllocPortable); err != nil {
		return nil, fmt.Errorf("%d bytes of page-locked memory: %w", bytes, err)
	}
	return unsafe.Slice(*(**byte)(unsafe.Pointer(&c.out.a)), bytes), nil
}

// HostFree implements driver.Context.
func (c *context) HostFree(b []byte) error {
	return c.do(c.d.f.hostFree, uintptr(unsafe.Pointer(unsafe.SliceData(b))))
}

// NewStream implements driver.Context. The stream does not wait for the default stream, nor that for it.
func (c *context) NewStream() (driver.Stream, error) {
	err := c.do(c.d.f.streamCreate, c.a(), streamNonBlocking)
	return driver.Stream(c.out.a), err
}

// FreeStream implements driver.Context.
func (c *context) FreeStream(s driver.Stream) error {
	return c.do(c.d.f.streamDestroy, uintptr(s))
}

// NewEvent implements driver.Context.
func (c *context) NewEvent() (driver.Event, error) {
	err := c.do(c.d.f.eventCreate, c.a(), 0)
	return driver.Event(c.out.a), err
}

// FreeEvent implements driver.Context.
func (c *context) FreeEvent(e driver.Event) error {
	return c.do(c.d.f.eventDestroy, uintptr(e))
}

// Record implements driver.Context.
func (c *context) Record(e driver.Event, s driver.Stream) error {
	return c.do(c.d.f.eventRecord, uintptr(e), uintptr(s))
}

// Wait implements driver.Context.
func (c *context) Wait(s driver.Stream, e driver.Event) error {
	return c.do(c.d.f.streamWait, uintptr(s), uintptr(e), 0)
}

// Elapsed implements driver.Context.
func (c *context) Elapsed(from, to driver.Event) (float32, error) {
	err := c.do(c.d.f.eventElapsed, uintptr(unsafe.Pointer(&c.out.time)), uintptr(from), uintptr(to))
	return c.out.time, err
}

// Sync implements driver.Context. Other goroutines run meanwhile.
func (c *context) Sync(s driver.Stream) error {
	return c.do(c.d.f.streamSync, uintptr(s))
}

// CopyToDevice implements driver.Context.
func (c *context) CopyToDevice(s driver.Stream, to driver.Ptr, from []byte) error {
	if len(from) == 0 {
		return nil
	}
	c.held = unsafe.Pointer(unsafe.SliceData(from))
	return c.do(c.d.f.copyHtoD, uintptr(to), uintptr(c.held), uintptr(len(from)), uintptr(s))
}

// CopyToHost implements driver.Context.
func (c *context) CopyToHost(s driver.Stream, to []byte, from driver.Ptr) error {
	if len(to) == 0 {
		return nil
	}
	c.held = unsafe.Pointer(unsafe.SliceData(to))
	return c.do(c.d.f.copyDtoH, uintptr(c.held), uintptr(from), uintptr(len(to)), uintptr(s))
}

// CopyDevice implements driver.Context.
func (c *context) CopyDevice(s driver.Stream, to, from driver.Ptr, bytes int) error {
	if bytes == 0 {
		return nil
	}
	return c.do(c.d.f.copyDtoD, uintptr(to), uintptr(from), uintptr(bytes), uintptr(s))
}

// Fill implements driver.Context.
func (c *context) Fill(s driver.Stream, to driver.Ptr, bytes int, value byte) error {
	if bytes == 0 {
		return nil
	}
	return c.do(c.d.f.fill, uintptr(to), uintptr(value), uintptr(bytes), uintptr(s))
}

// Close implements driver.Context.
func (c *context) Close() error {
	c.d.f.setCurrent.Call(0)
	return c.do(c.d.f.primaryRelease, uintptr(c.device))
}

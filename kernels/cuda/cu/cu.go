//go:build cu

package cu

// #cgo LDFLAGS: -lcuda
// #include <cuda.h>
import "C"

import (
	"fmt"
	"reflect"
	"unsafe"

	"aural/kernels/cuda/driver"

	"gorgonia.org/cu"
)

// Driver implements driver.API.
type Driver struct{}

// Open initialises nothing: gorgonia's package did when the program started.
func Open() (*Driver, error) {
	n, err := cu.NumDevices()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", driver.ErrNoGPU, failed("cuDeviceGetCount", err, ""))
	}
	if n == 0 {
		return nil, driver.ErrNoGPU
	}
	return &Driver{}, nil
}

// failed turns an error of the binding, whose type of codes has no name outside of it, into one of the seam.
func failed(call string, err error, kernel string) error {
	if err == nil {
		return nil
	}
	if v := reflect.ValueOf(err); v.CanInt() {
		return &driver.Error{Call: call, Code: int(v.Int()), Kernel: kernel}
	}
	return fmt.Errorf("cuda: %s: %w", call, err)
}

// Name implements driver.API.
func (*Driver) Name() string { return "cu" }

// Version is that of CUDA which the driver supports.
func (*Driver) Version() int { return cu.Version() }

// Devices implements driver.API.
func (d *Driver) Devices() ([]driver.Info, error) {
	n, err := cu.NumDevices()
	if err != nil {
		return nil, failed("cuDeviceGetCount", err, "")
	}
	var list []driver.Info
	for i := range n {
		_, info, err := d.device(i)
		if err != nil {
			return nil, err
		}
		list = append(list, info)
	}
	return list, nil
}

func (*Driver) device(ordinal int) (dev cu.Device, info driver.Info, err error) {
	if dev, err = cu.GetDevice(ordinal); err != nil {
		return dev, info, failed("cuDeviceGet", err, "")
	}
	info = driver.Info{Ordinal: ordinal, DriverVersion: cu.Version()}
	if info.Name, err = dev.Name(); err != nil {
		return dev, info, failed("cuDeviceGetName", err, "")
	}
	uuid, err := dev.UUID()
	if err != nil {
		return dev, info, failed("cuDeviceGetUuid", err, "")
	}
	info.UUID = "GPU-" + uuid.String()
	if info.TotalBytes, err = dev.TotalMem(); err != nil {
		return dev, info, failed("cuDeviceTotalMem", err, "")
	}
	for attribute, to := range map[cu.DeviceAttribute]*int{
		C.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR: &info.Major, C.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR: &info.Minor,
		C.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT: &info.SMs, C.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN: &info.SharedBytes,
		C.CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE: &info.L2Bytes,
	} {
		if *to, err = dev.Attribute(attribute); err != nil {
			return dev, info, failed("cuDeviceGetAttribute", err, "")
		}
	}
	return dev, info, nil
}

// Open implements driver.API.
func (d *Driver) Open(ordinal int) (driver.Context, error) {
	dev, info, err := d.device(ordinal)
	if err != nil {
		return nil, err
	}
	primary, err := dev.RetainPrimaryCtx()
	if err != nil {
		return nil, failed("cuDevicePrimaryCtxRetain", err, "")
	}
	if err := cu.SetCurrentContext(primary); err != nil {
		dev.ReleasePrimaryCtx()
		return nil, failed("cuCtxSetCurrent", err, "")
	}
	return &context{dev: dev, info: info, names: map[driver.Function]string{}}, nil
}

// context implements driver.Context. Handles of the seam are those of CUDA.
type context struct {
	dev   cu.Device
	info  driver.Info
	names map[driver.Function]string
	last  string           // the kernel that was launched last
	words []unsafe.Pointer // see Launch
}

// Handles of the binding are structs of one handle of CUDA's.
func stream(s driver.Stream) cu.Stream       { return *(*cu.Stream)(unsafe.Pointer(&s)) }
func event(e driver.Event) cu.Event          { return *(*cu.Event)(unsafe.Pointer(&e)) }
func module(m driver.Module) cu.Module       { return *(*cu.Module)(unsafe.Pointer(&m)) }
func function(f driver.Function) cu.Function { return *(*cu.Function)(unsafe.Pointer(&f)) }

// handle is the other direction.
func handle[T any](v T) uintptr { return *(*uintptr)(unsafe.Pointer(&v)) }

func (c *context) failed(call string, err error) error { return failed(call, err, c.last) }

// result is for calls that do not go through the binding.
func (c *context) result(call string, r C.CUresult) error {
	if r == C.CUDA_SUCCESS {
		return nil
	}
	return &driver.Error{Call: call, Code: int(r), Kernel: c.last}
}

// Info implements driver.Context.
func (c *context) Info() driver.Info { return c.info }

// Memory implements driver.Context.
func (c *context) Memory() (free, total int64, err error) {
	free, total, err = cu.MemInfo()
	return free, total, c.failed("cuMemGetInfo", err)
}

// Alloc implements driver.Context.
func (c *context) Alloc(bytes int) (driver.Ptr, error) {
	p, err := cu.MemAlloc(int64(bytes))
	return driver.Ptr(p), c.failed("cuMemAlloc", err)
}

// Free implements driver.Context.
func (c *context) Free(p driver.Ptr) error { return c.failed("cuMemFree", cu.MemFree(cu.DevicePtr(p))) }

// HostAlloc implements driver.Context.
func (c *context) HostAlloc(bytes int) ([]byte, error) {
	var p unsafe.Pointer
	if err := c.result("cuMemHostAlloc", C.cuMemHostAlloc(&p, C.size_t(bytes), C.CU_MEMHOSTALLOC_PORTABLE)); err != nil {
		return nil, err
	}
	return unsafe.Slice((*byte)(p), bytes), nil
}

// HostFree implements driver.Context.
func (c *context) HostFree(b []byte) error {
	return c.failed("cuMemFreeHost", cu.MemFreeHost(unsafe.Pointer(unsafe.SliceData(b))))
}

// NewStream implements driver.Context.
func (c *context) NewStream() (driver.Stream, error) {
	s, err := cu.MakeStream(cu.NonBlocking)
	return driver.Stream(handle(s)), c.failed("cuStreamCreate", err)
}

// FreeStream implements driver.Context.
func (c *context) FreeStream(s driver.Stream) error {
	v := stream(s)
	return c.failed("cuStreamDestroy", v.Destroy())
}

// NewEvent implements driver.Context.
func (c *context) NewEvent() (driver.Event, error) {
	e, err := cu.MakeEvent(cu.DefaultEvent)
	return driver.Event(handle(e)), c.failed("cuEventCreate", err)
}

// FreeEvent implements driver.Context.
func (c *context) FreeEvent(e driver.Event) error {
	v := event(e)
	return c.failed("cuEventDestroy", cu.DestroyEvent(&v))
}

// Record implements driver.Context.
func (c *context) Record(e driver.Event, s driver.Stream) error {
	return c.failed("cuEventRecord", event(e).Record(stream(s)))
}

// Wait implements driver.Context.
func (c *context) Wait(s driver.Stream, e driver.Event) error {
	return c.failed("cuStreamWaitEvent", stream(s).Wait(event(e), 0))
}

// Elapsed implements driver.Context.
func (c *context) Elapsed(from, to driver.Event) (float32, error) {
	ms, err := event(from).Elapsed(event(to))
	return float32(ms), c.failed("cuEventElapsedTime", err)
}

// Sync implements driver.Context.
func (c *context) Sync(s driver.Stream) error {
	return c.failed("cuStreamSynchronize", stream(s).Synchronize())
}

// CopyToDevice implements driver.Context.
func (c *context) CopyToDevice(s driver.Stream, to driver.Ptr, from []byte) error {
	if len(from) == 0 {
		return nil
	}
	return c.failed("cuMemcpyHtoDAsync", cu.MemcpyHtoDAsync(cu.DevicePtr(to), unsafe.Pointer(unsafe.SliceData(from)), int64(len(from)), stream(s)))
}

// CopyToHost implements driver.Context.
func (c *context) CopyToHost(s driver.Stream, to []byte, from driver.Ptr) error {
	if len(to) == 0 {
		return nil
	}
	return c.failed("cuMemcpyDtoHAsync", cu.MemcpyDtoHAsync(unsafe.Pointer(unsafe.SliceData(to)), cu.DevicePtr(from), int64(len(to)), stream(s)))
}

// CopyDevice implements driver.Context.
func (c *context) CopyDevice(s driver.Stream, to, from driver.Ptr, bytes int) error {
	if bytes == 0 {
		return nil
	}
	return c.failed("cuMemcpyDtoDAsync", cu.MemcpyDtoDAsync(cu.DevicePtr(to), cu.DevicePtr(from), int64(bytes), stream(s)))
}

// Fill implements driver.Context.
func (c *context) Fill(s driver.Stream, to driver.Ptr, bytes int, value byte) error {
	if bytes == 0 {
		return nil
	}
	return c.failed("cuMemsetD8Async", cu.MemsetD8Async(cu.DevicePtr(to), value, int64(bytes), stream(s)))
}

// Close implements driver.Context.
func (c *context) Close() error {
	return c.failed("cuDevicePrimaryCtxRelease", c.dev.ReleasePrimaryCtx())
}

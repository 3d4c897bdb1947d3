// Package libcuda is the CUDA driver of the machine, libcuda.so.1, opened at run time: no cgo, no CUDA toolkit, no headers. Of NVIDIA's software only
// the driver has to be there.
//
// Functions are bound by the versioned names that cuda.h maps the plain ones to (cuMemAlloc_v2, ...), because the plain ones are older functions.
package libcuda

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"unsafe"

	"aural/internal/dynlib"
	"aural/kernels/cuda/driver"
)

// Variable names the driver's file, for machines where it is in an unusual place.
const Variable = "AURAL_LIBCUDA"

// search looks where distributions, containers, WSL and NixOS keep the driver. The stubs of a toolkit are no driver and are not looked for.
var search = dynlib.Search{
	Name:     "the CUDA driver",
	Variable: Variable,
	Names:    []string{"libcuda.so.1"},
	Folders: []string{
		"/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib/aarch64-linux-gnu/nvidia", "/usr/lib64", "/usr/lib64/nvidia", "/usr/lib/nvidia",
		"/usr/lib/wsl/lib", "/usr/local/nvidia/lib64", "/run/opengl-driver/lib", "/usr/local/cuda*/compat",
	},
}

// functions of the driver. See the chapters of cuda.h for what they do.
type functions struct {
	getErrorName                                                  dynlib.Func
	init, driverGetVersion                                        dynlib.Func
	deviceGet, deviceGetCount, deviceGetName, deviceGetAttribute  dynlib.Func
	deviceTotalMem, deviceGetUUID                                 dynlib.Func
	primaryRetain, primaryRelease, setCurrent                     dynlib.Func
	memGetInfo, memAlloc, memFree, hostAlloc, hostFree            dynlib.Func
	copyHtoD, copyDtoH, copyDtoD, fill                            dynlib.Func
	streamCreate, streamDestroy, streamWait, streamSync           dynlib.Func
	eventCreate, eventDestroy, eventRecord, eventElapsed          dynlib.Func
	moduleLoad, moduleUnload, moduleFunction, functionSet, launch dynlib.Func
	beginCapture, endCapture, instantiate, graphLaunch            dynlib.Func
	graphExecDestroy, graphDestroy                                dynlib.Func
}

func (f *functions) bind(l *dynlib.Library) error {
	return l.Bind(map[string]*dynlib.Func{
		"cuGetErrorName": &f.getErrorName,
		"cuInit":         &f.init, "cuDriverGetVersion": &f.driverGetVersion,
		"cuDeviceGet": &f.deviceGet, "cuDeviceGetCount": &f.deviceGetCount, "cuDeviceGetName": &f.deviceGetName,
		"cuDeviceGetAttribute": &f.deviceGetAttribute, "cuDeviceTotalMem_v2": &f.deviceTotalMem, "cuDeviceGetUuid": &f.deviceGetUUID,
		"cuDevicePrimaryCtxRetain": &f.primaryRetain, "cuDevicePrimaryCtxRelease_v2": &f.primaryRelease, "cuCtxSetCurrent": &f.setCurrent,
		"cuMemGetInfo_v2": &f.memGetInfo, "cuMemAlloc_v2": &f.memAlloc, "cuMemFree_v2": &f.memFree,
		"cuMemHostAlloc": &f.hostAlloc, "cuMemFreeHost": &f.hostFree,
		"cuMemcpyHtoDAsync_v2": &f.copyHtoD, "cuMemcpyDtoHAsync_v2": &f.copyDtoH, "cuMemcpyDtoDAsync_v2": &f.copyDtoD, "cuMemsetD8Async": &f.fill,
		"cuStreamCreate": &f.streamCreate, "cuStreamDestroy_v2": &f.streamDestroy, "cuStreamWaitEvent": &f.streamWait, "cuStreamSynchronize": &f.streamSync,
		"cuEventCreate": &f.eventCreate, "cuEventDestroy_v2": &f.eventDestroy, "cuEventRecord": &f.eventRecord, "cuEventElapsedTime": &f.eventElapsed,
		"cuModuleLoadDataEx": &f.moduleLoad, "cuModuleUnload": &f.moduleUnload, "cuModuleGetFunction": &f.moduleFunction,
		"cuFuncSetAttribute": &f.functionSet, "cuLaunchKernel": &f.launch,
		"cuStreamBeginCapture_v2": &f.beginCapture, "cuStreamEndCapture": &f.endCapture, "cuGraphInstantiateWithFlags": &f.instantiate,
		"cuGraphLaunch": &f.graphLaunch, "cuGraphExecDestroy": &f.graphExecDestroy, "cuGraphDestroy": &f.graphDestroy,
	})
}

// Driver implements driver.API.
type Driver struct {
	path    string
	version int
	syncs   bool
	f       functions
}

var opened = sync.OnceValues(open)

// Open opens the driver and initialises it, the first time; later calls return the same driver, or the same error. Without one the error wraps
// [driver.ErrNoGPU].
func Open() (*Driver, error) { return opened() }

func open() (*Driver, error) {
	l, err := search.Open()
	if errors.Is(err, dynlib.ErrNone) {
		return nil, fmt.Errorf("%w: %w; an NVIDIA GPU needs NVIDIA's driver", driver.ErrNoGPU, err)
	}
	if err != nil {
		return nil, fmt.Errorf("%w can be used: %w", driver.ErrNoGPU, err)
	}
	d := &Driver{path: l.Path, syncs: os.Getenv(driver.SyncVariable) == "1"}
	if err := d.f.bind(l); err != nil {
		return nil, fmt.Errorf("%w can be used: %w; version 470 (CUDA 11.4) or newer is needed", driver.ErrNoGPU, err)
	}
	var version int32
	if err := d.result(d.f.init, d.f.init.Call(0), ""); err != nil {
		return nil, fmt.Errorf("%w can be used: %w%s", driver.ErrNoGPU, err, adviceFor(err))
	}
	if err := d.result(d.f.driverGetVersion, d.f.driverGetVersion.Call(uintptr(unsafe.Pointer(&version))), ""); err != nil {
		return nil, err
	}
	d.version = int(version)
	return d, nil
}

// adviceFor says what usually is behind an error of cuInit.
func adviceFor(err error) string {
	var e *driver.Error
	if !errors.As(err, &e) {
		return ""
	}
	switch e.Code {
	case driver.NoDevice:
		return ": is there a GPU, and does CUDA_VISIBLE_DEVICES show it? In a container: docker run --gpus all"
	case 803:
		return ": the driver's library and its kernel module are of different versions; reboot after an update"
	case 804:
		return ": the compatibility library does not fit this GPU; take it out of LD_LIBRARY_PATH"
	case 999:
		return ": is the kernel module nvidia_uvm loaded? (nvidia-modprobe -u)"
	}
	return ""
}

// Name implements driver.API.
func (d *Driver) Name() string { return "libcuda" }

// Path is the file of the driver.
func (d *Driver) Path() string {
	if filepath.IsAbs(d.path) {
		return d.path
	}
	return d.path + " (by the loader)"
}

// Version is that of CUDA which the driver supports: 12040 is 12.4.
func (d *Driver) Version() int { return d.version }

// result turns what a call returned into an error.
func (d *Driver) result(f dynlib.Func, r uintptr, kernel string) error {
	code := int(int32(r))
	if code == driver.Success {
		return nil
	}
	e := &driver.Error{Call: f.Name(), Code: code, Kernel: kernel}
	if _, known := driver.Known(code); !known {
		e.Name = d.errorName(code)
	}
	return e
}

// errorName asks the driver, which may be newer than this program.
func (d *Driver) errorName(code int) string {
	var text *byte
	if r := d.f.getErrorName.Call(uintptr(code), uintptr(unsafe.Pointer(&text))); int32(r) != driver.Success || text == nil {
		return ""
	}
	var name []byte
	for p := unsafe.Pointer(text); *(*byte)(p) != 0 && len(name) < 100; p = unsafe.Add(p, 1) {
		name = append(name, *(*byte)(p))
	}
	return string(name)
}

// Attributes of a device, from enum CUdevice_attribute.
const (
	attributeMultiprocessors  = 16
	attributeL2Bytes          = 38
	attributeMajor            = 75
	attributeMinor            = 76
	attributeSharedBytesOptIn = 97
)

// Devices implements driver.API.
func (d *Driver) Devices() ([]driver.Info, error) {
	var count int32
	if err := d.result(d.f.deviceGetCount, d.f.deviceGetCount.Call(uintptr(unsafe.Pointer(&count))), ""); err != nil {
		return nil, err
	}
	if count < 1 {
		return nil, fmt.Errorf("%w: the driver shows none (CUDA_VISIBLE_DEVICES=%s)", driver.ErrNoGPU, os.Getenv("CUDA_VISIBLE_DEVICES"))
	}
	infos := make([]driver.Info, 0, count)
	for i := range int(count) {
		_, info, err := d.device(i)
		if err != nil {
			return nil, err
		}
		infos = append(infos, info)
	}
	return infos, nil
}

// device describes one.
func (d *Driver) device(ordinal int) (handle int32, info driver.Info, err error) {
	f := &d.f
	var name [256]byte
	var uuid [16]byte
	var total uint64
	call := func(fn dynlib.Func, r uintptr) {
		if err == nil {
			err = d.result(fn, r, "")
		}
	}
	call(f.deviceGet, f.deviceGet.Call(uintptr(unsafe.Pointer(&handle)), uintptr(ordinal)))
	if err != nil {
		return 0, info, err
	}
	call(f.deviceGetName, f.deviceGetName.Call(uintptr(unsafe.Pointer(&name)), uintptr(len(name)), uintptr(handle)))
	call(f.deviceGetUUID, f.deviceGetUUID.Call(uintptr(unsafe.Pointer(&uuid)), uintptr(handle)))
	call(f.deviceTotalMem, f.deviceTotalMem.Call(uintptr(unsafe.Pointer(&total)), uintptr(handle)))
	attribute := func(which uintptr) int {
		var v int32
		call(f.deviceGetAttribute, f.deviceGetAttribute.Call(uintptr(unsafe.Pointer(&v)), which, uintptr(handle)))
		return int(v)
	}
	info = driver.Info{
		Ordinal: ordinal, Name: text(name[:]), UUID: uuidText(uuid), Major: attribute(attributeMajor), Minor: attribute(attributeMinor),
		SMs: attribute(attributeMultiprocessors), SharedBytes: attribute(attributeSharedBytesOptIn), L2Bytes: attribute(attributeL2Bytes),
		TotalBytes: int64(total), DriverVersion: d.version,
	}
	return handle, info, err
}

// text is a C string.
func text(b []byte) string {
	for i, c := range b {
		if c == 0 {
			return string(b[:i])
		}
	}
	return string(b)
}

// uuidText is the form that nvidia-smi shows.
func uuidText(u [16]byte) string {
	return fmt.Sprintf("GPU-%x-%x-%x-%x-%x", u[0:4], u[4:6], u[6:8], u[8:10], u[10:])
}

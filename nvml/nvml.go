// Package nvml reads what NVIDIA's management library (NVML, libnvidia-ml.so.1) knows of the GPUs of a machine: load, memory, power, temperature. The
// library comes with the driver and is opened at run time.
package nvml

import (
	"fmt"
	"sync"
	"unsafe"

	"aural/internal/dynlib"
)

// Variable names the library's file, for machines where it is in an unusual place.
const Variable = "AURAL_NVML"

var search = dynlib.Search{
	Name:     "NVML",
	Variable: Variable,
	Names:    []string{"libnvidia-ml.so.1"},
	Folders: []string{
		"/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib64/nvidia", "/usr/lib/wsl/lib", "/usr/local/nvidia/lib64",
		"/run/opengl-driver/lib",
	},
}

// Library is NVML in use. Its methods may be called from several goroutines.
type Library struct {
	version string

	errorString, init, driverVersion, getCount, getHandle dynlib.Func
	getName, getUUID, getUtilization, getMemory           dynlib.Func
	getTemperature, getPower                              dynlib.Func
}

var opened = sync.OnceValues(open)

// Open opens and initialises the library, the first time; later calls return the same, or the same error, which wraps dynlib.ErrNone on a machine
// without it.
func Open() (*Library, error) { return opened() }

func open() (*Library, error) {
	l, err := search.Open()
	if err != nil {
		return nil, fmt.Errorf("nvml: %w", err)
	}
	n := &Library{}
	if err := l.Bind(map[string]*dynlib.Func{
		"nvmlErrorString": &n.errorString, "nvmlInit_v2": &n.init, "nvmlSystemGetDriverVersion": &n.driverVersion, "nvmlDeviceGetCount_v2": &n.getCount,
		"nvmlDeviceGetHandleByIndex_v2": &n.getHandle, "nvmlDeviceGetName": &n.getName, "nvmlDeviceGetUUID": &n.getUUID,
		"nvmlDeviceGetUtilizationRates": &n.getUtilization, "nvmlDeviceGetMemoryInfo": &n.getMemory, "nvmlDeviceGetTemperature": &n.getTemperature,
		"nvmlDeviceGetPowerUsage": &n.getPower,
	}); err != nil {
		return nil, fmt.Errorf("nvml: %w", err)
	}
	if err := n.check(n.init, n.init.Call()); err != nil {
		return nil, err
	}
	var version [96]byte
	if err := n.check(n.driverVersion, n.driverVersion.Call(uintptr(unsafe.Pointer(&version)), uintptr(len(version)))); err != nil {
		return nil, err
	}
	n.version = text(version[:])
	return n, nil
}

func (n *Library) check(f dynlib.Func, r uintptr) error {
	if int32(r) == 0 {
		return nil
	}
	address := n.errorString.Call(uintptr(uint32(r)))
	p := *(*unsafe.Pointer)(unsafe.Pointer(&address))
	var says []byte
	for ; p != nil && *(*byte)(p) != 0 && len(says) < 200; p = unsafe.Add(p, 1) {
		says = append(says, *(*byte)(p))
	}
	return fmt.Errorf("nvml: %s: %s (%d)", f.Name(), says, int32(r))
}

// DriverVersion is that of NVIDIA's driver, "550.54.15".
func (n *Library) DriverVersion() string { return n.version }

// Device is a GPU.
type Device struct {
	Index  int // among all of the machine, whatever CUDA_VISIBLE_DEVICES says
	Name   string
	UUID   string
	handle uintptr
}

// Devices lists the GPUs of the machine.
func (n *Library) Devices() ([]Device, error) {
	var count uint32
	if err := n.check(n.getCount, n.getCount.Call(uintptr(unsafe.Pointer(&count)))); err != nil {
		return nil, err
	}
	var list []Device
	for i := range int(min(count, 64)) {
		d := Device{Index: i}
		if err := n.check(n.getHandle, n.getHandle.Call(uintptr(i), uintptr(unsafe.Pointer(&d.handle)))); err != nil {
			return nil, err
		}
		var name, uuid [96]byte
		if err := n.check(n.getName, n.getName.Call(d.handle, uintptr(unsafe.Pointer(&name)), uintptr(len(name)))); err != nil {
			return nil, err
		}
		if err := n.check(n.getUUID, n.getUUID.Call(d.handle, uintptr(unsafe.Pointer(&uuid)), uintptr(len(uuid)))); err != nil {
			return nil, err
		}
		d.Name, d.UUID = text(name[:]), text(uuid[:])
		list = append(list, d)
	}
	return list, nil
}

// Status is what a GPU does. Not every GPU tells everything: what is not known is negative.
type Status struct {
	Utilization float64 // share of the last moments in which a kernel ran, 0 to 1
	MemoryUsed  int64   // bytes
	MemoryTotal int64
	Watts       float64
	Celsius     float64
}

// utilization is nvmlUtilization_t, memory is nvmlMemory_t.
type (
	utilization struct{ gpu, memory uint32 }
	memory      struct{ total, free, used uint64 }
)

// Status measures a device. Questions that it does not answer are left open; the error is that of the memory, which all answer.
func (n *Library) Status(d Device) (Status, error) {
	s := Status{Utilization: -1, MemoryUsed: -1, MemoryTotal: -1, Watts: -1, Celsius: -1}
	var u utilization
	if int32(n.getUtilization.Call(d.handle, uintptr(unsafe.Pointer(&u)))) == 0 {
		s.Utilization = float64(u.gpu) / 100
	}
	var milliwatts, celsius uint32
	if int32(n.getPower.Call(d.handle, uintptr(unsafe.Pointer(&milliwatts)))) == 0 {
		s.Watts = float64(milliwatts) / 1000
	}
	const ofChip = 0 // NVML_TEMPERATURE_GPU
	if int32(n.getTemperature.Call(d.handle, ofChip, uintptr(unsafe.Pointer(&celsius)))) == 0 {
		s.Celsius = float64(celsius)
	}
	var m memory
	if err := n.check(n.getMemory, n.getMemory.Call(d.handle, uintptr(unsafe.Pointer(&m)))); err != nil {
		return s, err
	}
	s.MemoryUsed, s.MemoryTotal = int64(m.used), int64(m.total)
	return s, nil
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

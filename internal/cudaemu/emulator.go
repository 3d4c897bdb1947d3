// Package cudaemu runs CUDA kernels on the processor, for tests on machines without a GPU: a [driver.API] whose devices are threads of the
// machine, and the [driver.Compiler] for it. The compiler takes the same text as a real one and gives it to g++, with prim_cpu.h in place of what
// only a GPU has; every thread of a block is a fiber.
//
// It is strict where a GPU is forgiving. What is queued runs only when somebody waits for it. Memory starts as not-a-numbers, and lies between guards that
// are looked at whenever a stream is waited for. Threads and blocks may run in reverse order (see [Options]). Nothing of its timing means anything.
package cudaemu

import (
	"errors"
	"fmt"
	"runtime"
	"sync"

	"aural/kernels/cuda/driver"
)

// Options of an emulator.
type Options struct {
	Compiler string // path of g++
	Workers  int    // threads that run blocks; 0 means one for each processor
	Reverse  bool   // blocks and threads run from the last to the first
	Memory   int64  // bytes of a device; 0 means 1 GiB
}

// Emulator is a driver with one device, and its compiler.
type Emulator struct {
	options Options

	mu        sync.Mutex
	libraries map[string]*library // by path
}

// New makes an emulator.
func New(o Options) *Emulator {
	if o.Workers == 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Memory == 0 {
		o.Memory = 1 << 30
	}
	return &Emulator{options: o, libraries: map[string]*library{}}
}

// Name implements driver.API and driver.Compiler.
func (e *Emulator) Name() string { return "emulated" }

// device is what the emulator says of itself: the limits of a H100, so that plans are those of one.
func (e *Emulator) device() driver.Info {
	return driver.Info{
		Name: "emulated", UUID: "GPU-emulated", Major: 9, Minor: 0, SMs: 132, SharedBytes: 227 << 10, L2Bytes: 50 << 20,
		TotalBytes: e.options.Memory, DriverVersion: 12040,
	}
}

// Devices implements driver.API.
func (e *Emulator) Devices() ([]driver.Info, error) {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		return nil, errors.New("cudaemu: needs linux/amd64")
	}
	return []driver.Info{e.device()}, nil
}

// Open implements driver.API.
func (e *Emulator) Open(ordinal int) (driver.Context, error) {
	if ordinal != 0 {
		return nil, fmt.Errorf("cudaemu: there is no device %d, only 0", ordinal)
	}
	if _, err := e.Devices(); err != nil {
		return nil, err
	}
	return newContext(e), nil
}

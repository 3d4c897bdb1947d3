package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"

	"aural/kernels"
	"aural/kernels/cpu"
	"aural/kernels/cuda"
	"aural/kernels/cuda/cubin"
	"aural/kernels/cuda/cublaslt"
	"aural/kernels/cuda/driver"
	"aural/kernels/cuda/nvrtc"

	"github.com/spf13/cobra"
)

// deviceVariable is the environment variable behind --device.
const deviceVariable = "AURAL_DEVICE"

// deviceFlagOf adds the flag that says which device computes, to the commands that can use a GPU. Without it a command computes on the CPU.
func (a *app) deviceFlagOf(c *cobra.Command, m *machineFlags) {
	m.say = a.say
	c.Flags().StringVar(&m.device, "device", "auto", "`WHERE` to compute: auto, cpu, cuda or cuda:N; "+deviceVariable+" sets the default")
	c.RegisterFlagCompletionFunc("device", words("auto", "cpu", "cuda"))
}

// device is a parsed --device.
type device struct {
	cuda    bool
	auto    bool // cuda if that can be had
	ordinal int
	from    string // the flag or the variable, for errors
}

// parseDevice reads the flag, and the variable where the flag was left at auto.
func parseDevice(flag string) (device, error) {
	d, text := device{from: "--device"}, flag
	if v := os.Getenv(deviceVariable); v != "" && flag == "auto" {
		text, d.from = v, deviceVariable
	}
	switch name, number, numbered := strings.Cut(text, ":"); {
	case text == "" || text == "cpu":
		return d, nil
	case text == "auto":
		d.cuda, d.auto = true, true
		return d, nil
	case name == "cuda":
		d.cuda = true
		if !numbered {
			return d, nil
		}
		if n, err := strconv.ParseUint(number, 10, 16); err == nil {
			d.ordinal = int(n)
			return d, nil
		}
	}
	return d, usagef("%s is %q, want auto, cpu, cuda or cuda:N", d.from, text)
}

// newBackend starts the back end that the flags ask for.
func newBackend(m machineFlags) (kernels.Backend, error) {
	d, err := parseDevice(m.device)
	if err != nil {
		return nil, err
	}
	if d.auto && m.kernels != "auto" && m.kernels != "" {
		d.cuda = false // whoever names an instruction set wants the CPU
	}
	if d.cuda {
		be, err := newCUDA(d.ordinal, m)
		switch {
		case err == nil:
			return be, nil
		case !d.auto:
			return nil, fmt.Errorf("%s asks for CUDA: %w", d.from, err)
		case !errors.Is(err, driver.ErrNoGPU) && m.say != nil:
			m.say("note: there is a GPU, but this runs on the CPU: %v (aural doctor says more)", err)
		}
	}
	be, err := newCPU(m)
	if err != nil {
		return nil, err
	}
	return be, nil
}

// newCUDA starts the CUDA back end on a device.
func newCUDA(ordinal int, m machineFlags) (kernels.Backend, error) {
	if m.kernels != "auto" && m.kernels != "" {
		return nil, usagef("--kernels %s is for the CPU; add --device cpu", m.kernels)
	}
	api, compiler, err := findGPU()
	if err != nil {
		return nil, err
	}
	o := cuda.Options{Ordinal: ordinal, Precision: m.precision}
	switch v := os.Getenv(blasVariable); v {
	case "":
	case "cublaslt":
		if o.BLAS, err = findBLAS(api); err != nil {
			return nil, fmt.Errorf("%s=%s: %w", blasVariable, v, err)
		}
	default:
		return nil, usagef("%s is %q, want cublaslt or nothing", blasVariable, v)
	}
	be, err := cuda.New(api, compiler, o)
	if err != nil {
		return nil, err
	}
	return be, nil
}

// blasVariable is the environment variable that chooses a library for products on a GPU. There is none by default: the bits of results depend on its version.
const blasVariable = "AURAL_CUDA_BLAS"

// findBLAS gives cuBLASLt for a driver. Tests put another in its place.
var findBLAS = func(api driver.API) (driver.BLAS, error) {
	version := 0
	if d, ok := api.(gpuDriver); ok {
		version = d.Version()
	}
	x, err := cublaslt.Open(version)
	if err != nil {
		return nil, err
	}
	return x, nil
}

// findGPU gives the driver and the compiler for it. Tests put others in its place.
var findGPU = systemGPU

// machineText says what computes: the back end, and how much of it.
func machineText(be kernels.Backend) string {
	switch b := be.(type) {
	case *cpu.Backend:
		return fmt.Sprintf("%s, %s", b.Name(), plural(b.Threads(), "thread"))
	case *cuda.Backend:
		return fmt.Sprintf("%s, %s", b.Name(), deviceText(b.Info()))
	}
	return be.Name()
}

// deviceText is what matters of a GPU.
func deviceText(d driver.Info) string {
	return fmt.Sprintf("compute capability %d.%d, %d SMs, %s, driver of CUDA %d.%d", d.Major, d.Minor, d.SMs, bytesText(d.TotalBytes),
		d.DriverVersion/1000, d.DriverVersion%1000/10)
}

// threadsOf is the number of threads of the CPU back end, 0 on a GPU.
func threadsOf(be kernels.Backend) int {
	if b, ok := be.(*cpu.Backend); ok {
		return b.Threads()
	}
	return 0
}

// gpuDriver is a driver that knows its version: 12040 is CUDA 12.4.
type gpuDriver interface {
	driver.API
	Version() int
}

// systemGPU opens the driver of this machine, and gives what makes kernels for it.
func systemGPU() (driver.API, driver.Compiler, error) {
	d, err := openDriver()
	if err != nil {
		return nil, nil, err
	}
	c, err := kernelCompiler(d.Version())
	if err != nil {
		return nil, nil, err
	}
	return d, c, nil
}

// kernelCompiler has the kernels that this program carries, and NVRTC for the rest, which is opened when it is needed.
func kernelCompiler(driverVersion int) (*cubin.Compiler, error) {
	carried, err := cubin.Embedded()
	if err != nil {
		return nil, err
	}
	return cubin.New(carried, sync.OnceValues(func() (driver.Compiler, error) {
		c, err := nvrtc.Open(driverVersion)
		if err != nil {
			return nil, err
		}
		c.UseCache(nvrtc.CacheFolder())
		return c, nil
	})), nil
}

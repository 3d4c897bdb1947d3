// Package nvrtc compiles CUDA C++ at run time with NVIDIA's NVRTC, a shared library that is found and opened at run time. It needs neither headers nor a
// toolkit, nor a GPU. What was compiled is kept in a cache, so NVRTC works once for a version of the program, a GPU and a driver.
package nvrtc

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"unsafe"

	"aural/internal/dynlib"
	"aural/kernels/cuda/driver"
	"aural/kernels/cuda/toolkit"
)

// Variable names the library's file, or the folder that holds it.
const Variable = "AURAL_NVRTC"

// Advice is the command that brings the library where it is missing.
const Advice = "pip install nvidia-cuda-nvrtc-cu12 brings it"

// newest is the major version of CUDA that this package looks for first.
const newest = 13

// search is where NVRTC may be, for a driver of the given version (12040 is CUDA 12.4, 0 any). A driver does not run what a compiler of a later major
// version made.
func search(driverVersion int) dynlib.Search {
	s := dynlib.Search{Name: "NVRTC, the CUDA compiler", Variable: Variable, Folders: toolkit.Folders(), Before: []string{"libnvrtc-builtins.so.*"}}
	for major := newest; major >= 12; major-- {
		if driverVersion == 0 || major <= driverVersion/1000 {
			s.Names = append(s.Names, fmt.Sprintf("libnvrtc.so.%d", major))
		}
	}
	return s
}

// Compiler implements driver.Compiler.
type Compiler struct {
	path    string
	version string // "12.9"
	targets []int  // compute capabilities, 90 for 9.0
	cache   cache

	getErrorString, getVersion, getNumTargets, getTargets dynlib.Func
	create, destroy, compile                              dynlib.Func
	logSize, log, cubinSize, cubin, ptxSize, ptx          dynlib.Func
}

// Open finds the library, for a driver of that version (0: any).
func Open(driverVersion int) (*Compiler, error) {
	s := search(driverVersion)
	if len(s.Names) == 0 {
		return nil, fmt.Errorf("nvrtc: the driver supports CUDA %s, 12.0 or newer is needed; update NVIDIA's driver", versionText(driverVersion))
	}
	l, err := s.Open()
	if err != nil {
		return nil, fmt.Errorf("nvrtc: %w; %s, or set %s to its file", err, Advice, Variable)
	}
	c := &Compiler{path: l.Path}
	if err := l.Bind(map[string]*dynlib.Func{
		"nvrtcGetErrorString": &c.getErrorString, "nvrtcVersion": &c.getVersion,
		"nvrtcGetNumSupportedArchs": &c.getNumTargets, "nvrtcGetSupportedArchs": &c.getTargets,
		"nvrtcCreateProgram": &c.create, "nvrtcDestroyProgram": &c.destroy, "nvrtcCompileProgram": &c.compile,
		"nvrtcGetProgramLogSize": &c.logSize, "nvrtcGetProgramLog": &c.log,
		"nvrtcGetCUBINSize": &c.cubinSize, "nvrtcGetCUBIN": &c.cubin, "nvrtcGetPTXSize": &c.ptxSize, "nvrtcGetPTX": &c.ptx,
	}); err != nil {
		return nil, fmt.Errorf("nvrtc: %w", err)
	}
	return c, c.describe()
}

func versionText(v int) string { return fmt.Sprintf("%d.%d", v/1000, v%1000/10) }

// describe asks the library for its version and what it compiles for.
func (c *Compiler) describe() error {
	var major, minor, count int32
	if err := c.check(c.getVersion, c.getVersion.Call(uintptr(unsafe.Pointer(&major)), uintptr(unsafe.Pointer(&minor)))); err != nil {
		return err
	}
	c.version = fmt.Sprintf("%d.%d", major, minor)
	if err := c.check(c.getNumTargets, c.getNumTargets.Call(uintptr(unsafe.Pointer(&count)))); err != nil || count <= 0 || count > 1000 {
		return errors.Join(err, fmt.Errorf("nvrtc: %s compiles for %d architectures", c.path, count))
	}
	list := make([]int32, count)
	if err := c.check(c.getTargets, c.getTargets.Call(uintptr(unsafe.Pointer(unsafe.SliceData(list))))); err != nil {
		return err
	}
	for _, t := range list {
		c.targets = append(c.targets, int(t))
	}
	return nil
}

// check turns what a function returned into an error.
func (c *Compiler) check(f dynlib.Func, r uintptr) error {
	if int32(r) == 0 {
		return nil
	}
	text := c.getErrorString.Call(uintptr(uint32(r)))
	return fmt.Errorf("nvrtc: %s: %s (%d)", f.Name(), goString(text), int32(r))
}

// goString copies a C string of the library's own memory.
func goString(address uintptr) string {
	p := *(*unsafe.Pointer)(unsafe.Pointer(&address))
	var b []byte
	for ; p != nil && *(*byte)(p) != 0 && len(b) < 1000; p = unsafe.Add(p, 1) {
		b = append(b, *(*byte)(p))
	}
	return string(b)
}

// Name implements driver.Compiler.
func (c *Compiler) Name() string { return "NVRTC " + c.version }

// Path is where the library was found.
func (c *Compiler) Path() string { return c.path }

// UseCache keeps results in a folder, which is made when it is needed; "" keeps none.
func (c *Compiler) UseCache(folder string) { c.cache.folder = folder }

// CacheFolder is the folder for [Compiler.UseCache] in the user's cache, or "" on a machine without one.
func CacheFolder() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "aural", "cuda-kernels")
}

// Architecture is what to compile for on a device of a compute capability: its own machine code, or, when the compiler does not know the device yet, PTX,
// which its driver compiles. Devices before 8.0 have no bfloat16 products.
func (c *Compiler) Architecture(major, minor int) (name string, ptx bool, err error) {
	switch {
	case major < 8:
		return "", false, fmt.Errorf("nvrtc: compute capability %d.%d is too old, 8.0 (Ampere) or newer is needed", major, minor)
	case slices.Contains(c.targets, 10*major+minor):
		return driver.Target(major, minor), false, nil
	}
	return driver.TargetPTX, true, nil
}

// Compile implements driver.Compiler. The options are added to those that name the architecture, the dialect (C++17) and the report of resources, which
// [ParseLog] reads.
func (c *Compiler) Compile(text string, options []string, device driver.Info) (image []byte, log string, err error) {
	arch, ptx, err := c.Architecture(device.Major, device.Minor)
	if err != nil {
		return nil, "", err
	}
	return c.compileFor(arch, ptx, text, options, device.DriverVersion)
}

// PTX compiles to PTX for every device from compute capability 8.0 on, with a zero byte behind it.
func (c *Compiler) PTX(text string, options []string) (image []byte, log string, err error) {
	return c.compileFor(driver.TargetPTX, true, text, options, 0)
}

func (c *Compiler) compileFor(arch string, ptx bool, text string, options []string, driverVersion int) (image []byte, log string, err error) {
	flags := []string{"--gpu-architecture=" + arch, "--std=c++17"}
	if !ptx {
		flags = append(flags, "--ptxas-options=-v")
	}
	flags = append(flags, options...)
	key := cacheKey(text, flags, c.version, arch, driverVersion)
	if image, log, ok := c.cache.load(key); ok {
		return image, log, nil
	}
	if image, log, err = c.run(text, flags, ptx); err != nil {
		return nil, log, fmt.Errorf("nvrtc: compiling for %s: %w%s", arch, err, firstErrors(log))
	}
	// A cache that cannot be written costs time, not correctness.
	c.cache.store(key, image, log)
	return image, log, nil
}

// firstErrors quotes what the compiler complains of.
func firstErrors(log string) string {
	var lines []string
	for line := range strings.Lines(log) {
		if strings.Contains(line, "error") && len(lines) < 3 {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	if len(lines) == 0 {
		return ""
	}
	return ": " + strings.Join(lines, "; ")
}

// run compiles. PTX ends with a zero byte, as the driver wants it.
func (c *Compiler) run(text string, flags []string, ptx bool) (image []byte, log string, err error) {
	source, name := cString(text), cString("aural.cu")
	var pins runtime.Pinner // C keeps none of this, but reads it through an array of addresses, which Go does not see
	defer pins.Unpin()
	list := make([]uintptr, len(flags))
	for i, f := range flags {
		b := unsafe.SliceData(cString(f))
		pins.Pin(b)
		list[i] = uintptr(unsafe.Pointer(b))
	}
	var program uintptr
	if err := c.check(c.create, c.create.Call(uintptr(unsafe.Pointer(&program)), uintptr(unsafe.Pointer(unsafe.SliceData(source))),
		uintptr(unsafe.Pointer(unsafe.SliceData(name))), 0, 0, 0)); err != nil {
		return nil, "", err
	}
	defer c.destroy.Call(uintptr(unsafe.Pointer(&program)))
	compiled := c.check(c.compile, c.compile.Call(program, uintptr(len(list)), uintptr(unsafe.Pointer(unsafe.SliceData(list)))))
	said, err := c.bytes(program, c.logSize, c.log)
	log = strings.TrimRight(string(said), "\x00")
	if err := errors.Join(compiled, err); err != nil {
		return nil, log, err
	}
	if ptx {
		image, err = c.bytes(program, c.ptxSize, c.ptx)
	} else {
		image, err = c.bytes(program, c.cubinSize, c.cubin)
	}
	return image, log, err
}

// bytes gets a result: first its size, then its content.
func (c *Compiler) bytes(program uintptr, size, get dynlib.Func) ([]byte, error) {
	var n uint64
	if err := c.check(size, size.Call(program, uintptr(unsafe.Pointer(&n)))); err != nil || n == 0 {
		return nil, err
	}
	if n > 1<<30 {
		return nil, fmt.Errorf("nvrtc: %s says %d bytes", size.Name(), n)
	}
	b := make([]byte, n)
	return b, c.check(get, get.Call(program, uintptr(unsafe.Pointer(unsafe.SliceData(b)))))
}

func cString(s string) []byte { return append([]byte(s), 0) }

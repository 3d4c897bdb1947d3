// Package cublaslt multiplies matrices with NVIDIA's cuBLASLt, a shared library that is found and opened at run time. It is an alternative to the kernels of
// package cuda, and never the default: which algorithm it chooses, and so the last bits of results, depend on its version and on the device.
package cublaslt

import (
	"fmt"
	"unsafe"

	"aural/internal/dynlib"
	"aural/kernels/cuda/driver"
	"aural/kernels/cuda/toolkit"
)

// Variable names the library's file, or the folder that holds it.
const Variable = "AURAL_CUBLASLT"

// Advice is the command that brings the library where it is missing.
const Advice = "pip install nvidia-cublas-cu12 brings it"

// newest is the major version of CUDA that is looked for first.
const newest = 13

// search is where the library may be, for a driver of that version (12040 is CUDA 12.4, 0 any).
func search(driverVersion int) dynlib.Search {
	s := dynlib.Search{Name: "cuBLASLt", Variable: Variable, Folders: toolkit.Folders()}
	for major := newest; major >= 12; major-- {
		if driverVersion == 0 || major <= driverVersion/1000 {
			s.Names = append(s.Names, fmt.Sprintf("libcublasLt.so.%d", major))
		}
	}
	return s
}

// Library implements driver.BLAS.
type Library struct {
	path    string
	version int // 120901 is 12.9.1

	create, destroy, getVersion                     dynlib.Func
	descCreate, descSet, descDestroy                dynlib.Func
	layoutCreate, layoutDestroy                     dynlib.Func
	preferenceCreate, preferenceSet, preferenceFree dynlib.Func
	heuristic, matmul                               dynlib.Func
}

// Open finds the library, for a driver of that version (0: any).
func Open(driverVersion int) (*Library, error) {
	s := search(driverVersion)
	if len(s.Names) == 0 {
		return nil, fmt.Errorf("cublaslt: the driver supports CUDA %d.%d, 12.0 or newer is needed; update NVIDIA's driver", driverVersion/1000, driverVersion%1000/10)
	}
	l, err := s.Open()
	if err != nil {
		return nil, fmt.Errorf("cublaslt: %w; %s, or set %s to its file", err, Advice, Variable)
	}
	x := &Library{path: l.Path}
	if err := l.Bind(map[string]*dynlib.Func{
		"cublasLtCreate": &x.create, "cublasLtDestroy": &x.destroy, "cublasLtGetVersion": &x.getVersion,
		"cublasLtMatmulDescCreate": &x.descCreate, "cublasLtMatmulDescSetAttribute": &x.descSet, "cublasLtMatmulDescDestroy": &x.descDestroy,
		"cublasLtMatrixLayoutCreate": &x.layoutCreate, "cublasLtMatrixLayoutDestroy": &x.layoutDestroy,
		"cublasLtMatmulPreferenceCreate": &x.preferenceCreate, "cublasLtMatmulPreferenceSetAttribute": &x.preferenceSet,
		"cublasLtMatmulPreferenceDestroy": &x.preferenceFree,
		"cublasLtMatmulAlgoGetHeuristic":  &x.heuristic, "cublasLtMatmul": &x.matmul,
	}); err != nil {
		return nil, fmt.Errorf("cublaslt: %w", err)
	}
	x.version = int(x.getVersion.Call())
	return x, nil
}

// Name implements driver.BLAS.
func (x *Library) Name() string {
	return fmt.Sprintf("cuBLASLt %d.%d.%d", x.version/10000, x.version%10000/100, x.version%100)
}

// Path is where the library was found.
func (x *Library) Path() string { return x.path }

// Error is what the library answered to a call, if not success.
type Error struct {
	Call   string
	Status int // cublasStatus_t
}

func (e *Error) Error() string {
	name, ok := statusNames[e.Status]
	if !ok {
		name = "a status without a name"
	}
	return fmt.Sprintf("cublaslt: %s: %s (%d)", e.Call, name, e.Status)
}

// Unwrap gives driver.ErrOutOfMemory for the status that says so.
func (e *Error) Unwrap() error {
	if e.Status == statusAllocFailed {
		return driver.ErrOutOfMemory
	}
	return nil
}

func check(f dynlib.Func, r uintptr) error {
	if int32(r) == statusSuccess {
		return nil
	}
	return &Error{f.Name(), int(int32(r))}
}

// Open implements driver.BLAS. The context must be current on the calling thread.
func (x *Library) Open(driver.Context) (driver.Products, error) {
	p := &products{x: x, plans: map[driver.Product]*plan{}}
	if err := check(x.create, x.create.Call(uintptr(unsafe.Pointer(&p.handle)))); err != nil {
		return nil, err
	}
	return p, nil
}

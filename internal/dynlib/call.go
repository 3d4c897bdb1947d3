//go:build !nocuda && linux && (amd64 || arm64)

package dynlib

import (
	"errors"

	"github.com/ebitengine/purego"
)

// Available says whether this program can open libraries.
const Available = true

var errUnavailable = errors.New("unavailable") // never returned in this build

// RTLD_GLOBAL would let symbols of one library stand in for those of another.
func dlopen(file string) (uintptr, error) {
	return purego.Dlopen(file, purego.RTLD_NOW|purego.RTLD_LOCAL)
}

func dlsym(handle uintptr, name string) (uintptr, error) { return purego.Dlsym(handle, name) }

// Call calls the function with whole numbers and addresses. Of the result the C type decides how many bits count; the others may hold anything. An
// address of Go memory must be made in the call itself, uintptr(unsafe.Pointer(&x)), which then keeps x for the length of the call.
//
//go:uintptrescapes
func (f Func) Call(args ...uintptr) uintptr {
	r, _, _ := purego.SyscallN(f.address, args...)
	return r
}

// Frame calls functions without allocating, which [Func.Call] cannot: its arguments escape. One goroutine uses it.
type Frame struct{ args [16]uintptr }

// Call is [Func.Call] for at most 16 arguments. An address of Go memory must be one of the heap, of something that the caller holds until afterwards.
func (r *Frame) Call(f Func, args ...uintptr) uintptr {
	if len(args) > len(r.args) {
		panic("dynlib: too many arguments for " + f.name)
	}
	n := copy(r.args[:], args)
	result, _, _ := purego.SyscallN(f.address, r.args[:n]...)
	return result
}

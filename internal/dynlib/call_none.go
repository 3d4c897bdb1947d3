//go:build nocuda || !linux || (!amd64 && !arm64)

package dynlib

import "errors"

// Available says whether this program can open libraries.
const Available = false

var errUnavailable = errors.New("this program was built without the means to open shared libraries (build tag nocuda, or a system other than Linux on amd64 and arm64)")

func dlopen(string) (uintptr, error) { return 0, errUnavailable }

func dlsym(uintptr, string) (uintptr, error) { return 0, errUnavailable }

// Call must not be called: there is no function without a library.
func (f Func) Call(...uintptr) uintptr { panic("dynlib: " + errUnavailable.Error()) }

// Frame has nothing to call.
type Frame struct{}

// Call must not be called.
func (r *Frame) Call(f Func, args ...uintptr) uintptr { return f.Call(args...) }

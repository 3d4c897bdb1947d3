package cudaemu

import (
	"bytes"
	"fmt"
	"runtime"
	"unsafe"

	"github.com/ebitengine/purego"

	"aural/kernels/cuda/driver"
)

// library is a compiled text in the process. It stays there: its threads never end.
type library struct {
	find, launch uintptr // emu_find and emu_launch
}

// kernel is a function of a library.
type kernel struct {
	name    string
	lib     *library
	handle  uintptr
	args    uint64 // bytes of the parameter
	threads uint64 // most threads of a block
	shared  int    // most dynamic shared memory that AllowShared let it have
}

// defaultShared is the dynamic shared memory that a kernel may have without AllowShared.
const defaultShared = 48 << 10

func (e *Emulator) load(path string) (*library, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if l := e.libraries[path]; l != nil {
		return l, nil
	}
	handle, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return nil, fmt.Errorf("cudaemu: %w", err)
	}
	l := &library{}
	for name, to := range map[string]*uintptr{"emu_find": &l.find, "emu_launch": &l.launch} {
		if *to, err = purego.Dlsym(handle, name); err != nil {
			return nil, fmt.Errorf("cudaemu: %w", err)
		}
	}
	e.libraries[path] = l
	return l, nil
}

func (l *library) function(name string) (*kernel, error) {
	k := &kernel{name: name, lib: l, shared: defaultShared}
	text := append([]byte(name), 0)
	k.handle, _, _ = purego.SyscallN(l.find, uintptr(unsafe.Pointer(&text[0])), uintptr(unsafe.Pointer(&k.args)), uintptr(unsafe.Pointer(&k.threads)))
	runtime.KeepAlive(text)
	if k.handle == 0 {
		return nil, fmt.Errorf("cudaemu: CUDA_ERROR_NOT_FOUND: the text has no kernel %q", name)
	}
	return k, nil
}

// request is emu_request of prim_cpu.h.
type request struct {
	kernel, args             uintptr
	grid, block              [3]uint32
	shared, workers, reverse uint32
	failed                   uint32
	error                    [512]byte
}

// check reports what a driver would refuse at once.
func (k *kernel) check(l *driver.Launch) error {
	g, b := l.Grid, l.Block
	threads := uint64(b.X) * uint64(b.Y) * uint64(b.Z)
	switch {
	case g.X == 0 || g.Y == 0 || g.Z == 0 || g.X > 1<<31-1 || g.Y > 65535 || g.Z > 65535:
		return fmt.Errorf("cudaemu: CUDA_ERROR_INVALID_VALUE: kernel %s with the grid %v", k.name, g)
	case threads == 0 || threads > k.threads || threads%32 != 0:
		return fmt.Errorf("cudaemu: CUDA_ERROR_INVALID_VALUE: kernel %s with blocks of %v, want a multiple of 32 threads, at most %d", k.name, b, k.threads)
	case uint64(len(l.Args)) != k.args || len(l.Args) > maxArgs:
		return fmt.Errorf("cudaemu: kernel %s takes a parameter of %d bytes (at most %d), got %d", k.name, k.args, maxArgs, len(l.Args))
	case l.Shared < 0 || l.Shared > k.shared:
		return fmt.Errorf("cudaemu: CUDA_ERROR_INVALID_VALUE: kernel %s with %d bytes of shared memory, it may have %d (AllowShared)", k.name, l.Shared, k.shared)
	}
	return nil
}

// run runs all blocks and waits for them.
func (k *kernel) run(grid, block driver.Dim, shared int, args []byte, o Options) error {
	r := &request{kernel: k.handle, grid: [3]uint32{grid.X, grid.Y, grid.Z}, block: [3]uint32{block.X, block.Y, block.Z}, shared: uint32(shared), workers: uint32(o.Workers)}
	if o.Reverse {
		r.reverse = 1
	}
	aligned := make([]uint64, (len(args)+7)/8+1)
	r.args = uintptr(unsafe.Pointer(&aligned[0]))
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&aligned[0])), len(args)), args)
	purego.SyscallN(k.lib.launch, uintptr(unsafe.Pointer(r)))
	runtime.KeepAlive(aligned)
	runtime.KeepAlive(r)
	if r.failed != 0 {
		text, _, _ := bytes.Cut(r.error[:], []byte{0})
		return fmt.Errorf("cudaemu: CUDA_ERROR_LAUNCH_FAILED: kernel %s, %s", k.name, text)
	}
	return nil
}

package cpu

import (
	"fmt"
	"unsafe"

	"aural/kernels"

	"golang.org/x/sys/unix"
)

const hugePage = 2 << 20

// allocate maps zeroed memory outside the Go heap. Blocks of a huge page or more are aligned to one and ask the kernel for huge
// pages, which most distributions grant only on request; they save page faults and misses of the translation buffer.
func allocate(n int) (kernels.Memory, error) {
	if n < 0 {
		return kernels.Memory{}, fmt.Errorf("cpu: cannot allocate %d bytes", n)
	}
	if n == 0 {
		return kernels.Memory{Host: []byte{}, Free: func() error { return nil }}, nil
	}
	size, skip := n, 0
	if n >= hugePage {
		size = (n + hugePage - 1) / hugePage * hugePage
		skip = hugePage
	}
	mem, err := unix.Mmap(-1, 0, size+skip, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return kernels.Memory{}, fmt.Errorf("cpu: mapping %d bytes of memory: %w", n, err)
	}
	host := mem
	if skip > 0 {
		off := int(-uintptr(unsafe.Pointer(&mem[0])) % hugePage)
		host = mem[off : off+size]
		// A kernel without transparent huge pages refuses the hint; the memory is as good without.
		_ = unix.Madvise(host, unix.MADV_HUGEPAGE)
	}
	free := func() error {
		if mem == nil {
			return nil
		}
		err := unix.Munmap(mem)
		mem = nil
		return err
	}
	return kernels.Memory{Host: host[:n:n], Size: n, Free: free}, nil
}

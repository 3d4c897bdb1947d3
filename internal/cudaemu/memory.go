package cudaemu

import (
	"bytes"
	"fmt"
	"syscall"
	"unsafe"

	"aural/kernels/cuda/driver"
)

const (
	guardBytes = 4096 // before and after each block of device memory
	poison     = 0xff // every float a not-a-number, every int32 -1
)

// block is device memory: a mapping with guards.
type block struct {
	mem   []byte
	bytes int
}

func (b *block) ptr() driver.Ptr { return driver.Ptr(uintptr(unsafe.Pointer(&b.mem[guardBytes]))) }

var guard = bytes.Repeat([]byte{poison}, guardBytes)

// intact is an error when something was written beyond the block.
func (b *block) intact() error {
	after := b.mem[guardBytes+b.bytes:]
	switch {
	case !bytes.Equal(b.mem[:guardBytes], guard):
		return fmt.Errorf("cudaemu: CUDA_ERROR_ILLEGAL_ADDRESS: something was written before a block of %d bytes", b.bytes)
	case !bytes.Equal(after[:guardBytes], guard):
		return fmt.Errorf("cudaemu: CUDA_ERROR_ILLEGAL_ADDRESS: something was written beyond a block of %d bytes", b.bytes)
	}
	return nil
}

// Alloc implements driver.Context.
func (c *context) Alloc(n int) (driver.Ptr, error) {
	if n <= 0 {
		return 0, fmt.Errorf("cudaemu: CUDA_ERROR_INVALID_VALUE: %d bytes", n)
	}
	if err := c.uncaptured("Alloc"); err != nil {
		return 0, err
	}
	if c.used+int64(n) > c.e.options.Memory {
		return 0, fmt.Errorf("cudaemu: CUDA_ERROR_OUT_OF_MEMORY: %d bytes, %d of %d are used", n, c.used, c.e.options.Memory)
	}
	mem, err := syscall.Mmap(-1, 0, guardBytes+n+guardBytes, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANON)
	if err != nil {
		return 0, fmt.Errorf("cudaemu: %w", err)
	}
	for i := range mem {
		mem[i] = poison
	}
	b := &block{mem: mem, bytes: n}
	c.blocks[b.ptr()] = b
	c.used += int64(n)
	return b.ptr(), nil
}

// Free implements driver.Context. As on a device it waits for all that is queued.
func (c *context) Free(p driver.Ptr) error {
	b := c.blocks[p]
	if b == nil {
		return fmt.Errorf("cudaemu: CUDA_ERROR_INVALID_VALUE: %#x was not allocated", uintptr(p))
	}
	err := c.uncaptured("Free")
	if err == nil {
		err = c.drain()
	}
	if err == nil {
		err = b.intact()
	}
	delete(c.blocks, p)
	c.used -= int64(b.bytes)
	if e := syscall.Munmap(b.mem); err == nil && e != nil {
		err = e
	}
	return err
}

// span is device memory as bytes. It must lie in one block.
func (c *context) span(p driver.Ptr, n int) ([]byte, error) {
	for at, b := range c.blocks {
		if off := int64(p) - int64(at); off >= 0 && off+int64(n) <= int64(b.bytes) {
			return b.mem[guardBytes+off:][:n], nil
		}
	}
	return nil, fmt.Errorf("cudaemu: CUDA_ERROR_INVALID_VALUE: %d bytes at %#x are not in one block of device memory", n, uintptr(p))
}

// Memory implements driver.Context.
func (c *context) Memory() (free, total int64, err error) {
	return c.e.options.Memory - c.used, c.e.options.Memory, nil
}

// HostAlloc implements driver.Context.
func (c *context) HostAlloc(n int) ([]byte, error) {
	if n <= 0 {
		return nil, fmt.Errorf("cudaemu: CUDA_ERROR_INVALID_VALUE: %d bytes", n)
	}
	if err := c.uncaptured("HostAlloc"); err != nil {
		return nil, err
	}
	return syscall.Mmap(-1, 0, n, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANON)
}

// HostFree implements driver.Context.
func (c *context) HostFree(mem []byte) error { return syscall.Munmap(mem) }

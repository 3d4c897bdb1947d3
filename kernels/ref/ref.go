// Package ref computes every op of package kernels with plain loops: it is the judge of the other back ends.
//
// Each kernel is the formula of the op's documentation written out, generic over float32 and float64, on one goroutine.
// Sums, dot products and all arithmetic between them are float64 also where tensors are float32, so a float32 result is the exact one
// rounded once or a few times. In float64 the kernels are the ground for gradient checks by finite differences.
//
// There is one file per family of ops. Nothing here is tuned: code that should be fast belongs into kernels/cpu.
package ref

import (
	"fmt"
	"unsafe"

	"aural/kernels"
)

// Backend computes on the host. It has no state.
type Backend struct{}

// New makes the reference back end.
func New() *Backend { return &Backend{} }

// Name is "ref".
func (*Backend) Name() string { return "ref" }

// Alloc returns zeroed host memory, aligned to kernels.Alignment. The garbage collector frees it; Free has nothing to do.
func (*Backend) Alloc(bytes int) (kernels.Memory, error) {
	if bytes < 0 {
		return kernels.Memory{}, fmt.Errorf("ref: cannot allocate %d bytes", bytes)
	}
	return kernels.Memory{
		Host: kernels.New(kernels.Uint8, bytes).HostBytes(),
		Size: bytes,
		Free: func() error { return nil },
	}, nil
}

// Upload copies src, which must have exactly the bytes of dst.
func (*Backend) Upload(dst kernels.Buffer, src []byte) error {
	if len(dst.HostBytes()) != len(src) {
		return fmt.Errorf("ref: upload of %d bytes into %v, a host buffer of %d bytes", len(src), dst.Desc, len(dst.HostBytes()))
	}
	copy(dst.HostBytes(), src)
	return nil
}

// Download copies src, which must have exactly the bytes of dst.
func (*Backend) Download(dst []byte, src kernels.Buffer) error {
	if len(src.HostBytes()) != len(dst) {
		return fmt.Errorf("ref: download of %v, a host buffer of %d bytes, into %d bytes", src.Desc, len(src.HostBytes()), len(dst))
	}
	copy(dst, src.HostBytes())
	return nil
}

// Sync has nothing to wait for: kernels have finished when Run returns.
func (*Backend) Sync() error { return nil }

// Close has nothing to free.
func (*Backend) Close() error { return nil }

// float is the storage type of the tensors of a kernel.
type float interface{ float32 | float64 }

// vec is the data of a buffer of floats.
func vec[T float](b kernels.Buffer) []T { return kernels.Data[T](b) }

// runner is the body of a kernel: a Kernel.Run whose scratch is already a slice of float64.
type runner func(s *kernels.Step, in, out []kernels.Buffer, scratch []float64)

// kernel wraps a body that needs no working memory but its variables.
func kernel(run runner) kernels.Kernel { return kernelWithScratch(0, run) }

// kernelWithScratch wraps a body that needs n float64 of working memory.
func kernelWithScratch(n int, run runner) kernels.Kernel {
	return kernels.Kernel{
		Variant: "ref",
		Scratch: 8 * n,
		Run: func(s *kernels.Step, in, out []kernels.Buffer, scratch []byte) {
			var work []float64
			if n > 0 {
				work = unsafe.Slice((*float64)(unsafe.Pointer(&scratch[0])), n)
			}
			run(s, in, out, work)
		},
	}
}

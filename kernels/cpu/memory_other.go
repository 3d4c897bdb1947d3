//go:build !linux

package cpu

import (
	"fmt"

	"aural/kernels"
)

// allocate takes zeroed, aligned memory from the Go heap.
func allocate(n int) (kernels.Memory, error) {
	if n < 0 {
		return kernels.Memory{}, fmt.Errorf("cpu: cannot allocate %d bytes", n)
	}
	host := kernels.New(kernels.Uint8, n).HostBytes()
	if host == nil {
		host = []byte{}
	}
	return kernels.Memory{Host: host, Size: n, Free: func() error { return nil }}, nil
}

//go:build !cu

package main

import "aural/kernels/cuda/libcuda"

// openDriver opens NVIDIA's driver on this machine.
func openDriver() (gpuDriver, error) { return libcuda.Open() }

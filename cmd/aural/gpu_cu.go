//go:build cu

package main

import "aural/kernels/cuda/cu"

// openDriver opens NVIDIA's driver through gorgonia's binding.
func openDriver() (gpuDriver, error) { return cu.Open() }

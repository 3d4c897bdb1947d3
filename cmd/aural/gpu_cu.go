//go:build cu

package main

import (
	"aural/kernels/cuda/cu"
	"aural/kernels/cuda/driver"
	"aural/kernels/cuda/nvrtc"
)

// systemGPU opens NVIDIA's driver through gorgonia's binding.
func systemGPU() (driver.API, driver.Compiler, error) {
	d, err := cu.Open()
	if err != nil {
		return nil, nil, err
	}
	c, err := nvrtc.Open(d.Version())
	if err != nil {
		return nil, nil, err
	}
	c.UseCache(nvrtc.CacheFolder())
	return d, c, nil
}

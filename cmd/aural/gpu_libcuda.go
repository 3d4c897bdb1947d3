//go:build !cu

package main

import (
	"aural/kernels/cuda/driver"
	"aural/kernels/cuda/libcuda"
	"aural/kernels/cuda/nvrtc"
)

// systemGPU opens NVIDIA's driver and its compiler on this machine.
func systemGPU() (driver.API, driver.Compiler, error) {
	d, err := libcuda.Open()
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

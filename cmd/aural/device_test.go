package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"aural/internal/cudaemu"
	"aural/internal/cudafake"
	"aural/kernels/cuda/cublaslt"
	"aural/kernels/cuda/driver"
)

func TestParseDevice(t *testing.T) {
	for _, c := range []struct {
		flag, variable string
		want           device
		says           string
	}{
		{"", "", device{from: "--device"}, ""},
		{"", "cuda", device{from: "--device"}, ""}, // a command without the flag
		{"cpu", "cuda", device{from: "--device"}, ""},
		{"auto", "", device{cuda: true, auto: true, from: "--device"}, ""},
		{"auto", "cpu", device{from: deviceVariable}, ""},
		{"auto", "cuda:3", device{cuda: true, ordinal: 3, from: deviceVariable}, ""},
		{"cuda", "", device{cuda: true, from: "--device"}, ""},
		{"cuda:12", "cpu", device{cuda: true, ordinal: 12, from: "--device"}, ""},
		{"cuda:", "", device{}, `--device is "cuda:"`},
		{"cuda:-1", "", device{}, "want auto, cpu, cuda or cuda:N"},
		{"gpu", "", device{}, `"gpu"`},
		{"auto", "rocm", device{}, deviceVariable + ` is "rocm"`},
	} {
		t.Setenv(deviceVariable, c.variable)
		got, err := parseDevice(c.flag)
		switch {
		case c.says != "":
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%q, %q: error %v, want %q", c.flag, c.variable, err, c.says)
			}
		case err != nil || got != c.want:
			t.Errorf("%q, %q: %+v, %v, want %+v", c.flag, c.variable, got, err, c.want)
		}
	}
}

// withoutGPU makes the search for a GPU fail in a way.
func withoutGPU(t *testing.T, err error) {
	t.Helper()
	old := findGPU
	t.Cleanup(func() { findGPU = old })
	findGPU = func() (driver.API, driver.Compiler, error) { return nil, nil, err }
}

// On a machine without a GPU auto is the CPU, without a word; with one that cannot be used it says so; asking for CUDA fails.
func TestNewBackendWithoutGPU(t *testing.T) {
	t.Setenv(deviceVariable, "")
	var said []string
	m := machineFlags{threads: 1, kernels: "portable", device: "auto", say: func(f string, a ...any) { said = append(said, fmt.Sprintf(f, a...)) }}
	start := func(device string) error {
		m.device = device
		be, err := newBackend(m)
		if err == nil {
			err = be.Close()
		}
		return err
	}
	withoutGPU(t, fmt.Errorf("%w: none", driver.ErrNoGPU))
	for _, where := range []string{"", "auto", "cpu"} {
		if err := start(where); err != nil || len(said) > 0 {
			t.Errorf("--device %q: %v, said %q", where, err, said)
		}
	}
	m.kernels = "auto"
	if err := start("cuda"); err == nil || !strings.Contains(err.Error(), "--device asks for CUDA: no GPU") {
		t.Errorf("--device cuda: %v", err)
	}
	withoutGPU(t, errors.New("the compiler is missing"))
	if err := start("auto"); err != nil || len(said) != 1 || !strings.Contains(said[0], "runs on the CPU: the compiler is missing") {
		t.Errorf("--device auto with a GPU that cannot be used: %v, said %q", err, said)
	}
	m.kernels = "avx2"
	if err := start("cuda"); err == nil || !strings.Contains(err.Error(), "--kernels avx2 is for the CPU") {
		t.Errorf("--kernels with --device cuda: %v", err)
	}
}

// A library of products is used where the variable names it, and where it is missing the error says what to do.
func TestBLASVariable(t *testing.T) {
	fakeGPU(t, cudafake.Options{})
	start := func() (name string, err error) {
		be, err := newCUDA(0, machineFlags{})
		if err != nil {
			return "", err
		}
		return be.Name(), be.Close()
	}
	old := findBLAS
	t.Cleanup(func() { findBLAS = old })
	for _, c := range []struct{ value, name, says string }{
		{"", "cuda/fake", ""}, {"cublaslt", "cuda/fake/emulated", ""}, {"cublas", "", `AURAL_CUDA_BLAS is "cublas", want cublaslt or nothing`},
	} {
		findBLAS = func(driver.API) (driver.BLAS, error) { return &cudaemu.BLAS{}, nil }
		t.Setenv(blasVariable, c.value)
		name, err := start()
		if name != c.name || (err != nil) != (c.says != "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q: %q, %v", c.value, name, err)
		}
	}
	findBLAS = old
	t.Setenv(blasVariable, "cublaslt")
	t.Setenv(cublaslt.Variable, t.TempDir())
	if _, err := start(); err == nil || !strings.Contains(err.Error(), blasVariable+"=cublaslt: cublaslt: ") {
		t.Errorf("a folder without the library: %v", err)
	}
}

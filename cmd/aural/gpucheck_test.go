package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"aural/internal/cudaemu"
	"aural/internal/testkit"
	"aural/kernels/cuda/driver"
)

// emulatedGPU puts the emulator in the place of a GPU.
func emulatedGPU(t *testing.T) {
	t.Helper()
	e := cudaemu.New(cudaemu.Options{Compiler: testkit.Tool(t, "g++")})
	old, library := findGPU, findBLAS
	t.Cleanup(func() { findGPU, findBLAS = old, library })
	findGPU = func() (driver.API, driver.Compiler, error) { return e, e, nil }
	findBLAS = func(driver.API) (driver.BLAS, error) { return &cudaemu.BLAS{}, nil }
}

// The whole check runs on the emulator, at small sizes: same kernel text, same host code.
func TestGPUCheck(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: -short")
	}
	emulatedGPU(t)
	dir := t.TempDir()
	args := []string{"gpucheck", "--out", dir, "--minutes", "60", "--recipe", micro, "--full", micro, "--rows", "1", "--op", "^(gelu|linear)$|^conv gelu/", "--side", "128", "--curve", "4",
		"--torch", filepath.Join(dir, "none.py"), "--set", "data.batch_samples=16000"}
	out, _ := call(t, exitDone, args...)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	last := lines[len(lines)-1]
	if !regexp.MustCompile(`^\d+ passed, 0 failed, \d+ skipped$`).MatchString(last) {
		t.Errorf("the last line is %q", last)
	}
	for _, line := range lines[:len(lines)-1] {
		if !regexp.MustCompile(`^(PASS|FAIL|SKIP) \w+/\S+ \S+ \S+`).MatchString(line) {
			t.Errorf("line %q", line)
		}
	}
	for _, want := range []string{
		"PASS env/device emulated", "PASS probes/there_and_back 0 0", "PASS probes/product_bf16 ", "PASS probes/two_streams_768x768 ", "PASS probes/graph_gap ",
		"SKIP probes/strided_tensor_maps ",
		"PASS kernels/float32/gelu ", "PASS kernels/bf16/linear ", "PASS kernels/high/linear ", "PASS kernels/mma_sync/linear ",
		"PASS kernels/float32/chain/conv_gelu/", "PASS kernels/bf16/chain/conv_gelu/",
		"PASS products/qkv/apart ", "PASS products/conv1_grad_weight/wgmma ", "PASS products/conv1_grad_weight/mma_sync ",
		"PASS model/float32/loss ", "PASS model/bf16/gradient ", "PASS model/bf16/curve ", "PASS ops/update ",
		"PASS library/float32/linear ", "PASS library/bf16/linear_grad_weight_768x3072 ", "PASS library/columns_that_overlap planned ",
		"PASS steps/bf16/1_rows ", "PASS steps/bf16/1_rows/without_graphs ", "SKIP torch/script",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no line %q in\n%s", want, out)
		}
	}
	raw, failed := os.ReadFile(filepath.Join(dir, "gpucheck.json"))
	var r gpuReport
	if failed != nil || json.Unmarshal(raw, &r) != nil || len(r.Lines) != len(lines)-1 || r.Device.Name != "emulated" || len(r.Steps) != 4 {
		t.Errorf("%v: %d lines, %d steps, %+v", failed, len(r.Lines), len(r.Steps), r.Device)
	}
	t.Log(out)
}

func TestGPUCheckWithoutGPU(t *testing.T) {
	withoutGPU(t, fmt.Errorf("%w: none", driver.ErrNoGPU))
	dir := t.TempDir()
	out, err := call(t, exitError, "gpucheck", "--out", dir)
	if !strings.Contains(out, "FAIL env/error") || !strings.Contains(out, "no GPU") || !strings.Contains(out, "0 passed, 1 failed, 0 skipped") {
		t.Errorf("%q, %q", out, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "gpucheck.json")); err != nil {
		t.Error(err)
	}
	for _, bad := range [][]string{{"--minutes", "0"}, {"--op", "("}, {"--side", "0"}, {"--phases", "env,nothing"}} {
		call(t, exitUsage, append([]string{"gpucheck", "--out", dir}, bad...)...)
	}
}

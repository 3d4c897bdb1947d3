package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aural/internal/dynlib"
	"aural/kernels/cuda/cubin"
	"aural/kernels/cuda/driver"
	"aural/kernels/cuda/nvrtc"
)

func TestGPUAdvice(t *testing.T) {
	if !dynlib.Available {
		t.Skip("SKIPPED: built with the tag nocuda")
	}
	none := fmt.Errorf("the driver: %w", dynlib.ErrNone)
	root := t.TempDir()
	put := func(name, text string) {
		t.Helper()
		file := filepath.Join(root, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	says := func(err error, want string) {
		t.Helper()
		if got := gpuAdvice(root, err); !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%q, want %q", got, want)
		}
	}
	says(errors.New("broken"), "")
	put("sys/bus/pci/devices/0/vendor", "0x10de\n")
	put("sys/bus/pci/devices/0/class", "0x040300\n") // the sound device of a graphics card
	says(none, "everything computes on the CPU")
	put("sys/bus/pci/devices/1/vendor", "0x10de\n")
	put("sys/bus/pci/devices/1/class", "0x030200\n")
	says(none, "without a driver")
	put(".dockerenv", "")
	says(none, "docker run --gpus all")
}

// In one line a machine without a GPU says so.
func TestGPURows(t *testing.T) {
	rows := gpuRows()
	if len(rows) == 0 || rows[0][0] != "gpu" || strings.Contains(rows[0][1], "\n") {
		t.Errorf("%q", rows)
	}
}

// Where the kernels come from, for each device.
func TestKernelRows(t *testing.T) {
	t.Setenv(nvrtc.Variable, t.TempDir())
	carried, err := cubin.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	want := "none, so --device auto is the CPU"
	if carried != nil {
		want = "machine code for sm_90a in this program"
	}
	rows := kernelRows([]driver.Info{{Ordinal: 1, Major: 9, DriverVersion: 12040}}, 12040)
	if len(rows) != 1 || rows[0][0] != "gpu kernels" || !strings.HasPrefix(rows[0][1], "cuda:1 "+want) {
		t.Errorf("%q, want %q", rows, want)
	}
}

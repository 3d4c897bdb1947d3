package nvml

import (
	"errors"
	"os/exec"
	"path/filepath"
	"testing"

	"aural/internal/dynlib"
	"aural/internal/testkit"
)

func compile(t *testing.T, flags ...string) {
	t.Helper()
	args := append([]string{"-shared", "-fPIC", "-Wall", "-Werror", filepath.Join("testdata", "double.c")}, flags...)
	if out, err := exec.Command(testkit.Tool(t, "gcc"), args...).CombinedOutput(); err != nil {
		t.Fatalf("gcc: %v\n%s", err, out)
	}
}

func TestDoubleFollowsHeader(t *testing.T) {
	compile(t, "-DHEADER", "-I"+testkit.CUDATools(t, "nvidia/nvml_dev/include"), "-o", filepath.Join(t.TempDir(), "x.so"))
}

func TestStatus(t *testing.T) {
	if !dynlib.Available {
		t.Skip("SKIPPED: built with the tag nocuda")
	}
	file := filepath.Join(t.TempDir(), "libnvidia-ml.so.1")
	compile(t, "-o", file)
	t.Setenv(Variable, file)
	n, err := open()
	if err != nil {
		t.Fatal(err)
	}
	devices, err := n.Devices()
	if err != nil || len(devices) != 2 || n.DriverVersion() != "550.54.15" {
		t.Fatalf("%v, %v, driver %s", devices, err, n.DriverVersion())
	}
	if d := devices[1]; d.Index != 1 || d.Name != "Double 1" || d.UUID != "GPU-1" {
		t.Errorf("%+v", d)
	}
	for i, want := range []Status{{0.87, 10 << 30, 80 << 30, 651.5, 60}, {0.88, 11 << 30, 80 << 30, -1, 61}} {
		if got, err := n.Status(devices[i]); err != nil || got != want {
			t.Errorf("device %d: %+v, %v, want %+v", i, got, err, want)
		}
	}
	if err := n.check(n.getPower, 3); err == nil || err.Error() != "nvml: nvmlDeviceGetPowerUsage: Not Supported (3)" {
		t.Errorf("error %v", err)
	}
}

func TestNone(t *testing.T) {
	old := search
	defer func() { search = old }()
	search.Variable, search.Names, search.Folders = "", []string{"libnvidia-of-nobody.so"}, nil
	if _, err := open(); err == nil || dynlib.Available && !errors.Is(err, dynlib.ErrNone) {
		t.Errorf("without the library: %v", err)
	}
}

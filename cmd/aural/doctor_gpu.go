package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"aural/internal/dynlib"
	"aural/kernels/cuda"
	"aural/kernels/cuda/cublaslt"
	"aural/kernels/cuda/driver"
	"aural/kernels/cuda/libcuda"
	"aural/kernels/cuda/nvrtc"
	"aural/nvml"
)

// gpuRows say which GPUs there are and what is missing to compute on them, with the command that brings it.
func gpuRows() [][]string {
	d, err := libcuda.Open()
	if err != nil {
		return [][]string{{"gpu", err.Error() + gpuAdvice("/", err)}}
	}
	infos, err := d.Devices()
	if err != nil {
		return [][]string{{"gpu", err.Error() + gpuAdvice("/", err)}}
	}
	var rows [][]string
	for _, i := range infos {
		rows = append(rows, []string{"gpu", fmt.Sprintf("cuda:%d %s, %s", i.Ordinal, i.Name, deviceText(i))})
	}
	text := d.Path()
	if n, err := nvml.Open(); err == nil {
		text = n.DriverVersion() + ", " + text
	}
	rows = append(rows, []string{"gpu driver", text})
	if c, err := nvrtc.Open(d.Version()); err != nil {
		rows = append(rows, []string{"gpu compiler", "none: " + err.Error()})
	} else {
		rows = append(rows, []string{"gpu compiler", fmt.Sprintf("%s, %s; kernels are kept in %s", c.Name(), c.Path(), nvrtc.CacheFolder())})
	}
	if c, err := cublaslt.Open(d.Version()); err == nil {
		rows = append(rows, []string{"gpu products", fmt.Sprintf("%s, %s; %s=cublaslt uses it", c.Name(), c.Path(), blasVariable)})
	}
	return append(rows, kernelRows(infos, d.Version())...)
}

// kernelRows say where the kernels for each device come from: out of this program, from a compiler, from the driver.
func kernelRows(infos []driver.Info, driverVersion int) (rows [][]string) {
	c, err := kernelCompiler(driverVersion)
	if err != nil {
		return [][]string{{"gpu kernels", err.Error()}}
	}
	for _, i := range infos {
		w, err := c.Way(cuda.Text(), nil, i)
		text := w.Text
		if err != nil {
			text = "none, so --device auto is the CPU: " + err.Error()
		}
		rows = append(rows, []string{"gpu kernels", fmt.Sprintf("cuda:%d %s", i.Ordinal, text)})
	}
	return rows
}

// gpuAdvice says what to do about an error of the driver, from what the system shows below root.
func gpuAdvice(root string, err error) string {
	switch {
	case !dynlib.Available || !errors.Is(err, dynlib.ErrNone):
		return ""
	case !onPCI(root):
		return "; everything computes on the CPU"
	case inContainer(root):
		return "; the machine has an NVIDIA GPU that this container does not see: docker run --gpus all (with NVIDIA's container toolkit on the host)"
	}
	return "; the machine has an NVIDIA GPU without a driver: sudo ubuntu-drivers install, or sudo apt-get install nvidia-driver on Debian"
}

// onPCI reports whether there is a display or compute device of NVIDIA's.
func onPCI(root string) bool {
	vendors, _ := filepath.Glob(filepath.Join(root, "sys/bus/pci/devices/*/vendor"))
	for _, file := range vendors {
		vendor, _ := os.ReadFile(file)
		class, _ := os.ReadFile(filepath.Join(filepath.Dir(file), "class"))
		if strings.TrimSpace(string(vendor)) == "0x10de" && strings.HasPrefix(string(class), "0x03") {
			return true
		}
	}
	return false
}

// inContainer looks for the files that container engines leave.
func inContainer(root string) bool {
	for _, file := range []string{".dockerenv", "run/.containerenv"} {
		if _, err := os.Stat(filepath.Join(root, file)); err == nil {
			return true
		}
	}
	return false
}

package cudaemu

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"

	"aural/kernels/cuda/driver"
)

//go:embed *_cpu.h
var shims embed.FS

// flags of the compiler. Thread-local memory is of the dynamic kind that is nearly as fast as the static one, of which a library that is loaded late gets little: static
// shared memory of kernels lies there. Contraction is off, so that sums have the roundings that the text says; -march=native makes fmaf one instruction.
var flags = []string{"-std=c++17", "-O2", "-march=native", "-ffp-contract=off", "-fno-strict-aliasing", "-fPIC", "-mtls-dialect=gnu2", "-shared", "-pthread", "-fno-gnu-unique",
	"-Wall", "-Wno-unused-function", "-Wno-unknown-pragmas", "-Wno-unused-variable", "-Wno-unused-but-set-variable"}

// Compile implements driver.Compiler. The image is the path of a shared library in the user's cache folder, named by a hash of all that went into it.
func (e *Emulator) Compile(text string, options []string, _ driver.Info) (image []byte, log string, err error) {
	version, err := exec.Command(e.options.Compiler, "--version").Output()
	if err != nil {
		return nil, "", fmt.Errorf("cudaemu: %s --version: %w", e.options.Compiler, err)
	}
	files := map[string][]byte{"kernels.cpp": []byte(text)}
	parts := [][]byte{version, []byte(text), []byte(fmt.Sprint(flags, hostCPU()))}
	names, err := fs.Glob(shims, "*.h") // sorted
	for _, name := range names {
		if err == nil {
			files[name], err = shims.ReadFile(name)
			parts = append(parts, files[name])
		}
	}
	if err != nil {
		return nil, "", err
	}
	sum := sha256.New()
	for _, part := range parts {
		fmt.Fprintf(sum, "%d:", len(part))
		sum.Write(part)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, "", err
	}
	folder := filepath.Join(cache, "aural", "cudaemu")
	path := filepath.Join(folder, fmt.Sprintf("%x.so", sum.Sum(nil)[:12]))
	if _, err := os.Stat(path); err == nil {
		return []byte(path), "", nil
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, "", err
	}
	work, err := os.MkdirTemp(folder, "build-")
	if err != nil {
		return nil, "", err
	}
	defer os.RemoveAll(work)
	source, made := filepath.Join(work, "kernels.cpp"), filepath.Join(work, "kernels.so")
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(work, name), data, 0o644); err != nil {
			return nil, "", err
		}
	}
	out, err := exec.Command(e.options.Compiler, append(append([]string(nil), flags...), "-o", made, source)...).CombinedOutput()
	if err != nil {
		return nil, string(out), fmt.Errorf("cudaemu: %s: %w\n%s", e.options.Compiler, err, head(out))
	}
	return []byte(path), string(out), os.Rename(made, path)
}

// hostCPU tells machines apart that share a cache folder: -march=native means another thing on each.
func hostCPU() []byte {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return nil
	}
	for line := range bytes.Lines(info) {
		if bytes.HasPrefix(line, []byte("flags")) {
			return line
		}
	}
	return nil
}

// head is the beginning of what the compiler said; later errors mostly follow from the first.
func head(out []byte) []byte { return out[:min(len(out), 4000)] }

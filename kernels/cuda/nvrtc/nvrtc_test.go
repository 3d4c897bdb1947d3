package nvrtc

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aural/internal/dynlib"
	"aural/internal/testkit"
	"aural/kernels/cuda/driver"

	"pgregory.net/rapid"
)

// open opens the library that tools/cuda_tools.sh fetched.
func open(t testing.TB) *Compiler {
	t.Helper()
	if !dynlib.Available {
		t.Skip("SKIPPED: built with the tag nocuda")
	}
	t.Setenv(Variable, testkit.CUDATools(t, "nvidia/cuda_nvrtc/lib"))
	c, err := Open(12040)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func device(major, minor int) driver.Info {
	return driver.Info{Major: major, Minor: minor, DriverVersion: 12040}
}

// A kernel as aural's are: one struct by value, static shared memory.
const kernel = `struct Args { float* y; const float* x; int n; float a; };
extern "C" __global__ void axpy(const Args a) {
	__shared__ float s[128];
	int i = blockIdx.x * 128 + threadIdx.x;
	s[threadIdx.x] = i < a.n ? a.x[i] : 0;
	__syncthreads();
	if (i < a.n) a.y[i] += FACTOR * a.a * s[127 - threadIdx.x];
}
`

func TestCompile(t *testing.T) {
	c := open(t)
	for _, d := range []struct {
		major, minor int
		holds        string
	}{{8, 0, "\x7fELF"}, {8, 6, "\x7fELF"}, {8, 9, "\x7fELF"}, {9, 0, "\x7fELF"}, {12, 0, "\x7fELF"}, {99, 0, ".target sm_80"}} {
		image, log, err := c.Compile(kernel, []string{"-DFACTOR=2"}, device(d.major, d.minor))
		if err != nil {
			t.Fatalf("%d.%d: %v\n%s", d.major, d.minor, err, log)
		}
		if !bytes.Contains(image, []byte(d.holds)) || !bytes.Contains(image, []byte("axpy")) {
			t.Errorf("%d.%d: the image begins %q", d.major, d.minor, image[:min(len(image), 80)])
		}
		if d.major == 99 {
			if image[len(image)-1] != 0 {
				t.Error("PTX without a zero byte at its end")
			}
			continue
		}
		used, warnings, err := ParseLog(log)
		if err != nil || len(warnings) > 0 || len(used) != 1 {
			t.Fatalf("%d.%d: %v, %v, %v\n%s", d.major, d.minor, used, warnings, err, log)
		}
		u := used[0]
		if u.Kernel != "axpy" || u.Registers < 4 || u.Registers > 40 || u.SharedBytes != 512 || u.Barriers != 1 || u.SpillStores+u.SpillLoads+u.StackBytes > 0 {
			t.Errorf("%d.%d: %+v of\n%s", d.major, d.minor, u, log)
		}
	}
	if _, _, err := c.Compile(kernel, nil, device(7, 5)); err == nil || !strings.Contains(err.Error(), "7.5 is too old") {
		t.Errorf("a device before bfloat16: %v", err)
	}
}

func TestCompileError(t *testing.T) {
	c := open(t)
	_, log, err := c.Compile(kernel, nil, device(9, 0))
	if err == nil || !strings.Contains(err.Error(), "sm_90a") || !strings.Contains(err.Error(), "FACTOR") || !strings.Contains(log, "FACTOR") {
		t.Errorf("text with an error: %v; log %q", err, log)
	}
	if _, _, err := c.Compile(kernel, []string{"--no-such-option"}, device(9, 0)); err == nil {
		t.Error("an option that there is not")
	}
}

// Spills have to be seen: many live values in few registers.
func TestSpillsAreReported(t *testing.T) {
	text := `extern "C" __global__ void __launch_bounds__(1024, 2) wide(float* y) {
	float v[64];
	for (int i = 0; i < 64; i++) v[i] = y[i * 97 + threadIdx.x];
	for (int r = 0; r < 3; r++)
	#pragma unroll
		for (int i = 0; i < 64; i++) v[i] = v[i] * v[(i * 7 + 3) % 64] + v[(i + 31) % 64];
	for (int i = 0; i < 64; i++) y[i * 97 + threadIdx.x] = v[i];
}`
	_, log, err := open(t).Compile(text, nil, device(8, 0))
	if err != nil {
		t.Fatal(err)
	}
	if used, _, err := ParseLog(log); err != nil || len(used) != 1 || used[0].SpillStores == 0 || used[0].StackBytes == 0 {
		t.Errorf("%+v, %v of\n%s", used, err, log)
	}
}

func TestCache(t *testing.T) {
	c := open(t)
	folder := filepath.Join(t.TempDir(), "made", "when-needed")
	c.UseCache(folder)
	options := []string{"-DFACTOR=3"}
	first, _, err := c.Compile(kernel, options, device(8, 0))
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("files %v, %v", files, err)
	}
	// A marked entry shows that it is taken from the cache.
	key := strings.TrimSuffix(filepath.Base(files[0]), ".bin")
	if err := c.cache.store(key, []byte("marked"), "log"); err != nil {
		t.Fatal(err)
	}
	if image, log, err := c.Compile(kernel, options, device(8, 0)); err != nil || string(image) != "marked" || log != "log" {
		t.Errorf("%q, %q, %v, want what is in the cache", image, log, err)
	}
	// Damage of any byte is seen, and repaired.
	raw, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	for i := range raw {
		broken := slices.Clone(raw)
		broken[i] ^= 1
		if _, _, ok := decodeImage(broken); ok {
			t.Errorf("byte %d changed, and nothing was seen", i)
		}
	}
	if err := os.WriteFile(files[0], raw[:len(raw)-1], 0o644); err != nil {
		t.Fatal(err)
	}
	again, _, err := c.Compile(kernel, options, device(8, 0))
	if err != nil || !bytes.Equal(again, first) {
		t.Errorf("after damage: %d bytes, %v, want the %d of the first time", len(again), err, len(first))
	}
	if image, _, ok := c.cache.load(key); !ok || !bytes.Equal(image, first) {
		t.Error("the damaged file was not replaced")
	}
	// A folder that cannot be written is no error.
	c.UseCache(filepath.Join(files[0], "below-a-file"))
	if _, _, err := c.Compile(kernel, options, device(8, 0)); err != nil {
		t.Errorf("without a place for the cache: %v", err)
	}
}

// Whatever the result depends on is in the key.
func TestCacheKey(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range []string{
		cacheKey("text", []string{"a", "b"}, "12.4", "sm_80", 12040), cacheKey("text2", []string{"a", "b"}, "12.4", "sm_80", 12040),
		cacheKey("text", []string{"ab"}, "12.4", "sm_80", 12040), cacheKey("text", []string{"a"}, "12.4", "sm_80", 12040),
		cacheKey("text", []string{"b", "a"}, "12.4", "sm_80", 12040), cacheKey("text", []string{"a", "b"}, "12.5", "sm_80", 12040),
		cacheKey("text", []string{"a", "b"}, "12.4", "sm_86", 12040), cacheKey("text", []string{"a", "b"}, "12.4", "sm_80", 12050),
	} {
		if seen[k] {
			t.Errorf("key %s twice", k)
		}
		seen[k] = true
	}
	rapid.Check(t, func(t *rapid.T) {
		image, log := rapid.SliceOf(rapid.Byte()).Draw(t, "image"), rapid.String().Draw(t, "log")
		gotImage, gotLog, ok := decodeImage(encodeImage(image, log))
		if !ok || !bytes.Equal(gotImage, image) || gotLog != log {
			t.Fatalf("%q, %q, %v", gotImage, gotLog, ok)
		}
	})
}

func TestMissing(t *testing.T) {
	t.Setenv(Variable, t.TempDir())
	if _, err := Open(12040); err == nil || !strings.Contains(err.Error(), Variable) {
		t.Errorf("a folder without the library: %v", err)
	}
	if !dynlib.Available {
		return
	}
	if _, err := Open(11080); err == nil || !strings.Contains(err.Error(), "CUDA 11.8") {
		t.Errorf("an old driver: %v", err)
	}
	s := search(12040)
	if slices.Contains(s.Names, "libnvrtc.so.13") || !slices.Contains(search(13000).Names, "libnvrtc.so.13") {
		t.Error("a compiler of CUDA 13 for a driver of CUDA 12")
	}
	s.Variable, s.Names, s.Folders = "", []string{"libnvrtc-of-nobody.so"}, nil
	if _, err := s.Open(); !errors.Is(err, dynlib.ErrNone) {
		t.Errorf("nowhere: %v", err)
	}
}

func TestParseLog(t *testing.T) {
	log := `ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function 'first' for 'sm_90a'
ptxas info    : Function properties for first
    16 bytes stack frame, 8 bytes spill stores, 12 bytes spill loads
ptxas info    : Used 168 registers, used 2 barriers, 1024 bytes smem, 400 bytes cmem[0]
ptxas info    : Compile time = 1.000 ms
ptxas info    : (C7510) Potential Performance Loss: wgmma.mma_async instructions are serialized due to insufficient register resources in function 'first'
ptxas info    : Function properties for _Z6calledf
    99 bytes stack frame, 99 bytes spill stores, 99 bytes spill loads
aural.cu(3): warning #177-D: variable "x" was declared but never referenced
ptxas info    : Compiling entry function 'second' for 'sm_90a'
ptxas info    : Function properties for second
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 12 registers, used 0 barriers
`
	used, warnings, err := ParseLog(log)
	want := []Usage{{"first", 168, 16, 8, 12, 1024, 2}, {Kernel: "second", Registers: 12}}
	if err != nil || !slices.Equal(used, want) || len(warnings) != 2 || !strings.Contains(warnings[0], "C7510") || !strings.Contains(warnings[1], "never referenced") {
		t.Errorf("%+v, %q, %v", used, warnings, err)
	}
	for _, bad := range []string{"Compiling entry function 'a", "Compiling entry function 'a' for\nUsed x registers", "Compiling entry function 'a' for\n -1 bytes stack frame"} {
		if _, _, err := ParseLog(bad); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
}

func FuzzParseLog(f *testing.F) {
	f.Add("ptxas info    : Compiling entry function 'axpy' for 'sm_80'\n    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads\nptxas info    : Used 12 registers, used 1 barriers, 512 bytes smem\n")
	f.Fuzz(func(t *testing.T, log string) {
		used, warnings, err := ParseLog(log)
		if err == nil && len(used)+len(warnings) > strings.Count(log, "\n")+1 {
			t.Errorf("%d kernels and %d warnings of %d lines", len(used), len(warnings), strings.Count(log, "\n"))
		}
		for _, u := range used {
			if u.Registers < 0 || u.SharedBytes < 0 || u.SpillLoads < 0 || u.SpillStores < 0 || u.StackBytes < 0 {
				t.Errorf("%+v", u)
			}
		}
	})
}

func FuzzDecodeImage(f *testing.F) {
	f.Add(encodeImage([]byte("image"), "log"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if image, log, ok := decodeImage(raw); ok && !bytes.Equal(encodeImage(image, log), raw) {
			t.Errorf("%q is accepted", raw)
		}
	})
}

package libcuda

import (
	"encoding/binary"
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"aural/internal/dynlib"
	"aural/internal/testkit"
	"aural/kernels/cuda/driver"
)

// tempFolder is removed after all tests; doubleFile is the compiled stand-in in it, once a test has made it.
var tempFolder, doubleFile string

func TestMain(m *testing.M) {
	var err error
	if tempFolder, err = os.MkdirTemp("", "aural-libcuda-"); err != nil {
		panic(err)
	}
	code := m.Run()
	os.RemoveAll(tempFolder)
	os.Exit(code)
}

// double is testdata/double.c, compiled and loaded.
type double struct {
	*Driver
	lines, reset, fail dynlib.Func
}

// newDouble makes a driver over the stand-in. Without a C compiler the test fails unless AURAL_SKIP names gcc.
func newDouble(t testing.TB) *double {
	t.Helper()
	if !dynlib.Available {
		t.Skip("SKIPPED: built with the tag nocuda")
	}
	if doubleFile == "" {
		file := filepath.Join(tempFolder, "libcuda.so.1")
		compile(t, "-o", file)
		doubleFile = file
	}
	t.Setenv(Variable, doubleFile)
	d, err := open()
	if err != nil {
		t.Fatal(err)
	}
	l, err := search.Open()
	if err != nil {
		t.Fatal(err)
	}
	x := &double{Driver: d}
	if err := l.Bind(map[string]*dynlib.Func{"double_lines": &x.lines, "double_reset": &x.reset, "double_fail": &x.fail}); err != nil {
		t.Fatal(err)
	}
	return x
}

func compile(t testing.TB, flags ...string) {
	t.Helper()
	gcc := testkit.Tool(t, "gcc")
	args := append([]string{"-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", filepath.Join("testdata", "double.c")}, flags...)
	if out, err := exec.Command(gcc, args...).CombinedOutput(); err != nil {
		t.Fatalf("gcc: %v\n%s", err, out)
	}
}

// took returns the lines since the last reset, and resets.
func (x *double) took() []string {
	p := x.lines.Call()
	start := *(**byte)(unsafe.Pointer(&p))
	n := 0
	for *(*byte)(unsafe.Add(unsafe.Pointer(start), n)) != 0 {
		n++
	}
	text := string(unsafe.Slice(start, n))
	x.reset.Call()
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

// failAt makes the n-th call of a function return a code.
func (x *double) failAt(name string, n, code int) {
	b := append([]byte(name), 0)
	x.fail.Call(uintptr(unsafe.Pointer(&b[0])), uintptr(n), uintptr(code))
}

// NVIDIA's own header has to agree with every prototype of the stand-in; what the binding passes to it is then what the real driver takes.
func TestDoubleFollowsHeader(t *testing.T) {
	include := testkit.CUDATools(t, "nvidia/cuda_runtime/include")
	compile(t, "-DHEADER", "-I"+include, "-o", filepath.Join(t.TempDir(), "x.so"))
}

// openOn locks the thread of the test and opens the first device. It leaves the thread without a context: other tests get it.
func openOn(t testing.TB, x *double) driver.Context {
	t.Helper()
	runtime.LockOSThread()
	t.Cleanup(runtime.UnlockOSThread)
	c, err := x.Open(0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		x.reset.Call()
		check(t, c.Close())
	})
	return c
}

func TestDevices(t *testing.T) {
	x := newDouble(t)
	got, err := x.Devices()
	if err != nil {
		t.Fatal(err)
	}
	want := driver.Info{
		Ordinal: 1, Name: "Double 71", UUID: "GPU-00112233-4455-6677-8899-aabbccddeeff", Major: 9, SMs: 132, SharedBytes: 232448, L2Bytes: 52428800,
		TotalBytes: 85899345920, DriverVersion: 12090,
	}
	if len(got) != 2 || got[1] != want {
		t.Errorf("%+v, want two, the second %+v", got, want)
	}
	for _, ordinal := range []int{-1, 2} {
		if _, err := x.Open(ordinal); err == nil || !strings.Contains(err.Error(), "there is no device") {
			t.Errorf("device %d: %v", ordinal, err)
		}
	}
}

// check calls fatal on an error.
func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func value[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		check(t, err)
		return v
	}
}

// axpyArgs lays out the struct axpy of testdata/double.c.
func bytesOf(x []float32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), 4*len(x))
}

func axpyArgs(y, x driver.Ptr, n int32, a float32) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(y))
	b = binary.LittleEndian.AppendUint64(b, uint64(x))
	b = binary.LittleEndian.AppendUint32(b, uint32(n))
	b = binary.LittleEndian.AppendUint32(b, math.Float32bits(a))
	return binary.LittleEndian.AppendUint64(b, 0x1122334455667788)
}

// Every call once, with the arguments as C received them.
func TestCalls(t *testing.T) {
	x := newDouble(t)
	c := openOn(t, x)
	x.took()
	s := value[driver.Stream](t)(c.NewStream())
	e := value[driver.Event](t)(c.NewEvent())
	e2 := value[driver.Event](t)(c.NewEvent())
	a := value[driver.Ptr](t)(c.Alloc(1000))
	b := value[driver.Ptr](t)(c.Alloc(16))
	host := value[[]byte](t)(c.HostAlloc(16))
	m := value[driver.Module](t)(c.Load([]byte("cubin\x00")))
	f := value[driver.Function](t)(c.Function(m, "axpy"))
	check(t, c.AllowShared(f, 200000))
	check(t, c.Fill(s, a, 16, 0))
	ones := make([]byte, 16)
	for i := range 4 {
		binary.LittleEndian.PutUint32(ones[4*i:], math.Float32bits(float32(i+1)))
	}
	check(t, c.CopyToDevice(s, b, ones))
	check(t, c.Record(e, s))
	check(t, c.Launch(s, f, &driver.Launch{Grid: driver.Dim{X: 1, Y: 2, Z: 3}, Block: driver.Dim{X: 4, Y: 5, Z: 6}, Shared: 150000, Args: axpyArgs(a, b, 4, 0.5)}))
	check(t, c.CopyDevice(s, b, a, 16))
	check(t, c.CopyToHost(s, host, b))
	check(t, c.Record(e2, s))
	check(t, c.Wait(s, e))
	check(t, c.Sync(s))
	if ms, err := c.Elapsed(e, e2); err != nil || ms != 1 {
		t.Errorf("elapsed %v, %v", ms, err)
	}
	for i := range 4 {
		if got := math.Float32frombits(binary.LittleEndian.Uint32(host[4*i:])); got != 0.5*float32(i+1) {
			t.Errorf("element %d is %v after the kernel", i, got)
		}
	}
	check(t, c.BeginCapture(s))
	g := value[driver.Graph](t)(c.EndCapture(s))
	check(t, c.LaunchGraph(s, g))
	check(t, c.FreeGraph(g))
	free, total, err := c.Memory()
	if check(t, err); free != 80000000000 || total != 85899345920 {
		t.Errorf("memory %d of %d", free, total)
	}
	check(t, c.HostFree(host))
	check(t, c.Free(a))
	check(t, c.Free(b))
	check(t, c.Unload(m))
	check(t, c.FreeEvent(e))
	check(t, c.FreeEvent(e2))
	check(t, c.FreeStream(s))
	check(t, c.Close())
	got := x.took()
	stream := strings.Fields(got[9])[3] // "stream=0x2000" of the fill
	want := strings.Split(strings.ReplaceAll(`cuStreamCreate flags=1
cuEventCreate flags=0
cuEventCreate flags=0
cuMemAlloc_v2 bytes=1000
cuMemAlloc_v2 bytes=16
cuMemHostAlloc bytes=16 flags=1
cuModuleLoadDataEx image=cubin options=2
cuModuleGetFunction module=0x3000 name=axpy
cuFuncSetAttribute axpy attribute=8 value=200000
cuMemsetD8Async value=0 bytes=16 STREAM
cuMemcpyHtoDAsync_v2 bytes=16 STREAM
cuEventRecord STREAM
cuLaunchKernel axpy grid=1,2,3 block=4,5,6 shared=150000 STREAM
cuMemcpyDtoDAsync_v2 bytes=16 STREAM
cuMemcpyDtoHAsync_v2 bytes=16 STREAM
cuEventRecord STREAM
cuStreamWaitEvent STREAM flags=0 event=1
cuStreamSynchronize STREAM
cuEventElapsedTime
cuStreamBeginCapture_v2 STREAM mode=1
cuStreamEndCapture STREAM
cuGraphInstantiateWithFlags graph=0x4000 flags=0
cuGraphDestroy graph=0x4000
cuGraphLaunch exec=0x5000 STREAM
cuGraphExecDestroy exec=0x5000
cuMemGetInfo_v2
cuMemFreeHost
cuMemFree_v2
cuMemFree_v2
cuModuleUnload module=0x3000
cuEventDestroy_v2
cuEventDestroy_v2
cuStreamDestroy_v2 STREAM
cuCtxSetCurrent context=(nil)
cuDevicePrimaryCtxRelease_v2 dev=70`, "STREAM", stream), "\n")
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got) || i >= len(want):
			t.Fatalf("%d calls, want %d:\n%s", len(got), len(want), strings.Join(got, "\n"))
		case got[i] != want[i]:
			t.Errorf("call %d is %q, want %q", i, got[i], want[i])
		}
	}
	if stream == "stream=(nil)" {
		t.Error("work is queued in the default stream")
	}
}

// Whatever call fails, the error has its name and CUDA's name of the code, and no panic follows.
func TestErrors(t *testing.T) {
	x := newDouble(t)
	c := openOn(t, x)
	s := value[driver.Stream](t)(c.NewStream())
	m := value[driver.Module](t)(c.Load([]byte("cubin\x00")))
	f := value[driver.Function](t)(c.Function(m, "axpy"))
	p := value[driver.Ptr](t)(c.Alloc(64))
	launch := func() error {
		return c.Launch(s, f, &driver.Launch{Grid: driver.Dim{X: 1, Y: 1, Z: 1}, Block: driver.Dim{X: 1, Y: 1, Z: 1}, Args: axpyArgs(p, p, 1, 0)})
	}
	for _, k := range []struct {
		call string
		code int
		do   func() error
		says []string
	}{
		{"cuMemAlloc_v2", 2, func() error { _, err := c.Alloc(7); return err }, []string{"7 bytes", "CUDA_ERROR_OUT_OF_MEMORY"}},
		{"cuMemHostAlloc", 2, func() error { _, err := c.HostAlloc(9); return err }, []string{"9 bytes"}},
		{"cuMemcpyHtoDAsync_v2", 1, func() error { return c.CopyToDevice(s, p, []byte{1}) }, []string{"CUDA_ERROR_INVALID_VALUE"}},
		{"cuLaunchKernel", 701, launch, []string{"launching axpy", "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES"}},
		{"cuStreamSynchronize", 700, func() error { check(t, launch()); return c.Sync(s) }, []string{"CUDA_ERROR_ILLEGAL_ADDRESS (700)", "last kernel launched was axpy", driver.SyncVariable}},
		{"cuEventCreate", 998, func() error { _, err := c.NewEvent(); return err }, []string{"CUDA_ERROR_OF_TOMORROW"}},
		{"cuGraphInstantiateWithFlags", 801, func() error { check(t, c.BeginCapture(s)); _, err := c.EndCapture(s); return err }, []string{"NOT_SUPPORTED"}},
		{"cuModuleGetFunction", 500, func() error { _, err := c.Function(m, "axpy"); return err }, []string{"kernel axpy", "NOT_FOUND"}},
		{"cuDeviceGetCount", 3, func() error { _, err := x.Devices(); return err }, []string{"NOT_INITIALIZED"}},
		{"cuDeviceGetName", 999, func() error { _, err := x.Devices(); return err }, []string{"UNKNOWN"}},
		{"cuDevicePrimaryCtxRetain", 46, func() error { _, err := x.Open(0); return err }, []string{"DEVICE_UNAVAILABLE"}},
	} {
		x.failAt(k.call, 1, k.code)
		err := k.do()
		var e *driver.Error
		if !errors.As(err, &e) || e.Code != k.code || e.Call != k.call {
			t.Errorf("%s: %v", k.call, err)
			continue
		}
		for _, words := range k.says {
			if !strings.Contains(err.Error(), words) {
				t.Errorf("%s: %q does not say %q", k.call, err, words)
			}
		}
		if errors.Is(err, driver.ErrOutOfMemory) != (k.code == 2) {
			t.Errorf("%s: %v: out of memory?", k.call, err)
		}
		x.reset.Call()
	}
	if err := c.AllowShared(f, 100); err != nil {
		t.Fatal(err)
	}
	if err := c.Launch(s, f, &driver.Launch{Shared: 101}); err == nil {
		t.Error("a launch with too much shared memory")
	}
	if err := c.Launch(s, f, &driver.Launch{Args: make([]byte, 4097)}); err == nil || !strings.Contains(err.Error(), "4097 bytes of arguments") {
		t.Errorf("arguments beyond what a kernel may have: %v", err)
	}
	if _, err := c.Load([]byte("bad ptx\x00")); err == nil || !strings.Contains(err.Error(), "CUDA_ERROR_INVALID_PTX") || !strings.Contains(err.Error(), "line 3: no such instruction") {
		t.Errorf("PTX that the driver refuses: %v", err)
	}
	if _, err := c.Load(nil); err == nil {
		t.Error("an empty image")
	}
}

// A context belongs to its thread; another one must be refused by the driver, not served.
func TestOtherThread(t *testing.T) {
	c := openOn(t, newDouble(t))
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		_, err := c.Alloc(1)
		done <- err
	}()
	var e *driver.Error
	if err := <-done; !errors.As(err, &e) || e.Code != driver.InvalidContext {
		t.Errorf("allocation by another thread: %v", err)
	}
}

// With AURAL_CUDA_SYNC=1 a launch waits, so that the error has the right name, but not while a stream is captured.
func TestSyncAfterLaunch(t *testing.T) {
	t.Setenv(driver.SyncVariable, "1")
	x := newDouble(t)
	c := openOn(t, x)
	s := value[driver.Stream](t)(c.NewStream())
	f := value[driver.Function](t)(c.Function(value[driver.Module](t)(c.Load([]byte("cubin\x00"))), "axpy"))
	p := value[driver.Ptr](t)(c.Alloc(64))
	l := &driver.Launch{Args: axpyArgs(p, p, 1, 0)}
	x.took()
	check(t, c.Launch(s, f, l))
	check(t, c.BeginCapture(s))
	check(t, c.Launch(s, f, l))
	value[driver.Graph](t)(c.EndCapture(s))
	var names []string
	for _, line := range x.took() {
		name, _, _ := strings.Cut(line, " ")
		names = append(names, name)
	}
	want := []string{"cuLaunchKernel", "cuStreamSynchronize", "cuStreamBeginCapture_v2", "cuLaunchKernel", "cuStreamEndCapture", "cuGraphInstantiateWithFlags", "cuGraphDestroy"}
	if !slices.Equal(names, want) {
		t.Errorf("calls %v, want %v", names, want)
	}
	x.failAt("cuStreamSynchronize", 1, driver.IllegalAddress)
	if err := c.Launch(s, f, l); err == nil || !strings.Contains(err.Error(), "running axpy") {
		t.Errorf("a kernel that fails: %v", err)
	}
}

// What is captured runs when the graph is launched, each time, and not before. A capture that went wrong is over, and its graph is gone.
func TestCapture(t *testing.T) {
	x := newDouble(t)
	c := openOn(t, x)
	s := value[driver.Stream](t)(c.NewStream())
	f := value[driver.Function](t)(c.Function(value[driver.Module](t)(c.Load([]byte("cubin\x00"))), "axpy"))
	a, b := value[driver.Ptr](t)(c.Alloc(4)), value[driver.Ptr](t)(c.Alloc(4))
	one, got := []float32{1}, []float32{0}
	check(t, c.CopyToDevice(s, a, bytesOf(one)))
	check(t, c.CopyToDevice(s, b, bytesOf(got)))
	l := &driver.Launch{Args: axpyArgs(b, a, 1, 3)}
	var e *driver.Error
	for _, call := range []string{"", "cuStreamEndCapture", "cuGraphInstantiateWithFlags", "cuGraphDestroy"} {
		if call != "" {
			x.failAt(call, 1, 999)
		}
		check(t, c.BeginCapture(s))
		check(t, c.Launch(s, f, l))
		g, err := c.EndCapture(s)
		if call != "" {
			if !errors.As(err, &e) || e.Call != call || g != 0 {
				t.Errorf("%s: graph %d, %v", call, g, err)
			}
			if err := c.LaunchGraph(s, 0x5000); err == nil {
				t.Errorf("%s leaves an instance", call)
			}
			x.reset.Call()
			continue
		}
		check(t, err)
		for n := range 3 {
			check(t, c.CopyToHost(s, bytesOf(got), b))
			if got[0] != float32(3*n) {
				t.Errorf("%v after %d launches of the graph", got[0], n)
			}
			check(t, c.LaunchGraph(s, g))
		}
		check(t, c.FreeGraph(g))
		if err := c.LaunchGraph(s, g); err == nil {
			t.Error("launch of a graph that is gone")
		}
	}
	check(t, c.BeginCapture(s))
	if err := c.Sync(s); !errors.As(err, &e) || e.Code != 900 {
		t.Errorf("waiting inside of a capture: %v", err)
	}
	if _, err := c.EndCapture(s); !errors.As(err, &e) || e.Code != 901 {
		t.Errorf("a capture that was spoilt: %v", err)
	}
	check(t, c.Sync(s))
}

// Nothing allocates in a training step.
func TestNoAllocation(t *testing.T) {
	x := newDouble(t)
	c := openOn(t, x)
	s := value[driver.Stream](t)(c.NewStream())
	e := value[driver.Event](t)(c.NewEvent())
	f := value[driver.Function](t)(c.Function(value[driver.Module](t)(c.Load([]byte("cubin\x00"))), "axpy"))
	p := value[driver.Ptr](t)(c.Alloc(64))
	check(t, c.BeginCapture(s))
	g := value[driver.Graph](t)(c.EndCapture(s))
	l, host := &driver.Launch{Args: axpyArgs(p, p, 1, 0)}, value[[]byte](t)(c.HostAlloc(64))
	n := testing.AllocsPerRun(50, func() {
		check(t, c.Launch(s, f, l))
		check(t, c.CopyToDevice(s, p, host))
		check(t, c.CopyToHost(s, host, p))
		check(t, c.Fill(s, p, 4, 1))
		check(t, c.Record(e, s))
		check(t, c.Wait(s, e))
		check(t, c.LaunchGraph(s, g))
		check(t, c.Sync(s))
	})
	if n > 0 {
		t.Errorf("%v allocations in a step", n)
	}
}

// A machine without NVIDIA's software, and one with a driver that is too old or broken, get an error in one line.
func TestNoDriver(t *testing.T) {
	old := search
	defer func() { search = old }()
	search.Names, search.Folders, search.Variable = []string{"libcuda-of-nobody.so.1"}, []string{t.TempDir()}, ""
	if _, err := open(); !errors.Is(err, driver.ErrNoGPU) || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "no GPU") {
		t.Errorf("without a driver: %v", err)
	}
	if !dynlib.Available {
		return
	}
	search = old
	t.Setenv(Variable, filepath.Join(t.TempDir(), "gone.so"))
	if _, err := open(); !errors.Is(err, driver.ErrNoGPU) || !strings.Contains(err.Error(), Variable+"=") {
		t.Errorf("a variable that leads nowhere: %v", err)
	}
	small := filepath.Join(t.TempDir(), "libcuda.so.1")
	cmd := exec.Command(testkit.Tool(t, "gcc"), "-shared", "-fPIC", "-xc", "-o", small, "-")
	cmd.Stdin = strings.NewReader("int cuInit(unsigned f) { return f; }")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Setenv(Variable, filepath.Dir(small)) // a folder does as well
	if _, err := open(); !errors.Is(err, driver.ErrNoGPU) || !strings.Contains(err.Error(), "cuMemAlloc_v2") {
		t.Errorf("an old driver: %v", err)
	}
}

func BenchmarkLaunch(b *testing.B) {
	x := newDouble(b)
	c := openOn(b, x)
	s := value[driver.Stream](b)(c.NewStream())
	f := value[driver.Function](b)(c.Function(value[driver.Module](b)(c.Load([]byte("cubin\x00"))), "axpy"))
	p := value[driver.Ptr](b)(c.Alloc(64))
	l := &driver.Launch{Args: axpyArgs(p, p, 1, 0)}
	b.ReportAllocs()
	for b.Loop() {
		check(b, c.Launch(s, f, l))
	}
}

package cudaemu

import (
	_ "embed"
	"errors"
	"math"
	"strings"
	"testing"
	"unsafe"

	"aural/internal/testkit"
	"aural/kernels/cuda/driver"
)

//go:embed testdata/kernels.cu
var text string

type args struct {
	X, Y driver.Ptr
	N    int32
	_    int32
}

// device is a context with the test's kernels.
type device struct {
	t      testing.TB
	ctx    driver.Context
	stream driver.Stream
	module driver.Module
}

func open(t testing.TB, o Options) *device {
	t.Helper()
	o.Compiler = testkit.Tool(t, "g++")
	e := New(o)
	image, log, err := e.Compile(text, nil, driver.Info{})
	if err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	d := &device{t: t}
	if d.ctx, err = e.Open(0); err != nil {
		t.Fatal(err)
	}
	if d.stream, err = d.ctx.NewStream(); err != nil {
		t.Fatal(err)
	}
	if d.module, err = d.ctx.Load(image); err != nil {
		t.Fatal(err)
	}
	return d
}

func bytesOf(x []float32) []byte { return unsafe.Slice((*byte)(unsafe.Pointer(&x[0])), 4*len(x)) }

// run launches a kernel on x and returns the y that it made.
func (d *device) run(name string, blocks, threads uint32, shared, n int, x []float32, results int) ([]float32, error) {
	d.t.Helper()
	in, err := d.ctx.Alloc(4 * max(len(x), 1))
	if err != nil {
		d.t.Fatal(err)
	}
	out, err := d.ctx.Alloc(4 * results)
	if err != nil {
		d.t.Fatal(err)
	}
	if len(x) > 0 {
		if err := d.ctx.CopyToDevice(d.stream, in, bytesOf(x)); err != nil {
			return nil, err
		}
	}
	f, err := d.ctx.Function(d.module, name)
	if err != nil {
		return nil, err
	}
	a := args{X: in, Y: out, N: int32(n)}
	l := driver.Launch{Grid: driver.Dim{X: blocks, Y: 1, Z: 1}, Block: driver.Dim{X: threads, Y: 1, Z: 1}, Shared: shared, Args: unsafe.Slice((*byte)(unsafe.Pointer(&a)), unsafe.Sizeof(a))}
	if err := d.ctx.Launch(d.stream, f, &l); err != nil {
		return nil, err
	}
	y := make([]float32, results)
	if err := d.ctx.CopyToHost(d.stream, bytesOf(y), out); err != nil {
		return nil, err
	}
	return y, d.ctx.Sync(d.stream)
}

func TestRight(t *testing.T) {
	for _, reverse := range []bool{false, true} {
		d := open(t, Options{Reverse: reverse, Workers: 3})
		if y, err := d.run("numbers", 70, 64, 0, 0, nil, 70*64); err != nil || y[0] != 0 || y[70*64-1] != 70*64-1 {
			t.Errorf("numbers: %v", err)
		}
		x := make([]float32, 256)
		for i := range x {
			x[i] = float32(i)
		}
		if y, err := d.run("turned", 1, 256, 0, 0, x, 256); err != nil || y[0] != 255 || y[255] != 0 || y[100] != 155 {
			t.Errorf("turned: %v", err)
		}
		if y, err := d.run("barrier_and_end", 1, 64, 0, 0, nil, 32); err != nil || y[31] != 1 {
			t.Errorf("threads that have ended hold a barrier up: %v", err)
		}
		if y, err := d.run("copied", 1, 32, 0, 31, x, 128); err != nil || y[0] != 0 || y[123] != 123 || y[124] != 0 {
			t.Errorf("copied: %v, %v", y, err)
		}
		if y, err := d.run("shuffled", 1, 32, 0, 0, nil, 160); err != nil || y[6] != 3 || y[32] != 31 || y[64+2] != 2 || y[64+9] != 6 || y[96+5] != 8 || y[96+30] != 30 || y[130] != 16 {
			t.Errorf("shuffled: %v, %v", y, err)
		}
		for i := range x {
			x[i] = float32(i%13 - 6)
		}
		w := make([]float32, 128)
		for i := range w {
			w[i] = float32(i%7 - 3)
		}
		for _, name := range []string{"product_of_rows", "product_of_columns"} {
			y, err := d.run(name, 1, 32, 0, 0, append(x[:256:256], w...), 128)
			if err != nil {
				t.Fatal(err)
			}
			for i, got := range y {
				want := float32(0)
				for k := range 16 {
					want += x[i/8*16+k] * w[k*8+i%8]
				}
				if got != want {
					t.Fatalf("%s: [%d] is %v, want %v", name, i, got, want)
				}
			}
		}
		if y, err := d.run("unwritten_shared", 1, 32, 128, 0, nil, 32); err != nil || !math.IsNaN(float64(y[3])) {
			t.Errorf("shared memory that nobody wrote is %v, %v", y, err)
		}
		if y, err := d.run("copied_too_early", 1, 32, 0, 31, x, 128); err != nil || y[5] == x[5] && y[6] == x[6] && y[7] == x[7] {
			t.Errorf("cp.async has arrived before cp_wait: %v, %v", y, err)
		}
	}
}

// A barrier that is missing shows in one order of the threads.
func TestOrderShowsMissingBarrier(t *testing.T) {
	x := make([]float32, 64)
	for i := range x {
		x[i] = float32(i + 1)
	}
	wrong := 0
	for _, reverse := range []bool{false, true} {
		y, err := open(t, Options{Reverse: reverse}).run("turned_without_barrier", 1, 64, 0, 0, x, 64)
		if err != nil {
			t.Fatal(err)
		}
		for i := range y {
			if y[i] != x[63-i] {
				wrong++
			}
		}
	}
	if wrong == 0 {
		t.Error("no order shows it")
	}
}

func TestWrong(t *testing.T) {
	for _, c := range []struct {
		kernel  string
		threads uint32
		shared  int
		want    string
	}{
		{"half_at_barrier", 64, 0, "lanes of its warp have ended"},
		{"stuck", 64, 0, "deadlock"},
		{"mixed", 32, 0, "another lane of its warp is in"},
		{"beyond_shared", 64, 252, "beyond its 252 bytes of dynamic shared memory"},
		{"beyond_memory", 32, 0, "written beyond a block"},
		{"product_without_join", 32, 0, "no mma_join"},
		{"numbers", 33, 0, "multiple of 32"},
		{"numbers", 288, 0, "at most 256"},
		{"beyond_shared", 64, 50 << 10, "AllowShared"},
		{"nothing", 32, 0, "no kernel"},
	} {
		d := open(t, Options{Workers: 2})
		_, err := d.run(c.kernel, 1, c.threads, c.shared, 128, make([]float32, 384), 128)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.kernel, err, c.want)
		}
		if c.want == "deadlock" {
			if _, again := d.run("numbers", 1, 32, 0, 0, nil, 128); again == nil {
				t.Error("an error of a launch does not stay")
			}
		}
	}
}

func TestMemory(t *testing.T) {
	d := open(t, Options{Memory: 1 << 20})
	if _, err := d.ctx.Alloc(2 << 20); err == nil || !strings.Contains(err.Error(), "OUT_OF_MEMORY") {
		t.Errorf("too much memory: %v", err)
	}
	p, err := d.ctx.Alloc(100)
	if err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 100)
	if err := d.ctx.CopyToHost(d.stream, got, p); err != nil {
		t.Fatal(err)
	}
	if got[0] != 0 {
		t.Error("a copy came before anybody waited")
	}
	if err := d.ctx.Sync(d.stream); err != nil || got[0] != poison || got[99] != poison {
		t.Errorf("new memory is %v, %v", got, err)
	}
	if err := d.ctx.Close(); err == nil {
		t.Error("memory that was not freed is forgotten")
	}
	if err := d.ctx.CopyToHost(d.stream, make([]byte, 101), p); err != nil {
		t.Fatal(err)
	}
	if err := d.ctx.Sync(d.stream); err == nil {
		t.Error("a copy may leave its block")
	}
}

// What CUDA refuses while a stream is captured is refused here, a graph that is not freed is an error, and an event recorded anew is not reached yet.
func TestCaptureIsStrict(t *testing.T) {
	d := open(t, Options{})
	p, err := d.ctx.Alloc(4)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.ctx.BeginCapture(d.stream); err != nil {
		t.Fatal(err)
	}
	_, alloc := d.ctx.Alloc(4)
	_, host := d.ctx.HostAlloc(4)
	for what, err := range map[string]error{"Alloc": alloc, "HostAlloc": host, "Sync": d.ctx.Sync(d.stream), "BeginCapture": d.ctx.BeginCapture(d.stream)} {
		if err == nil {
			t.Errorf("%s in a capture", what)
		}
	}
	g, err := d.ctx.EndCapture(d.stream)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.ctx.Free(p); err != nil {
		t.Fatal(err)
	}
	if err := d.ctx.Close(); err == nil || !strings.Contains(err.Error(), "1 graphs") {
		t.Errorf("a graph that was not freed is forgotten: %v", err)
	}
	if err := d.ctx.FreeGraph(g); err != nil {
		t.Error(err)
	}
	if d.ctx.FreeGraph(g) == nil || d.ctx.LaunchGraph(d.stream, g) == nil {
		t.Error("a graph that is gone can be used")
	}
	a, b := driver.Event(0), driver.Event(0)
	for _, e := range []*driver.Event{&a, &b} {
		if *e, err = d.ctx.NewEvent(); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		for _, e := range []driver.Event{a, b} {
			if err := d.ctx.Record(e, d.stream); err != nil {
				t.Fatal(err)
			}
		}
		var e *driver.Error
		if _, err := d.ctx.Elapsed(a, b); !errors.As(err, &e) || e.Code != driver.NotReady {
			t.Errorf("events that are not reached: %v", err)
		}
		if err := d.ctx.Sync(d.stream); err != nil {
			t.Fatal(err)
		}
		if ms, err := d.ctx.Elapsed(a, b); err != nil || ms < 0 {
			t.Errorf("%v ms, %v", ms, err)
		}
	}
}

// What is captured runs when the graph is launched, each time.
func TestGraph(t *testing.T) {
	d := open(t, Options{})
	p, err := d.ctx.Alloc(4)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.ctx.BeginCapture(d.stream); err != nil {
		t.Fatal(err)
	}
	if err := d.ctx.Fill(d.stream, p, 4, 7); err != nil {
		t.Fatal(err)
	}
	g, err := d.ctx.EndCapture(d.stream)
	if err != nil {
		t.Fatal(err)
	}
	for _, launched := range []bool{false, true, true} {
		want := byte(3)
		if err := d.ctx.Fill(d.stream, p, 4, 3); err != nil {
			t.Fatal(err)
		}
		if launched {
			want = 7
			if err := d.ctx.LaunchGraph(d.stream, g); err != nil {
				t.Fatal(err)
			}
		}
		got := make([]byte, 4)
		if err := d.ctx.CopyToHost(d.stream, got, p); err != nil {
			t.Fatal(err)
		}
		if err := d.ctx.Sync(d.stream); err != nil || got[0] != want {
			t.Errorf("launched %v: %v, %v", launched, got, err)
		}
	}
}

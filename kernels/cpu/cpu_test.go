package cpu

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"aural/kernels"
	"aural/kernels/kerneltest"
	"aural/rng"
)

func start(t testing.TB, opt Options) *Backend {
	t.Helper()
	b, err := New(opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// forEach runs a test for each variant that this machine has.
func forEach(t *testing.T, f func(t *testing.T, variant string)) {
	for _, name := range Variants() {
		t.Run(name, func(t *testing.T) { f(t, name) })
	}
}

func TestParity(t *testing.T) {
	forEach(t, func(t *testing.T, variant string) {
		kerneltest.Run(t, start(t, Options{Threads: 3, Variant: variant}), kerneltest.MustRun("gemm/"+variant, "attention/"+variant, "adamw/"+variant))
	})
}

func TestVariants(t *testing.T) {
	names := Variants()
	if !slices.Contains(names, "portable") {
		t.Errorf("%v lacks portable", names)
	}
	if b := start(t, Options{}); b.Name() != "cpu/"+names[0] {
		t.Errorf("default is %s, want the best of %v", b.Name(), names)
	}
	for _, name := range names {
		if b := start(t, Options{Variant: name}); b.Name() != "cpu/"+name {
			t.Errorf("asked for %s, got %s", name, b.Name())
		}
	}
}

func TestChooseSaysWhatIsWrong(t *testing.T) {
	list := []candidate{{"fast", []string{"SPEED", "WIDTH"}, portable}, {"portable", nil, portable}}
	for name, want := range map[string]string{
		"fast": `variant "fast" needs SPEED, WIDTH, which this machine does not have; it can run portable`,
		"fsat": `variant "fsat" is unknown on this platform; known are fast, portable`,
	} {
		if _, err := pick(list, name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
	if v, err := pick(list, ""); err != nil || v.name != "portable" {
		t.Errorf("best of %v: %v, %v", list, v, err)
	}
}

// A variant of another architecture is told from a word that no architecture knows.
func TestVariantsOfArchitectures(t *testing.T) {
	var here []string
	for name, arch := range architectures {
		if arch == runtime.GOARCH {
			here = append(here, name)
			continue
		}
		want := fmt.Sprintf(`variant %q is for %s, and this program is for %s; known here are `, name, arch, runtime.GOARCH)
		if _, err := New(Options{Variant: name}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
	here = append(here, "portable")
	if known := Known(); !slices.Equal(slices.Sorted(slices.Values(known)), slices.Sorted(slices.Values(here))) {
		t.Errorf("known are %v, want %v", known, here)
	}
}

func TestBadOptions(t *testing.T) {
	for _, n := range []int{-1, 5000} {
		if _, err := New(Options{Threads: n}); err == nil {
			t.Errorf("%d threads are accepted", n)
		}
	}
}

func TestCompileRefuses(t *testing.T) {
	b := start(t, Options{Threads: 1})
	f32, f64 := kernels.Of(kernels.Float32, 4, 8), kernels.Of(kernels.Float64, 4, 8)
	for _, c := range []struct {
		op          kernels.Op
		in, out     []kernels.Desc
		unsupported bool
	}{
		{kernels.GELU{}, []kernels.Desc{f64}, []kernels.Desc{f64}, true},
		{kernels.GradScale{Factor: 1}, []kernels.Desc{f32}, []kernels.Desc{f32}, true},
		{kernels.Dropout{P: 1 - 1e-9}, []kernels.Desc{f32}, []kernels.Desc{f32}, true},
		{kernels.GELU{}, []kernels.Desc{f32}, []kernels.Desc{kernels.Of(kernels.Float32, 32)}, false},
		{kernels.GELU{}, []kernels.Desc{f32}, nil, false},
		{kernels.GELU{}, nil, []kernels.Desc{f32}, false},
	} {
		_, err := b.Compile(c.op, c.in, c.out)
		if err == nil || errors.Is(err, kernels.ErrUnsupported) != c.unsupported || !strings.Contains(err.Error(), c.op.Name()) {
			t.Errorf("%s%v -> %v: %v", c.op.Name(), c.in, c.out, err)
		}
	}
}

func TestMemory(t *testing.T) {
	b := start(t, Options{Threads: 1})
	for _, n := range []int{0, 1, 100, 1 << 20, 2<<20 + 5, 5 << 20} {
		m, err := b.Alloc(n)
		if err != nil {
			t.Fatal(err)
		}
		if len(m.Host) != n || m.Size != n || m.Host == nil {
			t.Errorf("%d bytes: got %d, size %d", n, len(m.Host), m.Size)
		}
		if n > 0 && uintptr(unsafe.Pointer(&m.Host[0]))%kernels.Alignment != 0 {
			t.Errorf("%d bytes are misaligned", n)
		}
		for i, v := range m.Host {
			if v != 0 {
				t.Fatalf("byte %d of %d is not zero", i, n)
			}
			m.Host[i] = 1
		}
		if err := errors.Join(m.Free(), m.Free()); err != nil {
			t.Errorf("freeing twice: %v", err)
		}
	}
	if _, err := b.Alloc(-1); err == nil {
		t.Error("a negative size is accepted")
	}
}

// job is a call with outputs and scratch of its own.
type job struct {
	kernel  kernels.Kernel
	step    kernels.Step
	in, out []kernels.Buffer
	scratch []byte
}

func prepare(t testing.TB, b *Backend, op kernels.Op, step kernels.Step, in []kernels.Buffer) *job {
	t.Helper()
	j := &job{step: step, in: in}
	var descs []kernels.Desc
	for _, x := range in {
		descs = append(descs, x.Desc)
	}
	outs, err := op.Infer(descs)
	if err != nil {
		t.Fatal(err)
	}
	if j.kernel, err = b.Compile(op, descs, outs); err != nil {
		t.Fatal(err)
	}
	for _, d := range outs {
		j.out = append(j.out, kernels.New(d.DType, d.Shape...))
	}
	j.scratch = kernels.New(kernels.Uint8, j.kernel.Scratch).HostBytes()
	return j
}

func (j *job) run() { j.kernel.Run(&j.step, j.in, j.out, j.scratch) }

// inputs fills the inputs of a case, the same numbers every time.
func inputs(c kerneltest.Case) []kernels.Buffer {
	var in []kernels.Buffer
	for i, x := range c.Inputs {
		b := kernels.New(x.DType, x.Shape...)
		x.Fill(rng.At(3, uint64(i), rng.Site(c.Name)), b)
		in = append(in, b)
	}
	return in
}

// large are shapes that are cut into several parts in all ways, with odd borders.
func large() []kerneltest.Case {
	fill := func(r *rng.Stream, b kernels.Buffer) {
		for i := range b.F32() {
			b.F32()[i] = float32(r.NormFloat64())
		}
	}
	x := func(shape ...int) kerneltest.Input {
		return kerneltest.Input{Desc: kernels.Of(kernels.Float32, shape...), Fill: fill}
	}
	convCase := func(name string, op kernels.Conv1D, in ...kerneltest.Input) kerneltest.Case {
		frames, k, cin := in[0].Shape[1], in[1].Shape[2], in[0].Shape[2]
		return kerneltest.Case{Name: name, Op: op, Inputs: in, Backward: func(in, _ []kernels.Buffer, dy kernels.Buffer) []kerneltest.Gradient {
			g := []kerneltest.Gradient{{Op: kernels.Conv1DGradWeight{Conv: op, Kernel: k, Bias: true}, In: []kernels.Buffer{dy, in[0]}}}
			if cin > 1 {
				g = append(g, kerneltest.Gradient{Op: kernels.Conv1DGradInput{Conv: op, Len: frames}, In: []kernels.Buffer{dy, in[1]}})
			}
			return g
		}}
	}
	normCase := func(name string, op, grad kernels.Op, in ...kerneltest.Input) kerneltest.Case {
		return kerneltest.Case{Name: name, Op: op, Inputs: in, Backward: func(in, out []kernels.Buffer, dy kernels.Buffer) []kerneltest.Gradient {
			return []kerneltest.Gradient{{Op: grad, In: []kernels.Buffer{dy, in[0], in[1], out[1], out[2]}}}
		}}
	}
	attention := kernels.Attention{Heads: 3, DropP: 0.1, Site: 9}
	step := kernels.Step{Seed: 1, Update: 2, Row: 5}
	return []kerneltest.Case{
		{Name: "linear", Op: kernels.Linear{}, Inputs: []kerneltest.Input{x(611, 300), x(301, 300), x(301)},
			Backward: func(in, _ []kernels.Buffer, dy kernels.Buffer) []kerneltest.Gradient {
				return []kerneltest.Gradient{{Op: kernels.LinearGradInput{}, In: []kernels.Buffer{dy, in[1]}},
					{Op: kernels.LinearGradWeight{Bias: true}, In: []kernels.Buffer{dy, in[0]}}}
			}},
		convCase("conv", kernels.Conv1D{Stride: 2, Groups: 1}, x(3, 401, 64), x(70, 64, 3)),
		convCase("first conv", kernels.Conv1D{Stride: 5, Groups: 1}, x(2, 3001, 1), x(64, 1, 10)),
		convCase("positional conv", kernels.Conv1D{Stride: 1, PadLeft: 8, PadRight: 7, Groups: 4}, x(2, 99, 64), x(64, 16, 16), x(64)),
		{Name: "attention", Op: attention, Inputs: []kerneltest.Input{x(2, 250, 48), x(2, 250, 48), x(2, 250, 48)}, Step: step,
			Backward: func(in, out []kernels.Buffer, dy kernels.Buffer) []kerneltest.Gradient {
				return []kerneltest.Gradient{{Op: kernels.AttentionGrad{Attention: attention}, In: []kernels.Buffer{dy, in[0], in[1], in[2], out[0], out[1]}}}
			}},
		normCase("layer norm", kernels.LayerNorm{Eps: 1e-5}, kernels.LayerNormGrad{}, x(3, 211, 130), x(130), x(130)),
		normCase("group norm", kernels.GroupNorm{Groups: 20, Eps: 1e-5}, kernels.GroupNormGrad{Groups: 20}, x(3, 977, 40), x(40), x(40)),
		{Name: "mean square", Op: kernels.MeanSquare{}, Inputs: []kerneltest.Input{x(70001)}},
		{Name: "sum of squares", Op: kernels.SumSquares{}, Inputs: []kerneltest.Input{x(70001)}},
		{Name: "dropout", Op: kernels.Dropout{P: 0.3, Site: 4}, Inputs: []kerneltest.Input{x(3, 7001)}, Step: step},
	}
}

// Results must not depend on the number of threads, bit for bit.
func TestThreadsDoNotMatter(t *testing.T) {
	forEach(t, func(t *testing.T, variant string) {
		var back []*Backend
		for threads := 1; threads <= 3; threads++ {
			back = append(back, start(t, Options{Threads: threads, Variant: variant}))
		}
		resultsAgree(t, back, slices.Concat(large(), kerneltest.Cases()))
	})
}

// resultsAgree compares the results of back ends on some cases, bit for bit.
func resultsAgree(t *testing.T, back []*Backend, cases []kerneltest.Case) {
	t.Helper()
	agree := func(name string, op kernels.Op, step kernels.Step, in []kernels.Buffer) []kernels.Buffer {
		first := prepare(t, back[0], op, step, in)
		first.run()
		for _, b := range back[1:] {
			j := prepare(t, b, op, step, in)
			j.run()
			for o := range j.out {
				if !bytes.Equal(first.out[o].HostBytes(), j.out[o].HostBytes()) {
					t.Errorf("%s: output %d of %s differs between %d and %d threads", name, o, op.Name(), back[0].threads, b.threads)
				}
			}
		}
		return first.out
	}
	for _, c := range cases {
		if c.NoKernel != "" {
			continue
		}
		in := inputs(c)
		out := agree(c.Name, c.Op, c.Step, in)
		if c.Backward == nil {
			continue
		}
		dy := kernels.New(out[0].DType, out[0].Shape...)
		for i, r := 0, rng.At(1, 2, 3); i < dy.Size(); i++ {
			dy.F32()[i] = float32(r.NormFloat64())
		}
		for _, g := range c.Backward(in, out, dy) {
			if g.Op != nil {
				agree(c.Name, g.Op, c.Step, g.In)
			}
		}
	}
}

// The large shapes must not allocate either, nor touch memory outside; the judge sees only small ones.
func TestLargeShapesDoNotAllocate(t *testing.T) {
	for _, threads := range []int{1, 3} {
		b := start(t, Options{Threads: threads})
		for _, c := range large() {
			j := prepare(t, b, c.Op, c.Step, inputs(c))
			if n := testing.AllocsPerRun(5, j.run); n > 0 {
				t.Errorf("%s with %d threads: %v allocations", c.Name, threads, n)
			}
		}
	}
}

// Kernels of one back end take turns when several goroutines call them.
func TestCallsTakeTurns(t *testing.T) {
	b := start(t, Options{Threads: 2})
	var wg sync.WaitGroup
	for g := range 4 {
		c := large()[g]
		want := prepare(t, b, c.Op, c.Step, inputs(c))
		want.run()
		j := prepare(t, b, c.Op, c.Step, inputs(c))
		wg.Go(func() {
			for range 5 {
				j.run()
				if !bytes.Equal(j.out[0].HostBytes(), want.out[0].HostBytes()) {
					t.Errorf("%s differs when others run", c.Name)
				}
			}
		})
	}
	wg.Wait()
}

func TestUploadDownload(t *testing.T) {
	b := start(t, Options{Threads: 1})
	x := kernels.New(kernels.Float32, 3)
	if err := b.Upload(x, kernels.BytesOf([]float32{1, 2, 3})); err != nil {
		t.Fatal(err)
	}
	y := make([]float32, 3)
	if err := errors.Join(b.Download(kernels.BytesOf(y), x), b.Sync()); err != nil || fmt.Sprint(y) != "[1 2 3]" {
		t.Errorf("%v, %v", y, err)
	}
	if b.Upload(x, make([]byte, 11)) == nil || b.Download(make([]byte, 13), x) == nil {
		t.Error("wrong sizes are accepted")
	}
}

package cuda

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"aural/internal/cudaemu"
	"aural/internal/testkit"
	"aural/kernels"
	"aural/kernels/kerneltest"
	"aural/rng"
)

// emulated starts the back end on the emulator: the same kernel text and the same host code as on a GPU.
func emulated(t testing.TB, o Options, e cudaemu.Options) *Backend {
	t.Helper()
	e.Compiler = testkit.Tool(t, "g++")
	m := cudaemu.New(e)
	b, err := New(m, m, o)
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

// products are the ops that compute in the back end's precision: attention only in bf16.
func products(op kernels.Op, p kernels.Precision) bool {
	switch op.(type) {
	case kernels.Linear, kernels.LinearGradInput, kernels.LinearGradWeight, kernels.Conv1D, kernels.Conv1DGradInput, kernels.Conv1DGradWeight:
		return true
	case kernels.Attention, kernels.AttentionGrad:
		return p == kernels.PrecisionBF16
	}
	return false
}

// The row ops have a test of their own, in ops_test.go.
func TestParity(t *testing.T) {
	kerneltest.Run(t, emulated(t, Options{}, cudaemu.Options{}), kerneltest.MustRun("gemm", "conv", "attention", "weight_norm"),
		kerneltest.Only(func(op kernels.Op, in []kernels.Desc) bool { return !rowOps(op, in) }))
}

// In reduced precision an element may be off by a share of Σ|ab| (see kernels.Precision), which for inputs near 1 is some times the largest element.
func TestParityOfPrecisions(t *testing.T) {
	for _, c := range []struct {
		precision kernels.Precision
		norm      float64
		composed  float64 // differences of such products that cancel
		ran       []string
	}{
		{kernels.PrecisionHigh, 2e-5, 0, []string{"gemm", "conv", "gemm_wgmma", "conv_wgmma"}},
		{kernels.PrecisionBF16, 1e-2, 2.5e-2, []string{"gemm", "conv", "gemm_wgmma", "conv_wgmma", "attention_bf16"}},
	} {
		t.Run(string(c.precision), func(t *testing.T) {
			kerneltest.Run(t, emulated(t, Options{Precision: c.precision}, cudaemu.Options{}), kerneltest.MustRun(c.ran...),
				kerneltest.Only(func(op kernels.Op, _ []kernels.Desc) bool { return products(op, c.precision) }),
				kerneltest.Tolerate(kerneltest.Summed, kerneltest.Tolerance{Norm: c.norm, Abs: c.norm}),
				kerneltest.Tolerate(kerneltest.Composed, kerneltest.Tolerance{Norm: c.composed, Abs: c.composed}))
		})
	}
}

// result runs a call on the back end and returns its outputs on the host; nil when it has no kernel.
func result(t *testing.T, b *Backend, op kernels.Op, step kernels.Step, in []kernels.Buffer) []kernels.Buffer {
	t.Helper()
	var descs []kernels.Desc
	for _, x := range in {
		descs = append(descs, x.Desc)
	}
	outs, err := op.Infer(descs)
	if err != nil {
		t.Fatal(err)
	}
	k, err := b.Compile(op, descs, outs)
	if errors.Is(err, kernels.ErrUnsupported) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	var memory []kernels.Memory
	defer func() {
		for _, m := range memory {
			if err := m.Free(); err != nil {
				t.Errorf("%s%v: %v", op.Name(), descs, err)
			}
		}
	}()
	device := func(d kernels.Desc) kernels.Buffer {
		mem, err := b.Alloc(d.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		memory = append(memory, mem)
		x, err := mem.Slice(d, 0)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	var from, to, host []kernels.Buffer
	for _, x := range in {
		from = append(from, device(x.Desc))
		if err := b.Upload(from[len(from)-1], x.HostBytes()); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range outs {
		to = append(to, device(d))
	}
	k.Run(&step, from, to, nil)
	for i, d := range outs {
		host = append(host, kernels.New(d.DType, d.Shape...))
		if err := b.Download(host[i].HostBytes(), to[i]); err != nil {
			t.Fatalf("%s%v: %v", op.Name(), descs, err)
		}
	}
	return host
}

// Neither the number of processors nor the order of blocks and threads changes a bit of a result.
func TestOrderChangesNothing(t *testing.T) {
	for _, p := range []kernels.Precision{kernels.PrecisionFloat32, kernels.PrecisionBF16} {
		t.Run(string(p), func(t *testing.T) {
			one := emulated(t, Options{Precision: p}, cudaemu.Options{Workers: 1})
			other := emulated(t, Options{Precision: p}, cudaemu.Options{Workers: 3, Reverse: true})
			agree := func(name string, op kernels.Op, step kernels.Step, in []kernels.Buffer) []kernels.Buffer {
				a, b := result(t, one, op, step, in), result(t, other, op, step, in)
				for o := range a {
					if !bytes.Equal(a[o].HostBytes(), b[o].HostBytes()) {
						t.Errorf("%s: output %d of %s differs", name, o, op.Name())
					}
				}
				return a
			}
			for _, c := range kerneltest.Cases() {
				if c.NoKernel != "" || p != kernels.PrecisionFloat32 && !products(c.Op, p) {
					continue
				}
				var in []kernels.Buffer
				for i, x := range c.Inputs {
					in = append(in, kernels.New(x.DType, x.Shape...))
					x.Fill(rng.At(3, uint64(i), rng.Site(c.Name)), in[i])
				}
				out := agree(c.Name, c.Op, c.Step, in)
				if out == nil || c.Backward == nil {
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
		})
	}
}

// Precision int8 is refused before anything is asked of the device.
func TestInt8IsForTheCPU(t *testing.T) {
	if _, err := New(nil, nil, Options{Precision: kernels.PrecisionInt8}); err == nil || !strings.Contains(err.Error(), "on the CPU alone") {
		t.Errorf("int8: %v", err)
	}
}

package ref_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"aural/internal/testkit"
	"aural/kernels"
	"aural/kernels/ref"
)

// compute runs op on the given inputs at step s.
func compute(t *testing.T, op kernels.Op, s kernels.Step, in ...kernels.Buffer) []kernels.Buffer {
	t.Helper()
	descs := make([]kernels.Desc, len(in))
	for i, b := range in {
		descs[i] = b.Desc
	}
	outDescs, err := op.Infer(descs)
	if err != nil {
		t.Fatal(err)
	}
	k, err := ref.New().Compile(op, descs, outDescs)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]kernels.Buffer, len(outDescs))
	for i, d := range outDescs {
		out[i] = kernels.New(d.DType, d.Shape...)
	}
	k.Run(&s, in, out, kernels.New(kernels.Float64, k.Scratch/8).HostBytes())
	return out
}

// f64 is a tensor with the given values; i32 likewise.
func f64(values []float64, shape ...int) kernels.Buffer {
	b := kernels.New(kernels.Float64, shape...)
	if copy(kernels.Data[float64](b), values) != b.Size() {
		panic("too few values")
	}
	return b
}

func i32(values []int32, shape ...int) kernels.Buffer {
	b := kernels.New(kernels.Int32, shape...)
	if copy(b.I32(), values) != b.Size() {
		panic("too few values")
	}
	return b
}

func data(b kernels.Buffer) []float64 { return kernels.Data[float64](b) }

func TestGELUValues(t *testing.T) {
	// x·Φ(x) with Φ from tables of the normal distribution.
	x := f64([]float64{1, -1, 0.5, 0}, 4)
	y := compute(t, kernels.GELU{}, kernels.Step{}, x)[0]
	testkit.Close(t, "gelu", data(y), []float64{0.841344746, -0.158655254, 0.345731231, 0}, testkit.Tol{Abs: 5e-10})
}

func TestWeightNormValues(t *testing.T) {
	// v = 1..12 as (2,2,3): column k has norms √(1+16+49+100), √(4+25+64+121), √(9+36+81+144).
	v := f64([]float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, 2, 2, 3)
	out := compute(t, kernels.WeightNorm{}, kernels.Step{}, f64([]float64{1, 2, 3}, 1, 1, 3), v)
	testkit.Close(t, "w", data(out[0]), []float64{
		.077615, .273434, .547723, .310460, .683586, 1.095445, .543305, 1.093737, 1.643168, .776151, 1.503889, 2.190890,
	}, testkit.Tol{Abs: 5e-7})
	testkit.Close(t, "norm", data(out[1]), []float64{math.Sqrt(166), math.Sqrt(214), math.Sqrt(270)}, testkit.Tol{Rel: 1e-15})
}

func TestConvByHand(t *testing.T) {
	// Two groups of one channel, K = 2, stride 2, one zero on the left: y[t] = w0·x[2t-1] + w1·x[2t] + b.
	x := f64([]float64{1, 10, 2, 20, 3, 30}, 1, 3, 2)
	w := f64([]float64{5, 7, -1, 2}, 2, 1, 2)
	y := compute(t, kernels.Conv1D{Stride: 2, PadLeft: 1, Groups: 2}, kernels.Step{}, x, w, f64([]float64{100, 1000}, 2))[0]
	testkit.Close(t, "conv", data(y), []float64{
		100 + 7*1, 1000 + 2*10, // frame 0 reads padding and frame 0
		100 + 5*2 + 7*3, 1000 - 20 + 2*30, // frame 1 reads frames 1 and 2
	}, testkit.Tol{})
}

func TestAttentionByHand(t *testing.T) {
	// One head of width 1, one query value: scores 0 and log 3, probabilities 1/4 and 3/4; the third key is beyond the length.
	q := f64([]float64{1, 1, 1}, 1, 3, 1)
	k := f64([]float64{0, math.Log(3), 50}, 1, 3, 1)
	v := f64([]float64{4, 8, math.Inf(1)}, 1, 3, 1)
	out := compute(t, kernels.Attention{Heads: 1}, kernels.Step{}, q, k, v, i32([]int32{2}, 1))
	testkit.Close(t, "y", data(out[0]), []float64{7, 7, 7}, testkit.Tol{Rel: 1e-15})
	testkit.Close(t, "lse", data(out[1]), []float64{math.Log(4), math.Log(4), math.Log(4)}, testkit.Tol{Rel: 1e-15})
}

func TestAdamWByHand(t *testing.T) {
	// First update from zero moments: m/(1-β1) = g and √v/√(1-β2) = |g|, so w loses lr·decay·w + lr·sign(g).
	w, grad, zero := f64([]float64{2, -1}, 2), f64([]float64{8, -0.5}, 2), f64([]float64{0, 0}, 2)
	hyper, verdict := f64([]float64{0.1, 0.01, 1}, 3), f64([]float64{2, 1, 0.5, 0}, 4)
	out := compute(t, kernels.AdamW{Beta1: 0.9, Beta2: 0.98}, kernels.Step{}, w, grad, zero, zero, hyper, verdict)
	testkit.Close(t, "w", data(out[0]), []float64{2 - 0.002 - 0.1, -1 + 0.001 + 0.1}, testkit.Tol{Rel: 1e-14})
	testkit.Close(t, "m", data(out[1]), []float64{0.1 * 4, 0.1 * -0.25}, testkit.Tol{Rel: 1e-14})
	testkit.Close(t, "v", data(out[2]), []float64{0.02 * 16, 0.02 * 0.0625}, testkit.Tol{Rel: 1e-14})
}

func TestRoundToBFloat16(t *testing.T) {
	x := kernels.New(kernels.Float32, 9)
	copy(x.F32(), []float32{
		1, math.Float32frombits(0x3F808000), math.Float32frombits(0x3F818000), // ties go to the even neighbour
		math.Float32frombits(0x3F808001), math.Float32frombits(0x3F807FFF),
		math.MaxFloat32, float32(math.Inf(-1)), math.Float32frombits(0x7F800001), math.Float32frombits(1),
	})
	got := kernels.Data[uint16](compute(t, kernels.Cast{To: kernels.BFloat16}, kernels.Step{}, x)[0])
	want := []uint16{0x3F80, 0x3F80, 0x3F82, 0x3F81, 0x3F80, 0x7F80, 0xFF80, 0x7FC0, 0}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%x rounds to %#x, want %#x", math.Float32bits(x.F32()[i]), got[i], want[i])
		}
	}
}

func TestCompileRefuses(t *testing.T) {
	x := kernels.Of(kernels.Float32, 2, 3)
	_, err := ref.New().Compile(kernels.GradScale{Factor: 0.1}, []kernels.Desc{x}, []kernels.Desc{x})
	if !errors.Is(err, kernels.ErrUnsupported) || !strings.Contains(err.Error(), "alias") {
		t.Errorf("grad_scale: %v", err)
	}
	for _, out := range [][]kernels.Desc{nil, {kernels.Of(kernels.Float32, 3, 2)}, {kernels.Of(kernels.Float64, 2, 3)}, {x, x}} {
		if _, err := ref.New().Compile(kernels.GELU{}, []kernels.Desc{x}, out); err == nil || !strings.Contains(err.Error(), "gelu") {
			t.Errorf("gelu to %v: %v", out, err)
		}
	}
	if _, err := ref.New().Compile(kernels.GELU{}, nil, nil); err == nil {
		t.Error("gelu of nothing compiled")
	}
}

func TestMemory(t *testing.T) {
	b := ref.New()
	m, err := b.Alloc(128)
	if err != nil {
		t.Fatal(err)
	}
	x, err := m.Slice(kernels.Of(kernels.Float32, 2), 64)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Upload(x, kernels.BytesOf([]float32{1, 2})); err != nil {
		t.Fatal(err)
	}
	back := make([]float32, 2)
	if err := b.Download(kernels.BytesOf(back), x); err != nil || back[0] != 1 || back[1] != 2 {
		t.Errorf("came back as %v, %v", back, err)
	}
	if b.Upload(x, make([]byte, 7)) == nil || b.Download(make([]byte, 9), x) == nil {
		t.Error("a copy of the wrong size went through")
	}
	if _, err := b.Alloc(-1); err == nil {
		t.Error("negative memory was allocated")
	}
}

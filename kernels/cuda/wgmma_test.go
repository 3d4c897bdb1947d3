package cuda

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"aural/internal/cudaemu"
	"aural/internal/cudafake"
	"aural/kernels"
	"aural/kernels/cuda/driver"
	"aural/kernels/ref"
	"aural/rng"
)

// warpgroupCalls are products around the edges of wgmma's tiles: 128 rows; 64, 128, 256 columns; 64 terms of a sum, and rings of three and four of them.
func warpgroupCalls() (calls []productCall) {
	linear := func(rows, inputs, outputs int) {
		x, w, dy := normal(rows, inputs), normal(outputs, inputs), normal(rows, outputs)
		calls = append(calls,
			productCall{kernels.Linear{}, []kernels.Buffer{x, w, normal(outputs)}},
			productCall{kernels.LinearGradInput{}, []kernels.Buffer{dy, w}},
			productCall{kernels.LinearGradWeight{Bias: true}, []kernels.Buffer{dy, x}})
	}
	for _, s := range [][3]int{ // rows, inputs, outputs
		{1, 8, 8}, {63, 64, 72}, {64, 56, 64}, {65, 128, 136}, {128, 72, 256}, {129, 264, 264}, {130, 328, 120}, {257, 192, 8}, {520, 16, 24}, {1100, 136, 40},
	} {
		linear(s[0], s[1], s[2])
	}
	for _, s := range []struct{ b, t, in, out, k, stride, left, right, groups int }{
		{2, 131, 16, 24, 3, 2, 0, 0, 1}, {1, 258, 64, 72, 2, 2, 0, 0, 1}, {2, 70, 32, 32, 16, 1, 8, 7, 2}, {1, 40, 48, 48, 5, 1, 2, 2, 1}, {3, 9, 24, 16, 4, 3, 1, 5, 1},
	} {
		op := kernels.Conv1D{Stride: s.stride, PadLeft: s.left, PadRight: s.right, Groups: s.groups}
		x, w := normal(s.b, s.t, s.in), normal(s.out, s.in/s.groups, s.k)
		dy := normal(s.b, (s.t+s.left+s.right-s.k)/s.stride+1, s.out)
		calls = append(calls,
			productCall{op, []kernels.Buffer{x, w, normal(s.out)}},
			productCall{kernels.Conv1DGradInput{Conv: op, Len: s.t}, []kernels.Buffer{dy, w}},
			productCall{kernels.Conv1DGradWeight{Conv: op, Kernel: s.k}, []kernels.Buffer{dy, x}})
	}
	return calls
}

type productCall struct {
	op kernels.Op
	in []kernels.Buffer
}

func (c productCall) String() string {
	s := c.op.Name()
	for _, x := range c.in {
		s += fmt.Sprint(x.Shape)
	}
	return s
}

func normal(shape ...int) kernels.Buffer {
	x := kernels.New(kernels.Float32, shape...)
	r := rng.At(11, uint64(x.Size()), uint32(shape[0]))
	for i := range x.F32() {
		x.F32()[i] = float32(r.NormFloat64())
	}
	return x
}

// nearest rounds to bfloat16.
func nearest(v float32) float32 {
	u := math.Float32bits(v)
	return math.Float32frombits((u + 0x7fff + u>>16&1) &^ 0xffff)
}

// exactly is the op in float64, on operands rounded to bfloat16 where the back end rounds them, and the same of magnitudes: what errors are measured by.
func exactly(t *testing.T, c productCall, round bool) (want, scale [][]float64) {
	t.Helper()
	for _, magnitude := range []bool{false, true} {
		var in []kernels.Buffer
		var descs []kernels.Desc
		for i, x := range c.in {
			d := kernels.New(kernels.Float64, x.Shape...)
			for j, v := range x.F32() {
				if round && i < 2 {
					v = nearest(v)
				}
				if kernels.Data[float64](d)[j] = float64(v); magnitude {
					kernels.Data[float64](d)[j] = math.Abs(float64(v))
				}
			}
			in, descs = append(in, d), append(descs, d.Desc)
		}
		outs, err := c.op.Infer(descs)
		if err != nil {
			t.Fatal(err)
		}
		k, err := ref.New().Compile(c.op, descs, outs)
		if err != nil {
			t.Fatal(err)
		}
		var out []kernels.Buffer
		for _, d := range outs {
			out = append(out, kernels.New(d.DType, d.Shape...))
		}
		k.Run(&kernels.Step{}, in, out, nil)
		for _, o := range out {
			if magnitude {
				scale = append(scale, kernels.Data[float64](o))
			} else {
				want = append(want, kernels.Data[float64](o))
			}
		}
	}
	return want, scale
}

// TestWGMMA holds products of Hopper's instruction, and their twins of mma.sync, against exact products of the rounded operands: what is left is the rounding of
// float32 sums, so that a single wrong term shows.
func TestWGMMA(t *testing.T) {
	calls := warpgroupCalls()
	for _, c := range []struct {
		name  string
		o     Options
		e     cudaemu.Options
		width int     // of tiles
		every int     // calls are made
		limit float64 // share of Σ|ab|
	}{
		{"bf16_64", Options{Precision: kernels.PrecisionBF16}, cudaemu.Options{}, 64, 1, 1e-6},
		{"bf16_128", Options{Precision: kernels.PrecisionBF16}, cudaemu.Options{Reverse: true}, 128, 1, 1e-6},
		{"bf16_256", Options{Precision: kernels.PrecisionBF16}, cudaemu.Options{}, 256, 1, 1e-6},
		{"bf16_256_reverse", Options{Precision: kernels.PrecisionBF16}, cudaemu.Options{Reverse: true}, 256, 1, 1e-6},
		{"bf16_mma", Options{Precision: kernels.PrecisionBF16, MMASync: true}, cudaemu.Options{}, 0, 1, 1e-6},
		{"high_64", Options{Precision: kernels.PrecisionHigh}, cudaemu.Options{Reverse: true}, 64, 4, 2e-5},
		{"high_128", Options{Precision: kernels.PrecisionHigh}, cudaemu.Options{}, 128, 4, 2e-5},
		{"high_256", Options{Precision: kernels.PrecisionHigh}, cudaemu.Options{Reverse: true}, 256, 4, 2e-5},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := emulated(t, c.o, c.e)
			b.widths = []int{c.width}
			for i, call := range calls {
				if i%c.every != 0 {
					continue
				}
				want, scale := exactly(t, call, c.o.Precision == kernels.PrecisionBF16)
				got := result(t, b, call.op, kernels.Step{}, call.in)
				for o := range got[:1] { // others are sums over rows, which no product computes
					worst, at := 0.0, 0
					for i, v := range got[o].F32() {
						if e := math.Abs(float64(v)-want[o][i]) / (scale[o][i] + 1e-30); !(e <= worst) {
							worst, at = e, i
						}
					}
					if !(worst <= c.limit) {
						t.Errorf("%v: element %d is %v, want %v: off by %.2g of Σ|ab|", call, at, got[o].F32()[at], want[o][at], worst)
					}
				}
			}
		})
	}
}

// A kernel is chosen by what the device has and what is wanted.
func TestWGMMAIsChosen(t *testing.T) {
	const f = kernels.Float32
	for _, c := range []struct {
		name  string
		major int
		o     Options
		in    []kernels.Desc
		want  string // prefix of the kernel
	}{
		{"Hopper", 9, Options{Precision: kernels.PrecisionBF16}, []kernels.Desc{kernels.Of(f, 300, 64), kernels.Of(f, 96, 64)}, "gemm_wgmma_bf16_nt_"},
		{"Hopper, high", 9, Options{Precision: kernels.PrecisionHigh}, []kernels.Desc{kernels.Of(f, 300, 64), kernels.Of(f, 96, 64)}, "gemm_wgmma_high_nt_"},
		{"Hopper, float32", 9, Options{}, []kernels.Desc{kernels.Of(f, 300, 64), kernels.Of(f, 96, 64)}, "gemm_f32_"},
		{"Hopper, the twin", 9, Options{Precision: kernels.PrecisionBF16, MMASync: true}, []kernels.Desc{kernels.Of(f, 300, 64), kernels.Of(f, 96, 64)}, "gemm_bf16_"},
		{"Hopper, odd rows", 9, Options{Precision: kernels.PrecisionBF16}, []kernels.Desc{kernels.Of(f, 300, 68), kernels.Of(f, 96, 68)}, "gemm_bf16_"},
		{"Ada", 8, Options{Precision: kernels.PrecisionBF16}, []kernels.Desc{kernels.Of(f, 300, 64), kernels.Of(f, 96, 64)}, "gemm_bf16_"},
		{"Blackwell", 10, Options{Precision: kernels.PrecisionBF16}, []kernels.Desc{kernels.Of(f, 300, 64), kernels.Of(f, 96, 64)}, "gemm_bf16_"},
	} {
		fake := cudafake.New(cudafake.Options{Info: driver.Info{Name: "fake", UUID: "GPU-fake", Major: c.major, SMs: 132, SharedBytes: 227 << 10, TotalBytes: 1 << 30, DriverVersion: 12040}})
		b, err := New(fake, anyImage{}, c.o)
		if err != nil {
			t.Fatal(err)
		}
		out, err := kernels.Linear{}.Infer(c.in)
		if err != nil {
			t.Fatal(err)
		}
		p := b.compile(kernels.Linear{}, c.in, out)
		found := false
		for _, l := range p.launches {
			found = found || strings.HasPrefix(l.kernel, c.want)
		}
		if !found {
			t.Errorf("%s: no launch of %s*", c.name, c.want)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
}

// The tiles and splits of the base model's products, for 1.4 M samples (5.6 sequences of 781 frames).
func TestWGMMATile(t *testing.T) {
	const frames = 4374
	for _, c := range []struct {
		name                   string
		k                      kind
		m, n, depth, groups    int
		width, splits, atLeast int // atLeast: percent of the tensor cores' time in the estimate
	}{
		{"query, key and value", nt, frames, 2304, 768, 1, 128, 1, 35},
		{"out", nt, frames, 768, 768, 1, 256, 1, 35},
		{"five sequences fill a wave", nt, 5 * 781, 768, 768, 1, 256, 1, 30},
		{"seven sequences fill it best", nt, 7 * 781, 768, 768, 1, 256, 1, 45},
		{"feed forward, up", nt, frames, 3072, 768, 1, 256, 1, 35},
		{"feed forward, down", nt, frames, 768, 3072, 1, 256, 1, 40},
		{"gradient of out's weights", tn, 768, 768, frames, 1, 256, 7, 25},
		{"gradient of feed forward's weights", tn, 3072, 768, frames, 1, 256, 3, 30},
		{"second feature layer", nt, 139994, 512, 1536, 1, 256, 1, 50},
		{"gradient of its weights", tn, 512, 1536, 139994, 1, 256, 11, 55},
		{"last feature layer", nt, frames, 512, 1024, 1, 256, 1, 25},
		{"positional convolution", nt, frames, 48, 6144, 16, 64, 1, 15},
	} {
		width, splits := wgmmaTile(c.k, c.m, c.n, c.depth, c.groups, wgmmaWidths)
		if width != c.width || splits != c.splits {
			t.Errorf("%s: tiles of %d columns, %d splits, want %d and %d", c.name, width, splits, c.width, c.splits)
		}
		tiles := ceilDiv(c.m, 128) * ceilDiv(c.n, width) * c.groups
		cycles := wgmmaCycles(c.m*c.n*c.groups, tiles, width, c.depth, splits)
		used := 100 * float64(c.m) * float64(c.n) * float64(c.depth) * float64(c.groups) / (float64(cycles) * processors * 2048)
		if used < float64(c.atLeast) || used > 100 {
			t.Errorf("%s: %.0f %% of the tensor cores' time, want at least %d", c.name, used, c.atLeast)
		}
	}
}

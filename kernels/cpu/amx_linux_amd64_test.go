package cpu

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"aural/internal/amxemu"
	"aural/kernels"
	"aural/kernels/kerneltest"
	"aural/rng"

	"golang.org/x/sys/cpu"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"
)

// emulated tells the test binary that it runs under internal/amxemu.
const emulated = "AURAL_TEST_AMX_EMULATED"

var stress = flag.Duration("amx.stress", 0, "how long TestAMX/Stress lasts; 0: a moment")

// TestAMX tests the kernels for AMX: on the processor where it has AMX, else in a child process under an emulator.
func TestAMX(t *testing.T) {
	switch {
	case os.Getenv(emulated) != "" || slices.Contains(Variants(), reduced):
		t.Run("Packing", testPackingAMX)
		t.Run("Tiles", testTilesAMX)
		t.Run("Products", testProductsAMX)
		t.Run("Parity", testParityAMX)
		t.Run("Threads", testThreadsAMX)
		t.Run("Stress", testStressAMX)
	case !slices.Contains(Variants(), "avx512"):
		t.Skip("NOT TESTED: the kernels for AMX pack with AVX-512, which this machine lacks")
	default:
		emulate(t)
	}
}

func emulate(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute+*stress)
	defer cancel()
	argv := []string{os.Args[0], "-test.run=^TestAMX$", "-test.v", "-rapid.checks=20", "-rapid.nofailfile", "-amx.stress=" + stress.String()}
	res, err := amxemu.Run(ctx, argv, append(os.Environ(), emulated+"=1"))
	if errors.Is(err, amxemu.ErrUnavailable) {
		t.Skipf("NOT TESTED: this machine has no AMX, and %v", err)
	}
	if err != nil || res.Exit != 0 {
		t.Fatalf("exit code %d, %v; executed %v; output:\n%s", res.Exit, err, res.Counts, res.Output)
	}
	for _, name := range []string{"LDTILECFG", "TILERELEASE", "TILEZERO", "TILELOADD", "TILESTORED", "TDPBF16PS", "VCVTNE2PS2BF16"} {
		if res.Counts[name] == 0 && !(name == "VCVTNE2PS2BF16" && cpu.X86.HasAVX512BF16) {
			t.Errorf("%s never ran under the emulator: %v", name, res.Counts)
		}
	}
	t.Logf("emulated %v\n%s", res.Counts, res.Output)
}

func kernelsAMX() [2]*bf16Kernel { v := amx(); return [...]*bf16Kernel{v.bf16, v.high} }

// special are values around which conversions can go wrong.
var special = []float32{0, float32(math.Copysign(0, -1)), 1, 0x1.01p0, 0x1.03p0, 0x1.00fffep0, 0x1.fep127, math.MaxFloat32, -math.MaxFloat32, 0x1p-126, 0x1p-149, -0x1.8p-127,
	float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()), math.Float32frombits(0x7f800001)}

// Packed values must be those of the model, bit for bit, wherever they count.
func testPackingAMX(t *testing.T) {
	for parts, k := range kernelsAMX() {
		model := modelKernel(parts + 1)
		rapid.Check(t, func(t *rapid.T) {
			n, depth := rapid.IntRange(1, 32).Draw(t, "n"), rapid.IntRange(1, 100).Draw(t, "k")
			x := matrix(t, "x", n, depth, ptr(values(rapid.Uint64().Draw(t, "seed"))))
			for range rapid.IntRange(0, 5).Draw(t, "specials") {
				i, j := rapid.IntRange(0, n-1).Draw(t, "i"), rapid.IntRange(0, depth-1).Draw(t, "j")
				x.x[i*x.rs+j*x.cs] = rapid.SampledFrom(special).Draw(t, "value")
			}
			columns := rapid.Bool().Draw(t, "columns")
			blocks := ceilDiv(depth, blockDepth)
			const guard = 64
			var got, want []uint16
			for _, side := range []struct {
				k   *bf16Kernel
				dst *[]uint16
			}{{k, &got}, {model, &want}} {
				*side.dst = make([]uint16, blocks*k.blockValues()+guard)
				side.k.pack((*side.dst)[:blocks*k.blockValues()], x.x, n, depth, x.rs, x.cs, columns)
			}
			for i := range got {
				tile, inside := i/tileValues, i%tileValues
				row, rows := inside/32, (n+1)/2
				if tile%2 == 1 {
					rows = n / 2
				}
				if columns {
					row, rows = inside%32/2, max(0, min(tileSide, n-tile%2*tileSide))
				}
				if tile < 2*k.parts*blocks && row >= rows {
					continue // does not matter
				}
				if g, w := got[i], want[i]; g != w && !(isNaN16(g) && isNaN16(w)) {
					t.Fatalf("%d of %d values, columns %v: word %d is %#x, want %#x", n, depth, columns, i, g, w)
				}
			}
		})
	}
}

func isNaN16(x uint16) bool { return x&0x7fff > 0x7f80 }

func ptr[T any](x T) *T { return &x }

// Tiles must be those of the model, up to the order of sums.
func testTilesAMX(t *testing.T) {
	for parts, k := range kernelsAMX() {
		model := modelKernel(parts + 1)
		rapid.Check(t, func(t *rapid.T) {
			blocks, panels := rapid.IntRange(1, 3).Draw(t, "blocks"), rapid.IntRange(1, 3).Draw(t, "panels")
			rows := panelSide
			if panels == 1 {
				rows = rapid.IntRange(2, panelSide).Draw(t, "rows")
			}
			seed := values(rapid.Uint64().Draw(t, "seed"))
			fill := func(n int) []uint16 {
				x := make([]uint16, n)
				for i := range x {
					x[i] = roundModel(seed.next())
				}
				return x
			}
			a, b := fill(panels*blocks*k.blockValues()), fill(blocks*k.blockValues())
			const ldc = panelSide + 3
			got := make([]float32, panels*panelSide*ldc)
			for i := range got {
				got[i] = seed.next()
			}
			want := slices.Clone(got)
			start := rapid.SampledFrom([]string{"zero", "C", "bias"}).Draw(t, "start")
			bias := []float32{panelSide - 1: 5}
			for _, side := range []struct {
				k *bf16Kernel
				c []float32
			}{{k, got}, {model, want}} {
				from, stride := (*float32)(nil), int64(0)
				switch start {
				case "C":
					from, stride = &side.c[0], 4*ldc
				case "bias":
					from = &bias[0]
				}
				side.k.product(int64(blocks), &a[0], &b[0], &side.c[0], 4*ldc, int64(panels), int64(rows), from, stride)
			}
			for i := range got {
				if g, w := float64(got[i]), float64(want[i]); !(math.Abs(g-w) <= 1e-5) || (i%ldc >= panelSide || panels == 1 && i/ldc >= rows) && g != w {
					t.Fatalf("from %s: [%d,%d] is %v, want %v", start, i/ldc, i%ldc, g, w)
				}
			}
		})
	}
}

func testProductsAMX(t *testing.T) {
	for _, p := range reducedPrecisions {
		for _, v := range []*variant{amx(), withSmallBlocks(amx())} {
			w := startVariant(t, v, Options{Threads: 1, Precision: p}).pool.workers[0]
			rapid.Check(t, func(t *rapid.T) { checkReduced(t, w, p, 70) })
		}
	}
}

// testParityAMX runs the cases of kerneltest. Under the emulator, which takes some 20 µs for an instruction, it runs those that have a few tiles:
// TestReducedParity has them all.
func testParityAMX(t *testing.T) {
	for _, p := range reducedPrecisions {
		opts := tolerances(p, 1<<30)
		if os.Getenv(emulated) != "" {
			opts = append(opts, kerneltest.Only(func(op kernels.Op, in []kernels.Desc) bool {
				flops := op.FLOPs(in, infer(op, in))
				switch op.(type) {
				case kernels.Linear, kernels.LinearGradInput, kernels.LinearGradWeight:
					return flops > 1<<15 && flops < 1<<18
				case kernels.Attention, kernels.AttentionGrad:
					return flops > 1<<15 && flops < 1<<17
				}
				return false
			}))
		}
		kerneltest.Run(t, startVariant(t, amx(), Options{Threads: 2, Precision: p}), append(opts, kerneltest.MustRun("gemm/amx/"+string(p)))...)
	}
}

// Results must not depend on the number of threads, bit for bit.
func testThreadsAMX(t *testing.T) {
	x, w, bias := kernels.New(kernels.Float32, 300, 70), kernels.New(kernels.Float32, 150, 70), kernels.New(kernels.Float32, 150)
	r := rng.At(1, 2, 3)
	for _, b := range []kernels.Buffer{x, w, bias} {
		for i := range b.F32() {
			b.F32()[i] = float32(r.NormFloat64())
		}
	}
	for _, p := range reducedPrecisions {
		var first []byte
		for threads := 1; threads <= 3; threads++ {
			j := prepare(t, startVariant(t, amx(), Options{Threads: threads, Precision: p}), kernels.Linear{}, kernels.Step{}, []kernels.Buffer{x, w, bias})
			j.run()
			if first == nil {
				first = j.out[0].HostBytes()
			} else if !bytes.Equal(first, j.out[0].HostBytes()) {
				t.Errorf("%s: 1 and %d threads differ", p, threads)
			}
		}
	}
}

// testStressAMX multiplies on more goroutines than there are threads, while others collect garbage and send the signals of preemption to all
// threads, and compares every result exactly: tile registers must survive all of it. The rules that make it so stand at product in package gen.
func testStressAMX(t *testing.T) {
	length := *stress
	if length == 0 {
		length = 300 * time.Millisecond
	}
	// Twice as many threads as processors, so that the operating system switches between them as well.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2 * runtime.GOMAXPROCS(0)))
	var stop atomic.Bool
	var calls, wrong, signals atomic.Int64
	var workers, noise sync.WaitGroup
	for g := range 4 * runtime.GOMAXPROCS(0) {
		k := kernelsAMX()[g%2]
		blocks, seed := 1+g%5, values(g)
		a, b, c := make([]uint16, 2*blocks*k.blockValues()), make([]uint16, blocks*k.blockValues()), make([]float32, 64*panelSide)
		for _, x := range [][]uint16{a, b} {
			for i := range x {
				x[i] = roundModel(seed.next())
			}
		}
		run := func() { k.product(int64(blocks), &a[0], &b[0], &c[0], 4*panelSide, 2, panelSide, nil, 0) }
		run()
		want := slices.Clone(c)
		workers.Go(func() {
			for !stop.Load() {
				clear(c)
				run()
				calls.Add(1)
				if !bytes.Equal(kernels.BytesOf(c), kernels.BytesOf(want)) {
					wrong.Add(1)
				}
			}
		})
	}
	noise.Go(func() {
		for !stop.Load() {
			garbage := make([][]byte, 0, 64)
			for range cap(garbage) {
				garbage = append(garbage, make([]byte, 1<<12))
			}
			runtime.KeepAlive(garbage)
			runtime.GC()
		}
	})
	noise.Go(func() {
		for !stop.Load() {
			tasks, err := os.ReadDir("/proc/self/task")
			if err != nil {
				t.Error(err)
				return
			}
			for _, task := range tasks {
				tid := 0
				for _, d := range strings.TrimSpace(task.Name()) {
					tid = 10*tid + int(d-'0')
				}
				if unix.Tgkill(os.Getpid(), tid, syscall.SIGURG) == nil { // it may have ended
					signals.Add(1)
				}
			}
			time.Sleep(50 * time.Microsecond)
		}
	})
	time.Sleep(length)
	stop.Store(true)
	workers.Wait()
	noise.Wait()
	t.Logf("%d products, %d signals in %v", calls.Load(), signals.Load(), length)
	if wrong.Load() > 0 || calls.Load() == 0 || signals.Load() == 0 {
		t.Errorf("%d of %d products are wrong, with %d signals", wrong.Load(), calls.Load(), signals.Load())
	}
}

// A tile of the packed form must have the size of a tile register.
var _ = [1]struct{}{}[unsafe.Sizeof([tileValues]uint16{})-1024]

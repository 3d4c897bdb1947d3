package cpu

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"aural/kernels"
	"aural/kernels/kerneltest"

	"pgregory.net/rapid"
)

// The arithmetic of precision int8 in plain loops: a row of x in blocks with a scale and a zero point each, a column of w with one scale.
type (
	plainBlock struct {
		values []int64 // less the zero point
		scale  float32
	}
	plainColumn struct {
		blocks [][]int64
		scale  float32
	}
)

func quantizedBlock(x []float32) plainBlock {
	lo, hi := 0.0, 0.0
	for _, v := range x {
		lo, hi = min(lo, float64(v)), max(hi, float64(v))
	}
	b := plainBlock{make([]int64, len(x)), float32((hi - lo) / 255)}
	if hi > lo {
		zero := int64(math.RoundToEven(-lo * 255 / (hi - lo)))
		for i, v := range x {
			b.values[i] = min(255, max(0, int64(math.RoundToEven(float64(v*float32(255/(hi-lo)))))+zero)) - zero
		}
	}
	return b
}

func quantizedColumn(w [][]float32) plainColumn {
	most := float32(0)
	for _, block := range w {
		for _, v := range block {
			most = max(most, float32(math.Abs(float64(v))))
		}
	}
	c := plainColumn{scale: most / 127}
	for _, block := range w {
		q := make([]int64, len(block))
		for i, v := range block {
			if most > 0 {
				q[i] = int64(math.RoundToEven(float64(v * (127 / most))))
			}
		}
		c.blocks = append(c.blocks, q)
	}
	return c
}

// element is a row times a column.
func element(x []plainBlock, w plainColumn, bias float32) float32 {
	total := float32(0)
	for b, block := range x {
		sum := int64(0)
		for i, v := range block.values {
			sum += v * w.blocks[b][i]
		}
		part := float32(float32(sum) * block.scale)
		if b == 0 {
			total = part
		} else {
			total += part
		}
	}
	return float32(total*w.scale) + bias
}

// int8Call is a linear layer or a convolution with its operands.
type int8Call struct {
	op          kernels.Op
	in          []kernels.Buffer
	row, column func(i int) [][]float32 // of an element of the result, in blocks
}

func int8Values(shape []int, seed *values, offset float32) kernels.Buffer {
	b := kernels.New(kernels.Float32, shape...)
	for i := range b.F32() {
		b.F32()[i] = 3*seed.next() + offset
	}
	return b
}

func int8LinearCall(rows, width, outs int, bias bool, seed *values, offset float32) int8Call {
	x, w := int8Values([]int{rows, width}, seed, offset), int8Values([]int{outs, width}, seed, 0)
	c := int8Call{op: kernels.Linear{}, in: []kernels.Buffer{x, w}}
	if bias {
		c.in = append(c.in, int8Values([]int{outs}, seed, 0))
	}
	depth := roundUp(ceilDiv(width, ceilDiv(width, int8Block)), 4)
	cut := func(from []float32) func(i int) [][]float32 {
		return func(i int) (blocks [][]float32) {
			for at := 0; at < width; at += depth {
				blocks = append(blocks, from[i*width+at:][:min(depth, width-at)])
			}
			return blocks
		}
	}
	c.row, c.column = cut(x.F32()), cut(w.F32())
	return c
}

func int8ConvCall(batch, frames, cin, cout, k, stride int, bias bool, seed *values, offset float32) int8Call {
	x, w := int8Values([]int{batch, frames, cin}, seed, offset), int8Values([]int{cout, cin, k}, seed, 0)
	o := kernels.Conv1D{Stride: stride, Groups: 1}
	c := int8Call{op: o, in: []kernels.Buffer{x, w}}
	if bias {
		c.in = append(c.in, int8Values([]int{cout}, seed, 0))
	}
	outs := o.OutLen(frames, k)
	c.row = func(row int) (blocks [][]float32) {
		for tap := range k {
			blocks = append(blocks, x.F32()[((row/outs*frames)+row%outs*stride+tap)*cin:][:cin])
		}
		return blocks
	}
	c.column = func(out int) (blocks [][]float32) {
		for tap := range k {
			block := make([]float32, cin)
			for i := range block {
				block[i] = w.F32()[(out*cin+i)*k+tap]
			}
			blocks = append(blocks, block)
		}
		return blocks
	}
	return c
}

// check compares every bit of the result with the plain loops, whether the weight is frozen or not.
func (c int8Call) check(t interface{ Fatalf(string, ...any) }, tb testing.TB, b *Backend) {
	j := prepare(tb, b, c.op, kernels.Step{}, c.in)
	if !strings.HasPrefix(j.kernel.Variant, b.int8.name+"/") {
		t.Fatalf("%s is computed by %s", c.op.Name(), j.kernel.Variant)
	}
	outs, y := c.in[1].Shape[0], j.out[0].F32()
	var rows [][]plainBlock
	var columns []plainColumn
	for i := range len(y) / outs {
		var row []plainBlock
		for _, block := range c.row(i) {
			row = append(row, quantizedBlock(block))
		}
		rows = append(rows, row)
	}
	for i := range outs {
		columns = append(columns, quantizedColumn(c.column(i)))
	}
	for _, frozen := range []bool{false, true} {
		if frozen {
			if err := b.Freeze(c.op, c.in[1]); err != nil {
				t.Fatalf("%v", err)
			}
		}
		for i := range j.scratch {
			j.scratch[i] = 0xff // NaN as a scale
		}
		for i := range y {
			y[i] = float32(math.NaN())
		}
		j.run()
		for i, got := range y {
			bias := float32(0)
			if len(c.in) > 2 {
				bias = c.in[2].F32()[i%outs]
			}
			if want := element(rows[i/outs], columns[i%outs], bias); math.Float32bits(got) != math.Float32bits(want) && got != want {
				t.Fatalf("%s%v%v frozen %v: element %d is %v, want %v", c.op.Name(), c.in[0].Shape, c.in[1].Shape, frozen, i, got, want)
			}
		}
	}
	if err := b.thaw(c.in[1].HostBytes()); err != nil {
		t.Fatalf("%v", err)
	}
}

// Results of all variants are those of plain loops, bit for bit, around all edges of tiles and blocks, for any number of threads.
func TestInt8Products(t *testing.T) {
	forEach(t, func(t *testing.T, variant string) {
		for _, threads := range []int{1, 3} {
			b := start(t, Options{Threads: threads, Variant: variant, Precision: kernels.PrecisionInt8})
			seed := values(5)
			for _, c := range []int8Call{
				int8LinearCall(1, 64, 64, false, &seed, 0), int8LinearCall(13, 67, 65, true, &seed, 0), int8LinearCall(12, 66, 96, true, &seed, 5),
				int8LinearCall(25, 1025, 70, true, &seed, -2), int8LinearCall(7, 2050, 64, false, &seed, 0), int8LinearCall(0, 64, 64, true, &seed, 0),
				int8ConvCall(2, 31, 32, 65, 3, 2, true, &seed, 0), int8ConvCall(1, 5, 33, 64, 2, 2, false, &seed, 1), int8ConvCall(3, 40, 64, 95, 4, 1, true, &seed, 0),
			} {
				c.check(t, t, b)
			}
		}
		b := start(t, Options{Threads: 2, Variant: variant, Precision: kernels.PrecisionInt8})
		rapid.Check(t, func(rt *rapid.T) {
			seed := values(rapid.Uint64().Draw(rt, "seed"))
			bias, offset := rapid.Bool().Draw(rt, "bias"), float32(rapid.IntRange(-3, 3).Draw(rt, "offset"))
			outs, width := rapid.IntRange(64, 130).Draw(rt, "outputs"), rapid.IntRange(64, 140).Draw(rt, "width")
			if rapid.Bool().Draw(rt, "linear") {
				int8LinearCall(rapid.IntRange(1, 40).Draw(rt, "rows"), width, outs, bias, &seed, offset).check(rt, t, b)
				return
			}
			k := rapid.IntRange(1, 4).Draw(rt, "taps")
			int8ConvCall(rapid.IntRange(1, 3).Draw(rt, "batch"), k+rapid.IntRange(0, 30).Draw(rt, "frames"), width, outs, k, rapid.IntRange(1, 3).Draw(rt, "stride"), bias, &seed, offset).check(rt, t, b)
		})
	})
}

// Rows and columns of one number, of the largest numbers, and such as are not finite.
func TestInt8Extremes(t *testing.T) {
	forEach(t, func(t *testing.T, variant string) {
		b := start(t, Options{Threads: 1, Variant: variant, Precision: kernels.PrecisionInt8})
		nan, inf := float32(math.NaN()), float32(math.Inf(1))
		fill := func(x []float32, v float32) {
			for i := range x {
				x[i] = v
			}
		}
		const width, outs = 100, 70
		for name, c := range map[string]struct {
			x, w float32 // everywhere
			at   float32 // at one place of row 1
		}{
			"zero": {0, 1, 0}, "no weight": {1, 0, 1}, "negative": {-3, 2, -3}, "negative zero": {float32(math.Copysign(0, -1)), 1, 0}, "large": {1e29, 1e-20, -3e30}, "tiny": {1e-35, 1, 1e-35},
			"NaN": {1, 1, nan}, "-NaN": {1, 1, float32(math.Copysign(float64(nan), -1))}, "Inf": {1, 1, inf}, "-Inf": {1, 1, -inf}, "NaN in a weight": {1, nan, 1},
		} {
			seed := values(1)
			call := int8LinearCall(3, width, outs, false, &seed, 0)
			fill(call.in[0].F32(), c.x)
			call.in[0].F32()[width+77] = c.at
			fill(call.in[1].F32()[width:2*width], c.w)
			j := prepare(t, b, call.op, kernels.Step{}, call.in)
			j.run()
			for row := range 3 {
				got := j.out[0].F32()[row*outs+1]
				want, size := 0.0, 0.0
				for i := range width {
					p := float64(call.in[0].F32()[row*width+i]) * float64(c.w)
					want, size = want+p, size+math.Abs(p)
				}
				broken := math.IsNaN(want) || math.IsInf(want, 0)
				if c.x == 1e-35 {
					size = 1e-30
				}
				if broken != math.IsNaN(float64(got)) || !broken && !(math.Abs(float64(got)-want) <= 0.5*size) {
					t.Errorf("%s: row %d is %v, want %v", name, row, got, want)
				}
				if other := j.out[0].F32()[row*outs+2]; !broken && name != "NaN in a weight" && math.IsNaN(float64(other)) {
					t.Errorf("%s: column 2 of row %d is %v", name, row, other)
				}
			}
		}
	})
}

// What is not computed in integers is what float32 computes; what is, is near it, and gradients are refused.
func TestInt8Parity(t *testing.T) {
	forEach(t, func(t *testing.T, variant string) {
		b := start(t, Options{Threads: 3, Variant: variant, Precision: kernels.PrecisionInt8})
		gradients := func(op kernels.Op, _ []kernels.Desc) string {
			switch op.(type) {
			case kernels.LinearGradInput, kernels.LinearGradWeight, kernels.Conv1DGradInput, kernels.Conv1DGradWeight:
				return "no gradients"
			}
			return ""
		}
		products := func(op kernels.Op, in []kernels.Desc) bool {
			switch op.(type) {
			case kernels.Linear, kernels.Conv1D, kernels.GELU, kernels.Attention:
				return true
			}
			return gradients(op, in) != ""
		}
		kerneltest.Run(t, b, kerneltest.Only(products), kerneltest.MayRefuse(gradients), kerneltest.MustRun(b.int8.name+"/"+b.label, "gemm/"+b.label, "attention/"+b.label),
			kerneltest.Tolerate(kerneltest.Summed, kerneltest.Tolerance{Norm: 2e-2}))
		_, err := b.Compile(kernels.LinearGradInput{}, []kernels.Desc{kernels.Of(kernels.Float32, 4, 64), kernels.Of(kernels.Float32, 64, 64)}, []kernels.Desc{kernels.Of(kernels.Float32, 4, 64)})
		if !errors.Is(err, kernels.ErrUnsupported) || !strings.Contains(fmt.Sprint(err), "inference") {
			t.Errorf("gradient: %v", err)
		}
	})
}

// A frozen weight is what is used, and takes a quarter of its size.
func TestInt8Freeze(t *testing.T) {
	forEach(t, func(t *testing.T, variant string) {
		b := start(t, Options{Threads: 1, Variant: variant, Precision: kernels.PrecisionInt8})
		freezes(t, b, "linear", kernels.Linear{}, []int{37, 150}, []int{131, 150})
		freezes(t, b, "conv", kernels.Conv1D{Stride: 2, Groups: 1}, []int{2, 61, 40}, []int{72, 40, 3})
		freezes(t, b, "grouped conv", kernels.Conv1D{Stride: 1, PadLeft: 4, PadRight: 3, Groups: 4}, []int{2, 45, 192}, []int{192, 48, 8})
		if len(b.frozen) > 0 {
			t.Errorf("%d weights are frozen after their memory was freed", len(b.frozen))
		}
	})
}

// A product and its GELU as one chain give what they give one after the other.
func TestInt8Chains(t *testing.T) {
	forEach(t, func(t *testing.T, variant string) {
		b := start(t, Options{Threads: 2, Variant: variant, Precision: kernels.PrecisionInt8})
		kerneltest.RunChains(t, b, kerneltest.Tolerance{}, append(kerneltest.ConvChains(), kerneltest.LinearChains()...))
	})
}

// A product that reaches outside its operands panics before it reads anything.
func TestInt8ProductOutsideItsOperandsPanics(t *testing.T) {
	b := start(t, Options{Threads: 1, Precision: kernels.PrecisionInt8})
	w, s := b.pool.workers[0], int8Shape{2, 8, 5}
	k := w.int8
	rows := roundUp(3, k.mr)
	good := int8Product{m: 3, n: 5, shape: s, a: make([]byte, 64*rows), row: 32, block: 8 * k.width, scales: make([]rowScale, 2*rows), rowScales: 2, blockScale: 1,
		b: k.matrix(make([]byte, k.room(s)), s), c: make([]float32, 15), ldc: 5, bias: make([]float32, 5)}
	w.gemmInt8(&good)
	for name, change := range map[string]func(p *int8Product){
		"a": func(p *int8Product) { p.a = p.a[:32*(rows-1)] }, "c": func(p *int8Product) { p.c = p.c[:14] }, "bias": func(p *int8Product) { p.bias = p.bias[:4] },
		"scales": func(p *int8Product) { p.scales = p.scales[:2*rows-1] }, "sums": func(p *int8Product) { p.b.sums = p.b.sums[:2*k.nr-1] },
		"panels": func(p *int8Product) { p.b.panels = p.b.panels[:k.panelBytes(s)] }, "column scales": func(p *int8Product) { p.b.scales = p.b.scales[:k.nr-1] },
	} {
		p := good
		change(&p)
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s is too short, and nothing happens", name)
				}
			}()
			w.gemmInt8(&p)
		}()
	}
}

package cpu

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"aural/kernels"
)

// Frozen weights give the same results, bit for bit, with any number of threads and with blocks of any size; freeing their memory forgets them.
func TestFreeze(t *testing.T) {
	forEach(t, func(t *testing.T, variant string) {
		for _, threads := range []int{1, 3} {
			for _, b := range []*Backend{start(t, Options{Threads: threads, Variant: variant}), withBlocks(t, variant, threads)} {
				for _, c := range []struct {
					op   kernels.Op
					x, w []int
				}{
					{kernels.Linear{}, []int{1, 1}, []int{1, 1}}, {kernels.Linear{}, []int{37, 50}, []int{131, 50}}, {kernels.Linear{}, []int{3, 40, 96}, []int{256, 96}},
					{kernels.Linear{}, []int{5, 1200}, []int{70, 1200}}, {kernels.Linear{}, []int{200, 33}, []int{48, 33}},
					{kernels.Conv1D{Stride: 2, Groups: 1}, []int{2, 61, 40}, []int{72, 40, 3}}, {kernels.Conv1D{Stride: 5, Groups: 1}, []int{1, 300, 1}, []int{40, 1, 10}},
					{kernels.Conv1D{Stride: 1, PadLeft: 4, PadRight: 3, Groups: 4}, []int{2, 45, 192}, []int{192, 48, 8}},
				} {
					freezes(t, b, fmt.Sprintf("%d threads, %s%v%v", threads, c.op.Name(), c.x, c.w), c.op, c.x, c.w)
				}
				if len(b.frozen) > 0 {
					t.Errorf("%d weights are frozen after their memory was freed", len(b.frozen))
				}
			}
		}
	})
}

func freezes(t *testing.T, b *Backend, what string, op kernels.Op, xShape, wShape []int) {
	t.Helper()
	seed := values(1)
	buffer := func(shape ...int) kernels.Buffer {
		d := kernels.Of(kernels.Float32, shape...)
		mem, err := b.Alloc(d.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { mem.Free() })
		x, err := mem.Slice(d, 0)
		if err != nil {
			t.Fatal(err)
		}
		for i := range x.F32() {
			x.F32()[i] = seed.next()
		}
		return x
	}
	d := kernels.Of(kernels.Float32, wShape...)
	mem, err := b.Alloc(d.Bytes() + 2*kernels.Alignment)
	if err != nil {
		t.Fatal(err)
	}
	w, err := mem.Slice(d, kernels.Alignment)
	if err != nil {
		t.Fatal(err)
	}
	for i := range w.F32() {
		w.F32()[i] = seed.next()
	}
	in := []kernels.Buffer{buffer(xShape...), w, buffer(wShape[0])}
	descs := []kernels.Desc{in[0].Desc, in[1].Desc, in[2].Desc}
	out, err := op.Infer(descs)
	if err != nil {
		t.Fatal(err)
	}
	k, err := b.Compile(op, descs, out)
	if err != nil {
		t.Fatal(err)
	}
	y, scratch, step := buffer(out[0].Shape...), kernels.New(kernels.Uint8, k.Scratch).HostBytes(), &kernels.Step{}
	results := []kernels.Buffer{y}
	run := func() []float32 {
		for i := range y.F32() {
			y.F32()[i] = float32(math.NaN())
		}
		k.Run(step, in, results, scratch)
		return slices.Clone(y.F32())
	}
	same := func(a, b []float32) bool {
		return slices.EqualFunc(a, b, func(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) })
	}
	before := run()
	for range 2 { // the second time nothing happens
		if err := b.Freeze(op, w); err != nil {
			t.Fatal(err)
		}
	}
	if len(b.frozen) != 1 {
		t.Fatalf("%s: %d weights are frozen", what, len(b.frozen))
	}
	if !same(run(), before) {
		t.Errorf("%s: another result with the frozen weight", what)
	}
	kept := slices.Clone(w.F32())
	for i := range w.F32() {
		w.F32()[i] = float32(math.NaN())
	}
	if !same(run(), before) {
		t.Errorf("%s: the frozen weight is not what is used", what)
	}
	copy(w.F32(), kept)
	if b.threads == 1 { // several workers would wait for the one processor that counting allocations leaves
		if n := testing.AllocsPerRun(3, func() { k.Run(step, in, results, scratch) }); n != 0 {
			t.Errorf("%s: a call allocates %v times", what, n)
		}
	}
	if err := mem.Free(); err != nil {
		t.Fatal(err)
	}
}

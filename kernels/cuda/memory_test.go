package cuda

import (
	"errors"
	"testing"

	"aural/internal/cudafake"
	"aural/kernels"
	"aural/kernels/cuda/driver"
)

// A planner finds the working memory that compiling on the device takes, without a call of the driver.
func TestPlanner(t *testing.T) {
	fake := cudafake.New(cudafake.Options{})
	b, err := New(fake, anyImage{}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	op := kernels.LinearGradWeight{}
	in := []kernels.Desc{kernels.Of(kernels.Float32, 3000, 96), kernels.Of(kernels.Float32, 3000, 64)}
	out, err := op.Infer(in)
	if err != nil {
		t.Fatal(err)
	}
	calls := len(fake.Recording.Calls)
	p := b.Planner()
	k, err := p.Compile(op, in, out)
	if err != nil || len(fake.Recording.Calls) != calls || p.ScratchBytes() == 0 || p.Name() != b.Name() {
		t.Errorf("%v: %d calls of the driver, %d bytes, name %q", err, len(fake.Recording.Calls)-calls, p.ScratchBytes(), p.Name())
	}
	if _, err := p.Alloc(1); err == nil {
		t.Error("a planner allocates")
	}
	real, err := b.Compile(op, in, out)
	if err != nil || real.Variant != k.Variant || b.ScratchBytes() != p.ScratchBytes() {
		t.Errorf("%v: variant %q with %d bytes, planned %q with %d", err, real.Variant, b.ScratchBytes(), k.Variant, p.ScratchBytes())
	}
	if held, err := b.Held(); err != nil || held < int64(b.ScratchBytes()) {
		t.Errorf("%v: %d bytes held, %d of them working memory", err, held, b.ScratchBytes())
	}
}

// Working memory that cannot grow stays as it is, and so do the plans that use it.
func TestScratchStays(t *testing.T) {
	fake := cudafake.New(cudafake.Options{Memory: 1 << 20})
	b, err := New(fake, anyImage{}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}()
	before, err := b.Held()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		n, room int
		fits    bool
	}{{600 << 10, 600 << 10, true}, {900 << 10, 900 << 10, true}, {2 << 20, 900 << 10, false}} {
		if err := b.ReserveScratch(c.n); (err == nil) != c.fits || !c.fits && !errors.Is(err, driver.ErrOutOfMemory) {
			t.Errorf("%d bytes: %v", c.n, err)
		}
		if held, err := b.Held(); err != nil || b.room != c.room || held-before != int64(c.room) || b.scratch == 0 {
			t.Errorf("after %d bytes: %d, %d held, %v", c.n, b.room, held, err)
		}
	}
}

// What the device refuses for want of memory is told once, and does not keep from saving what it holds.
func TestRefusedLaunch(t *testing.T) {
	fake := cudafake.New(cudafake.Options{FailAt: map[string]cudafake.Failure{"Launch": {Call: 1, Code: driver.OutOfMemory}}})
	b, err := New(fake, anyImage{}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	in := []kernels.Desc{kernels.Of(kernels.Float32, 100)}
	if err := runOne(b, kernels.SumSquares{}, in); !errors.Is(err, driver.ErrOutOfMemory) {
		t.Errorf("the first launch: %v", err)
	}
	if err := runOne(b, kernels.SumSquares{}, in); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

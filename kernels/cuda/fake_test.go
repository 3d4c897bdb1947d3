package cuda

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"aural/internal/cudafake"
	"aural/kernels"
	"aural/kernels/cuda/driver"
)

// anyImage is a compiler for the fake, which runs nothing.
type anyImage struct{}

func (anyImage) Name() string { return "none" }
func (anyImage) Compile(string, []string, driver.Info) ([]byte, string, error) {
	return []byte("image"), "", nil
}

// useAll starts a back end on the fake, runs ops that need one launch, several and scratch memory, and closes it. It returns all errors.
func useAll(fake *cudafake.Driver) (err error) {
	b, err := New(fake, anyImage{}, Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	const f = kernels.Float32
	for _, c := range []struct {
		op kernels.Op
		in []kernels.Desc
	}{
		{kernels.Linear{}, []kernels.Desc{kernels.Of(f, 300, 64), kernels.Of(f, 96, 64), kernels.Of(f, 96)}},
		{kernels.LinearGradWeight{}, []kernels.Desc{kernels.Of(f, 3000, 96), kernels.Of(f, 3000, 64)}},
		{kernels.SumSquares{}, []kernels.Desc{kernels.Of(f, 100000)}},
	} {
		err = errors.Join(err, runOne(b, c.op, c.in))
	}
	return errors.Join(err, recordOne(b), moveSome(b))
}

// moveSome sends more blocks than the device has areas, of growing sizes, and fetches.
func moveSome(b *Backend) (err error) {
	arena, err := b.Alloc(2 * slotBytes)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, arena.Free()) }()
	pinned, err := b.Pin(100)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, pinned.Free()) }()
	for _, n := range []int{10, 20, 30, 2 * slotBytes} {
		block, err := b.Stage(n)
		if err == nil {
			err = b.Send(arena, block, []kernels.Range{{From: 0, To: n}})
		}
		if err != nil {
			return err
		}
	}
	x, err := arena.Slice(kernels.Of(kernels.Uint8, 100), 0)
	if err != nil {
		return err
	}
	return errors.Join(b.Fetch(pinned.Host, x), b.Sync())
}

// recordOne replays a recording with noise between two marks.
func recordOne(b *Backend) (err error) {
	d := []kernels.Desc{kernels.Of(kernels.Float32, 100)}
	k, err := b.Compile(kernels.Dropout{P: 0.5}, d, d)
	if err != nil {
		return err
	}
	mem, err := b.Alloc(d[0].Bytes())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, mem.Free()) }()
	x, err := mem.Slice(d[0], 0)
	if err != nil {
		return err
	}
	marks, err := b.NewMarks(2)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, marks.Free()) }()
	replay, err := b.Record("dropout", func(s *kernels.Step) { k.Run(s, []kernels.Buffer{x}, []kernels.Buffer{x}, nil) })
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, replay.Free()) }()
	marks.Set()
	replay.Run(&kernels.Step{Update: 1})
	marks.Set()
	if err := b.Sync(); err != nil {
		return err
	}
	_, err = marks.Take(make([]time.Duration, 1))
	return err
}

func runOne(b *Backend, op kernels.Op, in []kernels.Desc) (err error) {
	out, err := op.Infer(in)
	if err != nil {
		return err
	}
	k, err := b.Compile(op, in, out)
	if err != nil {
		return err
	}
	var mems []kernels.Memory
	defer func() {
		for _, m := range mems {
			err = errors.Join(err, m.Free())
		}
	}()
	var ins, outs []kernels.Buffer
	for i, d := range append(append([]kernels.Desc(nil), in...), out...) {
		m, err := b.Alloc(d.Bytes())
		if err != nil {
			return err
		}
		mems = append(mems, m)
		buf, err := m.Slice(d, 0)
		if err != nil {
			return err
		}
		if i < len(in) {
			ins = append(ins, buf)
		} else {
			outs = append(outs, buf)
		}
	}
	if err := b.Upload(ins[0], make([]byte, ins[0].Bytes())); err != nil {
		return err
	}
	var step kernels.Step
	k.Run(&step, ins, outs, nil)
	if err := b.Sync(); err != nil {
		return err
	}
	return b.Download(make([]byte, outs[0].Bytes()), outs[0])
}

// A driver that watches sees no wrong lifetime, size, thread or launch, and nothing left at the end.
func TestLifetimes(t *testing.T) {
	fake := cudafake.New(cudafake.Options{})
	if err := useAll(fake); err != nil {
		t.Error(err)
	}
	launches := 0
	for _, c := range fake.Recording.Commands {
		if c.Kind == cudafake.Launch {
			launches++
		}
	}
	if launches < 4 {
		t.Errorf("%d launches", launches)
	}
}

// Whatever call of the driver fails, the error comes out of the back end, and nothing hangs or panics.
func TestEveryFailure(t *testing.T) {
	good := cudafake.New(cudafake.Options{})
	if err := useAll(good); err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, name := range good.Recording.Calls {
		seen[name]++
		n := seen[name]
		t.Run(fmt.Sprintf("%s/%d", name, n), func(t *testing.T) {
			fake := cudafake.New(cudafake.Options{FailAt: map[string]cudafake.Failure{name: {Call: n, Code: driver.LaunchFailed}}})
			var e *driver.Error
			if err := useAll(fake); !errors.As(err, &e) || e.Code != driver.LaunchFailed || e.Call != name {
				t.Errorf("the failure is lost: %v", err)
			}
		})
	}
}

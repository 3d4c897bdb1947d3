package cuda

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"aural/internal/cudaemu"
	"aural/internal/cudafake"
	"aural/kernels"
	"aural/kernels/cuda/driver"
)

// Replays have the noise of their steps, as plain runs, also when more steps are queued than there are slots, while nobody waits.
func TestReplayedNoise(t *testing.T) {
	r := newBench(t, emulated(t, Options{}, cudaemu.Options{}))
	replay, err := r.Record("part", r.run)
	r.do(err)
	copyOf := func(s kernels.Step, run func(*kernels.Step)) kernels.Buffer {
		to := r.buffer(r.y.Desc)
		run(&s)
		k, err := r.Compile(kernels.Scale{Factor: 1}, []kernels.Desc{r.y.Desc}, []kernels.Desc{to.Desc})
		r.do(err)
		k.Run(&s, []kernels.Buffer{r.y}, []kernels.Buffer{to}, nil)
		return to
	}
	var steps []kernels.Step
	for u := range stepSlots + 9 {
		steps = append(steps, kernels.Step{Seed: uint64(u % 3), Update: uint64(u / 2), Row: u % 2})
	}
	var got []kernels.Buffer
	for _, s := range steps {
		got = append(got, copyOf(s, func(s *kernels.Step) { replay.Run(s) }))
	}
	seen := map[string]bool{}
	for i, s := range steps {
		want := r.read(copyOf(s, r.run))
		if !bytes.Equal(r.read(got[i]), want) {
			t.Fatalf("step %d, %+v: the replay has other noise", i, s)
		}
		seen[string(want)] = true
	}
	if len(seen) != len(steps) {
		t.Errorf("%d steps have %d kinds of noise", len(steps), len(seen))
	}
	r.free()
}

// quiet is the fake without its writing, which allocates.
type quiet struct{ driver.API }

type quietContext struct{ driver.Context }

func (q quiet) Open(n int) (driver.Context, error) {
	c, err := q.API.Open(n)
	return quietContext{c}, err
}

func (quietContext) Launch(driver.Stream, driver.Function, *driver.Launch) error { return nil }
func (quietContext) LaunchGraph(driver.Stream, driver.Graph) error               { return nil }
func (quietContext) CopyToDevice(driver.Stream, driver.Ptr, []byte) error        { return nil }
func (quietContext) Record(driver.Event, driver.Stream) error                    { return nil }
func (quietContext) Fill(driver.Stream, driver.Ptr, int, byte) error             { return nil }
func (quietContext) Sync(driver.Stream) error                                    { return nil }
func (quietContext) Elapsed(driver.Event, driver.Event) (float32, error)         { return 1, nil }

func TestReplayAllocatesNothing(t *testing.T) {
	b, err := New(quiet{cudafake.New(cudafake.Options{})}, anyImage{}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := newBench(t, b)
	replay, err := r.Record("part", r.run)
	r.do(err)
	m, err := b.NewMarks(3)
	r.do(err)
	var s kernels.Step
	n := testing.AllocsPerRun(200, func() {
		s.Update++
		m.Set()
		replay.Run(&s)
		m.Set()
		r.run(&s)
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
	r.do(m.Free())
	r.free()
	r.do(b.Close())
}

// Marks say when they have not been reached, keep what they have until they are, and come in the order of the work.
func TestMarks(t *testing.T) {
	r := newBench(t, emulated(t, Options{}, cudaemu.Options{}))
	m, err := r.NewMarks(3)
	r.do(err)
	times := make([]time.Duration, 2)
	for range 2 {
		m.Set()
		r.run(&kernels.Step{})
		m.Set()
		r.run(&kernels.Step{})
		m.Set()
		m.Set() // beyond
		if ok, err := m.Take(times); ok || err != nil {
			t.Errorf("before anybody waited: %v, %v", ok, err)
		}
		r.do(r.Sync())
		if ok, err := m.Take(times); !ok || err != nil || times[0] <= 0 || times[1] <= 0 {
			t.Errorf("times %v, %v, %v", times, ok, err)
		}
	}
	for _, call := range []string{"NewEvent", "Record", "Elapsed"} {
		fake := cudafake.New(cudafake.Options{FailAt: map[string]cudafake.Failure{call: {Call: 2, Code: 719}}})
		b, err := New(fake, anyImage{}, Options{})
		r.do(err)
		m, err := b.NewMarks(3)
		if err == nil {
			m.Set()
			m.Set()
			m.Set()
			_, err = m.Take(times)
		}
		var e *driver.Error
		if !errors.As(err, &e) || e.Call != call {
			t.Errorf("%s: %v", call, err)
		}
		if err := b.Close(); err != nil && call != "Record" {
			t.Error(fmt.Errorf("%s: %w", call, err))
		}
	}
	r.free()
}

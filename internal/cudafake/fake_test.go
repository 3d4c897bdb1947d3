package cudafake

import (
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"

	"aural/kernels/cuda/driver"

	"pgregory.net/rapid"
)

// bench is an open fake with two streams, an event, memory and a kernel.
type bench struct {
	*Driver
	driver.Context
	s, s2 driver.Stream
	e     driver.Event
	p, q  driver.Ptr
	m     driver.Module
	f     driver.Function
}

func value[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func newBench(t testing.TB, o Options) *bench {
	t.Helper()
	runtime.LockOSThread()
	t.Cleanup(runtime.UnlockOSThread)
	b := &bench{Driver: New(o)}
	b.Context = value[driver.Context](t)(b.Driver.Open(0))
	b.s, b.s2 = value[driver.Stream](t)(b.NewStream()), value[driver.Stream](t)(b.NewStream())
	b.e = value[driver.Event](t)(b.NewEvent())
	b.p, b.q = value[driver.Ptr](t)(b.Alloc(1024)), value[driver.Ptr](t)(b.Alloc(1024))
	b.m = value[driver.Module](t)(b.Load([]byte("image")))
	b.f = value[driver.Function](t)(b.Function(b.m, "k"))
	return b
}

// end gives everything back.
func (b *bench) end() error {
	return errors.Join(b.Free(b.p), b.Free(b.q), b.Unload(b.m), b.FreeEvent(b.e), b.FreeStream(b.s), b.FreeStream(b.s2), b.Close())
}

func one() *driver.Launch {
	return &driver.Launch{Grid: driver.Dim{X: 1, Y: 1, Z: 1}, Block: driver.Dim{X: 32, Y: 1, Z: 1}, Args: make([]byte, 8)}
}

// What a back end may not do is an error of the call that does it.
func TestRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(b *bench) error
		says string
	}{
		"copy beyond the end":     {func(b *bench) error { return b.CopyToDevice(b.s, b.p+1000, make([]byte, 25)) }, "25 bytes"},
		"copy before the start":   {func(b *bench) error { return b.CopyToHost(b.s, make([]byte, 8), b.p-4) }, "not within one allocation"},
		"copy across allocations": {func(b *bench) error { return b.CopyDevice(b.s, b.p, b.q+1, 1024) }, "not within one allocation"},
		"fill after free":         {func(b *bench) error { return errors.Join(b.Free(b.q), b.Fill(b.s, b.q, 4, 0)) }, "not within one allocation"},
		"free twice":              {func(b *bench) error { return errors.Join(b.Free(b.q), b.Free(b.q)) }, "does not exist"},
		"a stream that is gone":   {func(b *bench) error { return errors.Join(b.FreeStream(b.s2), b.Fill(b.s2, b.p, 4, 0)) }, "stream"},
		"wait before record":      {func(b *bench) error { return b.Wait(b.s2, b.e) }, "would wait for nothing"},
		"a block too large": {func(b *bench) error {
			l := one()
			l.Block = driver.Dim{X: 32, Y: 33, Z: 1}
			return b.Launch(b.s, b.f, l)
		}, "block"},
		"an empty grid":          {func(b *bench) error { l := one(); l.Grid.Y = 0; return b.Launch(b.s, b.f, l) }, "grid"},
		"a grid too high":        {func(b *bench) error { l := one(); l.Grid.Y = 65536; return b.Launch(b.s, b.f, l) }, "grid"},
		"shared memory":          {func(b *bench) error { l := one(); l.Shared = 49153; return b.Launch(b.s, b.f, l) }, "AllowShared"},
		"too much shared memory": {func(b *bench) error { return b.AllowShared(b.f, 228<<10) }, "a block can have"},
		"arguments of a size":    {func(b *bench) error { l := one(); l.Args = make([]byte, 7); return b.Launch(b.s, b.f, l) }, "its parameter has 8"},
		"an unknown kernel":      {func(b *bench) error { _, err := b.Function(b.m, "nobody"); return err }, "NOT_FOUND"},
		"allocation in a capture": {func(b *bench) error {
			_, err := b.Alloc(1)
			return errors.Join(b.BeginCapture(b.s), err, second(b.Alloc(1)))
		}, "captured"},
		"sync in a capture": {func(b *bench) error { return errors.Join(b.BeginCapture(b.s), b.Sync(b.s)) }, "captured"},
		"free in a capture": {func(b *bench) error { return errors.Join(b.BeginCapture(b.s), b.Free(b.p)) }, "captured"},
		"host memory in a capture": {func(b *bench) error {
			return errors.Join(b.BeginCapture(b.s), second(b.HostAlloc(8)))
		}, "captured"},
		"a graph in its capture": {func(b *bench) error {
			g, err := captureNothing(b)
			return errors.Join(err, b.BeginCapture(b.s), b.LaunchGraph(b.s, g))
		}, "captured"},
		"a capture after one that failed": {func(b *bench) error {
			b.o.FailAt = map[string]Failure{"EndCapture": {Call: 1, Code: 901}}
			if _, err := captureNothing(b); err == nil {
				return nil
			}
			return errors.Join(b.Sync(b.s), b.Free(b.p), b.Free(b.p))
		}, "cudafake: Free of the memory"},
		"a graph that is gone": {func(b *bench) error { return b.LaunchGraph(b.s, 1) }, "graph"},
		"all of the memory":    {func(b *bench) error { _, err := b.Alloc(1 << 30); return err }, "OUT_OF_MEMORY"},
		"close with leaks":     {func(b *bench) error { return b.Close() }, "leaves 1 events, 1 modules, 2 allocations, 2 streams"},
		"after close":          {func(b *bench) error { b.end(); _, err := b.Alloc(1); return err }, "is closed"},
	} {
		b := newBench(t, Options{Kernels: map[string]int{"k": 8}})
		if err := c.do(b); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
	b := newBench(t, Options{Kernels: map[string]int{"k": 8}})
	l := one()
	l.Shared = 200 << 10
	if err := errors.Join(b.Launch(b.s, b.f, one()), b.AllowShared(b.f, 200<<10), b.Launch(b.s, b.f, l), b.CopyDevice(b.s, b.p, b.q, 1024), b.end()); err != nil {
		t.Errorf("what is allowed: %v", err)
	}
}

func captureNothing(b *bench) (driver.Graph, error) {
	if err := b.BeginCapture(b.s); err != nil {
		return 0, err
	}
	return b.EndCapture(b.s)
}

func second[T any](_ T, err error) error { return err }

// A goroutine that is not locked, or another one, would speak to no context or to that of somebody else.
func TestThreads(t *testing.T) {
	if _, err := New(Options{}).Open(0); err == nil {
		t.Error("Open by a goroutine that is not locked")
	}
	b := newBench(t, Options{})
	done := make(chan error)
	go func() { runtime.LockOSThread(); done <- b.Sync(b.s) }()
	if err := <-done; err == nil || !strings.Contains(err.Error(), "another goroutine") {
		t.Errorf("a call by another goroutine: %v", err)
	}
	runtime.UnlockOSThread()
	err := b.Sync(b.s)
	runtime.LockOSThread()
	if err == nil {
		t.Error("a call after the thread was unlocked")
	}
}

func TestFailAt(t *testing.T) {
	b := newBench(t, Options{FailAt: map[string]Failure{"Fill": {Call: 2, Code: driver.IllegalAddress}}})
	var e *driver.Error
	if err := b.Fill(b.s, b.p, 4, 0); err != nil {
		t.Error(err)
	}
	if err := b.Fill(b.s, b.p, 4, 0); !errors.As(err, &e) || e.Code != driver.IllegalAddress {
		t.Errorf("the second fill: %v", err)
	}
	if err := b.Fill(b.s, b.p, 4, 0); err != nil {
		t.Error(err)
	}
}

func TestRecording(t *testing.T) {
	b := newBench(t, Options{})
	l := one()
	l.Args[0] = 7
	value[int](t)(0, errors.Join(b.CopyToDevice(b.s, b.p, make([]byte, 16)), b.Launch(b.s2, b.f, l)))
	l.Args[0] = 8 // after the call
	c := b.Recording.Commands
	if len(c) != 2 || c[0].Kind != CopyToDevice || c[0].Stream != b.s || c[0].Writes[0] != (Span{b.p, 16}) || c[1].Kernel != "k" || c[1].Launch.Args[0] != 7 || c[1].Stream != b.s2 {
		t.Errorf("%v", c)
	}
}

// The checker sees a race where there is one, and none where an event, a stream or the host orders.
func TestRaces(t *testing.T) {
	for name, c := range map[string]struct {
		do    func(b *bench) error
		races int
	}{
		"one stream": {func(b *bench) error {
			return errors.Join(b.Fill(b.s, b.p, 64, 1), b.CopyToHost(b.s, make([]byte, 64), b.p))
		}, 0},
		"two streams": {func(b *bench) error {
			return errors.Join(b.Fill(b.s, b.p, 64, 1), b.CopyToHost(b.s2, make([]byte, 64), b.p))
		}, 1},
		"two readers": {func(b *bench) error {
			return errors.Join(b.CopyToHost(b.s, make([]byte, 64), b.p), b.CopyToHost(b.s2, make([]byte, 64), b.p))
		}, 0},
		"neighbours":        {func(b *bench) error { return errors.Join(b.Fill(b.s, b.p, 64, 1), b.Fill(b.s2, b.p+64, 64, 1)) }, 0},
		"overlap of a byte": {func(b *bench) error { return errors.Join(b.Fill(b.s, b.p, 64, 1), b.Fill(b.s2, b.p+63, 64, 1)) }, 1},
		"an event": {func(b *bench) error {
			return errors.Join(b.Fill(b.s, b.p, 64, 1), b.Record(b.e, b.s), b.Wait(b.s2, b.e), b.Fill(b.s2, b.p, 64, 2))
		}, 0},
		"an event too early": {func(b *bench) error {
			return errors.Join(b.Record(b.e, b.s), b.Fill(b.s, b.p, 64, 1), b.Wait(b.s2, b.e), b.Fill(b.s2, b.p, 64, 2))
		}, 1},
		"a wait too late": {func(b *bench) error {
			return errors.Join(b.Fill(b.s, b.p, 64, 1), b.Record(b.e, b.s), b.Fill(b.s2, b.p, 64, 2), b.Wait(b.s2, b.e))
		}, 1},
		"the wrong stream": {func(b *bench) error {
			return errors.Join(b.Fill(b.s, b.p, 64, 1), b.Record(b.e, b.s2), b.Wait(b.s2, b.e), b.Fill(b.s2, b.p, 64, 2))
		}, 1},
		"the host": {func(b *bench) error {
			return errors.Join(b.Fill(b.s, b.p, 64, 1), b.Sync(b.s), b.Fill(b.s2, b.p, 64, 2))
		}, 0},
		"the host, wrong stream": {func(b *bench) error {
			return errors.Join(b.Fill(b.s, b.p, 64, 1), b.Sync(b.s2), b.Fill(b.s2, b.p, 64, 2))
		}, 1},
		"write after read, unknown": {func(b *bench) error {
			return errors.Join(b.CopyToHost(b.s, make([]byte, 8), b.p), b.Launch(b.s2, b.f, one()))
		}, 1},
		"an event used again": {func(b *bench) error {
			return errors.Join(b.Record(b.e, b.s), b.Wait(b.s2, b.e), b.Fill(b.s, b.p, 8, 1), b.Record(b.e, b.s), b.Fill(b.s2, b.p, 8, 1))
		}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, Options{})
			b.o.Touches = func(string, []byte) (reads, writes []Span) { return nil, []Span{{b.p, 8}} } // k writes p
			if err := c.do(b); err != nil {
				t.Fatal(err)
			}
			if races := b.Recording.Races(); len(races) != c.races {
				t.Errorf("%d races, want %d: %s", len(races), c.races, strings.Join(races, "\n"))
			}
		})
	}
}

// In a graph the same rules hold.
func TestRacesInGraph(t *testing.T) {
	for _, ordered := range []bool{false, true} {
		b := newBench(t, Options{})
		err := errors.Join(b.BeginCapture(b.s), b.Record(b.e, b.s), b.Wait(b.s2, b.e), b.Fill(b.s, b.p, 8, 1))
		if ordered {
			err = errors.Join(err, b.Record(b.e, b.s), b.Wait(b.s2, b.e))
		}
		err = errors.Join(err, b.Fill(b.s2, b.p, 8, 2), b.Record(b.e, b.s2), b.Wait(b.s, b.e))
		g, end := b.EndCapture(b.s)
		if err = errors.Join(err, end, b.LaunchGraph(b.s, g)); err != nil {
			t.Fatal(err)
		}
		if races := b.Recording.Races(); (len(races) > 0) == ordered {
			t.Errorf("ordered %v: %q", ordered, races)
		}
	}
}

// What a graph touches is touched where it is launched, each time: a copy in another stream needs an order with each launch.
func TestRacesOfGraphs(t *testing.T) {
	for ordered, races := range []int{2, 1, 0} {
		b := newBench(t, Options{Touches: func(string, []byte) (reads, writes []Span) { return []Span{{b0, 64}}, nil }})
		err := errors.Join(b.BeginCapture(b.s), b.Launch(b.s, b.f, one()))
		g, end := b.EndCapture(b.s)
		err = errors.Join(err, end)
		for launch := range 2 {
			err = errors.Join(err, b.CopyToDevice(b.s2, b.p, make([]byte, 64)))
			if launch < ordered {
				err = errors.Join(err, b.Record(b.e, b.s2), b.Wait(b.s, b.e))
			}
			err = errors.Join(err, b.LaunchGraph(b.s, g), b.Sync(b.s), b.Sync(b.s2))
		}
		if err != nil {
			t.Fatal(err)
		}
		if found := b.Recording.Races(); len(found) != races {
			t.Errorf("%d launches of a graph in order with copies: %q", ordered, found)
		}
	}
}

// b0 is the first block of memory that the fake gives.
const b0 = 1 << 20

// Against a judge that follows every path of the order: with few commands the transitive closure is cheap.
func TestRacesAgainstClosure(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var list []Command
		recorded := map[driver.Event]bool{}
		for range rapid.IntRange(1, 14).Draw(t, "n") {
			c := Command{Kind: rapid.SampledFrom([]Kind{Fill, Fill, CopyToHost, Record, Wait, Sync}).Draw(t, "kind"), Stream: driver.Stream(rapid.IntRange(1, 3).Draw(t, "stream"))}
			span := []Span{{driver.Ptr(rapid.IntRange(0, 3).Draw(t, "at") * 8), 8}}
			switch c.Kind {
			case Fill:
				c.Writes = span
			case CopyToHost:
				c.Reads = span
			case Record, Wait:
				c.Event = driver.Event(rapid.IntRange(1, 2).Draw(t, "event"))
				if c.Kind == Wait && !recorded[c.Event] {
					continue
				}
				recorded[c.Event] = true
			}
			list = append(list, c)
		}
		if got, want := len((Recording{Commands: list}).Races()), closureRaces(list); got != want {
			t.Fatalf("%d races, want %d in %v", got, want, list)
		}
	})
}

// closureRaces counts races by reachability: edges lead from a command to what must come after it.
func closureRaces(list []Command) (n int) {
	before := make([][]bool, len(list)) // before[j][i]: i happens before j
	for j, c := range list {
		before[j] = make([]bool, len(list))
		follow := func(i int) {
			before[j][i] = true
			for k := range before[i] {
				before[j][k] = before[j][k] || before[i][k]
			}
		}
		last := map[driver.Event]int{}
		for i, d := range list[:j] {
			if d.Kind == Record {
				last[d.Event] = i
			}
			if d.Stream == c.Stream || d.Kind == Sync {
				follow(i)
			}
		}
		if i, ok := last[c.Event]; c.Kind == Wait && ok {
			follow(i)
		}
	}
	memory := []Kind{Fill, CopyToHost}
	for j, c := range list {
		for i, d := range list[:j] {
			if _, clash := clash(d, c); clash && !before[j][i] && slices.Contains(memory, d.Kind) && slices.Contains(memory, c.Kind) {
				n++
			}
		}
	}
	return n
}

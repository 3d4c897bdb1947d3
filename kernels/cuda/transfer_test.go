package cuda

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"aural/internal/cudafake"
	"aural/kernels"
	"aural/kernels/cuda/driver"

	"pgregory.net/rapid"
)

// loose is a driver whose streams run whenever pick says so, in any order that streams, events and waits allow: copies are late, and overtake each other where they may.
// It computes nothing but copies and fills; the rest is the fake's.
type loose struct {
	driver.API
	pick func(n int) int // 0 to n-1
}

func (l loose) Open(n int) (driver.Context, error) {
	c, err := l.API.Open(n)
	return &looseContext{Context: c, pick: l.pick, memory: map[driver.Ptr][]byte{}, queues: map[driver.Stream][]looseWork{}, reached: map[driver.Event]int{}, recorded: map[driver.Event]int{}}, err
}

// looseWork is one entry of a stream.
type looseWork struct {
	run   func()
	event driver.Event // to record or to wait for
	count int          // of that event's records
	wait  bool
}

type looseContext struct {
	driver.Context
	pick              func(int) int
	memory            map[driver.Ptr][]byte
	queues            map[driver.Stream][]looseWork
	reached, recorded map[driver.Event]int
}

// step does the first entry of some stream that is free to go on, and reports whether there was one.
func (c *looseContext) step() bool {
	var ready []driver.Stream
	for s, q := range c.queues {
		if len(q) > 0 && !(q[0].wait && c.reached[q[0].event] < q[0].count) {
			ready = append(ready, s)
		}
	}
	if len(ready) == 0 {
		return false
	}
	slices.Sort(ready)
	s := ready[c.pick(len(ready))]
	w := c.queues[s][0]
	c.queues[s] = c.queues[s][1:]
	switch {
	case w.run != nil:
		w.run()
	case !w.wait:
		c.reached[w.event] = max(c.reached[w.event], w.count)
	}
	return true
}

func (c *looseContext) push(s driver.Stream, w looseWork) {
	c.queues[s] = append(c.queues[s], w)
	for range c.pick(4) {
		c.step()
	}
}

func (c *looseContext) at(p driver.Ptr, n int) []byte {
	for from, m := range c.memory {
		if p >= from && int(p-from)+n <= len(m) {
			return m[p-from:][:n]
		}
	}
	panic(fmt.Sprintf("%d bytes at %#x are nowhere", n, p))
}

func (c *looseContext) Alloc(n int) (driver.Ptr, error) {
	p, err := c.Context.Alloc(n)
	c.memory[p] = bytes.Repeat([]byte{0xee}, n)
	return p, err
}

func (c *looseContext) Record(e driver.Event, s driver.Stream) error {
	c.recorded[e]++
	c.push(s, looseWork{event: e, count: c.recorded[e]})
	return c.Context.Record(e, s)
}

func (c *looseContext) Wait(s driver.Stream, e driver.Event) error {
	c.push(s, looseWork{event: e, count: c.recorded[e], wait: true})
	return c.Context.Wait(s, e)
}

func (c *looseContext) Sync(s driver.Stream) error {
	for len(c.queues[s]) > 0 {
		if !c.step() {
			return errors.New("the streams wait for each other")
		}
	}
	return c.Context.Sync(s)
}

func (c *looseContext) CopyToDevice(s driver.Stream, to driver.Ptr, from []byte) error {
	c.push(s, looseWork{run: func() { copy(c.at(to, len(from)), from) }})
	return c.Context.CopyToDevice(s, to, from)
}

func (c *looseContext) CopyToHost(s driver.Stream, to []byte, from driver.Ptr) error {
	c.push(s, looseWork{run: func() { copy(to, c.at(from, len(to))) }})
	return c.Context.CopyToHost(s, to, from)
}

func (c *looseContext) CopyDevice(s driver.Stream, to, from driver.Ptr, n int) error {
	c.push(s, looseWork{run: func() { copy(c.at(to, n), c.at(from, n)) }})
	return c.Context.CopyDevice(s, to, from, n)
}

func (c *looseContext) Fill(s driver.Stream, to driver.Ptr, n int, value byte) error {
	c.push(s, looseWork{run: func() { copy(c.at(to, n), bytes.Repeat([]byte{value}, n)) }})
	return c.Context.Fill(s, to, n, value)
}

// Whatever is sent and fetched in whatever sizes, and however late the copies are: each fetch gets what was sent before it, and only that; nothing of what is
// not in a range is touched; and the list of commands has no two that clash without an order.
func TestTransfersArrive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fake := cudafake.New(cudafake.Options{})
		late := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "delays"), 0)) // the executor's
		b, err := New(loose{fake, late.IntN}, anyImage{}, Options{})
		check := func(err error) {
			if err != nil {
				t.Fatal(err)
			}
		}
		check(err)
		const most = 3 * slotBytes
		arena, err := b.Alloc(most)
		check(err)
		want := make([]byte, most) // what the device should have
		type fetched struct {
			got  kernels.Memory
			want []byte
		}
		var out []fetched
		for i := range rapid.IntRange(1, 30).Draw(t, "commands") {
			switch rapid.SampledFrom([]string{"send", "send", "send", "fetch", "sync", "clear"}).Draw(t, "command") {
			case "send":
				n := rapid.SampledFrom([]int{1, 64, 1000, slotBytes, slotBytes + 1, most}).Draw(t, "bytes")
				block, err := b.Stage(n)
				check(err)
				for j := range n {
					block[j] = byte(i + j + 1)
				}
				var ranges []kernels.Range
				for at := 0; at < n; {
					from := min(n, at+rapid.IntRange(0, n/2).Draw(t, "gap"))
					to := min(n, from+1+rapid.IntRange(0, n/2).Draw(t, "length"))
					ranges = append(ranges, kernels.Range{From: from, To: to})
					copy(want[from:to], block[from:to])
					at = to + 1
				}
				check(b.Send(arena, block, ranges))
			case "fetch":
				mem, err := b.Pin(most)
				check(err)
				whole, err := arena.Slice(kernels.Of(kernels.Uint8, most), 0)
				check(err)
				check(b.Fetch(mem.Host, whole))
				out = append(out, fetched{mem, slices.Clone(want)})
			case "clear":
				n := rapid.IntRange(0, most).Draw(t, "cleared")
				part, err := arena.Slice(kernels.Of(kernels.Uint8, n), 0)
				check(err)
				check(b.Clear(part))
				clear(want[:n])
			default:
				check(b.Sync())
				for k, f := range out {
					if !bytes.Equal(f.got.Host, f.want) {
						t.Fatalf("fetch %d of %d got other bytes than were sent", k, len(out))
					}
				}
			}
		}
		check(b.Sync())
		for k, f := range out {
			if !bytes.Equal(f.got.Host, f.want) {
				t.Fatalf("fetch %d of %d got other bytes than were sent", k, len(out))
			}
			if k%2 == 0 { // the others go with the back end
				check(errors.Join(f.got.Free(), f.got.Free()))
			}
		}
		check(errors.Join(arena.Free(), b.Close()))
		for _, f := range out {
			check(f.got.Free())
		}
		for _, race := range fake.Recording.Races() {
			t.Error(race)
		}
	})
}

// Once an update has made the slots it needs, the next ones make none and wait only where the caller does.
func TestTransfersSettle(t *testing.T) {
	for _, c := range []struct{ blocks, waits int }{{3, 0}, {mostSlots, 0}, {mostSlots + 2, 1}} {
		fake := cudafake.New(cudafake.Options{})
		b, err := New(fake, anyImage{}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		arena, err := b.Alloc(1 << 20)
		if err != nil {
			t.Fatal(err)
		}
		update := func() (commands []cudafake.Command, calls []string) {
			from, call := len(fake.Recording.Commands), len(fake.Recording.Calls)
			for i := range c.blocks {
				block, err := b.Stage(1000 * (1 + i))
				if err == nil {
					err = b.Send(arena, block, []kernels.Range{{From: 0, To: 10}, {From: 64, To: 1000}})
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			if err := b.Sync(); err != nil {
				t.Fatal(err)
			}
			return fake.Recording.Commands[from:], fake.Recording.Calls[call:]
		}
		update()
		commands, calls := update()
		for _, name := range []string{"Alloc", "HostAlloc", "Free", "HostFree", "NewEvent", "NewStream"} {
			if slices.Contains(calls, name) {
				t.Errorf("%d blocks: the second update calls %s", c.blocks, name)
			}
		}
		waits, streams := -1, map[driver.Stream]bool{}
		for _, k := range commands {
			switch k.Kind {
			case cudafake.Sync:
				waits++
			case cudafake.CopyToDevice:
				streams[k.Stream] = true
				if k.Stream == b.exec.stream {
					t.Errorf("a block is copied in the stream of the kernels")
				}
			case cudafake.CopyDevice, cudafake.Launch:
				if k.Stream != b.exec.stream {
					t.Errorf("%v: want the stream of the kernels", k)
				}
			}
		}
		if waits != c.waits || len(streams) != 1 {
			t.Errorf("%d blocks: %d waits besides the last, want %d; copies in %d streams", c.blocks, waits, c.waits, len(streams))
		}
		if err := errors.Join(arena.Free(), b.Close()); err != nil {
			t.Error(err)
		}
	}
}

// What cannot be meant is refused.
func TestTransfersRefuse(t *testing.T) {
	b, err := New(cudafake.New(cudafake.Options{}), anyImage{}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	arena, err := b.Alloc(100)
	if err != nil {
		t.Fatal(err)
	}
	defer arena.Free()
	block, err := b.Stage(50)
	if err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"no block":       b.Send(arena, nil, nil),
		"other memory":   b.Send(arena, make([]byte, 50), nil),
		"beyond the end": b.Send(arena, block, []kernels.Range{{From: 90, To: 101}}),
		"backwards":      b.Send(arena, block, []kernels.Range{{From: 9, To: 8}}),
		"other sizes":    b.Fetch(make([]byte, 3), kernels.Buffer{Desc: kernels.Of(kernels.Uint8, 4), Dev: arena.Dev}),
	} {
		if err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if err := b.Send(arena, block, nil); err != nil {
		t.Error(err)
	}
	if err := b.Send(arena, block, nil); err == nil {
		t.Error("a block can be sent twice")
	}
}

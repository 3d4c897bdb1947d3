package cudaemu

import (
	"fmt"
	"time"

	"aural/kernels/cuda/driver"
)

// context is the device in use. Work of all streams is kept in one list, in the order in which it was queued, which is an order that streams and
// events allow; it runs when somebody waits.
type context struct {
	e      *Emulator
	blocks map[driver.Ptr]*block
	used   int64

	queue     []work
	capturing driver.Stream // 0: none
	captured  []work
	failed    error // sticky, as on a device

	last      uintptr // the handle given last
	streams   map[driver.Stream]bool
	events    map[driver.Event]*time.Time
	graphs    map[driver.Graph][]work
	modules   map[driver.Module]*library
	functions map[driver.Function]*kernel
}

// work is one thing in a queue: a call, a graph, or a launch.
type work struct {
	call  func() error
	graph []work

	kernel      *kernel
	grid, block driver.Dim
	shared      int
	args        [maxArgs]byte
	size        int // of args
}

// maxArgs is the most bytes of a kernel's parameter, and queueRoom the launches that a queue takes without growing.
const (
	maxArgs   = 1024
	queueRoom = 1024
)

func newContext(e *Emulator) *context {
	return &context{
		e: e, queue: make([]work, 0, queueRoom), blocks: map[driver.Ptr]*block{}, streams: map[driver.Stream]bool{}, events: map[driver.Event]*time.Time{},
		graphs: map[driver.Graph][]work{}, modules: map[driver.Module]*library{}, functions: map[driver.Function]*kernel{},
	}
}

func (c *context) handle() uintptr { c.last++; return c.last }

// Info implements driver.Context.
func (c *context) Info() driver.Info { return c.e.device() }

// slot queues work in a stream, or records it: the caller fills it in. Slots are used again, so that a launch does not allocate.
func (c *context) slot(s driver.Stream) (*work, error) {
	switch {
	case !c.streams[s]:
		return nil, fmt.Errorf("cudaemu: CUDA_ERROR_INVALID_HANDLE: stream %d", s)
	case c.failed != nil:
		return nil, c.failed
	case c.capturing == s:
		c.captured = append(c.captured, work{})
		return &c.captured[len(c.captured)-1], nil
	}
	n := len(c.queue)
	if n < cap(c.queue) {
		c.queue = c.queue[:n+1]
	} else {
		c.queue = append(c.queue, work{})
	}
	return &c.queue[n], nil
}

// push queues a call.
func (c *context) push(s driver.Stream, call func() error) error {
	w, err := c.slot(s)
	if err == nil {
		w.call = call
	}
	return err
}

// drain does all that is queued.
func (c *context) drain() error {
	for i := range c.queue {
		if c.failed == nil {
			c.failed = c.do(&c.queue[i])
		}
		c.queue[i].call, c.queue[i].graph = nil, nil
	}
	c.queue = c.queue[:0]
	return c.failed
}

func (c *context) do(w *work) error {
	switch {
	case w.call != nil:
		return w.call()
	case w.graph != nil:
		for i := range w.graph {
			if err := c.do(&w.graph[i]); err != nil {
				return err
			}
		}
		return nil
	}
	return w.kernel.run(w.grid, w.block, w.shared, w.args[:w.size], c.e.options)
}

// Sync implements driver.Context.
func (c *context) Sync(s driver.Stream) error {
	if !c.streams[s] || c.capturing != 0 {
		return fmt.Errorf("cudaemu: CUDA_ERROR_INVALID_HANDLE: waiting for stream %d, capturing %d", s, c.capturing)
	}
	if err := c.drain(); err != nil {
		return err
	}
	for _, b := range c.blocks {
		if c.failed == nil {
			c.failed = b.intact()
		}
	}
	return c.failed
}

// NewStream implements driver.Context.
func (c *context) NewStream() (driver.Stream, error) {
	s := driver.Stream(c.handle())
	c.streams[s] = true
	return s, nil
}

// FreeStream implements driver.Context.
func (c *context) FreeStream(s driver.Stream) error {
	delete(c.streams, s)
	return nil
}

// NewEvent implements driver.Context.
func (c *context) NewEvent() (driver.Event, error) {
	e := driver.Event(c.handle())
	c.events[e] = new(time.Time)
	return e, nil
}

// FreeEvent implements driver.Context.
func (c *context) FreeEvent(e driver.Event) error {
	delete(c.events, e)
	return nil
}

// Record implements driver.Context.
func (c *context) Record(e driver.Event, s driver.Stream) error {
	at := c.events[e]
	if at == nil {
		return fmt.Errorf("cudaemu: CUDA_ERROR_INVALID_HANDLE: event %d", e)
	}
	*at = time.Time{} // not reached
	return c.push(s, func() error { *at = time.Now(); return nil })
}

// Wait implements driver.Context. What is queued runs in the order of queueing, so the event comes first anyway.
func (c *context) Wait(s driver.Stream, e driver.Event) error {
	if c.events[e] == nil || !c.streams[s] {
		return fmt.Errorf("cudaemu: CUDA_ERROR_INVALID_HANDLE: event %d or stream %d", e, s)
	}
	return nil
}

// Elapsed implements driver.Context.
func (c *context) Elapsed(from, to driver.Event) (float32, error) {
	a, b := c.events[from], c.events[to]
	if a == nil || b == nil {
		return 0, fmt.Errorf("cudaemu: CUDA_ERROR_INVALID_HANDLE: events %d and %d", from, to)
	}
	if a.IsZero() || b.IsZero() {
		return 0, fmt.Errorf("cudaemu: events %d and %d: %w", from, to, &driver.Error{Call: "Elapsed", Code: driver.NotReady})
	}
	return float32(b.Sub(*a).Seconds() * 1000), nil
}

// CopyToDevice implements driver.Context.
func (c *context) CopyToDevice(s driver.Stream, to driver.Ptr, from []byte) error {
	return c.push(s, func() error { return c.move(to, len(from), func(mem []byte) { copy(mem, from) }) })
}

// CopyToHost implements driver.Context.
func (c *context) CopyToHost(s driver.Stream, to []byte, from driver.Ptr) error {
	return c.push(s, func() error { return c.move(from, len(to), func(mem []byte) { copy(to, mem) }) })
}

// CopyDevice implements driver.Context.
func (c *context) CopyDevice(s driver.Stream, to, from driver.Ptr, n int) error {
	return c.push(s, func() error {
		return c.move(to, n, func(dst []byte) {
			if src, err := c.span(from, n); err != nil {
				c.failed = err
			} else {
				copy(dst, src)
			}
		})
	})
}

// Fill implements driver.Context.
func (c *context) Fill(s driver.Stream, to driver.Ptr, n int, value byte) error {
	return c.push(s, func() error {
		return c.move(to, n, func(mem []byte) {
			for i := range mem {
				mem[i] = value
			}
		})
	})
}

// move calls f with device memory.
func (c *context) move(p driver.Ptr, n int, f func([]byte)) error {
	if n == 0 {
		return nil
	}
	mem, err := c.span(p, n)
	if err == nil {
		f(mem)
		err = c.failed
	}
	return err
}

// Load implements driver.Context.
func (c *context) Load(image []byte) (driver.Module, error) {
	l, err := c.e.load(string(image))
	if err != nil {
		return 0, err
	}
	m := driver.Module(c.handle())
	c.modules[m] = l
	return m, nil
}

// Unload implements driver.Context.
func (c *context) Unload(m driver.Module) error {
	delete(c.modules, m)
	return nil
}

// Function implements driver.Context.
func (c *context) Function(m driver.Module, name string) (driver.Function, error) {
	l := c.modules[m]
	if l == nil {
		return 0, fmt.Errorf("cudaemu: CUDA_ERROR_INVALID_HANDLE: module %d", m)
	}
	k, err := l.function(name)
	if err != nil {
		return 0, err
	}
	f := driver.Function(c.handle())
	c.functions[f] = k
	return f, nil
}

// AllowShared implements driver.Context.
func (c *context) AllowShared(f driver.Function, n int) error {
	k := c.functions[f]
	if k == nil || n > c.e.device().SharedBytes {
		return fmt.Errorf("cudaemu: CUDA_ERROR_INVALID_VALUE: function %d with %d bytes of shared memory", f, n)
	}
	k.shared = max(k.shared, n)
	return nil
}

// Launch implements driver.Context.
func (c *context) Launch(s driver.Stream, f driver.Function, l *driver.Launch) error {
	k := c.functions[f]
	if k == nil {
		return fmt.Errorf("cudaemu: CUDA_ERROR_INVALID_HANDLE: function %d", f)
	}
	if err := k.check(l); err != nil {
		return err
	}
	w, err := c.slot(s)
	if err == nil {
		w.kernel, w.grid, w.block, w.shared = k, l.Grid, l.Block, l.Shared
		w.size = copy(w.args[:], l.Args)
	}
	return err
}

// Close implements driver.Context. Memory and graphs that were not given back are an error.
func (c *context) Close() error {
	err := c.drain()
	if n := len(c.blocks); n > 0 && err == nil {
		err = fmt.Errorf("cudaemu: %d blocks of device memory were not freed, %d bytes", n, c.used)
	}
	if n := len(c.graphs); n > 0 && err == nil {
		err = fmt.Errorf("cudaemu: %d graphs were not freed", n)
	}
	return err
}

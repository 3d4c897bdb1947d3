package cudafake

import (
	"errors"
	"fmt"
	"slices"

	"aural/kernels/cuda/driver"
)

// NewStream implements driver.Context.
func (c *context) NewStream() (driver.Stream, error) {
	if err := c.enter("NewStream"); err != nil {
		return 0, err
	}
	s := driver.Stream(c.newHandle())
	c.streams[s] = true
	return s, nil
}

// FreeStream implements driver.Context.
func (c *context) FreeStream(s driver.Stream) error {
	if err := c.enter("FreeStream"); err != nil {
		return err
	}
	if !c.streams[s] {
		return notIn("FreeStream", "stream", uintptr(s))
	}
	delete(c.streams, s)
	return nil
}

// NewEvent implements driver.Context.
func (c *context) NewEvent() (driver.Event, error) {
	if err := c.enter("NewEvent"); err != nil {
		return 0, err
	}
	e := driver.Event(c.newHandle())
	c.events[e] = 0
	return e, nil
}

// FreeEvent implements driver.Context.
func (c *context) FreeEvent(e driver.Event) error {
	if err := c.enter("FreeEvent"); err != nil {
		return err
	}
	if _, ok := c.events[e]; !ok {
		return notIn("FreeEvent", "event", uintptr(e))
	}
	delete(c.events, e)
	return nil
}

// Record implements driver.Context.
func (c *context) Record(e driver.Event, s driver.Stream) error {
	if _, ok := c.events[e]; !ok {
		return notIn("Record", "event", uintptr(e))
	}
	err := c.queue("Record", Command{Kind: Record, Stream: s, Event: e})
	if err == nil {
		c.events[e]++
	}
	return err
}

// Wait implements driver.Context. Waiting for an event that was never recorded is no error of CUDA's, and waits for nothing; here it is a mistake.
func (c *context) Wait(s driver.Stream, e driver.Event) error {
	switch n, ok := c.events[e]; {
	case !ok:
		return notIn("Wait", "event", uintptr(e))
	case n == 0:
		return fmt.Errorf("cudafake: Wait for event %d, which was not recorded: it would wait for nothing", e)
	}
	return c.queue("Wait", Command{Kind: Wait, Stream: s, Event: e})
}

// Elapsed implements driver.Context: a millisecond.
func (c *context) Elapsed(from, to driver.Event) (float32, error) {
	if err := c.enter("Elapsed"); err != nil {
		return 0, err
	}
	if c.events[from] == 0 || c.events[to] == 0 {
		return 0, notIn("Elapsed", "recorded event", uintptr(from))
	}
	return 1, nil
}

// Sync implements driver.Context.
func (c *context) Sync(s driver.Stream) error {
	if c.capture != 0 {
		return errors.New("cudafake: Sync while a stream is captured")
	}
	return c.queue("Sync", Command{Kind: Sync, Stream: s})
}

// CopyToDevice implements driver.Context.
func (c *context) CopyToDevice(s driver.Stream, to driver.Ptr, from []byte) error {
	return c.queue("CopyToDevice", Command{Kind: CopyToDevice, Stream: s, Writes: []Span{{to, len(from)}}})
}

// CopyToHost implements driver.Context.
func (c *context) CopyToHost(s driver.Stream, to []byte, from driver.Ptr) error {
	return c.queue("CopyToHost", Command{Kind: CopyToHost, Stream: s, Reads: []Span{{from, len(to)}}})
}

// CopyDevice implements driver.Context.
func (c *context) CopyDevice(s driver.Stream, to, from driver.Ptr, bytes int) error {
	return c.queue("CopyDevice", Command{Kind: CopyDevice, Stream: s, Reads: []Span{{from, bytes}}, Writes: []Span{{to, bytes}}})
}

// Fill implements driver.Context.
func (c *context) Fill(s driver.Stream, to driver.Ptr, bytes int, value byte) error {
	return c.queue("Fill", Command{Kind: Fill, Stream: s, Writes: []Span{{to, bytes}}})
}

// Load implements driver.Context.
func (c *context) Load(image []byte) (driver.Module, error) {
	if err := c.enter("Load"); err != nil {
		return 0, err
	}
	if len(image) == 0 {
		return 0, errors.New("cudafake: Load of nothing")
	}
	c.d.Recording.Images = append(c.d.Recording.Images, slices.Clone(image))
	m := driver.Module(c.newHandle())
	c.modules[m] = true
	return m, nil
}

// Unload implements driver.Context.
func (c *context) Unload(m driver.Module) error {
	if err := c.enter("Unload"); err != nil {
		return err
	}
	if !c.modules[m] {
		return notIn("Unload", "module", uintptr(m))
	}
	delete(c.modules, m)
	return nil
}

// Function implements driver.Context.
func (c *context) Function(m driver.Module, name string) (driver.Function, error) {
	if err := c.enter("Function"); err != nil {
		return 0, err
	}
	if !c.modules[m] {
		return 0, notIn("Function", "module", uintptr(m))
	}
	if _, ok := c.d.o.Kernels[name]; c.d.o.Kernels != nil && !ok {
		return 0, fmt.Errorf("kernel %s: %w", name, &driver.Error{Call: "Function", Code: driver.NotFound})
	}
	f := driver.Function(c.newHandle())
	c.functions[f] = &function{name: name, shared: 48 << 10}
	return f, nil
}

// AllowShared implements driver.Context.
func (c *context) AllowShared(f driver.Function, bytes int) error {
	if err := c.enter("AllowShared"); err != nil {
		return err
	}
	k := c.functions[f]
	switch {
	case k == nil:
		return notIn("AllowShared", "function", uintptr(f))
	case bytes < 0 || bytes > c.d.o.Info.SharedBytes:
		return fmt.Errorf("cudafake: %s asks for %d bytes of shared memory, a block can have %d: %w", k.name, bytes, c.d.o.Info.SharedBytes,
			&driver.Error{Call: "AllowShared", Code: driver.InvalidValue})
	}
	k.shared = bytes
	return nil
}

// Launch implements driver.Context, with CUDA's limits.
func (c *context) Launch(s driver.Stream, f driver.Function, l *driver.Launch) error {
	k := c.functions[f]
	if k == nil {
		return notIn("Launch", "function", uintptr(f))
	}
	if why := wrongLaunch(l, k.shared); why != "" {
		return fmt.Errorf("cudafake: launch of %s: %s: %w", k.name, why, &driver.Error{Call: "Launch", Code: driver.InvalidValue, Kernel: k.name})
	}
	if n, ok := c.d.o.Kernels[k.name]; ok && n != len(l.Args) {
		return fmt.Errorf("cudafake: launch of %s with %d bytes of arguments, its parameter has %d", k.name, len(l.Args), n)
	}
	own := *l
	own.Args = slices.Clone(l.Args)
	command := Command{Kind: Launch, Stream: s, Kernel: k.name, Launch: own}
	if c.d.o.Touches != nil {
		command.Reads, command.Writes = c.d.o.Touches(k.name, own.Args)
	}
	return c.queue("Launch", command)
}

// wrongLaunch says what no device would take.
func wrongLaunch(l *driver.Launch, shared int) string {
	g, b := l.Grid, l.Block
	threads := uint64(b.X) * uint64(b.Y) * uint64(b.Z)
	switch {
	case g.X == 0 || g.Y == 0 || g.Z == 0 || g.X > 1<<31-1 || g.Y > 65535 || g.Z > 65535:
		return fmt.Sprintf("grid %v", g)
	case threads == 0 || threads > 1024 || b.X > 1024 || b.Y > 1024 || b.Z > 64:
		return fmt.Sprintf("block %v", b)
	case l.Shared < 0 || l.Shared > shared:
		return fmt.Sprintf("%d bytes of dynamic shared memory, %d are allowed (AllowShared)", l.Shared, shared)
	case len(l.Args) > 4096:
		return fmt.Sprintf("%d bytes of arguments", len(l.Args))
	}
	return ""
}

// BeginCapture implements driver.Context.
func (c *context) BeginCapture(s driver.Stream) error {
	if err := c.enter("BeginCapture"); err != nil {
		return err
	}
	if !c.streams[s] {
		return notIn("BeginCapture", "stream", uintptr(s))
	}
	if c.capture != 0 {
		return errors.New("cudafake: BeginCapture inside of a capture")
	}
	c.capture, c.captured = s, nil
	return nil
}

// EndCapture implements driver.Context.
func (c *context) EndCapture(s driver.Stream) (driver.Graph, error) {
	if err := c.enter("EndCapture"); err != nil {
		c.capture = 0 // also when it fails
		return 0, err
	}
	if c.capture != s || s == 0 {
		return 0, errors.New("cudafake: EndCapture of a stream that is not captured")
	}
	g := driver.Graph(c.newHandle())
	c.graphs[g], c.capture = c.captured, 0
	return g, nil
}

// LaunchGraph implements driver.Context. Memory that a graph touches must still be there.
func (c *context) LaunchGraph(s driver.Stream, g driver.Graph) error {
	commands, ok := c.graphs[g]
	if !ok {
		return notIn("LaunchGraph", "graph", uintptr(g))
	}
	if c.capture == s {
		return errors.New("cudafake: LaunchGraph in a stream that is captured")
	}
	k := Command{Kind: Graph, Stream: s, Graph: commands}
	for _, in := range commands {
		k.Reads, k.Writes = append(k.Reads, in.Reads...), append(k.Writes, in.Writes...)
	}
	return c.queue("LaunchGraph", k)
}

// FreeGraph implements driver.Context.
func (c *context) FreeGraph(g driver.Graph) error {
	if err := c.enter("FreeGraph"); err != nil {
		return err
	}
	if _, ok := c.graphs[g]; !ok {
		return notIn("FreeGraph", "graph", uintptr(g))
	}
	delete(c.graphs, g)
	return nil
}

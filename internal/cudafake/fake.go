// Package cudafake is a [driver.API] that computes nothing and writes everything down: tests look at what a back end asked the driver to do, in which
// order and in which stream. It is strict: a wrong lifetime, size, handle, launch or thread is an error of the call that makes it, and at Close whatever
// was not given back.
//
// [Recording.Races] proves from what was written down that no two commands touch the same memory without an order between them.
package cudafake

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"unsafe"

	"aural/kernels/cuda/driver"
)

// Kind is what a command does.
type Kind int

const (
	Launch Kind = iota
	CopyToDevice
	CopyToHost
	CopyDevice
	Fill
	Record // an event in a stream
	Wait   // of a stream for an event
	Sync   // of the host for a stream
	Graph  // a captured list of commands
)

func (k Kind) String() string {
	return [...]string{"launch", "copy to device", "copy to host", "copy on device", "fill", "record", "wait", "sync", "graph"}[k]
}

// Span is a piece of device memory.
type Span struct {
	At    driver.Ptr
	Bytes int
}

// Command is one entry of the list.
type Command struct {
	Kind          Kind
	Stream        driver.Stream
	Event         driver.Event
	Kernel        string // of a launch
	Launch        driver.Launch
	Reads, Writes []Span    // of copies and fills; those of launches come from Options.Touches
	Graph         []Command // of a graph: what was captured
}

func (c Command) String() string {
	if c.Kind == Launch {
		return fmt.Sprintf("%v of %s in stream %d", c.Kind, c.Kernel, c.Stream)
	}
	return fmt.Sprintf("%v in stream %d", c.Kind, c.Stream)
}

// Options of a fake.
type Options struct {
	Info driver.Info // of its one device; the zero Info is that of an H100
	// Kernels are the functions of every image, with the bytes of their parameter. Nil: any name, any size.
	Kernels map[string]int
	// Touches says which memory a launch reads and writes, from its kernel and arguments.
	Touches func(kernel string, args []byte) (reads, writes []Span)
	// FailAt makes the n-th call of a method (from 1 on, "Alloc" for instance) return the code.
	FailAt map[string]Failure
	Memory int64 // of the device; 0 means 1 GiB
}

// Failure is an injected error.
type Failure struct{ Call, Code int }

// Driver is the fake.
type Driver struct {
	o     Options
	calls map[string]int
	// Recording is what was asked so far.
	Recording Recording
}

// Recording is the list of commands.
type Recording struct {
	Commands []Command
	Calls    []string // names of all calls, of those that queue nothing too
	Images   [][]byte // that were loaded
}

// New makes a driver with one device.
func New(o Options) *Driver {
	if o.Info == (driver.Info{}) {
		o.Info = driver.Info{Name: "fake", UUID: "GPU-fake", Major: 9, SMs: 132, SharedBytes: 227 << 10, L2Bytes: 50 << 20, TotalBytes: 1 << 30, DriverVersion: 12040}
	}
	if o.Memory == 0 {
		o.Memory = 1 << 30
	}
	return &Driver{o: o, calls: map[string]int{}}
}

// Name implements driver.API.
func (d *Driver) Name() string { return "fake" }

// Devices implements driver.API.
func (d *Driver) Devices() ([]driver.Info, error) { return []driver.Info{d.o.Info}, d.enter("Devices") }

// Open implements driver.API. The calling goroutine must be locked to its thread.
func (d *Driver) Open(ordinal int) (driver.Context, error) {
	if err := d.enter("Open"); err != nil {
		return nil, err
	}
	if ordinal != 0 {
		return nil, &driver.Error{Call: "Open", Code: driver.InvalidDevice}
	}
	c := &context{d: d, goroutine: locked(), free: d.o.Memory, handle: 100, memory: map[driver.Ptr]int{}, host: map[*byte]int{}, streams: map[driver.Stream]bool{},
		events: map[driver.Event]int{}, modules: map[driver.Module]bool{}, functions: map[driver.Function]*function{}, graphs: map[driver.Graph][]Command{}}
	if c.goroutine == "" {
		return nil, errors.New("cudafake: Open by a goroutine that is not locked to its thread: the context would be lost")
	}
	return c, nil
}

// enter notes a call, and fails it if that was asked for.
func (d *Driver) enter(name string) error {
	d.Recording.Calls = append(d.Recording.Calls, name)
	d.calls[name]++
	if f, ok := d.o.FailAt[name]; ok && d.calls[name] == f.Call {
		return &driver.Error{Call: name, Code: f.Code}
	}
	return nil
}

// locked is the number of the calling goroutine, or "" if it is not locked to its thread.
func locked() string {
	var buf [96]byte
	head, _, _ := strings.Cut(string(buf[:runtime.Stack(buf[:], false)]), "\n")
	if !strings.Contains(head, "locked to thread") {
		return ""
	}
	return strings.Fields(head)[1]
}

// context implements driver.Context.
type context struct {
	d         *Driver
	goroutine string
	free      int64
	handle    uintptr
	next      driver.Ptr
	memory    map[driver.Ptr]int // bytes of each allocation
	host      map[*byte]int
	streams   map[driver.Stream]bool
	events    map[driver.Event]int // times recorded
	modules   map[driver.Module]bool
	functions map[driver.Function]*function
	graphs    map[driver.Graph][]Command
	capture   driver.Stream // 0: none
	captured  []Command
	closed    bool
}

type function struct {
	name   string
	shared int
}

// enter checks what all calls have in common.
func (c *context) enter(name string) error {
	if err := c.d.enter(name); err != nil {
		return err
	}
	if c.closed {
		return fmt.Errorf("cudafake: %s of a context that is closed", name)
	}
	if g := locked(); g != c.goroutine {
		return fmt.Errorf("cudafake: %s by another goroutine than that of Open, or one that is not locked to its thread", name)
	}
	return nil
}

func (c *context) newHandle() uintptr {
	c.handle++
	return c.handle
}

// notIn is the error of a handle that there is not, or not any more.
func notIn(call, what string, handle uintptr) error {
	return fmt.Errorf("cudafake: %s of the %s %d, which does not exist: %w", call, what, handle, &driver.Error{Call: call, Code: driver.InvalidHandle})
}

// Info implements driver.Context.
func (c *context) Info() driver.Info { return c.d.o.Info }

// Memory implements driver.Context.
func (c *context) Memory() (free, total int64, err error) {
	return c.free, c.d.o.Memory, c.enter("Memory")
}

// Alloc implements driver.Context. Between two allocations lies memory that belongs to nobody.
func (c *context) Alloc(bytes int) (driver.Ptr, error) {
	if err := c.enter("Alloc"); err != nil {
		return 0, err
	}
	switch {
	case bytes <= 0:
		return 0, fmt.Errorf("cudafake: Alloc of %d bytes: %w", bytes, &driver.Error{Call: "Alloc", Code: driver.InvalidValue})
	case c.capture != 0:
		return 0, errors.New("cudafake: Alloc while a stream is captured")
	case int64(bytes) > c.free:
		return 0, &driver.Error{Call: "Alloc", Code: driver.OutOfMemory}
	}
	p := c.next + 1<<20
	c.next = (p + driver.Ptr(bytes) + 255) &^ 255
	c.memory[p] = bytes
	c.free -= int64(bytes)
	return p, nil
}

// Free implements driver.Context.
func (c *context) Free(p driver.Ptr) error {
	if err := c.enter("Free"); err != nil {
		return err
	}
	n, ok := c.memory[p]
	if c.capture != 0 {
		return errors.New("cudafake: Free while a stream is captured")
	}
	if !ok {
		return notIn("Free", "memory", uintptr(p))
	}
	delete(c.memory, p)
	c.free += int64(n)
	return nil
}

// HostAlloc implements driver.Context.
func (c *context) HostAlloc(bytes int) ([]byte, error) {
	if err := c.enter("HostAlloc"); err != nil {
		return nil, err
	}
	if c.capture != 0 {
		return nil, errors.New("cudafake: HostAlloc while a stream is captured")
	}
	if bytes <= 0 {
		return nil, &driver.Error{Call: "HostAlloc", Code: driver.InvalidValue}
	}
	b := make([]byte, bytes)
	c.host[unsafe.SliceData(b)] = bytes
	return b, nil
}

// HostFree implements driver.Context.
func (c *context) HostFree(b []byte) error {
	if err := c.enter("HostFree"); err != nil {
		return err
	}
	if _, ok := c.host[unsafe.SliceData(b)]; !ok {
		return notIn("HostFree", "memory", 0)
	}
	delete(c.host, unsafe.SliceData(b))
	return nil
}

// inside checks that a piece of memory is wholly within one allocation.
func (c *context) inside(call string, s Span) error {
	for at, n := range c.memory {
		if s.At >= at && s.At+driver.Ptr(s.Bytes) <= at+driver.Ptr(n) && s.Bytes >= 0 {
			return nil
		}
	}
	return fmt.Errorf("cudafake: %s of %d bytes at %#x, which is not within one allocation: %w", call, s.Bytes, uintptr(s.At),
		&driver.Error{Call: call, Code: driver.InvalidValue})
}

// queue notes a command, after looking at its stream and memory.
func (c *context) queue(call string, k Command) error {
	if err := c.enter(call); err != nil {
		return err
	}
	if !c.streams[k.Stream] {
		return notIn(call, "stream", uintptr(k.Stream))
	}
	for _, s := range slices.Concat(k.Reads, k.Writes) {
		if err := c.inside(call, s); err != nil {
			return err
		}
	}
	if c.capture != 0 {
		c.captured = append(c.captured, k)
	} else {
		c.d.Recording.Commands = append(c.d.Recording.Commands, k)
	}
	return nil
}

// Close implements driver.Context.
func (c *context) Close() error {
	if err := c.enter("Close"); err != nil {
		return err
	}
	c.closed = true
	var left []string
	for what, n := range map[string]int{"allocations": len(c.memory), "host allocations": len(c.host), "streams": len(c.streams), "events": len(c.events),
		"modules": len(c.modules), "graphs": len(c.graphs)} {
		if n > 0 {
			left = append(left, fmt.Sprintf("%d %s", n, what))
		}
	}
	if len(left) > 0 {
		slices.Sort(left)
		return fmt.Errorf("cudafake: Close leaves %s", strings.Join(left, ", "))
	}
	return nil
}

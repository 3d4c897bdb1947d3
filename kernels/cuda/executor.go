package cuda

import (
	"errors"
	"fmt"
	"runtime"

	"aural/kernels/cuda/driver"
)

// maxArgs is the most bytes that the parameter of a kernel may have here; CUDA allows 4096.
const maxArgs = 512

// queued is the number of commands that may wait for the executor before a Run waits for it too.
const queued = 1024

// what says what a command is.
type what uint8

const (
	callDriver what = iota // a call that somebody waits for
	queueCall              // one that nobody waits for
	launchKernel
	clearMemory
	fetchMemory
	uploadStep
	launchGraph
	recordEvent
)

// command is work for the executor.
type command struct {
	what   what
	launch *launch
	args   [maxArgs]byte
	at     driver.Ptr // to clear or to fetch
	bytes  int        // to clear
	host   []byte     // to fetch to
	step   step
	graph  *recording
	event  driver.Event
	call   func(driver.Context) error
	done   chan<- error
}

// executor is the one goroutine that talks to the driver, because a context belongs to a thread. Commands run in order.
type executor struct {
	commands chan command
	ended    chan struct{}
	stream   driver.Stream
	each     bool // wait after each launch, to learn which one failed
	steps    steps
	graphs   map[driver.Graph]bool // to free
	marks    map[*marks]bool
	l        driver.Launch // of launch: a field, so that nothing is allocated

	held   int64  // bytes of device memory that are allocated
	failed error  // of a launch; stays, because CUDA's do
	last   string // what was launched last
}

// start opens the device on a thread of its own.
func start(api driver.API, ordinal int, each bool) (*executor, driver.Info, error) {
	e := &executor{commands: make(chan command, queued), ended: make(chan struct{}), each: each, graphs: map[driver.Graph]bool{}, marks: map[*marks]bool{}}
	type opened struct {
		info driver.Info
		err  error
	}
	ready := make(chan opened)
	go func() {
		runtime.LockOSThread() // for ever: the thread ends with the goroutine
		defer close(e.ended)
		ctx, err := api.Open(ordinal)
		if err != nil {
			ready <- opened{err: err}
			return
		}
		e.stream, err = ctx.NewStream()
		ready <- opened{ctx.Info(), err}
		if err == nil {
			e.work(ctx)
		}
	}()
	o := <-ready
	return e, o.info, o.err
}

func (e *executor) work(ctx driver.Context) {
	var (
		c  command // one for all, so that nothing is allocated
		ok bool
	)
	for {
		if c, ok = <-e.commands; !ok {
			return
		}
		if c.what == callDriver {
			c.done <- c.call(ctx)
			continue
		}
		if e.failed != nil {
			continue
		}
		switch c.what {
		case queueCall:
			if err := c.call(ctx); err != nil && e.failed == nil {
				e.failed = err
			}
		case fetchMemory:
			if err := ctx.CopyToHost(e.stream, c.host, c.at); err != nil {
				e.failed = fmt.Errorf("cuda: copying %d bytes to the host: %w", len(c.host), err)
			}
		case launchKernel:
			err := e.launch(ctx, &c)
			if err == nil && e.each {
				if err = ctx.Sync(e.stream); err != nil {
					err = fmt.Errorf("kernel %s, grid %v, block %v: %w", c.launch.kernel, c.launch.grid, c.launch.block, err)
				}
			}
			if err != nil {
				e.failed = fmt.Errorf("cuda: %w", err)
			}
		case launchGraph:
			e.last = c.graph.name
			if err := ctx.LaunchGraph(e.stream, c.graph.graph); err != nil {
				e.failed = fmt.Errorf("cuda: replaying %s (%s=0 launches its kernels one by one): %w", c.graph.name, GraphVariable, err)
			}
		case recordEvent:
			if err := ctx.Record(c.event, e.stream); err != nil {
				e.failed = fmt.Errorf("cuda: recording an event: %w", err)
			}
		case clearMemory:
			if err := ctx.Fill(e.stream, c.at, c.bytes, 0); err != nil {
				e.failed = fmt.Errorf("cuda: clearing %d bytes: %w", c.bytes, err)
			}
		case uploadStep:
			if err := e.upload(ctx, c.step); err != nil && e.failed == nil {
				e.failed = fmt.Errorf("cuda: uploading the step: %w", err)
			}
		}
	}
}

// launch gives a kernel to the stream.
func (e *executor) launch(ctx driver.Context, c *command) error {
	p := c.launch
	e.l = driver.Launch{Grid: p.grid, Block: p.block, Shared: p.shared, Args: c.args[:len(p.args)]}
	e.last = p.kernel
	if err := p.start(ctx, e.stream, &e.l); err != nil {
		return fmt.Errorf("kernel %s, grid %v, block %v: %w", p.kernel, p.grid, p.block, err)
	}
	return nil
}

// do runs a call on the executor's thread, after all that was given before.
func (e *executor) do(call func(driver.Context) error) error {
	if e == nil {
		return errors.New("cuda: a back end for plans has no device")
	}
	done := make(chan error, 1)
	e.commands <- command{call: call, done: done}
	return <-done
}

// alloc and free are the context's, and keep count.
func (e *executor) alloc(ctx driver.Context, bytes int) (driver.Ptr, error) {
	p, err := ctx.Alloc(bytes)
	if err == nil {
		e.held += int64(bytes)
	}
	return p, err
}

func (e *executor) free(ctx driver.Context, p driver.Ptr, bytes int) error {
	e.held -= int64(bytes)
	return ctx.Free(p)
}

// sync waits for the stream, on the executor's thread. What was refused, and left the device as it was, is told once; then the device can be used again,
// for instance to save what it holds.
func (e *executor) sync(ctx driver.Context) error {
	if e.failed == nil {
		if err := ctx.Sync(e.stream); err != nil {
			e.failed = fmt.Errorf("cuda: at the latest in %s: %w", e.last, err)
		}
		e.steps.used = 0
	}
	err := e.failed
	if errors.Is(err, driver.ErrOutOfMemory) {
		e.failed = nil
	}
	return err
}

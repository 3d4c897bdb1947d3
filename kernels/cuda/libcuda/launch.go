package libcuda

import (
	"fmt"
	"runtime"
	"unsafe"

	"aural/kernels/cuda/driver"
)

// Options of cuModuleLoadDataEx, from enum CUjit_option: where the compiler in the driver writes why it refuses PTX.
const (
	jitErrorLog     = 5
	jitErrorLogSize = 6
)

// Load implements driver.Context. The image is a cubin, or PTX with a zero byte behind it.
func (c *context) Load(image []byte) (driver.Module, error) {
	if len(image) == 0 {
		return 0, fmt.Errorf("cuda: an image of no bytes")
	}
	log := &c.out.log
	log[0] = 0
	options := [2]int32{jitErrorLog, jitErrorLogSize}
	values := [2]uintptr{uintptr(unsafe.Pointer(log)), uintptr(len(log))}
	err := c.check(c.d.f.moduleLoad, c.d.f.moduleLoad.Call(c.a(), uintptr(unsafe.Pointer(unsafe.SliceData(image))), uintptr(len(options)),
		uintptr(unsafe.Pointer(&options)), uintptr(unsafe.Pointer(&values))))
	runtime.KeepAlive(image)
	if err != nil {
		if says := text(log[:]); says != "" {
			err = fmt.Errorf("%w: %s", err, says)
		}
		return 0, err
	}
	return driver.Module(c.out.a), nil
}

// Unload implements driver.Context.
func (c *context) Unload(m driver.Module) error {
	return c.do(c.d.f.moduleUnload, uintptr(m))
}

// Function implements driver.Context.
func (c *context) Function(m driver.Module, name string) (driver.Function, error) {
	symbol := append([]byte(name), 0)
	err := c.check(c.d.f.moduleFunction, c.d.f.moduleFunction.Call(c.a(), uintptr(m), uintptr(unsafe.Pointer(unsafe.SliceData(symbol)))))
	if err != nil {
		return 0, fmt.Errorf("kernel %s: %w", name, err)
	}
	f := driver.Function(c.out.a)
	c.names[f] = name
	return f, nil
}

// AllowShared implements driver.Context.
func (c *context) AllowShared(f driver.Function, bytes int) error {
	if err := c.do(c.d.f.functionSet, uintptr(f), maxDynamicSharedSize, uintptr(bytes)); err != nil {
		return fmt.Errorf("kernel %s with %d bytes of shared memory: %w", c.names[f], bytes, err)
	}
	return nil
}

// Launch implements driver.Context.
func (c *context) Launch(s driver.Stream, f driver.Function, l *driver.Launch) error {
	if len(l.Args) > maxArgs {
		return fmt.Errorf("cuda: kernel %s has %d bytes of arguments, %d are possible", c.names[f], len(l.Args), maxArgs)
	}
	p := c.pack
	copy(p.args[:], l.Args)
	p.size = uint64(len(l.Args))
	c.last = c.names[f]
	g, b := l.Grid, l.Block
	err := c.do(c.d.f.launch, uintptr(f), uintptr(g.X), uintptr(g.Y), uintptr(g.Z), uintptr(b.X), uintptr(b.Y), uintptr(b.Z),
		uintptr(l.Shared), uintptr(s), 0, uintptr(unsafe.Pointer(&p.extra)))
	if err != nil {
		return fmt.Errorf("launching %s, grid %v, block %v, %d bytes of shared memory: %w", c.last, g, b, l.Shared, err)
	}
	if c.d.syncs && c.capture == 0 { // waiting is not allowed while a stream is captured
		if err := c.Sync(s); err != nil {
			return fmt.Errorf("running %s, grid %v, block %v: %w", c.last, g, b, err)
		}
	}
	return nil
}

// BeginCapture implements driver.Context. Calls of other threads do not disturb the capture.
func (c *context) BeginCapture(s driver.Stream) error {
	err := c.do(c.d.f.beginCapture, uintptr(s), captureThreadLocal)
	if err == nil {
		c.capture = s
	}
	return err
}

// EndCapture implements driver.Context. A graph of the driver API is only the plan; what is returned is the instance that can be launched.
func (c *context) EndCapture(s driver.Stream) (driver.Graph, error) {
	c.capture = 0
	if err := c.do(c.d.f.endCapture, uintptr(s), c.a()); err != nil {
		return 0, err
	}
	plan := uintptr(c.out.a)
	c.out.b = 0
	err := c.do(c.d.f.instantiate, c.b(), plan, 0)
	instance := driver.Graph(c.out.b)
	if r := c.do(c.d.f.graphDestroy, plan); err == nil && r != nil {
		c.d.f.graphExecDestroy.Call(uintptr(instance))
		err = r
	}
	if err != nil {
		return 0, err
	}
	return instance, nil
}

// ofGraph is what the error of a kernel in a graph says instead of its name, which nobody knows.
const ofGraph = "one of a graph"

// LaunchGraph implements driver.Context.
func (c *context) LaunchGraph(s driver.Stream, g driver.Graph) error {
	c.last = ofGraph
	if err := c.do(c.d.f.graphLaunch, uintptr(g), uintptr(s)); err != nil {
		return err
	}
	if c.d.syncs {
		return c.Sync(s)
	}
	return nil
}

// FreeGraph implements driver.Context.
func (c *context) FreeGraph(g driver.Graph) error {
	return c.do(c.d.f.graphExecDestroy, uintptr(g))
}

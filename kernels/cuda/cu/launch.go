//go:build cu

package cu

// #include <cuda.h>
import "C"

import (
	"fmt"
	"unsafe"

	"aural/kernels/cuda/driver"

	"gorgonia.org/cu"
)

// Load implements driver.Context.
func (c *context) Load(image []byte) (driver.Module, error) {
	m, err := cu.LoadData(string(image))
	return driver.Module(handle(m)), c.failed("cuModuleLoadData", err)
}

// Unload implements driver.Context.
func (c *context) Unload(m driver.Module) error {
	return c.failed("cuModuleUnload", module(m).Unload())
}

// Function implements driver.Context.
func (c *context) Function(m driver.Module, name string) (driver.Function, error) {
	f, err := module(m).Function(name)
	if err != nil {
		return 0, fmt.Errorf("kernel %s: %w", name, c.failed("cuModuleGetFunction", err))
	}
	h := driver.Function(handle(f))
	c.names[h] = name
	return h, nil
}

// AllowShared implements driver.Context.
func (c *context) AllowShared(f driver.Function, bytes int) error {
	v := function(f)
	return c.result("cuFuncSetAttribute", C.cuFuncSetAttribute(*(*C.CUfunction)(unsafe.Pointer(&v)), C.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, C.int(bytes)))
}

// Launch implements driver.Context. The binding copies 8 bytes of every parameter to places that follow each other, and gives CUDA a list of those
// places, of which a kernel with one parameter reads the first. So the struct goes as its 8-byte words: they lie in a row where the first place points.
func (c *context) Launch(s driver.Stream, f driver.Function, l *driver.Launch) error {
	args := make([]byte, (len(l.Args)+7)&^7)
	copy(args, l.Args)
	c.words = c.words[:0]
	for i := 0; i < len(args); i += 8 {
		c.words = append(c.words, unsafe.Pointer(&args[i]))
	}
	c.last = c.names[f]
	g, b := l.Grid, l.Block
	err := function(f).Launch(int(g.X), int(g.Y), int(g.Z), int(b.X), int(b.Y), int(b.Z), l.Shared, stream(s), c.words)
	if err != nil {
		return fmt.Errorf("launching %s, grid %v, block %v, %d bytes of shared memory: %w", c.last, g, b, l.Shared, c.failed("cuLaunchKernel", err))
	}
	return nil
}

func raw(s driver.Stream) C.CUstream { return *(*C.CUstream)(unsafe.Pointer(&s)) }

// BeginCapture implements driver.Context.
func (c *context) BeginCapture(s driver.Stream) error {
	return c.result("cuStreamBeginCapture", C.cuStreamBeginCapture(raw(s), C.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL))
}

// EndCapture implements driver.Context.
func (c *context) EndCapture(s driver.Stream) (driver.Graph, error) {
	var plan C.CUgraph
	if err := c.result("cuStreamEndCapture", C.cuStreamEndCapture(raw(s), &plan)); err != nil {
		return 0, err
	}
	var instance C.CUgraphExec
	err := c.result("cuGraphInstantiateWithFlags", C.cuGraphInstantiateWithFlags(&instance, plan, 0))
	if r := c.result("cuGraphDestroy", C.cuGraphDestroy(plan)); err == nil {
		err = r
	}
	if err != nil {
		return 0, err
	}
	return driver.Graph(handle(instance)), nil
}

// LaunchGraph implements driver.Context.
func (c *context) LaunchGraph(s driver.Stream, g driver.Graph) error {
	return c.result("cuGraphLaunch", C.cuGraphLaunch(*(*C.CUgraphExec)(unsafe.Pointer(&g)), raw(s)))
}

// FreeGraph implements driver.Context.
func (c *context) FreeGraph(g driver.Graph) error {
	return c.result("cuGraphExecDestroy", C.cuGraphExecDestroy(*(*C.CUgraphExec)(unsafe.Pointer(&g))))
}

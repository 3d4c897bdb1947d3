package cudaemu

import (
	"fmt"

	"aural/kernels/cuda/driver"
)

// BeginCapture implements driver.Context.
func (c *context) BeginCapture(s driver.Stream) error {
	if c.capturing != 0 || !c.streams[s] {
		return fmt.Errorf("cudaemu: CUDA_ERROR_ILLEGAL_STATE: capture of stream %d while %d is captured", s, c.capturing)
	}
	c.capturing, c.captured = s, []work{}
	return nil
}

// EndCapture implements driver.Context.
func (c *context) EndCapture(s driver.Stream) (driver.Graph, error) {
	if c.capturing != s || s == 0 {
		return 0, fmt.Errorf("cudaemu: CUDA_ERROR_ILLEGAL_STATE: stream %d is not captured", s)
	}
	g := driver.Graph(c.handle())
	c.graphs[g], c.captured, c.capturing = c.captured, nil, 0
	return g, nil
}

// LaunchGraph implements driver.Context.
func (c *context) LaunchGraph(s driver.Stream, g driver.Graph) error {
	work, ok := c.graphs[g]
	if !ok || c.capturing == s {
		return fmt.Errorf("cudaemu: CUDA_ERROR_INVALID_HANDLE: graph %d, capturing %d", g, c.capturing)
	}
	w, err := c.slot(s)
	if err == nil {
		w.graph = work
	}
	return err
}

// FreeGraph implements driver.Context.
func (c *context) FreeGraph(g driver.Graph) error {
	if _, ok := c.graphs[g]; !ok {
		return fmt.Errorf("cudaemu: CUDA_ERROR_INVALID_HANDLE: graph %d", g)
	}
	delete(c.graphs, g)
	return nil
}

// uncaptured is the error of calls that CUDA refuses while the thread captures a stream: they could wait for it.
func (c *context) uncaptured(call string) error {
	if c.capturing != 0 {
		return fmt.Errorf("cudaemu: %s: CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED: stream %d is captured", call, c.capturing)
	}
	return nil
}

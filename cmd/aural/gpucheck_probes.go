package main

import (
	"errors"
	"fmt"

	"aural/kernels"
	"aural/kernels/cuda"
)

// ceilings are what the device reaches in this very run; the times of kernels are held against them.
type ceilings struct {
	Flops map[kernels.Precision]float64 `json:"flops"` // a second, of a large product, by precision
	Bytes float64                       `json:"bytes"` // a second, read and written, of a large copy
}

// roof is the least time, in seconds, that work can take by the ceilings; 0 where they are not known.
func (c ceilings) roof(precision kernels.Precision, flops, bytes float64) float64 {
	f, b := c.Flops[precision], c.Bytes
	if f == 0 || b == 0 {
		return 0
	}
	return max(flops/f, bytes/b)
}

// scaled is a size of the base model, smaller where --side is: emulators are slow.
func (c *gpuCheck) scaled(n int) int {
	const full, grain = 8192, 32
	return max(1, n*c.f.side/full/grain) * grain
}

// probes measures the driver and what decides how an update should be laid out.
func (c *gpuCheck) probes() error {
	if err := c.driverProbes(); err != nil {
		return err
	}
	for _, p := range []struct {
		precision kernels.Precision
		side      int
	}{{kernels.PrecisionBF16, 8192}, {kernels.PrecisionFloat32, 4096}} {
		if err := c.withBackend(cuda.Options{Precision: p.precision}, func(be *cuda.Backend) error { return c.ceiling(be, p.precision, c.scaled(p.side)) }); err != nil {
			return err
		}
	}
	if err := c.withBackend(cuda.Options{Precision: kernels.PrecisionBF16}, func(be *cuda.Backend) error { return errors.Join(c.twoStreams(be), c.graphs(be)) }); err != nil {
		return err
	}
	c.skip("strided_tensor_maps", "no kernel of this program reads every second frame through a tensor map")
	c.skip("conv0_variants", "this program has one kernel for the first convolution")
	c.skip("conditional_graph_nodes", "the driver seam has none: a skipped layer is a graph that is not launched")
	return nil
}

// timed times lanes of calls, side by side.
func timed(be *cuda.Backend, lanes cuda.Lanes, use func(*cuda.Timing) error) (err error) {
	t, err := be.NewTiming(lanes)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	return use(t)
}

// probeRuns is how many times something is timed; the best counts.
const probeRuns = 5

// ceiling is the rate of a product of square matrices.
func (c *gpuCheck) ceiling(be *cuda.Backend, precision kernels.Precision, n int) error {
	return timed(be, cuda.Lanes{{linearCall(n, n, n)}}, func(t *cuda.Timing) error {
		ms, err := t.Run(probeRuns)
		if err != nil {
			return err
		}
		c.report.Ceilings.Flops[precision] = 2 * float64(n) * float64(n) * float64(n) / ms * 1e3
		c.measured("product_"+string(precision), c.report.Ceilings.Flops[precision]/1e12, fmt.Sprintf("TFLOP/s, matrices of %d, %.4g ms", n, ms))
		return nil
	})
}

func linearCall(m, n, k int) cuda.Call {
	f := func(shape ...int) kernels.Desc { return kernels.Of(kernels.Float32, shape...) }
	return cuda.Call{Op: kernels.Linear{}, In: []kernels.Desc{f(m, k), f(n, k), f(n)}}
}

// twoStreams asks whether the two gradients of a linear layer, each too small to fill the device, are faster side by side: those of the base model's attention
// output and feed-forward layer, 4374 frames.
func (c *gpuCheck) twoStreams(be *cuda.Backend) error {
	f := func(shape ...int) kernels.Desc { return kernels.Of(kernels.Float32, shape...) }
	for _, s := range []struct {
		name   string
		out, k int
	}{{"768x768", 768, 768}, {"3072x768", 3072, 768}} {
		rows, out, k := c.scaled(4374), c.scaled(s.out), c.scaled(s.k)
		weight := cuda.Call{Op: kernels.LinearGradWeight{}, In: []kernels.Desc{f(rows, out), f(rows, k)}}
		input := cuda.Call{Op: kernels.LinearGradInput{}, In: []kernels.Desc{f(rows, out), f(out, k)}}
		var one, two float64
		for to, lanes := range map[*float64]cuda.Lanes{&one: {{weight, input}}, &two: {{weight}, {input}}} {
			if err := timed(be, lanes, func(t *cuda.Timing) (err error) {
				*to, err = t.Run(probeRuns)
				return err
			}); err != nil {
				return err
			}
		}
		c.measured("two_streams_"+s.name, one/two, fmt.Sprintf("times as fast as in one stream: gradients of weight and input, %.4g us and %.4g us", 1e3*two, 1e3*one))
	}
	return nil
}

// graphs asks what it costs to replay an update as a graph for each part instead of one: 30 graphs of 7 small kernels.
func (c *gpuCheck) graphs(be *cuda.Backend) error {
	const parts, each = 30, 7
	small := cuda.Call{Op: kernels.GELU{}, In: []kernels.Desc{kernels.Of(kernels.Float32, 32, 32)}}
	var calls []cuda.Call
	for range parts * each {
		calls = append(calls, small)
	}
	return timed(be, cuda.Lanes{calls}, func(t *cuda.Timing) error {
		plain, err := t.Run(probeRuns)
		if err != nil {
			return err
		}
		one, err := t.RunGraphs(probeRuns, 1)
		if err != nil {
			return err
		}
		many, err := t.RunGraphs(probeRuns, parts)
		if err != nil {
			return err
		}
		c.measured("kernel_launched", 1e3*plain/(parts*each), "us for a small kernel, launched by itself")
		c.measured("kernel_in_graph", 1e3*one/(parts*each), "us for a small kernel in a graph")
		c.measured("graph_gap", 1e3*(many-one)/(parts-1), fmt.Sprintf("us between graphs: %d graphs of %d kernels take %.4g us, one graph %.4g us", parts, each, 1e3*many, 1e3*one))
		return nil
	})
}

package main

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"aural/kernels/cuda"
	"aural/kernels/cuda/driver"
	"aural/nvml"
)

// env finds the device and compiles the kernels for it.
func (c *gpuCheck) env() error {
	api, compiler, err := findGPU()
	if err != nil {
		return err
	}
	infos, err := api.Devices()
	if err != nil {
		return err
	}
	if c.f.ordinal < 0 || c.f.ordinal >= len(infos) {
		return fmt.Errorf("there is no GPU %d, the driver shows %d", c.f.ordinal, len(infos))
	}
	c.report.Device = infos[c.f.ordinal]
	d := c.report.Device
	c.add(checkLine{Status: "PASS", Name: "device", Value: strings.ReplaceAll(d.Name, " ", "_"), Note: deviceText(d)})
	if n, err := nvml.Open(); err == nil {
		c.add(checkLine{Status: "PASS", Name: "driver", Value: n.DriverVersion()})
		for _, x := range c.status(n) {
			if x.Utilization > 0.1 {
				c.add(checkLine{Status: "PASS", Name: "busy", Value: number(x.Utilization), Note: "something else runs on a GPU of this machine: times are doubtful"})
			}
		}
	} else {
		c.skip("driver", err.Error())
	}
	began := time.Now()
	be, err := cuda.New(api, compiler, cuda.Options{Ordinal: c.f.ordinal})
	if err != nil {
		return err
	}
	c.api, c.compiler, c.report.Compiler = api, compiler, compiler.Name()
	c.measured("start", time.Since(began).Seconds(), "s until the kernels were there, with "+compiler.Name())
	return be.Close()
}

func (c *gpuCheck) status(n *nvml.Library) (list []nvml.Status) {
	devices, err := n.Devices()
	if err != nil {
		return nil
	}
	for _, d := range devices {
		if s, err := n.Status(d); err == nil {
			list = append(list, s)
		}
	}
	return list
}

// probeBytes is what the copies move: more than any cache of a GPU holds.
const probeBytes = 256 << 20

// driverProbes measures the driver: copies on the device and from the host, and the cost of a command by itself and in a graph.
func (c *gpuCheck) driverProbes() (err error) {
	done := make(chan error, 1)
	go func() { // a context belongs to its thread
		runtime.LockOSThread()
		done <- c.probeOn()
	}()
	return <-done
}

func (c *gpuCheck) probeOn() (err error) {
	ctx, err := c.api.Open(c.f.ordinal)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ctx.Close()) }()
	size := probeBytes
	if free, _, err := ctx.Memory(); err == nil && int64(size) > free/4 {
		size = int(free/4) &^ 255
	}
	s, err := ctx.NewStream()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ctx.FreeStream(s)) }()
	var p [2]driver.Ptr
	for i := range p {
		if p[i], err = ctx.Alloc(size); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, ctx.Free(p[i])) }()
	}
	host, err := ctx.HostAlloc(size / 4)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ctx.HostFree(host)) }()
	timer, err := newStopwatch(ctx, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, timer.free()) }()

	if err := c.probeContent(ctx, s, p[0], host[:4096]); err != nil {
		return err
	}
	ms, err := timer.best(5, func() error { return ctx.CopyDevice(s, p[1], p[0], size) })
	if err != nil {
		return err
	}
	c.report.Ceilings.Bytes = 2 * float64(size) / ms * 1e3
	c.measured("copy_on_device", c.report.Ceilings.Bytes/1e12, "TB/s read and written")
	if ms, err = timer.best(5, func() error { return ctx.CopyToDevice(s, p[0], host) }); err != nil {
		return err
	}
	c.measured("copy_to_device", float64(len(host))/ms/1e6, "GB/s from page-locked memory")
	const commands = 200
	small := func() error {
		for range commands {
			if err := ctx.Fill(s, p[0], 256, 0); err != nil {
				return err
			}
		}
		return nil
	}
	if ms, err = timer.best(3, small); err != nil {
		return err
	}
	c.measured("command", 1000*ms/commands, "us for a small command by itself")
	if err := ctx.BeginCapture(s); err != nil {
		return err
	}
	queued := small()
	g, err := ctx.EndCapture(s)
	if err := errors.Join(queued, err); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ctx.FreeGraph(g)) }()
	if ms, err = timer.best(3, func() error { return ctx.LaunchGraph(s, g) }); err != nil {
		return err
	}
	c.measured("command_in_graph", 1000*ms/commands, "us")
	return nil
}

// probeContent sends bytes there and back.
func (c *gpuCheck) probeContent(ctx driver.Context, s driver.Stream, p driver.Ptr, host []byte) error {
	want := make([]byte, len(host))
	for i := range want {
		want[i] = byte(i * 2654435761 >> 7)
	}
	copy(host, want)
	if err := ctx.CopyToDevice(s, p, host); err != nil {
		return err
	}
	if err := ctx.Sync(s); err != nil {
		return err
	}
	clear(host)
	if err := ctx.CopyToHost(s, host, p); err != nil {
		return err
	}
	if err := ctx.Sync(s); err != nil {
		return err
	}
	wrong := 0
	if !bytes.Equal(host, want) {
		wrong = 1
	}
	c.limit("there_and_back", float64(wrong), 0, "copies that changed what they copied")
	return nil
}

// stopwatch times what is queued in a stream, by events.
type stopwatch struct {
	ctx      driver.Context
	s        driver.Stream
	from, to driver.Event
}

func newStopwatch(ctx driver.Context, s driver.Stream) (w stopwatch, err error) {
	w = stopwatch{ctx: ctx, s: s}
	if w.from, err = ctx.NewEvent(); err == nil {
		w.to, err = ctx.NewEvent()
	}
	return w, err
}

func (w stopwatch) free() error { return errors.Join(w.ctx.FreeEvent(w.from), w.ctx.FreeEvent(w.to)) }

// best is the shortest of n times in milliseconds, after a run that does not count.
func (w stopwatch) best(n int, queue func() error) (float64, error) {
	best := 0.0
	for i := range n + 1 {
		if err := w.ctx.Record(w.from, w.s); err != nil {
			return 0, err
		}
		if err := queue(); err != nil {
			return 0, err
		}
		if err := w.ctx.Record(w.to, w.s); err != nil {
			return 0, err
		}
		if err := w.ctx.Sync(w.s); err != nil {
			return 0, err
		}
		ms, err := w.ctx.Elapsed(w.from, w.to)
		if err != nil {
			return 0, err
		}
		if i > 0 && (best == 0 || float64(ms) < best) {
			best = float64(ms)
		}
	}
	return max(best, 1e-9), nil
}

package cuda

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"unsafe"

	"aural/kernels"
	"aural/kernels/cuda/driver"
)

// Call is an op on shapes, to be timed. It may draw no noise. Tensors are float32; in precision bf16 those that training stores in bfloat16 are that.
type Call struct {
	Op kernels.Op
	In []kernels.Desc
}

// narrow gives tensors the type that training stores them with in bfloat16: those of a group of a kernels.Storage.
func narrow(list []kernels.Desc, group func(i int) int) {
	for i := range list {
		if group(i) != 0 {
			list[i].DType = kernels.BFloat16
		}
	}
}

// Lanes are calls for streams that run side by side: lane i has its calls in order.
type Lanes [][]Call

// Timing is how long the device takes for lanes: the best of some runs, in milliseconds. Inputs are float32 numbers of a normal distribution.
type Timing struct {
	b       *Backend
	streams []driver.Stream
	events  []driver.Event // begin, end, and the end of each further stream
	lanes   [][]prepared
	memory  []piece
}

// prepared is a call with its memory.
type prepared struct {
	p *plan
	c call
}

type piece struct {
	p     driver.Ptr
	bytes int
}

// NewTiming compiles calls and gives each its own tensors and working memory.
func (b *Backend) NewTiming(lanes Lanes) (_ *Timing, err error) {
	t := &Timing{b: b}
	defer func() {
		if err != nil {
			err = errors.Join(err, t.Close())
		}
	}()
	for _, calls := range lanes {
		var lane []prepared
		for _, k := range calls {
			q, err := t.prepare(k)
			if err != nil {
				return nil, err
			}
			lane = append(lane, q)
		}
		t.lanes = append(t.lanes, lane)
	}
	return t, b.exec.do(func(ctx driver.Context) error {
		for range lanes {
			s, err := ctx.NewStream()
			if err != nil {
				return err
			}
			t.streams = append(t.streams, s)
		}
		for range len(lanes) + 1 {
			e, err := ctx.NewEvent()
			if err != nil {
				return err
			}
			t.events = append(t.events, e)
		}
		return nil
	})
}

func (t *Timing) prepare(k Call) (q prepared, err error) {
	out, err := k.Op.Infer(k.In)
	if err != nil {
		return q, err
	}
	in := slices.Clone(k.In)
	storage := t.b.Narrow(k.Op, in, out)
	narrow(in, func(i int) int { return storage.Group(i) })
	narrow(out, func(o int) int { return storage.Group(-1 - o) })
	if q.p = t.b.compile(k.Op, in, out); q.p == nil {
		return q, fmt.Errorf("cuda: %s%v: %w", k.Op.Name(), k.In, kernels.ErrUnsupported)
	}
	if _, err := t.b.finish(q.p); err != nil {
		return q, err
	}
	err = t.b.exec.do(func(ctx driver.Context) error {
		for i, d := range append(slices.Clone(in), out...) {
			p, err := t.take(ctx, d.Bytes())
			if err != nil {
				return err
			}
			buffer := kernels.Buffer{Desc: d, Dev: uintptr(p)}
			if i >= len(k.In) {
				q.c.outs = append(q.c.outs, buffer)
				continue
			}
			q.c.ins = append(q.c.ins, buffer)
			if err := t.scatter(ctx, p, d); err != nil {
				return err
			}
		}
		q.c.scratch, err = t.take(ctx, q.p.scratch)
		return err
	})
	return q, err
}

func (t *Timing) take(ctx driver.Context, bytes int) (driver.Ptr, error) {
	p, err := t.b.exec.alloc(ctx, max(bytes, 1))
	if err == nil {
		t.memory = append(t.memory, piece{p, max(bytes, 1)})
	}
	return p, err
}

// scatter fills memory with a pattern of random numbers, which take a GPU more power than zeros.
func (t *Timing) scatter(ctx driver.Context, p driver.Ptr, d kernels.Desc) error {
	bytes := d.Bytes()
	pattern := make([]float32, min(1<<16, (bytes+3)/4))
	r := rand.New(rand.NewPCG(1, 2))
	for i := range pattern {
		pattern[i] = float32(r.NormFloat64())
		if d.DType == kernels.BFloat16 { // two numbers
			pattern[i] = math.Float32frombits(math.Float32bits(pattern[i])&^0xffff | math.Float32bits(float32(r.NormFloat64()))>>16)
		}
	}
	host := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(pattern))), 4*len(pattern))[:min(bytes, 4*len(pattern))]
	s := t.b.exec.stream
	if err := ctx.CopyToDevice(s, p, host); err != nil {
		return err
	}
	for n := len(host); n < bytes; n *= 2 {
		if err := ctx.CopyDevice(s, p+driver.Ptr(n), p, min(n, bytes-n)); err != nil {
			return err
		}
	}
	return ctx.Sync(s)
}

// queue queues a call in a stream.
func (q *prepared) queue(ctx driver.Context, s driver.Stream) error {
	for i := range q.p.launches {
		l := &q.p.launches[i]
		l.bind(&q.c)
		if err := l.start(ctx, s, &driver.Launch{Grid: l.grid, Block: l.block, Shared: l.shared, Args: l.args}); err != nil {
			return err
		}
	}
	return nil
}

// Run times all lanes.
func (t *Timing) Run(runs int) (ms float64, err error) {
	return t.best(runs, func(ctx driver.Context) error {
		for i, lane := range t.lanes {
			for j := range lane {
				if err := lane[j].queue(ctx, t.streams[i]); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// RunGraphs times the first lane as n graphs of equally many calls, one after the other.
func (t *Timing) RunGraphs(runs, n int) (ms float64, err error) {
	s, lane := t.streams[0], t.lanes[0]
	var graphs []driver.Graph
	err = t.b.exec.do(func(ctx driver.Context) error {
		for i := range n {
			if err := ctx.BeginCapture(s); err != nil {
				return err
			}
			var queued error
			for j := i * len(lane) / n; j < (i+1)*len(lane)/n && queued == nil; j++ {
				queued = lane[j].queue(ctx, s)
			}
			g, err := ctx.EndCapture(s)
			if err := errors.Join(queued, err); err != nil {
				return err
			}
			graphs = append(graphs, g)
		}
		return nil
	})
	if err == nil {
		ms, err = t.best(runs, func(ctx driver.Context) error {
			for _, g := range graphs {
				if err := ctx.LaunchGraph(s, g); err != nil {
					return err
				}
			}
			return nil
		})
	}
	freed := t.b.exec.do(func(ctx driver.Context) (err error) {
		for _, g := range graphs {
			err = errors.Join(err, ctx.FreeGraph(g))
		}
		return err
	})
	return ms, errors.Join(err, freed)
}

// best times what queue puts into the streams, between a fork from the first one and a join.
func (t *Timing) best(runs int, queue func(driver.Context) error) (best float64, err error) {
	err = t.b.exec.do(func(ctx driver.Context) error {
		if err := t.b.exec.sync(ctx); err != nil {
			return err
		}
		for i := range runs + 1 { // the first does not count
			ms, err := t.once(ctx, queue)
			if err != nil {
				return err
			}
			if i > 0 && (best == 0 || ms < best) {
				best = ms
			}
		}
		return nil
	})
	return max(best, 1e-9), err
}

func (t *Timing) once(ctx driver.Context, queue func(driver.Context) error) (float64, error) {
	first, begin, end := t.streams[0], t.events[0], t.events[1]
	if err := ctx.Record(begin, first); err != nil {
		return 0, err
	}
	for _, s := range t.streams[1:] {
		if err := ctx.Wait(s, begin); err != nil {
			return 0, err
		}
	}
	if err := queue(ctx); err != nil {
		return 0, err
	}
	for i, s := range t.streams[1:] {
		joined := t.events[2+i]
		if err := ctx.Record(joined, s); err != nil {
			return 0, err
		}
		if err := ctx.Wait(first, joined); err != nil {
			return 0, err
		}
	}
	if err := ctx.Record(end, first); err != nil {
		return 0, err
	}
	if err := ctx.Sync(first); err != nil {
		return 0, err
	}
	ms, err := ctx.Elapsed(begin, end)
	return float64(ms), err
}

// Close gives everything back.
func (t *Timing) Close() error {
	return t.b.exec.do(func(ctx driver.Context) (err error) {
		for _, p := range t.memory {
			err = errors.Join(err, t.b.exec.free(ctx, p.p, p.bytes))
		}
		for _, e := range t.events {
			err = errors.Join(err, ctx.FreeEvent(e))
		}
		for _, s := range t.streams {
			err = errors.Join(err, ctx.FreeStream(s))
		}
		t.memory, t.events, t.streams = nil, nil, nil
		return err
	})
}

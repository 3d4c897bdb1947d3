package datasets

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// PrefetchConfig says how far and how to read ahead.
type PrefetchConfig struct {
	Depth     int  // batches to have ready, at least 1
	Workers   int  // goroutines that fill batches, at least 1
	Normalize bool // see Collate
}

// Filled is a batch with its samples.
type Filled struct {
	Batch
	Wave []float32 // (len(Cuts), Length)
	Next State     // the position after this batch: what a checkpoint saves once the batch is used
}

// Prefetcher fills batches ahead of their use. They are delivered in the order of the sampler, whatever the number of
// workers. Its buffers are recycled by Release.
type Prefetcher struct {
	store   *Store
	cfg     PrefetchConfig
	ctx     context.Context
	cancel  context.CancelFunc
	ordered chan filling
	free    chan []float32
	running sync.WaitGroup
	waited  atomic.Int64 // nanoseconds
}

// filling is a batch on its way; done gets exactly one value.
type filling struct {
	filled *Filled
	done   chan error
}

// NewPrefetcher starts to read at from. It runs until ctx ends or Close is called.
func NewPrefetcher(ctx context.Context, store *Store, sampler *Sampler, from State, cfg PrefetchConfig) (*Prefetcher, error) {
	if cfg.Depth < 1 || cfg.Workers < 1 {
		return nil, fmt.Errorf("datasets: prefetch: depth %d and %d workers: want at least 1", cfg.Depth, cfg.Workers)
	}
	if err := sampler.Check(from); err != nil {
		return nil, err
	}
	p := &Prefetcher{store: store, cfg: cfg, ordered: make(chan filling, cfg.Depth), free: make(chan []float32, cfg.Depth+cfg.Workers+1)}
	p.ctx, p.cancel = context.WithCancel(ctx)
	work := make(chan filling)
	p.running.Go(func() { p.plan(sampler, from, work) })
	for range cfg.Workers {
		p.running.Go(func() {
			for f := range work {
				f.done <- p.fill(f.filled)
			}
		})
	}
	return p, nil
}

// plan hands each batch to a worker and then, in order, to Next.
func (p *Prefetcher) plan(sampler *Sampler, st State, work chan<- filling) {
	defer close(work)
	for {
		f := filling{&Filled{}, make(chan error, 1)}
		f.filled.Batch, st = sampler.Next(st)
		f.filled.Next = st
		select {
		case p.ordered <- f:
		case <-p.ctx.Done():
			return
		}
		select {
		case work <- f:
		case <-p.ctx.Done():
			return
		}
	}
}

func (p *Prefetcher) fill(f *Filled) error {
	f.Wave = p.buffer(len(f.Cuts) * f.Length)
	return Collate(p.store, f.Batch, f.Wave, p.cfg.Normalize)
}

// buffer returns a recycled buffer when one is large enough, and a new one otherwise.
func (p *Prefetcher) buffer(n int) []float32 {
	select {
	case b := <-p.free:
		if cap(b) >= n {
			return b[:n]
		}
	default:
	}
	return make([]float32, n)
}

// Next returns the next batch. It waits for it if need be, and Waited counts that time.
func (p *Prefetcher) Next() (*Filled, error) {
	begin := time.Now()
	defer func() { p.waited.Add(int64(time.Since(begin))) }()
	if p.ctx.Err() != nil {
		return nil, fmt.Errorf("datasets: prefetch: %w", context.Cause(p.ctx))
	}
	select {
	case f := <-p.ordered:
		select {
		case err := <-f.done:
			if err != nil {
				return nil, err
			}
			return f.filled, nil
		case <-p.ctx.Done():
		}
	case <-p.ctx.Done():
	}
	return nil, fmt.Errorf("datasets: prefetch: %w", context.Cause(p.ctx))
}

// Release gives the memory of a batch back. Its Wave must not be used afterwards.
func (p *Prefetcher) Release(f *Filled) {
	select {
	case p.free <- f.Wave[:cap(f.Wave)]:
	default: // there are enough
	}
	f.Wave = nil
}

// Waited returns the time that Next has spent waiting so far: what training lost to reading.
func (p *Prefetcher) Waited() time.Duration { return time.Duration(p.waited.Load()) }

// Close stops reading ahead and returns when all goroutines have ended. The store may be closed afterwards.
func (p *Prefetcher) Close() {
	p.cancel()
	p.running.Wait()
}

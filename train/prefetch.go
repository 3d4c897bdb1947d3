package train

import (
	"context"
	"fmt"
)

// prepared is a micro-batch that is ready to run.
type prepared[W any] struct {
	work W
	at   Position // of the micro-batch
	next Position // of the one after it
	err  error
}

// prefetcher prepares micro-batches on a goroutine of its own, one ahead of the one that runs. Positions do not depend on what the computation
// finds, so nothing is ever prepared in vain except at a stop.
type prefetcher[W any] struct {
	ready chan prepared[W]
	free  chan W
	stop  context.CancelFunc
	done  chan struct{}
}

// works is the number of micro-batches in memory: one that runs and one that is prepared.
const works = 2

// prefetch starts at a position and ends before update last (0: never).
func prefetch[W any](ctx context.Context, t Task[W], at Position, micros int, last uint64) *prefetcher[W] {
	ctx, stop := context.WithCancel(ctx)
	p := &prefetcher[W]{ready: make(chan prepared[W]), free: make(chan W, works), stop: stop, done: make(chan struct{})}
	for range works {
		p.free <- t.NewWork()
	}
	go p.run(ctx, t, at, micros, last)
	return p
}

func (p *prefetcher[W]) run(ctx context.Context, t Task[W], at Position, micros int, last uint64) {
	defer close(p.done)
	for last == 0 || at.Update < last {
		var b prepared[W]
		select {
		case b.work = <-p.free:
		case <-ctx.Done():
			return
		}
		b.at = at
		rows, data, err := t.Prepare(ctx, at, b.work)
		if err != nil {
			b.err = fmt.Errorf("train: batch of update %d, micro-batch %d (epoch %d, index %d): %w", at.Update, at.Micro, at.Epoch, at.Index, err)
		}
		b.next = advance(at, data, rows, micros)
		select {
		case p.ready <- b:
		case <-ctx.Done():
			return
		}
		if b.err != nil {
			return
		}
		at = b.next
	}
}

// advance is the position after a micro-batch of so many rows, when the data is at data then.
func advance(at, data Position, rows, micros int) Position {
	next := Position{Update: at.Update, Micro: at.Micro + 1, Row: at.Row + rows, Epoch: data.Epoch, Index: data.Index}
	if next.Micro == micros {
		next.Update, next.Micro, next.Row = next.Update+1, 0, 0
	}
	return next
}

// take waits for the next micro-batch.
func (p *prefetcher[W]) take(ctx context.Context) (prepared[W], error) {
	select {
	case b := <-p.ready:
		return b, b.err
	case <-ctx.Done():
		return prepared[W]{}, context.Cause(ctx)
	}
}

// tryTake returns the next micro-batch if it is there already.
func (p *prefetcher[W]) tryTake() (b prepared[W], ok bool) {
	select {
	case b = <-p.ready:
		return b, true
	default:
		return b, false
	}
}

// give returns the memory of a micro-batch that has run.
func (p *prefetcher[W]) give(work W) { p.free <- work }

// close ends the goroutine and waits for it.
func (p *prefetcher[W]) close() {
	p.stop()
	<-p.done
}

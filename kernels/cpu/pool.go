package cpu

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// spinTime is how long an idle worker polls before it parks, and how long the caller polls for stragglers. A training step
// starts a few hundred short parallel regions a second; waking a parked goroutine costs tens of microseconds each time.
const spinTime = 100 * time.Microsecond

// task computes part i of a phase. Parts may run in any order, on any worker, and must not depend on either.
type task func(c *call, w *worker, i int)

// pool runs the parts of a phase on a fixed set of workers. The goroutine that calls parallel is worker 0.
//
// Workers take parts by counting ready down. Whoever has taken a part keeps the phase from finishing, so the fields run, total and
// call may be read from then until unfinished is counted down; no other synchronisation is needed.
type pool struct {
	run   task
	total int
	call  *call

	_          [64]byte // the two counters are written by all workers: one cache line each
	ready      atomic.Int64
	_          [56]byte
	unfinished atomic.Int64
	_          [56]byte

	callerAsleep atomic.Bool
	done         chan struct{}

	workers []*worker
	spin    time.Duration
	closed  atomic.Bool
	exited  sync.WaitGroup
}

// sleeper is the parking place of a worker.
type sleeper struct {
	asleep atomic.Bool
	wake   chan struct{}
}

// newPool starts the workers. Polling is left out where it would keep others from running.
func newPool(workers []*worker) *pool {
	if runtime.GOMAXPROCS(0) < len(workers) {
		return startPool(workers, 0)
	}
	return startPool(workers, spinTime)
}

// startPool starts one goroutine for each worker but the first.
func startPool(workers []*worker, spin time.Duration) *pool {
	p := &pool{workers: workers, done: make(chan struct{}, 1), spin: spin}
	for _, w := range workers[1:] {
		w.wake = make(chan struct{}, 1)
		p.exited.Add(1)
		go p.serve(w)
	}
	return p
}

// parallel runs run(c, worker, i) for i in [0,n) and returns when all have finished. It does not allocate. It must not be called
// from a task, nor from two goroutines at once.
func (p *pool) parallel(n int, run task, c *call) {
	if n <= 1 || len(p.workers) == 1 {
		for i := range n {
			run(c, p.workers[0], i)
		}
		return
	}
	p.run, p.total, p.call = run, n, c
	p.unfinished.Store(int64(n))
	p.ready.Store(int64(n))
	for _, w := range p.workers[1:min(n, len(p.workers))] {
		w.rouse()
	}
	for p.help(p.workers[0]) {
	}
	p.awaitStragglers()
	p.run, p.call = nil, nil
}

// help takes one part and computes it. It reports false when no part is left.
func (p *pool) help(w *worker) bool {
	for {
		left := p.ready.Load()
		if left <= 0 {
			return false
		}
		if p.ready.CompareAndSwap(left, left-1) {
			p.run(p.call, w, p.total-int(left))
			if p.unfinished.Add(-1) == 0 && p.callerAsleep.CompareAndSwap(true, false) {
				p.done <- struct{}{}
			}
			return true
		}
	}
}

func (p *pool) awaitStragglers() {
	if p.poll(func(p *pool) bool { return p.unfinished.Load() == 0 }) {
		return
	}
	p.callerAsleep.Store(true)
	if p.unfinished.Load() == 0 && p.callerAsleep.CompareAndSwap(true, false) {
		return
	}
	<-p.done
}

func (p *pool) serve(w *worker) {
	defer p.exited.Done()
	for !p.closed.Load() {
		if p.help(w) || p.poll((*pool).busy) {
			continue
		}
		w.asleep.Store(true)
		if p.busy() && w.asleep.CompareAndSwap(true, false) {
			continue
		}
		<-w.wake
	}
}

// busy reports whether a worker has a reason to be awake.
func (p *pool) busy() bool { return p.ready.Load() > 0 || p.closed.Load() }

// poll waits at most the spin time for cond and reports whether it came true.
func (p *pool) poll(cond func(*pool) bool) bool {
	if cond(p) {
		return true
	}
	if p.spin == 0 {
		return false
	}
	for start := time.Now(); time.Since(start) < p.spin; {
		for range 64 {
			pause(4)
			if cond(p) {
				return true
			}
		}
	}
	return false
}

// rouse wakes the worker if it is parked.
func (s *sleeper) rouse() {
	if s.asleep.CompareAndSwap(true, false) {
		s.wake <- struct{}{}
	}
}

// close ends the workers and waits for them.
func (p *pool) close() {
	p.closed.Store(true)
	for _, w := range p.workers[1:] {
		w.rouse()
	}
	p.exited.Wait()
}

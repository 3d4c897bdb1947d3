package cpu

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

// eachOnce runs phases of several sizes and checks that every part ran once.
func eachOnce(t *testing.T, p *pool, rounds int) {
	t.Helper()
	var runs [100]atomic.Int32
	work := func(_ *call, _ *worker, i int) { runs[i].Add(1) }
	for round := range rounds {
		n := round % (len(runs) + 1)
		p.parallel(n, work, nil)
		for i := range runs {
			want := int32(0)
			if i < n {
				want = 1
			}
			if got := runs[i].Swap(0); got != want {
				t.Fatalf("round %d: part %d of %d ran %d times", round, i, n, got)
			}
		}
	}
}

func workers(n int) []*worker {
	ws := make([]*worker, n)
	for i := range ws {
		ws[i] = &worker{index: i}
	}
	return ws
}

func TestPool(t *testing.T) {
	for _, c := range []struct {
		name           string
		threads, procs int
		spin           time.Duration
	}{
		{"one", 1, 2, spinTime}, {"two", 2, 2, spinTime}, {"parking", 3, 2, 0}, {"hardly polling", 3, 2, time.Nanosecond},
		{"one processor", 3, 1, 0}, {"polling on one processor", 2, 1, spinTime},
	} {
		t.Run(c.name, func(t *testing.T) {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(c.procs))
			p := startPool(workers(c.threads), c.spin)
			eachOnce(t, p, 2000)
			p.close()
		})
	}
}

// Workers must sleep when nothing happens, and wake up again.
func TestPoolParksAndWakes(t *testing.T) {
	p := startPool(workers(2), time.Microsecond)
	defer p.close()
	for range 20 {
		eachOnce(t, p, 5)
		for deadline := time.Now().Add(10 * time.Second); !p.workers[1].asleep.Load(); runtime.Gosched() {
			if time.Now().After(deadline) {
				t.Fatal("the worker does not park")
			}
		}
	}
}

// A caller that has finished its own parts must wait for a slow worker.
func TestPoolWaitsForStragglers(t *testing.T) {
	p := startPool(workers(2), time.Microsecond)
	defer p.close()
	for range 20 {
		var begun, done atomic.Int32
		p.parallel(2, func(_ *call, w *worker, i int) {
			for begun.Add(1); begun.Load() < 2; runtime.Gosched() { // so that both workers have one
			}
			if w.index > 0 {
				time.Sleep(2 * time.Millisecond)
			}
			done.Add(1)
		}, nil)
		if done.Load() != 2 {
			t.Fatal("returned before all parts had finished")
		}
	}
}

func TestCloseTwice(t *testing.T) {
	b, err := New(Options{Threads: 3})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
}

func BenchmarkForkJoin(b *testing.B) {
	p := startPool(workers(runtime.GOMAXPROCS(0)), spinTime)
	defer p.close()
	nothing := func(*call, *worker, int) {}
	for b.Loop() {
		p.parallel(len(p.workers), nothing, nil)
	}
}

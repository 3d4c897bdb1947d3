package train

import (
	"fmt"
	"sync/atomic"
	"time"

	"aural/kernels"
	"aural/runlog"
	"aural/runlog/host"
)

// hostEvery is how often the machine is measured.
const hostEvery = 10 * time.Second

// machine records what the machine does beside the training, on a goroutine of its own.
type machine struct {
	step   atomic.Int64 // updates done
	asleep atomic.Bool  // while the run is paused, and writes nothing
	quit   chan struct{}
	done   chan struct{}
}

// watch begins.
func (m *machine) watch(run *runlog.Writer, step int64, every time.Duration) {
	m.step.Store(step)
	m.quit, m.done = make(chan struct{}), make(chan struct{})
	go func() {
		defer close(m.done)
		s := host.NewSampler(run.Dir())
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-m.quit:
				return
			case <-tick.C:
			}
			if values := s.Sample(); !m.asleep.Load() {
				run.Record(&runlog.Record{Step: m.step.Load(), Kind: runlog.Host, Values: values})
			}
		}
	}()
}

// close ends the goroutine and waits for it.
func (m *machine) close() {
	close(m.quit)
	<-m.done
}

const (
	peakSize = 512                    // of the square matrices
	peakTime = 200 * time.Millisecond // after which no further product is begun
)

// PeakGFLOPS measures what a back end reaches in products of square matrices of 512 x 512 numbers, in 10^9 operations a second: the best product of
// a fifth of a second. Kernels of a model with small matrices stay below it.
func PeakGFLOPS(be kernels.Backend) (peak float64, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("train: peak of %s: %w", be.Name(), err)
		}
	}()
	d := kernels.Of(kernels.Float32, peakSize, peakSize)
	mem, err := be.Alloc(3 * d.Bytes())
	if err != nil {
		return 0, err
	}
	defer mem.Free()
	var b [3]kernels.Buffer
	for i := range b {
		if b[i], err = mem.Slice(d, i*d.Bytes()); err != nil {
			return 0, err
		}
	}
	l, err := compile(be, kernels.Linear{}, b[:2], b[2:])
	if err != nil {
		return 0, err
	}
	scratch := kernels.New(kernels.Uint8, max(l.kernel.Scratch, 1)).HostBytes()
	flops := float64(kernels.Linear{}.FLOPs(descs(b[:2]), descs(b[2:])))
	var step kernels.Step
	for began := time.Now(); time.Since(began) < peakTime; {
		start := time.Now()
		l.kernel.Run(&step, l.in, l.out, scratch)
		if err := be.Sync(); err != nil {
			return 0, err
		}
		peak = max(peak, flops/time.Since(start).Seconds()/1e9)
	}
	return peak, nil
}

package cuda

import (
	"errors"
	"time"

	"aural/kernels"
	"aural/kernels/cuda/driver"
)

// marks implements kernels.Marks with events. The executor alone touches them, but for set.
type marks struct {
	b      *Backend
	events []driver.Event
	set    int
}

// NewMarks implements kernels.Timer.
func (b *Backend) NewMarks(n int) (kernels.Marks, error) {
	m := &marks{b: b}
	err := b.exec.do(func(ctx driver.Context) error {
		b.exec.marks[m] = true
		for range n {
			e, err := ctx.NewEvent()
			if err != nil {
				return errors.Join(err, m.free(ctx))
			}
			m.events = append(m.events, e)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return m, nil
}

// Set implements kernels.Marks.
func (m *marks) Set() {
	if m.set < len(m.events) {
		m.b.exec.commands <- command{what: recordEvent, event: m.events[m.set]}
		m.set++
	}
}

// Take implements kernels.Marks.
func (m *marks) Take(times []time.Duration) (ok bool, err error) {
	err = m.b.exec.do(func(ctx driver.Context) error {
		if m.b.exec.failed != nil {
			return m.b.exec.failed
		}
		// The last one first: when that is reached, all are.
		for i := m.set - 1; i > 0; i-- {
			ms, err := ctx.Elapsed(m.events[i-1], m.events[i])
			var e *driver.Error
			if errors.As(err, &e) && e.Code == driver.NotReady {
				return nil
			}
			if err != nil {
				return err
			}
			times[i-1] = time.Duration(float64(ms) * float64(time.Millisecond))
		}
		ok, m.set = true, 0
		return nil
	})
	return ok, err
}

// Free implements kernels.Marks.
func (m *marks) Free() error { return m.b.exec.do(m.free) }

func (m *marks) free(ctx driver.Context) (err error) {
	for _, e := range m.events {
		err = errors.Join(err, ctx.FreeEvent(e))
	}
	m.events, m.set = nil, 0
	delete(m.b.exec.marks, m)
	return err
}

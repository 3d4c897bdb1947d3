package train

import (
	"errors"
	"testing"

	"aural/kernels"
	"aural/kernels/ref"
)

var errFull = errors.New("full")

// small is a back end with little memory.
type small struct {
	kernels.Backend
	room int
}

func (s *small) Alloc(n int) (kernels.Memory, error) {
	if n > s.room {
		return kernels.Memory{}, errFull
	}
	m, err := s.Backend.Alloc(n)
	s.room -= n
	m.Free = func() error {
		s.room += n
		return nil
	}
	return m, err
}

// An arena grows where the old and the new one together do not fit, and what is too much leaves it as large as it was, with all programs bound.
func TestArenaGrow(t *testing.T) {
	be := &small{ref.New(), 1000}
	a := NewArena(be)
	bound := 0
	a.bind = append(a.bind, func(m kernels.Memory) error {
		bound = m.Size
		return nil
	})
	for _, c := range []struct {
		n, size int
		fits    bool
	}{{600, 600, true}, {900, 900, true}, {100, 900, true}, {1001, 900, false}, {1000, 1000, true}} {
		err := a.Grow(c.n)
		if (err == nil) != c.fits || !c.fits && !errors.Is(err, errFull) {
			t.Errorf("%d bytes: %v", c.n, err)
		}
		if a.Size() != c.size || bound != c.size || be.room != 1000-c.size {
			t.Errorf("after %d bytes the arena has %d, programs %d, %d are free; want %d", c.n, a.Size(), bound, be.room, c.size)
		}
	}
	if err := a.Free(); err != nil || be.room != 1000 {
		t.Errorf("%v, %d free", err, be.room)
	}
}

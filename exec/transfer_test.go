package exec

import (
	"fmt"
	"slices"
	"testing"

	"aural/kernels"
	"aural/kernels/ref"
)

// stream computes as ref does, and moves data as a device may: what is fetched comes when somebody waits.
type stream struct {
	kernels.Backend
	log      []string
	open     bool
	arriving []func()
}

func (s *stream) Stage(n int) ([]byte, error) {
	s.open = true
	return slices.Repeat([]byte{0x7f}, n+100), nil
}

func (s *stream) Send(dst kernels.Memory, block []byte, ranges []kernels.Range) error {
	if !s.open {
		return fmt.Errorf("sent twice")
	}
	s.open = false
	s.log = append(s.log, fmt.Sprint(ranges))
	for _, r := range ranges {
		copy(dst.Host[r.From:r.To], block[r.From:r.To])
	}
	return nil
}

func (s *stream) Upload(kernels.Buffer, []byte) error { return fmt.Errorf("an upload waits") }

func (s *stream) Pin(n int) (kernels.Memory, error) { return s.Alloc(n) }

func (s *stream) Fetch(dst []byte, src kernels.Buffer) error {
	now := slices.Clone(src.HostBytes())
	s.arriving = append(s.arriving, func() { copy(dst, now) })
	return nil
}

func (s *stream) Sync() error {
	s.log = append(s.log, "sync")
	for _, f := range s.arriving {
		f()
	}
	s.arriving = nil
	return nil
}

// On a back end that moves data beside its kernels a run waits for nothing, its inputs are one transfer of as few ranges as there are gaps, and results of several
// runs are there after one wait.
func TestTransfers(t *testing.T) {
	be := &stream{Backend: ref.New()}
	p, err := Plan(chain(3), be)
	if err != nil {
		t.Fatal(err)
	}
	mem, err := be.Alloc(p.ArenaBytes())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Bind(mem, nil); err != nil {
		t.Fatal(err)
	}
	x := []float32{1, 2, 3, 4, 5, 6, 7, 8}
	feed := func(name string, data []byte) {
		t.Helper()
		if err := p.Feed(name, data); err != nil {
			t.Fatal(err)
		}
	}
	run := func() *Results {
		t.Helper()
		r, err := p.NewResults("y", "inside")
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Run(&kernels.Step{}); err != nil {
			t.Fatal(err)
		}
		if err := p.Fetch(r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	feed("on", kernels.BytesOf([]int32{1}))
	feed("x", kernels.BytesOf(x))
	both := run()
	x[0] = 10 // what was fed is free again
	feed("on", kernels.BytesOf([]int32{0}))
	off := run()
	again := run()
	feed("x", kernels.BytesOf(x))
	feed("on", kernels.BytesOf([]int32{1}))
	feed("x", kernels.BytesOf(x[:8])) // the last one counts
	last := run()
	if got := Values[float32](both, 0)[0]; got != 0 {
		t.Errorf("a result is there before anybody waits: %v", got)
	}
	if err := be.Sync(); err != nil {
		t.Fatal(err)
	}
	for i, c := range []struct {
		r         *Results
		y, inside float32
	}{{both, 27, 216}, {off, 1, 0}, {again, 1, 0}, {last, 270, 2160}} {
		if y, inside := Values[float32](c.r, 0), Values[float32](c.r, 1); len(y) != 8 || y[0] != c.y || inside[0] != c.inside {
			t.Errorf("run %d: y %v, inside %v, want %v and %v first", i, y, inside, c.y, c.inside)
		}
	}
	// x has 32 bytes at 0, on 4 at 64: what lies between is padding.
	if want := []string{"[{0 68}]", "[{64 68}]", "[{0 68}]", "sync"}; !slices.Equal(be.log, want) {
		t.Errorf("transfers %q, want %q", be.log, want)
	}
	if _, err := p.NewResults("z"); err == nil {
		t.Error("an output that there is not")
	}
	if _, err := p.Output("z"); err == nil {
		t.Error("an output that there is not")
	}
}

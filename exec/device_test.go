package exec

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"aural/kernels"
	"aural/kernels/ref"
)

// device computes as ref does, records, and times: a mark is reached when somebody waits, and each kernel takes a second.
type device struct {
	kernels.Backend
	log      []string // of what runs outside of recordings
	alive    int      // recordings that are not freed
	moved    bool     // recordings are stale
	made     *recorded
	failing  error
	off      bool
	now      time.Duration
	set      []time.Duration
	reached  bool
	busy     bool // Sync waits for nothing
	readings int
}

type recorded struct {
	d     *device
	name  string
	step  kernels.Step
	calls []func(s *kernels.Step)
	freed bool
}

func (d *device) Compile(op kernels.Op, in, out []kernels.Desc) (kernels.Kernel, error) {
	k, err := d.Backend.Compile(op, in, out)
	run := k.Run
	k.Run = func(s *kernels.Step, in, out []kernels.Buffer, scratch []byte) {
		if d.made != nil && s == &d.made.step {
			d.made.calls = append(d.made.calls, func(s *kernels.Step) { run(s, in, out, scratch); d.now += time.Second })
			return
		}
		if d.log != nil {
			d.log = append(d.log, op.Name())
		}
		run(s, in, out, scratch)
		d.now += time.Second
	}
	return k, err
}

func (d *device) Record(name string, run func(s *kernels.Step)) (kernels.Replay, error) {
	if d.off {
		return nil, fmt.Errorf("device: %w", kernels.ErrUnsupported)
	}
	if d.failing != nil {
		return nil, fmt.Errorf("device: %s: %w", name, d.failing)
	}
	r := &recorded{d: d, name: name}
	d.made = r
	run(&r.step)
	d.made, d.moved = nil, false
	d.now += time.Minute // no part of a run
	d.alive++
	return r, nil
}

func (r *recorded) Run(s *kernels.Step) bool {
	if r.d.moved {
		return false
	}
	if r.freed {
		panic("a recording that is gone")
	}
	if r.d.log != nil {
		r.d.log = append(r.d.log, fmt.Sprintf("%s (%d)", r.name, len(r.calls)))
	}
	for _, call := range r.calls {
		call(s)
	}
	return true
}

func (r *recorded) Free() error {
	if r.freed {
		return errors.New("a recording is freed twice")
	}
	r.freed = true
	r.d.alive--
	return nil
}

func (d *device) NewMarks(n int) (kernels.Marks, error) {
	d.set = make([]time.Duration, 0, n)
	return d, nil
}

func (d *device) Set() {
	d.set = append(d.set, d.now)
	d.reached = false
}

func (d *device) Sync() error {
	d.reached = !d.busy
	return nil
}

func (d *device) Take(times []time.Duration) (bool, error) {
	if !d.reached {
		return false, nil
	}
	for i := range len(d.set) - 1 {
		times[i] = d.set[i+1] - d.set[i]
	}
	d.set = d.set[:0]
	d.readings++
	return true, nil
}

func (d *device) Free() error { d.alive--; return nil }

func onDevice(t *testing.T, g *Graph) (*Program, *device) {
	t.Helper()
	d := &device{Backend: ref.New(), log: []string{}}
	p, err := Plan(g, d)
	if err != nil {
		t.Fatal(err)
	}
	d.bind(t, p)
	d.alive = 1 // the marks
	return p, d
}

func (d *device) bind(t *testing.T, p *Program) {
	t.Helper()
	mem, err := d.Alloc(p.ArenaBytes())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Bind(mem, func(string) (kernels.Buffer, bool) { return kernels.Buffer{}, false }); err != nil {
		t.Fatal(err)
	}
}

// one runs the program and returns what the device did, and the output.
func (d *device) one(t *testing.T, p *Program, on int32) (did string, y []float32) {
	t.Helper()
	d.log, y = d.log[:0], make([]float32, 8)
	x := []float32{1, 2, 3, 4, 5, 6, 7, 8}
	for _, err := range []error{p.Feed("x", kernels.BytesOf(x)), p.Feed("on", kernels.BytesOf([]int32{on})), p.Run(&kernels.Step{}), p.Read("y", kernels.BytesOf(y))} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := range y {
		want := x[i]
		for range len(p.graph.Nodes) / 3 * int(on) {
			want *= 3
		}
		if y[i] != want {
			t.Fatalf("on=%d: y is %v", on, y)
		}
	}
	return strings.Join(d.log, ", "), y
}

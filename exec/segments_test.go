package exec

import (
	"errors"
	"fmt"
	"slices"
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

// A segment runs plainly, then it is recorded, then it is replayed, each by itself: one that a condition skipped comes later. Bind, and memory that moved, begin anew.
func TestSegments(t *testing.T) {
	g := chain(2)
	for i := range g.Nodes {
		g.Nodes[i].Scope = fmt.Sprintf("n%d", i)
	}
	p, d := onDevice(t, g)
	const (
		first  = "n0: scale to n1: scale (2)"
		middle = "n2: scale to n3: scale (2)"
		last   = "n4: select to n6: scale (3)"
	)
	for i, c := range []struct {
		on    int32
		did   string
		alive int
	}{
		{0, "scale, scale, select, scale, scale", 0},
		{1, first + ", scale, scale, " + last, 2},
		{0, first + ", " + last, 2},
		{1, first + ", " + middle + ", " + last, 3},
		{1, first + ", " + middle + ", " + last, 3},
	} {
		if did, _ := d.one(t, p, c.on); did != c.did {
			t.Errorf("run %d: %s\nwant %s", i, did, c.did)
		}
		if n := d.alive - 1; n != c.alive {
			t.Errorf("run %d: %d recordings, want %d", i, n, c.alive)
		}
	}
	d.moved = true
	if did, _ := d.one(t, p, 1); did != first+", "+middle+", "+last || d.alive != 4 {
		t.Errorf("after memory moved: %s, %d recordings", did, d.alive-1)
	}
	d.bind(t, p)
	if d.alive != 1 {
		t.Errorf("%d recordings after Bind", d.alive-1)
	}
	if did, _ := d.one(t, p, 1); did != "scale, scale, scale, scale, select, scale, scale" {
		t.Errorf("after Bind: %s", did)
	}
	d.one(t, p, 1)
	if err := p.Free(); err != nil || d.alive != 0 {
		t.Errorf("%d left after Free: %v", d.alive, err)
	}
	if err := p.Run(&kernels.Step{}); err == nil {
		t.Error("a program that gave everything back runs")
	}
}

// Forward and backward are never in one segment: their times are told apart.
func TestSegmentsOfPhases(t *testing.T) {
	g := chain(2)
	for i := 5; i < len(g.Nodes); i++ {
		g.Nodes[i].Backward = true
	}
	p, d := onDevice(t, g)
	for run := range 3 {
		did, _ := d.one(t, p, 1)
		if want := "gradient: : scale to : scale (2)"; run > 0 && !strings.HasSuffix(did, want) {
			t.Errorf("%s, want %s at the end", did, want)
		}
		if got := p.TakePhases(); got != (Phases{Forward: 5 * time.Second, Backward: 2 * time.Second}) {
			t.Errorf("phases %v", got)
		}
	}
}

func TestRecordingFails(t *testing.T) {
	p, d := onDevice(t, chain(2))
	d.one(t, p, 1)
	d.failing = errors.New("no capture today")
	if err := p.Run(&kernels.Step{}); !errors.Is(err, d.failing) || !strings.Contains(err.Error(), "scale") {
		t.Errorf("a recording that fails: %v", err)
	}
}

func TestRecordingIsOff(t *testing.T) {
	p, d := onDevice(t, chain(2))
	d.off = true
	for range 3 {
		if did, _ := d.one(t, p, 1); did != "scale, scale, scale, scale, select, scale, scale" {
			t.Errorf("without recordings: %s", did)
		}
	}
}

// Plain runs time each op; in replays the ops of a segment share its time. Runs that nobody waits for between count as the mean of the others.
func TestDeviceTimes(t *testing.T) {
	p, d := onDevice(t, chain(3))
	profile := func() (scale, sel OpTime) {
		for _, o := range p.Profile() {
			switch o.Op {
			case "scale":
				scale = o
			case "select":
				sel = o
			}
		}
		return scale, sel
	}
	for _, c := range []struct {
		on, runs   int32
		busy       bool
		scale, sel int64 // calls, and seconds
		readings   int
	}{
		{1, 1, false, 9, 1, 1},
		{1, 2, false, 18, 2, 2},
		{0, 1, false, 6, 1, 1},
		{1, 4, true, 36, 4, 1},
		{0, 3, true, 18, 3, 1},
	} {
		p.ResetProfile()
		p.TakePhases()
		d.busy, d.readings = c.busy, 0
		for range c.runs {
			d.one(t, p, c.on)
		}
		d.busy = false
		d.Sync()
		scale, sel := profile()
		if scale.Calls != c.scale || sel.Calls != c.sel {
			t.Errorf("%+v: %d calls of scale, %d of select", c, scale.Calls, sel.Calls)
		}
		near := func(d time.Duration, seconds int64) bool {
			return (d - time.Duration(seconds)*time.Second).Abs() < time.Microsecond
		}
		if !near(scale.Time, c.scale) || !near(sel.Time, c.sel) {
			t.Errorf("%+v: %v for scale, %v for select", c, scale.Time, sel.Time)
		}
		if ph := p.TakePhases(); !near(ph.Forward, c.scale+c.sel) || ph.Backward != 0 {
			t.Errorf("%+v: phases %v", c, ph)
		}
		if d.readings != c.readings {
			t.Errorf("%+v: marks taken %d times", c, d.readings)
		}
	}
}

// What the device has not told yet when a profile is reset does not count in the next one.
func TestResetProfileBetween(t *testing.T) {
	p, d := onDevice(t, chain(3))
	d.one(t, p, 1)
	d.busy = true
	for range 3 {
		d.one(t, p, 1)
	}
	p.ResetProfile()
	for range 2 {
		d.one(t, p, 1)
	}
	d.busy = false
	d.Sync()
	for _, o := range p.Profile() {
		if o.Time != time.Duration(o.Calls)*time.Second || o.Op == "scale" && o.Calls != 18 {
			t.Errorf("%s: %d calls, %v", o.Op, o.Calls, o.Time)
		}
	}
}

// Measure never replays.
func TestMeasureIsPlain(t *testing.T) {
	p, d := onDevice(t, chain(2))
	for range 3 {
		d.one(t, p, 1)
	}
	d.log = d.log[:0]
	calls, err := p.Measure(&kernels.Step{}, 0, func(string) bool { return false })
	if err != nil || len(calls) != 2 {
		t.Fatal(calls, err)
	}
	if slices.ContainsFunc(d.log, func(s string) bool { return strings.Contains(s, " to ") }) || len(d.log) != 7 {
		t.Errorf("measured: %v", d.log)
	}
}

func TestReplayAllocatesNothing(t *testing.T) {
	p, d := onDevice(t, chain(3))
	for range 3 {
		d.one(t, p, 1)
	}
	d.log = nil
	step := &kernels.Step{}
	if n := testing.AllocsPerRun(20, func() { _ = p.Run(step) }); n != 0 {
		t.Errorf("a run allocates %v times", n)
	}
}

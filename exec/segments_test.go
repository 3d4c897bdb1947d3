package exec

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"aural/kernels"
)

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

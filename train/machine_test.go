package train

import (
	"context"
	"math"
	"testing"
	"time"

	"aural/runlog"
)

// The machine is recorded at the step of the time, and not while the run is paused.
func TestMachineIsRecorded(t *testing.T) {
	run := begin(t)
	var m machine
	m.asleep.Store(true)
	m.watch(run, 7, time.Millisecond)
	time.Sleep(30 * time.Millisecond)
	m.step.Store(8)
	m.asleep.Store(false)
	for {
		if steps, values := read(t, run.Dir()).Series("host/cpus"); len(steps) >= 3 {
			if steps[0] != 8 || values[0] < 1 {
				t.Errorf("%v at updates %v", values, steps)
			}
			break
		}
		time.Sleep(time.Millisecond)
	}
	m.close()
	n, _ := read(t, run.Dir()).Series("host/cpus")
	time.Sleep(5 * time.Millisecond)
	if after, _ := read(t, run.Dir()).Series("host/cpus"); len(after) != len(n) {
		t.Error("records after the end")
	}
}

func TestPeakGFLOPS(t *testing.T) {
	peak, err := PeakGFLOPS(testBackend(t))
	if err != nil || !(peak > 0) || math.IsInf(peak, 0) {
		t.Errorf("%v, %v", peak, err)
	}
}

// The parts of a step add up to it, and the use of the machine is told relative to its peak, if that is known.
func TestSystemRecords(t *testing.T) {
	for _, peak := range []float64{0, 50} {
		r := newRegression(t, testBackend(t), 8, false)
		r.pace = 200 * time.Microsecond
		run := begin(t)
		if err := Run(context.Background(), r, r.be, testConfig(8), run, Options{PeakGFLOPS: peak}); err != nil {
			t.Fatal(err)
		}
		log := read(t, run.Dir())
		series := func(name string) []float64 {
			_, values := log.Series(runlog.System + "/" + name)
			return values
		}
		if steps := series("time/step"); len(steps) != 2 {
			t.Fatalf("steps %v", steps)
		}
		for i, step := range series("time/step") {
			sum := 0.0
			for _, part := range []string{"data", "forward", "backward", "optimizer", "other"} {
				sum += series("time/" + part)[i]
			}
			if other := series("time/other")[i]; !near(sum, step, 1e-9) || other < 0 {
				t.Errorf("the parts add up to %v of %v, other is %v", sum, step, other)
			}
		}
		peaks, mfu := series("peak_gflops"), series("mfu")
		if peak == 0 && (peaks != nil || mfu != nil) {
			t.Errorf("a peak of %v that is not known, mfu %v", peaks, mfu)
		}
		for i := range mfu {
			if peaks[i] != peak || !near(mfu[i], series("gflops")[i]/peak, 1e-12) {
				t.Errorf("mfu is %v at %v of %v GFLOP/s", mfu[i], series("gflops")[i], peaks[i])
			}
		}
	}
}

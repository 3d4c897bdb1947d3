package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"aural/runlog"
)

// finished trains a regression to its end and returns its run directory.
func finished(t *testing.T, r *regression, cfg Config) string {
	t.Helper()
	run := begin(t)
	if err := Run(context.Background(), r, r.be, cfg, run, Options{Seed: r.seed}); err != nil {
		t.Fatal(err)
	}
	return run.Dir()
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

func TestTrainingLearns(t *testing.T) {
	r := newRegression(t, testBackend(t), 8, false)
	cfg := testConfig(300)
	cfg.Optimizer.WeightDecay, cfg.Optimizer.Clip = 0, 0
	cfg.SaveEvery, cfg.ValidEvery = 100, 0
	dir := finished(t, r, cfg)
	bias, _ := r.w.Param("linear.bias")
	if b := bias.F32()[0]; math.Abs(float64(b-2)) > 0.3 {
		t.Errorf("the bias is %v after training, want about 2", b)
	}
	steps, loss := read(t, dir).Series("train/loss")
	if len(steps) != 75 || steps[0] != 4 || steps[74] != 300 {
		t.Fatalf("records at %v, want one every 4 updates", steps)
	}
	if !(loss[74] < loss[0]/2) {
		t.Errorf("the loss went from %v to %v", loss[0], loss[74])
	}
}

// The numbers of a record are means over its updates by sample size, or sums, and the loop's own are there under the names of the table.
func TestRecords(t *testing.T) {
	r := newRegression(t, testBackend(t), 8, true)
	cfg := testConfig(10)
	cfg.Accumulate = 2
	var last Status
	run := begin(t)
	if err := Run(context.Background(), r, r.be, cfg, run, Options{Progress: func(s Status) { last = s }}); err != nil {
		t.Fatal(err)
	}
	log := read(t, run.Dir())
	for _, want := range []struct {
		name  string
		step  int64
		value float64
	}{
		{"train/rows", 8, 64},
		{"train/rows", 10, 32},
		{"train/audio_seconds", 10, 4},
		{"train/hours_seen", 10, 40. / 3600},
		{"train/epoch", 8, 2},
		{"train/skipped_steps", 10, 0},
		{"train/learning_rate", 4, cfg.Resolved().Schedule.LR(3)},
	} {
		steps, values := log.Series(want.name)
		found := false
		for i, s := range steps {
			found = found || s == want.step
			if s == want.step && values[i] != want.value {
				t.Errorf("%s at %d is %v, want %v", want.name, s, values[i], want.value)
			}
		}
		if !found {
			t.Errorf("no %s at update %d; there are %v", want.name, want.step, steps)
		}
	}
	for _, name := range []string{"gradient_norm", "clip_rate", "loss", "accuracy", "code_perplexity/0", "code_perplexity/1"} {
		if _, v, ok := log.Last("train/" + name); !ok || !finite(v) {
			t.Errorf("train/%s is %v (there: %v)", name, v, ok)
		}
	}
	for _, name := range []string{"audio_rate", "gflops", "updates_per_second", "time/step", "time/data", "time/forward", "time/backward", "time/optimizer", "data_wait"} {
		if _, v, ok := log.Last("system/" + name); !ok || !finite(v) {
			t.Errorf("system/%s is %v (there: %v)", name, v, ok)
		}
		if _, err := runlog.Lookup(name); err != nil {
			t.Error(err)
		}
	}
	if _, v, ok := log.Last("train/nowhere"); !ok || !finite(v) {
		t.Errorf("train/nowhere at the end is %v, want a number: update 6 was in the record before", v)
	}
	if steps, _ := log.Series("valid/loss"); len(steps) != 2 || steps[0] != 6 || steps[1] != 10 {
		t.Errorf("validations at %v, want 6 and 10", steps)
	}
	if last.Update != 10 || last.Total != 10 || !finite(last.Loss) || !finite(last.Accuracy) || last.UpdatesPerSecond <= 0 || len(last.Values) == 0 {
		t.Errorf("the last status is %+v", last)
	}
}

// What a record says about several updates is the mean of what records of one update say.
func TestRecordsAreMeans(t *testing.T) {
	be := testBackend(t)
	cfg := testConfig(12)
	cfg.Optimizer.Clip = 1.8 // some updates, not all
	cfg.LogEvery = 1
	single := series(t, finished(t, newRegression(t, be, 8, false), cfg))
	cfg.LogEvery = 4
	means := series(t, finished(t, newRegression(t, be, 8, false), cfg))
	for _, name := range []string{"train/loss", "train/accuracy", "train/gradient_norm", "train/clip_rate", "train/audio_seconds", "train/code_perplexity/1"} {
		for at := int64(4); at <= 12; at += 4 {
			sum := 0.0
			for u := at - 3; u <= at; u++ {
				sum += math.Float64frombits(single[name][u])
			}
			if got := math.Float64frombits(means[name][at]); !near(got, sum/4, 1e-12) {
				t.Errorf("%s at %d is %v, want %v", name, at, got, sum/4)
			}
		}
	}
	clipped := 0
	for _, x := range single["train/clip_rate"] {
		if x != 0 {
			clipped++
		}
	}
	if clipped == 0 || clipped == 12 {
		t.Errorf("%d of 12 updates were clipped: the test needs some", clipped)
	}
}

// Two micro-batches of 8 rows are one batch of 16, up to rounding, also where noise depends on the row.
func TestAccumulationEqualsOneBatch(t *testing.T) {
	be := testBackend(t)
	one, two := newRegression(t, be, 16, false), newRegression(t, be, 8, true)
	cfg := testConfig(20)
	a := series(t, finished(t, one, cfg))
	cfg.Accumulate = 2
	b := series(t, finished(t, two, cfg))
	for i, x := range one.w.Value.F32() {
		if y := two.w.Value.F32()[i]; math.Abs(float64(x-y)) > 1e-5 {
			t.Errorf("weight %d is %v with one batch and %v with two micro-batches", i, x, y)
		}
	}
	for _, name := range []string{"train/loss", "train/gradient_norm", "train/rows", "train/audio_seconds", "train/accuracy"} {
		for step, x := range a[name] {
			if y := b[name][step]; !near(math.Float64frombits(x), math.Float64frombits(y), 1e-5) {
				t.Errorf("%s at %d is %v with one batch and %v with two", name, step, math.Float64frombits(x), math.Float64frombits(y))
			}
		}
	}
}

func TestAccumulationNeedsMemory(t *testing.T) {
	r := newRegression(t, testBackend(t), 8, false)
	cfg := testConfig(5)
	cfg.Accumulate = 2
	if err := Run(context.Background(), r, r.be, cfg, begin(t), Options{}); err == nil || !strings.Contains(err.Error(), "accumulate") {
		t.Errorf("got %v", err)
	}
}

// An update with a loss or gradient that is not finite changes nothing, is counted, and leaves no mark on the means.
func TestBadUpdatesAreSkipped(t *testing.T) {
	r := newRegression(t, testBackend(t), 8, false)
	r.poison = map[uint64]float64{5: math.Inf(1), 9: math.NaN()}
	r.spoil = map[uint64]float64{6: math.NaN(), 9: math.Inf(-1)}
	var before, after [3][]float32
	r.ran = func(at Position) {
		keep := func(to *[3][]float32) {
			*to = [3][]float32{append([]float32(nil), r.w.Value.F32()...), append([]float32(nil), r.w.M.F32()...), append([]float32(nil), r.w.V.F32()...)}
		}
		switch at.Update {
		case 5:
			keep(&before)
		case 7:
			keep(&after)
		}
	}
	dir := finished(t, r, testConfig(12))
	for i, name := range []string{"weights", "first moments", "second moments"} {
		for j := range before[i] {
			if math.Float32bits(before[i][j]) != math.Float32bits(after[i][j]) {
				t.Errorf("%s changed in the skipped updates", name)
				break
			}
		}
	}
	if n := alerts(t, dir)["non-finite"]; n != 3 {
		t.Errorf("%d alerts, want 3", n)
	}
	log := read(t, dir)
	if _, v, _ := log.Last("train/skipped_steps"); v != 3 {
		t.Errorf("skipped_steps is %v, want 3", v)
	}
	if _, values := log.Series("train/loss"); len(values) != 3 || !finite(values[1]) || !finite(values[2]) {
		t.Errorf("losses are %v, want three that are finite", values)
	}
	c, err := Find(dir, "last")
	if err != nil || c.State.Applied != 9 || c.State.Skipped != 3 || c.State.Position.Update != 12 {
		t.Errorf("the checkpoint has %+v (%v), want 9 applied and 3 skipped updates", c, err)
	}
}

// Too many bad updates in a row end the run. The checkpoint that is left is from before them, and good.
func TestDivergenceEndsTheRun(t *testing.T) {
	for name, c := range map[string]struct {
		first uint64
		want  uint64 // update of the checkpoint
	}{"after a checkpoint": {8, 5}, "before the first": {2, 5}} {
		t.Run(name, func(t *testing.T) {
			r := newRegression(t, testBackend(t), 8, false)
			for u := c.first; u < 100; u++ {
				r.poison[u] = math.NaN()
			}
			cfg := testConfig(100)
			cfg.MaxSkipped = 3
			run := begin(t)
			var told []string
			err := Run(context.Background(), r, r.be, cfg, run, Options{Alert: func(text string) { told = append(told, text) }})
			if len(told) != 3 || !strings.HasPrefix(told[0], fmt.Sprintf("update %d: ", c.first+1)) { // counted from 1
				t.Errorf("alerts %q, want three from update %d on", told, c.first)
			}
			if !errors.Is(err, ErrDiverged) {
				t.Fatalf("got %v, want ErrDiverged", err)
			}
			found, err := Find(run.Dir(), "auto")
			if err != nil {
				t.Fatal(err)
			}
			if got := found.State.Position.Update; got != c.want {
				t.Errorf("the checkpoint is of update %d, want %d", got, c.want)
			}
			if u := found.State.Applied; u != min(c.first, c.want) {
				t.Errorf("%d updates were applied in the checkpoint", u)
			}
			for _, x := range r.w.Value.F32() {
				if !finite(float64(x)) {
					t.Fatal("a weight is not finite")
				}
			}
		})
	}
}

// Frozen parameters keep their bits, also when their gradient is not a number.
func TestFrozenParametersKeepTheirBits(t *testing.T) {
	r := newRegression(t, testBackend(t), 8, false)
	frozen, _ := r.w.Param("unused")
	grad, _ := r.w.Gradient("unused")
	for i := range frozen.F32() {
		frozen.F32()[i], grad.F32()[i] = 1+float32(i)/3, float32(math.NaN())
	}
	cfg := testConfig(8)
	cfg.Optimizer.Groups = []Group{{Match: "unused", Frozen: true}}
	finished(t, r, cfg)
	for i, x := range frozen.F32() {
		if x != 1+float32(i)/3 {
			t.Errorf("frozen[%d] became %v", i, x)
		}
	}
}

func TestErrorsOfTheTaskEndTheRun(t *testing.T) {
	broken := errors.New("broken")
	for name, change := range map[string]func(*regression){
		"prepare": func(r *regression) { r.failPut = broken },
		"run":     func(r *regression) { r.failRun = map[uint64]error{3: broken} },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRegression(t, testBackend(t), 8, false)
			change(r)
			run := begin(t)
			err := Run(context.Background(), r, r.be, testConfig(20), run, Options{})
			if !errors.Is(err, broken) || !strings.Contains(err.Error(), "update 3") {
				t.Errorf("got %v", err)
			}
			// What was trained is not lost.
			if c, err := Find(run.Dir(), "auto"); err != nil || c.State.Position.Update != 3 {
				t.Errorf("found %+v, %v", c, err)
			}
		})
	}
}

func TestStopOnRequest(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(*Config, *Options)
		want    error
	}{
		"asked":       {func(_ *Config, o *Options) { o.Stop.Ask("test") }, ErrStopped},
		"end of job":  {func(_ *Config, o *Options) { o.JobEnd = time.Now().Add(time.Minute) }, ErrStopped},
		"job goes on": {func(c *Config, o *Options) { o.JobEnd = time.Now().Add(time.Hour); c.MaxUpdates = 1 }, nil},
		"time is up":  {func(c *Config, _ *Options) { c.MaxMinutes = 1e-9 }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRegression(t, testBackend(t), 8, false)
			cfg, opt := testConfig(1000), Options{Stop: new(Stop)}
			cfg.Schedule = ScheduleConfig{Kind: Constant, Peak: 0.01}
			c.prepare(&cfg, &opt)
			run := begin(t)
			if err := Run(context.Background(), r, r.be, cfg, run, opt); !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			found, err := Find(run.Dir(), "last")
			if err != nil || found.State.Position.Update > 1 {
				t.Errorf("found %+v (%v), want a checkpoint after at most one update", found, err)
			}
		})
	}
}

// After the first updates, an update allocates nothing: not in the loop, not in the optimiser, not in the preparation of batches.
func TestUpdateDoesNotAllocate(t *testing.T) {
	for _, micros := range []int{1, 2} {
		r := newRegression(t, testBackend(t), 8, true)
		cfg := testConfig(1 << 40)
		cfg.Accumulate, cfg.LogEvery, cfg.SnapshotEvery = micros, 1<<40, 0
		l := &loop[*batch]{task: r, be: r.be, cfg: cfg.Resolved(), run: begin(t), began: time.Now()}
		if err := l.prepare(); err != nil {
			t.Fatal(err)
		}
		ctx := context.Background()
		l.step.batches = prefetch(ctx, r, l.state.Position, micros, 0)
		defer l.step.batches.close()
		update := func() {
			if err := l.update(ctx); err != nil {
				t.Fatal(err)
			}
		}
		for range 5 {
			update()
		}
		if n := testing.AllocsPerRun(200, update); n != 0 {
			t.Errorf("an update of %d micro-batches allocates %v times", micros, n)
		}
	}
}

func BenchmarkUpdate(b *testing.B) {
	r := newRegression(b, testBackend(b), 8, false)
	cfg := testConfig(1 << 40)
	cfg.LogEvery, cfg.SnapshotEvery = 1<<40, 0
	l := &loop[*batch]{task: r, be: r.be, cfg: cfg.Resolved(), run: begin(b), began: time.Now()}
	if err := l.prepare(); err != nil {
		b.Fatal(err)
	}
	ctx := context.Background()
	l.step.batches = prefetch(ctx, r, l.state.Position, 1, 0)
	defer l.step.batches.close()
	b.ReportAllocs()
	for b.Loop() {
		if err := l.update(ctx); err != nil {
			b.Fatal(err)
		}
	}
}

// early is a regression that takes in micro-batches early, and notes which.
type early struct {
	*regression
	t        *testing.T
	expected map[*batch]Position
	fed, ran int
	fail     uint64
}

func (e *early) Feed(at Position, b *batch) error {
	if at.Update == e.fail {
		return errors.New("no room")
	}
	if at.Micro != 0 {
		e.t.Errorf("fed %+v, which is not the first of its update", at)
	}
	e.expected[b] = at
	e.fed++
	return nil
}

func (e *early) Run(ctx context.Context, at Position, b *batch, m *Measured) error {
	if len(e.expected) > 0 {
		if was, ok := e.expected[b]; !ok || was != at {
			e.t.Errorf("update %d runs another micro-batch than was fed", at.Update)
		}
		clear(e.expected)
		e.ran++
	}
	time.Sleep(2 * time.Millisecond) // the next one is prepared meanwhile
	return e.regression.Run(ctx, at, b, m)
}

// A task that can take in the next update's first micro-batch early gets it before the wait, and trains the same; an error of that is one of the next update.
func TestFeedsAhead(t *testing.T) {
	for _, micros := range []int{1, 2} {
		cfg := testConfig(12)
		cfg.Accumulate = micros
		want := finished(t, newRegression(t, testBackend(t), 4, true), cfg)
		e := &early{regression: newRegression(t, testBackend(t), 4, true), t: t, expected: map[*batch]Position{}, fail: 1 << 60}
		run := begin(t)
		if err := Run(context.Background(), e, e.be, cfg, run, Options{Seed: e.seed}); err != nil {
			t.Fatal(err)
		}
		sameRun(t, run.Dir(), want)
		if e.fed == 0 || e.ran != e.fed {
			t.Errorf("%d micro-batches were fed early, %d of them ran", e.fed, e.ran)
		}
		e = &early{regression: newRegression(t, testBackend(t), 4, true), t: t, expected: map[*batch]Position{}, fail: 7}
		run = begin(t)
		err := Run(context.Background(), e, e.be, cfg, run, Options{Seed: e.seed})
		// It may not be ready in time; then nothing fails.
		if err != nil && (!strings.Contains(err.Error(), "update 7") || !strings.Contains(err.Error(), "no room")) {
			t.Errorf("the error is %v", err)
		}
		if last, e := Find(run.Dir(), "last"); err != nil && (e != nil || last.State.Position.Update != 7) {
			t.Errorf("the update before is not saved: %v", e)
		}
	}
}

package tui

import (
	"log/slog"
	"math"
	"path/filepath"
	"testing"
	"time"

	"aural/runlog"
	"aural/tui/chart"
	"aural/tui/screen"
)

// fixtureTime is the time at which the fixture is looked at.
var fixtureTime = time.Date(2026, 3, 14, 15, 9, 26, 0, time.UTC)

// fixtureUpdates is how far the fixture is.
const fixtureUpdates = 20000

// writeFixture writes a run that looks like pretraining of the base model: loss falls from chance, the codebook fills, the
// gradient has a spike of one record and a value that is not a number.
func writeFixture(t testing.TB) *runlog.Writer {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "20260314-1200-base-librispeech")
	w, err := runlog.Create(dir, runlog.Meta{TotalSteps: 400000, Args: []string{"aural", "pretrain"}}, runlog.Options{
		NoTensorBoard: true, Report: func(err error) { t.Errorf("reported: %v", err) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close(runlog.Stopped, "end of test") })
	record := func(kind string, step int64, values ...runlog.Value) {
		at := fixtureTime.Add(time.Duration(step-fixtureUpdates) * 470 * time.Millisecond)
		w.Record(&runlog.Record{Step: step, Time: at, Kind: kind, Values: values})
	}
	for step := int64(50); step <= fixtureUpdates; step += 50 {
		x := float64(step) / fixtureUpdates
		n := noise(step)
		norm := 0.6 + 1.2*math.Exp(-6*x) + 0.1*n
		switch step {
		case 9000:
			norm = 35
		case 13000:
			norm = math.NaN()
		}
		learning := 5e-4 * math.Min(x/0.3, 1)
		record(runlog.Train, step,
			runlog.Value{Name: "loss", Value: 5 - 2.6*x + 0.1*n},
			runlog.Value{Name: "contrastive_loss", Value: 2.1 + 2.515*math.Exp(-4*x) + 0.08*n},
			runlog.Value{Name: "diversity_loss", Value: 0.35 + 0.6*math.Exp(-5*x)},
			runlog.Value{Name: "feature_penalty", Value: 3.1 + n},
			runlog.Value{Name: "accuracy", Value: 0.52 - 0.51*math.Exp(-3*x) + 0.02*n},
			runlog.Value{Name: "chance_accuracy", Value: 1.0 / 101},
			runlog.Value{Name: "chance_loss", Value: math.Log(101)},
			runlog.Value{Name: "code_perplexity", Value: 300 - 260*math.Exp(-5*x) + 12*n},
			runlog.Value{Name: "prob_perplexity", Value: 416 - 396*math.Exp(-5*x) + 12*n},
			runlog.Value{Name: "max_perplexity", Value: 640},
			runlog.Value{Name: "masked_share", Value: 0.491},
			runlog.Value{Name: "mask_run", Value: 14.7},
			runlog.Value{Name: "gumbel_temperature", Value: 2 * math.Pow(0.999995, float64(step))},
			runlog.Value{Name: "learning_rate", Value: learning},
			runlog.Value{Name: "gradient_norm", Value: norm},
			runlog.Value{Name: "clip_rate", Value: 0},
			runlog.Value{Name: "skipped_steps", Value: 0},
			runlog.Value{Name: "epoch", Value: math.Floor(7 * x)},
			runlog.Value{Name: "audio_seconds", Value: 5616},
			runlog.Value{Name: "hours_seen", Value: 1.56 * float64(step) / 50})
		record(runlog.System, step,
			runlog.Value{Name: "audio_rate", Value: 238.5},
			runlog.Value{Name: "gflops", Value: 1613},
			runlog.Value{Name: "updates_per_second", Value: 2.13},
			runlog.Value{Name: "time/step", Value: 469.5},
			runlog.Value{Name: "time/data", Value: 5.6},
			runlog.Value{Name: "time/forward", Value: 150.2},
			runlog.Value{Name: "time/backward", Value: 290.1},
			runlog.Value{Name: "time/optimizer", Value: 20.3},
			runlog.Value{Name: "time/other", Value: 3.3},
			runlog.Value{Name: "data_wait", Value: 0.012},
			runlog.Value{Name: "memory/rss", Value: 3.4 * (1 << 30)})
		if step%200 == 0 {
			record(runlog.Host, step, runlog.Value{Name: "cpu", Value: 0.97}, runlog.Value{Name: "process_cpu", Value: 1.9},
				runlog.Value{Name: "memory_used", Value: 5.1 * (1 << 30)}, runlog.Value{Name: "memory_total", Value: 16 * (1 << 30)},
				runlog.Value{Name: "disk_free", Value: (200 - 20*x) * (1 << 30)}, runlog.Value{Name: "load", Value: 2.2 + 0.3*n})
		}
		if step%2000 == 0 {
			record(runlog.Valid, step,
				runlog.Value{Name: "contrastive_loss", Value: 2.2 + 2.415*math.Exp(-4*x)},
				runlog.Value{Name: "accuracy", Value: 0.5 - 0.49*math.Exp(-3*x)},
				runlog.Value{Name: "code_perplexity", Value: 290 - 250*math.Exp(-5*x)})
		}
	}
	w.Event(runlog.Event{Step: 9000, Time: fixtureTime.Add(-80 * time.Minute), Kind: runlog.Alert, Severity: runlog.Warning,
		Message: "gradient norm 35 is 40 times its median", Data: map[string]string{"rule": "gradient norm"}})
	w.Event(runlog.Event{Step: fixtureUpdates, Time: fixtureTime.Add(-8 * time.Second), Kind: runlog.Checkpoint,
		Data: map[string]string{"path": "checkpoint-20000"}})
	w.Progress(fixtureUpdates, 0)
	return w
}

// noise returns a number between -1 and 1 that depends on n only.
func noise(n int64) float64 {
	return math.Sin(12.9898*float64(n))*0.5 + math.Sin(78.233*float64(n))*0.5
}

// open reads the whole run as it looks at fixtureTime: the times that the writer took from the clock are replaced.
func open(t testing.TB, term screen.Terminal, dirs ...string) *model {
	t.Helper()
	var runs []*runView
	for i, dir := range dirs {
		f, err := newFollower(dir, func() time.Time { return fixtureTime })
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.close() })
		runs = append(runs, newRunView(runlog.RunName(dir), dir, fixed0{f}, i))
	}
	m := newModel(term, Options{}, runs...)
	if err := m.load(); err != nil {
		t.Fatal(err)
	}
	return m
}

// fixed0 is a follower whose run looks at any time as it does at fixtureTime.
type fixed0 struct{ *follower }

func (f fixed0) poll() pollMsg {
	msg := f.follower.poll()
	msg.state.Created, msg.state.Started = fixtureTime.Add(-3*time.Hour), fixtureTime.Add(-3*time.Hour)
	msg.state.StepTime, msg.state.Time = fixtureTime, fixtureTime
	msg.state.Step, msg.state.ETASeconds = fixtureUpdates, (49*time.Hour + 40*time.Minute).Seconds()
	msg.state.Host, msg.state.PID = "node7", 4711
	msg.status = runlog.Running
	// The log was written in no time.
	began := fixtureTime.Add(-fixtureUpdates * 470 * time.Millisecond)
	msg.sessions = []chart.Session{{Elapsed: 0, Unix: float64(began.Unix())}}
	for _, c := range msg.changes {
		for i := range c.Elapsed {
			c.Elapsed[i] = 0.47 * float64(c.Steps[i])
		}
	}
	for i := range msg.events {
		if msg.events[i].Kind == runlog.Started {
			msg.events[i].Time = msg.state.Started
		}
	}
	return msg
}

// feed gives the model's first run points without a log, one update apart.
func feed(m *model, name string, values ...float64) {
	c := chart.Change{Name: name, Values: values}
	for i := range values {
		c.Steps = append(c.Steps, int64(i+1))
		c.Elapsed = append(c.Elapsed, float64(i))
	}
	m.take(pollMsg{at: fixtureTime, status: runlog.Running, state: runlog.State{Status: runlog.Running, Step: int64(len(values)), Time: fixtureTime, StepTime: fixtureTime},
		changes: []chart.Change{c}, lines: []runlog.LogLine{{Time: fixtureTime, Level: slog.LevelInfo, Message: "hello"}}})
}

// empty is a model of one run without a log.
func emptyModel(term screen.Terminal) *model {
	return newModel(term, Options{}, newRunView("run", "run", nil, 0))
}

package tui

import (
	"fmt"
	"log/slog"
	"math"
	"time"

	"aural/health"
	"aural/runlog"
	"aural/tui/chart"
	"aural/tui/screen"
)

// shellRun is a run as a poll would give it: updates of training, of which the seed makes the details.
func shellRun(name string, colour int, updates int64, seed float64, status runlog.Status) *runView {
	r := newRunView(name, "runs/20260314-1200-"+name, nil, colour)
	began := fixtureTime.Add(-time.Duration(updates) * 470 * time.Millisecond)
	series := make(map[string]*chart.Change)
	add := func(name string, step int64, v float64) {
		c := series[name]
		if c == nil {
			c = &chart.Change{Name: name}
			series[name] = c
		}
		c.Steps, c.Values, c.Elapsed = append(c.Steps, step), append(c.Values, v), append(c.Elapsed, 0.47*float64(step))
	}
	for step := int64(50); step <= updates; step += 50 {
		x, n := float64(step)/20000, noise(step+int64(1000*seed))
		norm := 0.6 + 1.2*math.Exp(-6*x) + 0.1*n
		if step == 9000 {
			norm = 35
		}
		add("train/contrastive_loss", step, 2.1+seed+2.515*math.Exp(-4*x)+0.08*n)
		add("train/accuracy", step, (1-seed/2)*(0.52-0.51*math.Exp(-3*x)+0.02*n))
		add("train/code_perplexity", step, 300-260*math.Exp(-5*x)+12*n)
		add("train/prob_perplexity", step, 416-396*math.Exp(-5*x)+12*n)
		add("train/max_perplexity", step, 640)
		add("train/gradient_norm", step, norm)
		add("train/learning_rate", step, 5e-4*math.Min(x/0.3, 1))
		add("train/hours_seen", step, 1.56*float64(step)/50)
		add("train/epoch", step, math.Floor(7*x))
		add("system/audio_rate", step, 238.5-100*seed)
		add("system/time/step", step, 469.5)
		if step%2000 == 0 {
			add("valid/contrastive_loss", step, 2.2+seed+2.415*math.Exp(-4*x))
			add("valid/accuracy", step, (1-seed/2)*(0.5-0.49*math.Exp(-3*x)))
			add("valid/code_perplexity", step, 290-250*math.Exp(-5*x))
		}
	}
	msg := pollMsg{at: fixtureTime, status: status, sessions: []chart.Session{{Unix: float64(began.Unix())}},
		state: runlog.State{Version: 1, Status: status, Step: updates, TotalSteps: 400000, ETASeconds: 178800, Created: began, Started: began,
			StepTime: fixtureTime, Time: fixtureTime, Host: "node7", PID: 4711}}
	for _, name := range sortedKeys(series) {
		msg.changes = append(msg.changes, *series[name])
	}
	r.take(msg, 0)
	return r
}

// shellModel is a view of a run with findings, events and a log, and as many others as asked for.
func shellModel(t screen.Terminal, others int) *model {
	r := shellRun("base-librispeech", 0, 20000, 0, runlog.Running)
	r.latest.report = &health.Report{Level: health.Broken, Summary: "the codebook has collapsed; also data-wait", Step: 20000,
		Rules: []string{"codebook-collapse", "data-wait", "not-finite"},
		Findings: []health.Finding{
			{Rule: "codebook-collapse", Level: health.Broken, Since: 9000, Title: "the codebook has collapsed",
				Evidence: "code perplexity 2.1 of 640 over the last 40 records, while the contrastive loss fell to 0.01 nats",
				Advice:   "raise the weight of the diversity loss, or lower the learning rate, and start again from the checkpoint before update 9,000"},
			{Rule: "data-wait", Level: health.Watch, Since: 15050, Title: "the trainer waits for data", Evidence: "31 % of the time of an update",
				Advice: "put the store on a local disk"},
			{Rule: "batch-size", Level: health.Healthy, Since: 50, Title: "the batch is small: 112 s of audio an update", Evidence: "112 s", Advice: "none needed"},
		}}
	at := func(update int64) time.Time {
		return fixtureTime.Add(time.Duration(update-20000) * 470 * time.Millisecond)
	}
	event := func(update int64, kind runlog.EventKind, s runlog.Severity, message string, data map[string]string) {
		r.latest.events = append(r.latest.events, runlog.Event{Step: update, Time: at(update), Kind: kind, Severity: s, Message: message, Data: data})
	}
	event(0, runlog.Started, runlog.Info, "", map[string]string{"host": "node7", "pid": "4711"})
	for u := int64(2000); u <= 20000; u += 2000 {
		event(u, runlog.Validation, runlog.Info, "", nil)
		if u == 8000 {
			event(9000, runlog.Alert, runlog.Warning, "gradient norm 35 is 40 times its median", map[string]string{"rule": "gradient-norm"})
		}
		if u == 14000 {
			event(14500, runlog.LoggingChanged, runlog.Error, "metrics.jsonl: no space left on device", nil)
			event(15000, runlog.Resumed, runlog.Info, "", map[string]string{"host": "node8", "pid": "99"})
		}
	}
	event(20000, runlog.Checkpoint, runlog.Info, "", map[string]string{"path": "checkpoint-20000"})
	for i := range 60 {
		level, text := slog.LevelInfo, fmt.Sprintf("update %d done", 19400+10*i)
		if i%20 == 7 {
			level, text = slog.LevelWarn, "the learning rate schedule was given twice, the later one counts"
		}
		r.latest.lines = append(r.latest.lines, runlog.LogLine{Time: at(int64(19400 + 10*i)), Level: level, Message: text, Attrs: fmt.Sprintf("update=%d worker=3", 19400+10*i)})
	}
	r.latest.lines = append(r.latest.lines, runlog.LogLine{Time: fixtureTime, Level: slog.LevelError, Message: "decoder failed: unexpected end of file", Attrs: "file=/corpus/19/198/19-198-0001.flac"})
	runs := []*runView{r}
	for i, o := range []struct {
		name    string
		updates int64
		status  runlog.Status
	}{{"large-lr", 12000, runlog.Failed}, {"no-diversity", 20000, runlog.Finished}, {"small-batch", 6000, runlog.Crashed}}[:others] {
		other := shellRun(o.name, i+1, o.updates, 0.2*float64(i+1), o.status)
		other.latest.report = &health.Report{Level: health.Level(i % 3), Summary: "no rule fired", Rules: []string{"not-finite"}}
		runs = append(runs, other)
	}
	m := newModel(t, Options{}, runs...)
	m.width, m.height = 80, 24
	return m
}

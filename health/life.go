package health

import (
	"fmt"
	"time"

	"aural/runlog"
)

var lifeRules = []Rule{
	{Name: "failed", Level: Broken, check: (*exam).failed,
		Title: "The run ended with an error", Description: "the trainer says so."},
	{Name: "silent", Level: Broken, check: (*exam).silent,
		Title:       "The trainer is silent",
		Description: "the heartbeat stopped: broken when the process is gone (crashed), watch when it exists but gives no sign of life, or lives but has not finished an update for long.",
		Limits:      []Limit{hungSteps, hungSeconds}},
	{Name: "paused", Level: Healthy, check: (*exam).paused,
		Title: "The run is paused", Description: "on request. A note."},
	{Name: "time-limit", Level: Watch, check: (*exam).timeLimit,
		Title: "The job ends before the run", Description: "the batch system ends the process before the planned updates are done."},
}

func (e *exam) failed() (Finding, outcome) {
	if e.Status == "" {
		return Finding{}, unjudged
	}
	if e.Status != runlog.Failed {
		return Finding{}, quiet
	}
	message := e.State.Message
	if message == "" {
		message = "no reason was recorded"
	}
	return Finding{Level: Broken, Title: "the run ended with an error", Since: e.updates, Evidence: message,
		Advice: "remove the cause, then continue with --resume auto"}, fired
}

func (e *exam) silent() (Finding, outcome) {
	if e.Status == "" || e.State.Time.IsZero() || e.Now.IsZero() {
		return Finding{}, unjudged
	}
	silence := e.Now.Sub(e.State.Time)
	f := Finding{Level: Watch, Since: e.State.Step, Title: "the trainer is silent"}
	switch {
	case e.Status == runlog.Crashed:
		f.Level, f.Title = Broken, "the trainer crashed"
		f.Evidence = fmt.Sprintf("process %d on %s is gone without having said so; last sign of life %s ago, at update %d", e.State.PID, e.State.Host, span(silence), e.State.Step)
		f.Advice = "look at the end of its output and for the kernel's out-of-memory killer (dmesg), then continue with --resume auto"
	case e.State.Silent(e.Now):
		f.Evidence = fmt.Sprintf("no sign of life from process %d on %s for %s, since update %d", e.State.PID, e.State.Host, span(silence), e.State.Step)
		f.Advice = "the process is stopped (kill -CONT goes on), waits for a disk that hangs, or the clocks of two hosts differ"
	case e.Status == runlog.Running && e.hangs():
		f.Title = "no update is finished"
		f.Evidence = fmt.Sprintf("the process lives, but update %d was the last to finish, %s ago", e.State.Step, span(e.Now.Sub(e.State.StepTime)))
		f.Advice = "it waits for data or for a disk, or a validation takes long: look at its output and at what the storage does"
	default:
		return Finding{}, quiet
	}
	return f, fired
}

// hangs reports whether the last update took far longer than usual.
func (e *exam) hangs() bool {
	if e.State.StepTime.IsZero() {
		return false
	}
	limit := hungSeconds.Value
	if ms, ok := settled(e.curve(runlog.System, "time/step")); ok {
		limit = max(limit, hungSteps.Value*ms/1000)
	}
	return e.Now.Sub(e.State.StepTime).Seconds() > limit
}

func (e *exam) paused() (Finding, outcome) {
	if e.Status == "" {
		return Finding{}, unjudged
	}
	if e.Status != runlog.Paused {
		return Finding{}, quiet
	}
	return Finding{Level: Healthy, Title: "the run is paused", Since: e.State.Step, Evidence: fmt.Sprintf("it waits at update %d", e.State.Step),
		Advice: "it holds its memory until it continues"}, fired
}

func (e *exam) timeLimit() (Finding, outcome) {
	if !e.live() || e.State.JobEnd.IsZero() || !(e.State.ETASeconds > 0) || e.Now.IsZero() {
		return Finding{}, unjudged
	}
	left := e.State.JobEnd.Sub(e.Now)
	need := time.Duration(e.State.ETASeconds * float64(time.Second))
	if need <= left {
		return Finding{}, quiet
	}
	return Finding{Level: Watch, Title: "the job ends before the run", Since: e.State.Step,
		Evidence: fmt.Sprintf("the job ends in %s, the run needs %s more", span(left), span(need)),
		Advice:   "the trainer saves and stops before the end: queue the same command again with --resume auto"}, fired
}

// span writes a time for people, to two places.
func span(d time.Duration) string {
	d = max(d, 0)
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < 2*time.Hour:
		return fmt.Sprintf("%.0f min", d.Minutes())
	case d < 48*time.Hour:
		return fmt.Sprintf("%.1f h", d.Hours())
	}
	return fmt.Sprintf("%.1f days", d.Hours()/24)
}

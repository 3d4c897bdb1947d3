package train

import (
	"context"
	"fmt"
	"time"

	"aural/runlog"
)

// requests are those that the loop has taken and not answered yet.
type requests struct {
	save, pause, stop []runlog.Request
}

// waiting is how often a pause looks for what ends it.
const waiting = 100 * time.Millisecond

// The results of a request, in the data of its answer.
const (
	resultDone    = "done"
	resultRefused = "refused"
	resultFailed  = "failed"
)

// control takes the requests that wait, in their order. What they ask for is done between updates: a checkpoint by saveIfWanted, a pause by
// pauseIfAsked, a stop by stopping.
func (l *loop[W]) control() {
	for _, r := range l.run.Requests() {
		q := &l.requests
		switch {
		case r.Command == runlog.CheckpointNow:
			q.save, l.wantSave = append(q.save, r), true
			if l.state.InRow > 0 {
				l.notice(fmt.Sprintf("checkpoint asked by %s: it waits for an update that is not skipped", r.By))
			}
		case r.Command == runlog.StopAndSave:
			q.stop = append(q.stop, r)
		case len(q.stop) > 0:
			l.answer(r, resultRefused, "the run is about to stop", "")
		case r.Command == runlog.Pause && l.pausing.IsZero():
			q.pause = append(q.pause, r)
		case r.Command == runlog.Pause:
			l.answer(r, resultDone, "the run is paused already", "")
		case r.Command == runlog.Continue && l.pausing.IsZero() && len(q.pause) == 0:
			l.answer(r, resultRefused, "the run is not paused", "")
		case r.Command == runlog.Continue:
			l.goOn(r)
		}
	}
}

// goOn ends a pause, or takes back those that have not begun.
func (l *loop[W]) goOn(r runlog.Request) {
	for _, p := range l.requests.pause {
		l.answer(p, resultDone, "taken back before it began", "")
	}
	l.requests.pause = nil
	text := "continues"
	if !l.pausing.IsZero() {
		text = fmt.Sprintf("continues after a pause of %v", time.Since(l.pausing).Round(time.Second))
		l.endPause()
	}
	l.answer(r, resultDone, text, "")
}

// pauseIfAsked waits while the run is paused, and returns when it is to go on or to stop. Nothing is logged but answers to requests; a
// checkpoint that is asked for is written. The time does not count as training.
func (l *loop[W]) pauseIfAsked(ctx context.Context) error {
	if len(l.requests.pause) == 0 {
		return nil
	}
	if _, stop := l.stopping(); stop {
		return nil
	}
	l.pausing = time.Now()
	l.run.SetPaused(true)
	l.host.asleep.Store(true)
	defer l.endPause()
	for _, r := range l.requests.pause {
		l.answer(r, resultDone, fmt.Sprintf("paused after update %d", l.state.Position.Update), "")
	}
	l.requests.pause = nil
	tick := time.NewTicker(waiting)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return l.aborted(ctx)
		case <-tick.C:
		}
		l.control()
		l.saveIfWanted()
		if _, stop := l.stopping(); stop || l.pausing.IsZero() {
			return nil
		}
	}
}

// endPause makes the clocks go on. It does nothing when the run is not paused.
func (l *loop[W]) endPause() {
	if l.pausing.IsZero() {
		return
	}
	l.paused += time.Since(l.pausing)
	if l.lastSave.Before(l.pausing) {
		l.lastSave = l.lastSave.Add(time.Since(l.pausing))
	} else {
		l.lastSave = time.Now() // saved during the pause
	}
	l.pausing = time.Time{}
	l.run.SetPaused(false)
	l.host.asleep.Store(false)
}

// answerSaves answers the requests for a checkpoint, which was just written or failed with err.
func (l *loop[W]) answerSaves(err error) {
	for _, r := range l.requests.save {
		l.answerSave(r, "", err)
	}
	l.requests.save = nil
}

func (l *loop[W]) answerSave(r runlog.Request, what string, err error) {
	if err != nil {
		l.answer(r, resultFailed, what+err.Error(), "")
		return
	}
	path := CheckpointName(l.state.Position.Update)
	l.answer(r, resultDone, what+"saved "+path, path)
}

// answerAll answers everything before the run ends, when the last checkpoint was written or failed with err.
func (l *loop[W]) answerAll(err error) {
	l.control()
	l.answerSaves(err)
	for _, r := range l.requests.stop {
		l.answerSave(r, "the run ends: ", err)
	}
	for _, r := range l.requests.pause {
		l.answer(r, resultRefused, "the run ends", "")
	}
	l.requests = requests{}
}

// answer tells in the log and on the terminal what became of a request.
func (l *loop[W]) answer(r runlog.Request, result, text, path string) {
	data := map[string]string{"command": string(r.Command), "by": r.By, "id": r.ID, "result": result}
	if path != "" {
		data["path"] = path
	}
	severity := runlog.Info
	if result != resultDone {
		severity = runlog.Warning
	}
	l.event(runlog.Answered, severity, text, data)
	l.notice(fmt.Sprintf("%s asked by %s: %s", r.Command, r.By, text))
}

func (l *loop[W]) notice(text string) {
	if l.opt.Notice != nil {
		l.opt.Notice(fmt.Sprintf("update %d: %s", l.state.Position.Update, text))
	}
}

package tui

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"aural/runlog"
	"aural/tui/screen"

	tea "github.com/charmbracelet/bubbletea"
)

// What can be asked of a trainer.
const (
	checkpointNow = runlog.CheckpointNow
	stopAndSave   = runlog.StopAndSave
)

// answerWithin is how long an answer may take before the user is told that there is none: a trainer answers between two
// updates, or behind a validation.
const answerWithin = time.Minute

// pauseOrContinue is what the key P asks for.
func (m *model) pauseOrContinue() runlog.Command {
	if m.run().latest.status == runlog.Paused {
		return runlog.Continue
	}
	return runlog.Pause
}

// asking says what a command does, as a question.
var asking = map[runlog.Command]string{
	runlog.CheckpointNow: "save a checkpoint of %s now?",
	runlog.Pause:         "pause the training of %s?",
	runlog.Continue:      "let the training of %s go on?",
	runlog.StopAndSave:   "save %s and stop its training?",
}

// errReadOnly is the answer where requests are switched off.
var errReadOnly = errors.New("this view is read only (--readonly): the trainer is left alone")

// asker is a source that passes requests to the trainer in its own way, as one on another host does.
type asker interface {
	ask(c runlog.Command) (runlog.Request, error)
}

// asked is a request whose answer has not come.
type asked struct {
	request runlog.Request
	at      time.Time // of the view
	late    bool      // the user knows that there is no answer yet
}

// askTrainer asks the user, and then the trainer of the current run, for something. The answer of the trainer is an event of
// the run.
func (m *model) askTrainer(c runlog.Command) tea.Cmd {
	r := m.run()
	switch {
	case m.view.readonly:
		m.tell("", errReadOnly)
	case !r.live():
		m.tell("", fmt.Errorf("%s is not being trained (%s): there is nobody to ask", r.name, either(r.latest.status == "", "not known", string(r.latest.status))))
	default:
		m.question(fmt.Sprintf(asking[c], r.name), func(*model) tea.Cmd { return r.request(c) })
	}
	return nil
}

// request leaves a request for the trainer of the run.
func (r *runView) request(c runlog.Command) tea.Cmd {
	return func() tea.Msg {
		msg := askedMsg{run: r, command: c}
		if s, ok := r.source.(asker); ok {
			msg.request, msg.err = s.ask(c)
		} else {
			msg.request, msg.err = runlog.Ask(r.dir, c)
		}
		return msg
	}
}

// askedMsg says that a request was left, or could not be.
type askedMsg struct {
	run     *runView
	command runlog.Command
	request runlog.Request
	err     error
}

func (msg askedMsg) apply(m *model) tea.Cmd {
	r := msg.run
	if msg.err != nil {
		m.tell("", fmt.Errorf("%s could not be asked to %s: %w", r.name, msg.command, msg.err))
		return nil
	}
	m.tell(fmt.Sprintf("asked the trainer of %s: %s", r.name, msg.command), nil)
	r.asked = append(r.asked, asked{request: msg.request, at: m.now()})
	m.hear(r) // it may have answered already
	return nil
}

// hear tells what the trainer of a run answered to the requests of this view.
func (m *model) hear(r *runView) {
	r.asked = slices.DeleteFunc(r.asked, func(a asked) bool {
		for i := len(r.latest.events) - 1; i >= 0; i-- {
			if e := &r.latest.events[i]; e.Kind == runlog.Answered && e.Data["id"] == a.request.ID {
				m.answered(r, a, e)
				return true
			}
		}
		return false
	})
	for i := range r.asked {
		a := &r.asked[i]
		switch {
		case a.late:
		case !r.live():
			m.tell("", fmt.Errorf("%s ended (%s) without an answer to: %s", r.name, r.latest.status, a.request.Command))
			a.late = true
		case r.latest.at.Sub(a.at) > answerWithin:
			m.tell("", fmt.Errorf("the trainer of %s has not answered for %s: %s", r.name, screen.Duration(r.latest.at.Sub(a.at)), a.request.Command))
			a.late = true
		}
	}
}

// answered tells an answer.
func (m *model) answered(r *runView, a asked, e *runlog.Event) {
	text := fmt.Sprintf("%s, %s: %s", r.name, a.request.Command, e.Message)
	switch result := e.Data["result"]; result {
	case "done", "":
		m.tell(text, nil)
	default:
		m.tell("", fmt.Errorf("%s, %s %s: %s", r.name, a.request.Command, result, e.Message))
	}
}

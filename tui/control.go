package tui

import (
	"errors"
	"fmt"

	"aural/runlog"

	tea "github.com/charmbracelet/bubbletea"
)

// What can be asked of a trainer.
const (
	checkpointNow = runlog.CheckpointNow
	stopAndSave   = runlog.StopAndSave
)

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

// askTrainer asks the user, and then the trainer of the current run, for something. The answer of the trainer is an event of
// the run.
func (m *model) askTrainer(c runlog.Command) tea.Cmd {
	r := m.run()
	switch {
	case m.view.readonly:
		m.tell("", errReadOnly)
	case !r.live():
		m.tell("", fmt.Errorf("%s is not being trained (%s): there is nobody to ask", r.name, r.latest.status))
	default:
		m.question(fmt.Sprintf(asking[c], r.name), func(*model) tea.Cmd {
			return func() tea.Msg {
				err := r.request(c)
				return doneMsg{fmt.Sprintf("asked the trainer: %s", c), err}
			}
		})
	}
	return nil
}

// request leaves a request for the trainer of the run.
func (r *runView) request(c runlog.Command) error {
	if s, ok := r.source.(interface{ ask(runlog.Command) error }); ok { // on another host
		return s.ask(c)
	}
	_, err := runlog.Ask(r.dir, c)
	return err
}

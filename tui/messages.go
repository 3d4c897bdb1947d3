package tui

import (
	"time"

	"aural/health"
	"aural/runlog"
	"aural/tui/chart"

	tea "github.com/charmbracelet/bubbletea"
)

// The messages of the program besides those of Bubble Tea (keys, mouse, window size).

// pollMsg is what a source found: everything that is new since the one before.
type pollMsg struct {
	run      int // which of the model's runs
	at       time.Time
	reset    bool // the log was replaced by another one
	changes  []chart.Change
	sessions []chart.Session
	read     int  // lines of the logs
	more     bool // the source stopped before the end, to let the screen show something
	err      error

	state    runlog.State
	status   runlog.Status
	stateErr error

	events    []runlog.Event   // all of them
	lines     []runlog.LogLine // the last ones
	snapshots *snapshots       // all of them; nil when nothing is new
	config    *runConfig       // nil when nothing is new
	report    *health.Report   // nil when nothing is new
	damage    runlog.Damage
}

// snapshots are the looks inside the model that a run has logged, by kind, in order.
type snapshots struct {
	codebooks, batches, transcripts, alignments []runlog.Snapshot
}

// applier is a message that knows what it changes.
type applier interface{ apply(m *model) tea.Cmd }

// pollNowMsg says that it is time to poll a run again.
type pollNowMsg struct{ run int }

// doneMsg is the outcome of something that ran beside the screen: an export, a request to the trainer.
type doneMsg struct {
	text string
	err  error
}

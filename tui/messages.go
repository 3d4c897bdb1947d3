package tui

import (
	"time"

	"aural/runlog"
)

// The messages of the program besides those of Bubble Tea (keys, window size).

// pollMsg is what the follower found: everything that is new since the one before.
type pollMsg struct {
	at      time.Time
	changes []change
	read    int  // lines of the logs
	more    bool // the follower stopped before the end, to let the screen show something
	err     error

	state    runlog.State
	status   runlog.Status
	stateErr error

	news   news
	damage runlog.Damage
}

// pollNowMsg says that it is time to poll again.
type pollNowMsg struct{}

// news is what happened in the run, in brief.
type news struct {
	last   *runlog.Event   // the last event
	alert  *runlog.Event   // the last one that is a warning or an error
	alerts int             // how many there are
	line   *runlog.LogLine // the last line of the log
}

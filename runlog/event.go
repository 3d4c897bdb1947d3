package runlog

import (
	"encoding/json"
	"time"
)

// EventKind says what happened.
type EventKind string

// The events of a run.
const (
	Started        EventKind = "started"        // a new run began; Data: format, host, pid, command
	Resumed        EventKind = "resumed"        // a process continued the run from Step; Data as Started
	TakenOver      EventKind = "lock-takeover"  // the lock of a dead process was taken over
	Checkpoint     EventKind = "checkpoint"     // Data: path
	Validation     EventKind = "validation"     // a validation ended
	Alert          EventKind = "alert"          // a health rule fired; Data: rule
	StopRequested  EventKind = "stop-requested" // by signal or user; the step in work is finished first
	LoggingChanged EventKind = "logging"        // a log file cannot be written, or can again; Message tells
	Controlled     EventKind = "control"        // a request was taken, or dropped; Data: command, by
	Answered       EventKind = "answer"         // what became of a request; Data: command, by, id, result (done, refused or failed), and path of a checkpoint
	Ended          EventKind = "ended"          // Data: status; Message: reason
)

// Severity ranks events for display.
type Severity string

// The severities. An empty severity in a file reads as Info.
const (
	Info    Severity = "info"
	Warning Severity = "warning"
	Error   Severity = "error"
)

// Event is something that happened at a point of the run.
type Event struct {
	Step     int64             `json:"step"`
	Time     time.Time         `json:"time"`
	Kind     EventKind         `json:"kind"`
	Severity Severity          `json:"severity"`
	Message  string            `json:"message,omitempty"`
	Data     map[string]string `json:"data,omitempty"`

	// Superseded is set by the reader on events after the step that a later process resumed from: they happened, but
	// to a part of the run that was done again.
	Superseded bool `json:"-"`
}

// appendEvent appends the line of e.
func appendEvent(buf []byte, e *Event) ([]byte, error) {
	body, err := json.Marshal(e)
	if err != nil {
		return buf, err
	}
	start := len(buf)
	buf = append(buf, body[:len(body)-1]...)
	return appendChecksum(buf, start), nil
}

// parseEvent reads the body of a line (see checkLine).
func parseEvent(body []byte) (Event, error) {
	var e Event
	if err := json.Unmarshal(closeObject(body), &e); err != nil {
		return Event{}, err
	}
	if e.Severity == "" {
		e.Severity = Info
	}
	return e, nil
}

// closeObject returns body with the brace that the checksum replaced.
func closeObject(body []byte) []byte {
	return append(append(make([]byte, 0, len(body)+1), body...), '}')
}

package runlog

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"aural/internal/atomicfile"
)

// Status is the condition of a run.
type Status string

// The conditions of a run. Paused and Crashed are never written as such: readers conclude them.
const (
	Running  Status = "running"
	Paused   Status = "paused"   // lives and waits, see State.Paused
	Stopped  Status = "stopped"  // ended early on request, can be resumed
	Finished Status = "finished" // did all its updates
	Failed   Status = "failed"   // ended by an error, see Message
	Crashed  Status = "crashed"
)

const (
	heartbeatEvery = 5 * time.Second

	// silentAfter is when a heartbeat counts as silent on the host of the run, where the process can be looked up.
	silentAfter = 4 * heartbeatEvery
	// abandonedAfter is when it does on another host. It is long because clocks differ and network file systems lag.
	abandonedAfter = 5 * time.Minute
)

// State is the heartbeat of a run, state.json. It is replaced every few seconds while the run lives, also during a
// long step.
type State struct {
	Version    int       `json:"version"`
	Status     Status    `json:"status"`
	Message    string    `json:"message,omitempty"` // why the run ended
	Step       int64     `json:"step"`              // updates done
	TotalSteps int64     `json:"total_steps"`       // updates planned; 0 when not known
	ETASeconds float64   `json:"eta_seconds"`       // until TotalSteps; 0 when not known
	Created    time.Time `json:"created"`           // when the run was created
	Started    time.Time `json:"started"`           // when this process took the run
	StepTime   time.Time `json:"step_time"`         // when Step last changed: tells a slow step from a dead process
	Time       time.Time `json:"time"`              // of this heartbeat
	Host       string    `json:"host"`
	PID        int       `json:"pid"`
	PIDStart   uint64    `json:"pid_start"`        // start time of the process as the kernel counts it; 0 when not known
	Dropped    int64     `json:"dropped"`          // log lines lost to a full or broken disk by this process
	Paused     bool      `json:"paused,omitempty"` // waits on request; Status says Running
	JobEnd     time.Time `json:"job_end,omitzero"` // when the batch system ends the process; zero when not known
}

// ReadState reads the heartbeat of the run in dir.
func ReadState(dir string) (State, error) {
	path := filepath.Join(dir, stateFile)
	data, err := os.ReadFile(path)
	if err != nil {
		return State{}, fmt.Errorf("runlog: read state: %w", err)
	}
	var s State
	if err := json.Unmarshal(data, &s); err != nil {
		return State{}, fmt.Errorf("runlog: read state %s: %w", path, err)
	}
	if s.Version < 1 || s.Version > FormatVersion {
		return State{}, fmt.Errorf("runlog: %s has format version %d, this program reads up to %d: use a newer program", path, s.Version, FormatVersion)
	}
	return s, nil
}

// At returns the condition of the run as it looks at the time now from this host. A run that says it is running has
// crashed when its heartbeat is silent and its process is gone; on other hosts, where the process cannot be looked up,
// when the heartbeat has been silent for five minutes.
func (s State) At(now time.Time) Status {
	if s.Status != Running {
		return s.Status
	}
	silence := now.Sub(s.Time)
	if host, err := os.Hostname(); err == nil && host == s.Host {
		if silence > silentAfter && !processAlive(s.PID, s.PIDStart) {
			return Crashed
		}
	} else if silence > abandonedAfter {
		return Crashed
	}
	if s.Paused {
		return Paused
	}
	return Running
}

// Silent reports whether a running run has missed its heartbeats: its process hangs, or its disk is full.
func (s State) Silent(now time.Time) bool {
	return s.Status == Running && now.Sub(s.Time) > silentAfter
}

func writeState(dir string, s State) error {
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("runlog: write state: %w", err)
	}
	return atomicfile.Write(filepath.Join(dir, stateFile), append(data, '\n'), 0o644)
}

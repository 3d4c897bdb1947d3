package runlog

import (
	"encoding/json"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"time"
	"unicode"

	"aural/internal/atomicfile"
)

// Command is what a run can be asked to do.
type Command string

// The commands.
const (
	CheckpointNow Command = "checkpoint" // write a checkpoint after the update in work
	Pause         Command = "pause"      // wait after the update in work
	Continue      Command = "continue"   // end a pause
	StopAndSave   Command = "stop"       // write a checkpoint after the update in work, and end
)

func (c Command) valid() bool {
	switch c {
	case CheckpointNow, Pause, Continue, StopAndSave:
		return true
	}
	return false
}

// Request asks the process of a run to do something. It is a file control/<ID>.json in the run directory, so that it
// works on network disks and over ssh.
type Request struct {
	ID      string    `json:"id"`
	Command Command   `json:"command"`
	By      string    `json:"by"` // user@host
	Time    time.Time `json:"time"`

	// The process it is meant for, as in [State]; another one drops it.
	Host     string    `json:"host"`
	PID      int       `json:"pid"`
	PIDStart uint64    `json:"pid_start"`
	Started  time.Time `json:"started"`
}

// NewRequest returns a request to the process whose heartbeat is s, and the content of its file. It refuses when the run
// is not live at the time now.
func NewRequest(s State, c Command, now time.Time) (Request, []byte, error) {
	if !c.valid() {
		return Request{}, nil, fmt.Errorf("runlog: unknown command %q", c)
	}
	if status := s.At(now); status != Running && status != Paused {
		return Request{}, nil, fmt.Errorf("runlog: the run is %s: only a live run can be asked to %s", status, c)
	}
	r := Request{Command: c, By: whoami(), Time: now.UTC(), Host: s.Host, PID: s.PID, PIDStart: s.PIDStart, Started: s.Started}
	r.ID = fmt.Sprintf("%d-%s-%d", now.UnixNano(), c, os.Getpid())
	data, err := json.Marshal(r)
	if err != nil {
		return Request{}, nil, fmt.Errorf("runlog: request: %w", err)
	}
	return r, append(data, '\n'), nil
}

// maxRequest bounds the file of a request.
const maxRequest = 4096

// parseRequest reads the content of a file of control/.
func parseRequest(data []byte) (Request, error) {
	if len(data) > maxRequest {
		return Request{}, fmt.Errorf("it is longer than %d bytes", maxRequest)
	}
	var r Request
	if err := json.Unmarshal(data, &r); err != nil {
		return Request{}, fmt.Errorf("it is no request: %w", err)
	}
	switch {
	case !r.Command.valid():
		return Request{}, fmt.Errorf("unknown command %.40q", r.Command)
	case !validName(r.ID, true) || strings.Contains(r.ID, "/"):
		return Request{}, fmt.Errorf("bad id %.40q", r.ID)
	case len(r.By) > 200 || strings.ContainsFunc(r.By, func(c rune) bool { return !unicode.IsPrint(c) }):
		return Request{}, fmt.Errorf("bad name %.40q", r.By)
	}
	return r, nil
}

// File returns the path of the file of a request in the run directory, with slashes.
func (r Request) File() string { return controlDir + "/" + r.ID + ".json" }

// Ask asks the process that writes the run in dir to do something. It returns when the request is on the disk; the answer
// is an event of the run.
func Ask(dir string, c Command) (Request, error) {
	s, err := ReadState(dir)
	if err != nil {
		return Request{}, err
	}
	r, data, err := NewRequest(s, c, time.Now())
	if err != nil {
		return Request{}, err
	}
	if err := atomicfile.Write(filepath.Join(dir, filepath.FromSlash(r.File())), data, 0o644); err != nil {
		return Request{}, fmt.Errorf("runlog: ask the run to %s: %w", c, err)
	}
	return r, nil
}

func whoami() string {
	name := os.Getenv("USER")
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	host, _ := os.Hostname() // only told to a person
	return name + "@" + host
}

package runlog

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	// lookEvery is how long a request waits at most before the process sees it.
	lookEvery = 250 * time.Millisecond
	// requestsAtOnce bounds the work of one look. What is more is seen by the next one.
	requestsAtOnce = 64
)

// Requests takes the waiting requests, oldest first, and records each as an event. It only looks at memory, so it may be
// called at every step: the directory is looked at in the background, four times a second.
func (w *Writer) Requests() []Request {
	w.mu.Lock()
	defer w.unlock()
	if len(w.requests) == 0 || w.closed {
		return nil
	}
	taken := w.requests
	w.requests = nil
	slices.SortStableFunc(taken, func(a, b Request) int { return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.ID, b.ID)) })
	for _, r := range taken {
		w.event(Event{Step: w.state.Step, Kind: Controlled, Message: "asked to " + string(r.Command), Data: r.data()})
	}
	return taken
}

// lookForRequests takes the requests out of the directory. Those that are not for this process, and files that are no
// requests, are dropped with an event.
func (w *Writer) lookForRequests() {
	dir := filepath.Join(w.dir, controlDir)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return // nobody can ask then, and Ask says why
	}
	looked := 0
	for _, e := range entries {
		name := e.Name()
		if strings.HasPrefix(name, ".") || !strings.HasSuffix(name, ".json") { // one is still being written, or is not for us
			continue
		}
		if _, known := w.stuck[name]; known {
			continue
		}
		if looked++; looked > requestsAtOnce {
			return
		}
		path := filepath.Join(dir, name)
		r, err := readRequest(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		w.mu.Lock()
		switch {
		case err == nil && !r.isFor(&w.state):
			err = fmt.Errorf("it is for process %d on %s, started %s", r.PID, r.Host, r.Started.UTC().Format(time.RFC3339))
			fallthrough
		case err != nil:
			w.event(Event{Step: w.state.Step, Kind: Controlled, Severity: Warning,
				Message: fmt.Sprintf("dropped the request %s: %v", name, err), Data: r.data()})
		default:
			w.requests = append(w.requests, r)
		}
		w.unlock()
		// After it is noted, so that who asked can tell by the file.
		if removed := os.Remove(path); removed != nil && !errors.Is(removed, fs.ErrNotExist) {
			w.stuck[name] = struct{}{} // never done twice
		}
	}
}

// isFor reports whether the request is meant for the process of s.
func (r *Request) isFor(s *State) bool {
	return r.Host == s.Host && r.PID == s.PID && r.PIDStart == s.PIDStart && r.Started.Equal(s.Started)
}

// data is what an event tells of the request.
func (r *Request) data() map[string]string {
	if r.Command == "" {
		return nil
	}
	return map[string]string{"command": string(r.Command), "by": r.By}
}

// readRequest reads a request from a small regular file; links and pipes are refused.
func readRequest(path string) (Request, error) {
	before, err := os.Lstat(path)
	if err != nil {
		return Request{}, err
	}
	if !before.Mode().IsRegular() {
		return Request{}, errors.New("it is not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return Request{}, err
	}
	defer f.Close()
	if after, err := f.Stat(); err != nil || !os.SameFile(before, after) {
		return Request{}, errors.New("it was replaced while it was read")
	}
	data, err := io.ReadAll(io.LimitReader(f, maxRequest+1))
	if err != nil {
		return Request{}, err
	}
	r, err := parseRequest(data)
	if err == nil && r.ID+".json" != filepath.Base(path) {
		return Request{}, fmt.Errorf("its id is %q", r.ID)
	}
	return r, err
}

package runlog

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"aural/internal/filelock"
)

// ErrLocked is returned by Create and Attach when another process writes the run.
var ErrLocked = errors.New("the run is being written by another process")

// owner is the content of the lock file. The file is empty when nobody holds the lock.
type owner struct {
	PID      int       `json:"pid"`
	PIDStart uint64    `json:"pid_start"`
	Host     string    `json:"host"`
	Time     time.Time `json:"time"`
}

func (o owner) String() string {
	return fmt.Sprintf("process %d on %s, since %s", o.PID, o.Host, o.Time.Format(time.RFC3339))
}

// lock keeps a second trainer away from a run directory. On one host the kernel's lock on the file decides, and the
// process number in it where the file system has no such locks; between hosts the heartbeat of the holder does. The
// file stays when the lock is released: removing it would let two others lock different files of the same name.
type lock struct {
	file *os.File
}

// acquire takes the lock of dir. stale is the dead holder it was taken over from, if any.
func acquire(dir string, self owner) (l *lock, stale *owner, err error) {
	path := filepath.Join(dir, lockFile)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, nil, fmt.Errorf("runlog: lock: %w", err)
	}
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	held, err := filelock.Try(f)
	if err != nil {
		return nil, nil, fmt.Errorf("runlog: lock %s: %w", path, err)
	}
	data, err := io.ReadAll(io.LimitReader(f, 4096))
	if err != nil {
		return nil, nil, fmt.Errorf("runlog: lock %s: %w", path, err)
	}
	var holder owner
	known := json.Unmarshal(data, &holder) == nil // not so when empty, or torn by a crash that also freed the lock
	if !held || known && holder.live(dir, self) {
		who := "an unknown process"
		if known {
			who = holder.String()
		}
		return nil, nil, fmt.Errorf("runlog: %s is held by %s: stop it first, or start another run: %w", path, who, ErrLocked)
	}
	if known {
		stale = &holder
	}
	if data, err = json.Marshal(self); err != nil {
		return nil, nil, fmt.Errorf("runlog: lock: %w", err)
	}
	if err = f.Truncate(0); err == nil {
		if _, err = f.WriteAt(append(data, '\n'), 0); err == nil {
			err = f.Sync()
		}
	}
	if err != nil {
		return nil, nil, fmt.Errorf("runlog: lock %s: %w", path, err)
	}
	return &lock{f}, stale, nil
}

// live reports whether the holder still writes the run in dir, for a caller that got the kernel's lock.
func (o owner) live(dir string, self owner) bool {
	if o.Host == self.Host {
		return o.PID != self.PID && processAlive(o.PID, o.PIDStart)
	}
	s, err := ReadState(dir)
	if err != nil {
		return self.Time.Sub(o.Time) < abandonedAfter // it may not have written its first heartbeat yet
	}
	return s.Status == Running && self.Time.Sub(s.Time) < abandonedAfter
}

// release empties the file, which says that the holder ended in good order, and gives the lock back.
func (l *lock) release() error {
	return errors.Join(l.file.Truncate(0), l.file.Close())
}

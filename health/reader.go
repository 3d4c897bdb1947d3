package health

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"aural/runlog"
)

// FromReader examines what r has read so far: it does not poll. A run without a heartbeat, such as a copy of the logs alone,
// is judged by its curves.
func FromReader(r *runlog.Reader, now time.Time) (Report, error) {
	in := Input{Curves: r, Events: r.Events(), Codebooks: r.Snapshots(runlog.CodebookSnapshot), Damage: r.Damage(), Now: now,
		CheckpointBytes: checkpointBytes(r.Dir())}
	state, err := r.State()
	switch {
	case err == nil:
		in.State, in.Status = state, state.At(now)
	case !errors.Is(err, fs.ErrNotExist):
		return Report{}, err
	}
	return Examine(in), nil
}

// checkpointBytes is the size of the newest checkpoint of a run; 0 when there is none.
func checkpointBytes(dir string) int64 {
	entries, err := os.ReadDir(filepath.Join(dir, "last"))
	if err != nil {
		return 0
	}
	total := int64(0)
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			total += info.Size()
		}
	}
	return total
}

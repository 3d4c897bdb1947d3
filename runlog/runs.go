package runlog

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// RunInfo is a run in a list.
type RunInfo struct {
	Dir    string
	Name   string // see RunName
	State  State
	Status Status // State.At the time of the listing
	Err    error  // why State could not be read; the other fields but Dir and Name are then empty
}

// Runs lists the runs in the directories below root, newest first. Directories that are no runs are passed over; a run
// whose state cannot be read is listed with the error.
func Runs(root string) ([]RunInfo, error) {
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil, fmt.Errorf("runlog: list runs: %w", err)
	}
	now := time.Now()
	var runs []RunInfo
	for _, e := range entries {
		dir := filepath.Join(root, e.Name())
		if strings.HasPrefix(e.Name(), ".") || !isRun(dir) {
			continue
		}
		info := RunInfo{Dir: dir, Name: RunName(dir)}
		if info.State, info.Err = ReadState(dir); info.Err == nil {
			info.Status = info.State.At(now)
		}
		runs = append(runs, info)
	}
	slices.SortStableFunc(runs, func(a, b RunInfo) int {
		if c := b.State.Created.Compare(a.State.Created); c != 0 {
			return c
		}
		return strings.Compare(b.Dir, a.Dir)
	})
	return runs, nil
}

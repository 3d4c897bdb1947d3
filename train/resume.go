package train

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"aural/kernels"
)

// ErrNoCheckpoint is returned by Find when there is nothing to continue from.
var ErrNoCheckpoint = errors.New("no checkpoint")

// Checkpoint is a checkpoint whose checksums were found right.
type Checkpoint struct {
	Dir   string
	State State
	// Damaged says what is wrong with the newer checkpoints that [Find] passed over.
	Damaged []error
}

// Find looks for the checkpoint to continue from and verifies it. which is
//
//	"auto"   the newest good checkpoint of the run
//	"last"   the one that the link last names: the newest, or an error
//	"best"   the one that the link best names
//	PATH     the folder of a checkpoint, or the name of one in the run directory
//
// Find changes nothing on the disk. Errors name every file that is missing or damaged.
func Find(runDir, which string) (*Checkpoint, error) {
	switch which {
	case "":
		return nil, errors.New("train: resume: want auto, last, best or the path of a checkpoint")
	case "auto":
		return newestGood(runDir)
	case lastLink, bestLink:
		path, err := filepath.EvalSymlinks(filepath.Join(runDir, which))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("train: resume %s: %s has no link of that name to a checkpoint: %w", which, runDir, ErrNoCheckpoint)
		}
		if err != nil {
			return nil, fmt.Errorf("train: resume %s: %w", which, err)
		}
		return open(path)
	}
	if _, err := os.Stat(which); errors.Is(err, fs.ErrNotExist) {
		if inRun := filepath.Join(runDir, which); which == filepath.Base(which) {
			if _, err := os.Stat(inRun); err == nil {
				return open(inRun)
			}
		}
		return nil, fmt.Errorf("train: resume: neither %s nor a checkpoint of that name in %s exists: %w", which, runDir, ErrNoCheckpoint)
	}
	return open(which)
}

func newestGood(runDir string) (*Checkpoint, error) {
	updates, err := updatesIn(runDir)
	if err != nil {
		return nil, err
	}
	var damaged []error
	for i := len(updates) - 1; i >= 0; i-- {
		c, err := open(filepath.Join(runDir, CheckpointName(updates[i])))
		if err == nil {
			c.Damaged = damaged
			return c, nil
		}
		damaged = append(damaged, err)
	}
	if len(damaged) > 0 {
		return nil, fmt.Errorf("train: resume: all %d checkpoints of %s are damaged: %w", len(damaged), runDir, errors.Join(damaged...))
	}
	return nil, fmt.Errorf("train: resume: %s holds none: %w", runDir, ErrNoCheckpoint)
}

// open verifies the checkpoint in dir and reads its state.
func open(dir string) (*Checkpoint, error) {
	if err := verifySums(dir, optimizerFile, stateFile); err != nil {
		return nil, fmt.Errorf("train: checkpoint %s: %w", dir, err)
	}
	s, err := readState(dir)
	if err != nil {
		return nil, fmt.Errorf("train: checkpoint %s: %w", dir, err)
	}
	if u, ok := updateOf(filepath.Base(dir)); ok && u != s.Position.Update {
		return nil, fmt.Errorf("train: checkpoint %s is that of update %d: rename it back", dir, s.Position.Update)
	}
	return &Checkpoint{Dir: dir, State: s}, nil
}

func readState(dir string) (State, error) {
	data, err := os.ReadFile(filepath.Join(dir, stateFile))
	if err != nil {
		return State{}, err
	}
	return DecodeState(data)
}

// restore loads the weights and the optimiser's moments.
func (c *Checkpoint) restore(be kernels.Backend, w *Weights, loadModel func(dir string) error) error {
	if err := loadModel(c.Dir); err != nil {
		return fmt.Errorf("train: resume %s: model: %w", c.Dir, err)
	}
	if err := readMoments(c.Dir, be, w); err != nil {
		return fmt.Errorf("train: resume %s: %w", c.Dir, err)
	}
	return nil
}

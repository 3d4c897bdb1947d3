package train

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"aural/internal/atomicfile"
	"aural/kernels"
)

// The names of a checkpoint. The folder has the name that the Trainer of Hugging Face gives it.
const (
	checkpointPrefix = "checkpoint-"
	stateFile        = "trainer_state.json"
	lastLink         = "last"
	bestLink         = "best"
)

// CheckpointName is the folder of the checkpoint after so many updates.
func CheckpointName(update uint64) string { return checkpointPrefix + strconv.FormatUint(update, 10) }

// updateOf reads the number in the name of a checkpoint folder.
func updateOf(name string) (update uint64, ok bool) {
	digits, ok := strings.CutPrefix(name, checkpointPrefix)
	if !ok {
		return 0, false
	}
	update, err := strconv.ParseUint(digits, 10, 63)
	return update, err == nil && CheckpointName(update) == name
}

// writer writes checkpoints into a run directory.
type writer struct {
	runDir    string
	be        kernels.Backend
	weights   *Weights
	saveModel func(dir string) error
	// before is called when all files are on the disk and the checkpoint is about to appear.
	before func()
}

// write makes the checkpoint of s. It is put together in a hidden folder, brought to the disk and renamed, so that a checkpoint is whole or not
// there. After an error nothing of it is left, and what was there before is as it was.
func (w *writer) write(s State) (err error) {
	name := CheckpointName(s.Position.Update)
	tmp := hidden(w.runDir, name)
	defer func() {
		if err != nil {
			err = fmt.Errorf("train: save %s: %w", filepath.Join(w.runDir, name), errors.Join(err, os.RemoveAll(tmp)))
		}
	}()
	path := filepath.Join(w.runDir, name)
	if _, err := os.Lstat(path); err == nil {
		return fs.ErrExist
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Mkdir(tmp, 0o777); err != nil {
		return err
	}
	if err := w.fill(tmp, s); err != nil {
		return err
	}
	w.before()
	if err := os.Rename(tmp, path); err != nil {
		return err
	}
	return atomicfile.SyncDir(w.runDir)
}

func (w *writer) fill(dir string, s State) error {
	if err := w.saveModel(dir); err != nil {
		return fmt.Errorf("model: %w", err)
	}
	if err := writeMoments(dir, w.be, w.weights); err != nil {
		return fmt.Errorf("optimiser: %w", err)
	}
	data, err := s.Encode()
	if err != nil {
		return err
	}
	if err := writeSynced(filepath.Join(dir, stateFile), data); err != nil {
		return err
	}
	if err := writeSums(dir); err != nil {
		return err
	}
	return atomicfile.SyncDir(dir)
}

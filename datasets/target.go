package datasets

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"aural/internal/atomicfile"
)

// target is the directory that a store will be, and the hidden one beside it that it is made in. Both are on one file
// system, so the last step is a rename.
type target struct {
	dir       string
	working   string   // ends up removed
	replace   bool     // dir is an old store or an empty directory
	resumable bool     // working has a fixed name and stays when the work does not end
	leftovers []string // of work that did not end
	lock      *os.File
}

// newTarget checks dir before any work is done and makes the working directory. When it is resumable it may be there
// already, with what an earlier import has left in it; only one process has it at a time.
func newTarget(dir string, overwrite, resumable bool) (*target, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("datasets: %w", err)
	}
	t := &target{dir: dir, resumable: resumable}
	info, err := exists(dir)
	if err != nil {
		return nil, fmt.Errorf("datasets: %w", err)
	}
	if info != nil {
		if !overwrite {
			return nil, fmt.Errorf("datasets: %s: %w: choose another name, or allow it to be overwritten", dir, ErrExists)
		}
		if err := mayReplace(dir, info); err != nil {
			return nil, err
		}
		t.replace = true
	}
	parent, base := filepath.Split(dir)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return nil, fmt.Errorf("datasets: %w", err)
	}
	siblings, err := os.ReadDir(parent)
	if err != nil {
		return nil, fmt.Errorf("datasets: %w", err)
	}
	for _, s := range siblings {
		for _, prefix := range []string{importingPrefix(base) + "-", replacedPrefix(base)} {
			if strings.HasPrefix(s.Name(), prefix) {
				t.leftovers = append(t.leftovers, filepath.Join(parent, s.Name()))
			}
		}
	}
	if !resumable {
		if t.working, err = os.MkdirTemp(parent, importingPrefix(base)+"-"); err != nil {
			return nil, fmt.Errorf("datasets: %w", err)
		}
		return t, nil
	}
	t.working = filepath.Join(parent, importingPrefix(base))
	if err := os.MkdirAll(t.working, 0o700); err != nil {
		return nil, fmt.Errorf("datasets: %w", err)
	}
	if t.lock, err = lockFile(filepath.Join(t.working, lockName)); err != nil {
		return nil, fmt.Errorf("datasets: another import into %s is at work (it holds %s): %w", dir, filepath.Join(t.working, lockName), err)
	}
	return t, nil
}

const lockName = "lock"

func importingPrefix(base string) string { return "." + base + ".importing" }
func replacedPrefix(base string) string  { return "." + base + ".replaced-" }

// clear removes everything that an earlier import left in the working directory.
func (t *target) clear() error {
	entries, err := os.ReadDir(t.working)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() == lockName {
			continue
		}
		if err := os.RemoveAll(filepath.Join(t.working, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// finished is the directory inside the working one that will be the store.
func (t *target) finished() string { return filepath.Join(t.working, "store") }

// mayReplace allows only a store, or an empty directory, to be overwritten: a mistyped name must not cost other data.
func mayReplace(dir string, info os.FileInfo) error {
	if !info.IsDir() {
		return fmt.Errorf("datasets: %s is not a directory and will not be overwritten: %w", dir, ErrExists)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("datasets: %w", err)
	}
	if _, err := os.Stat(filepath.Join(dir, InfoFile)); err != nil && len(entries) > 0 {
		return fmt.Errorf("datasets: %s holds something other than a store and will not be overwritten: %w", dir, ErrExists)
	}
	return nil
}

// publish gives the finished directory its name. An old store is moved aside first and deleted when the new one is in
// place. When publish fails, the finished store stays where it is and the error says where.
func (t *target) publish() error {
	finished := t.finished()
	if err := atomicfile.SyncDir(finished); err != nil {
		return fmt.Errorf("datasets: sync %s: %w", finished, err)
	}
	old := ""
	if t.replace {
		parent, base := filepath.Split(t.dir)
		aside, err := os.MkdirTemp(parent, replacedPrefix(base))
		if err != nil {
			return t.keep(err)
		}
		old = filepath.Join(aside, base)
		if err := os.Rename(t.dir, old); err != nil {
			return t.keep(errors.Join(err, os.Remove(aside)))
		}
	}
	if err := os.Rename(finished, t.dir); err != nil {
		if old != "" {
			err = errors.Join(err, os.Rename(old, t.dir), os.Remove(filepath.Dir(old)))
		}
		return t.keep(err)
	}
	err := errors.Join(atomicfile.SyncDir(filepath.Dir(t.dir)), t.remove())
	if old != "" {
		err = errors.Join(err, os.RemoveAll(filepath.Dir(old)))
	}
	if err != nil {
		return fmt.Errorf("datasets: %s is complete, but: %w", t.dir, err)
	}
	return nil
}

// keep turns the failure to rename into an error that tells where the finished store is.
func (t *target) keep(err error) error {
	t.resumable = true
	return fmt.Errorf("datasets: %s could not be put in place; the finished store is %s: %w", t.dir, t.finished(), err)
}

// remove deletes the working directory.
func (t *target) remove() error {
	working := t.working
	t.working = ""
	return os.RemoveAll(working)
}

// release ends the work: a working directory that nobody can go on with is removed.
func (t *target) release() {
	if t.working != "" && !t.resumable {
		t.remove()
	}
	if t.lock != nil {
		t.lock.Close()
	}
}

// exists reports whether there is anything at path, links included.
func exists(path string) (fs.FileInfo, error) {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return info, err
}

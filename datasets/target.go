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

// target is the directory that an import will make, and the hidden one beside it that it is made in. Both are on one file
// system, so the last step is a rename.
type target struct {
	dir       string
	temporary string
	replace   bool     // dir is an old store or an empty directory
	leftovers []string // of imports that did not end
}

// newTarget checks dir before any work is done and makes the temporary directory.
func newTarget(dir string, overwrite bool) (*target, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("datasets: %w", err)
	}
	t := &target{dir: dir}
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
		for _, prefix := range []string{importingPrefix(base), replacedPrefix(base)} {
			if strings.HasPrefix(s.Name(), prefix) {
				t.leftovers = append(t.leftovers, filepath.Join(parent, s.Name()))
			}
		}
	}
	if t.temporary, err = os.MkdirTemp(parent, importingPrefix(base)); err != nil {
		return nil, fmt.Errorf("datasets: %w", err)
	}
	return t, nil
}

func importingPrefix(base string) string { return "." + base + ".importing-" }
func replacedPrefix(base string) string  { return "." + base + ".replaced-" }

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
	if err := os.Chmod(t.temporary, 0o755); err != nil { // MkdirTemp makes it private
		return fmt.Errorf("datasets: %w", err)
	}
	if err := atomicfile.SyncDir(t.temporary); err != nil {
		return fmt.Errorf("datasets: sync %s: %w", t.temporary, err)
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
	if err := os.Rename(t.temporary, t.dir); err != nil {
		if old != "" {
			err = errors.Join(err, os.Rename(old, t.dir), os.Remove(filepath.Dir(old)))
		}
		return t.keep(err)
	}
	t.temporary = ""
	err := atomicfile.SyncDir(filepath.Dir(t.dir))
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
	finished := t.temporary
	t.temporary = ""
	return fmt.Errorf("datasets: %s could not be put in place; the finished store is %s: %w", t.dir, finished, err)
}

// discard removes the temporary directory unless publish has used it.
func (t *target) discard() {
	if t.temporary != "" {
		os.RemoveAll(t.temporary)
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

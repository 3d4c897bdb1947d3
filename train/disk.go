package train

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// writeSynced writes a new file and brings it to the disk.
func writeSynced(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// hidden is a fresh name in dir for something that is not, or no longer, part of the run. clean removes what a crash leaves of them.
func hidden(dir, what string) string {
	return filepath.Join(dir, fmt.Sprintf("%s%s-%08x", hiddenPrefix, what, rand.Uint32()))
}

const hiddenPrefix = ".tmp-"

// clean removes what an earlier process left unfinished in dir.
func clean(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), hiddenPrefix) {
			if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// link points the symbolic link name in dir to target, beside it, or removes it when target is empty. Readers see the old one or the new one.
func link(dir, name, target string) error {
	path := filepath.Join(dir, name)
	if target == "" {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	tmp := hidden(dir, name)
	if err := os.Symlink(target, tmp); err != nil {
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		os.Remove(tmp)
		return err
	}
	return nil
}

// remove takes a folder out of the run in one step, and then deletes it.
func remove(path string) error {
	trash := hidden(filepath.Dir(path), filepath.Base(path))
	if err := os.Rename(path, trash); err != nil {
		return err
	}
	return os.RemoveAll(trash)
}

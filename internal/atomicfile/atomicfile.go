// Package atomicfile writes files so that a reader, or a machine that loses power, sees the old content or the new one and nothing between.
package atomicfile

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Write replaces path by data: it writes a temporary file beside path, syncs it, renames it and syncs the directory. On error the old file
// stands and nothing is left behind.
func Write(path string, data []byte, perm fs.FileMode) error {
	return Create(path, perm, func(f *os.File) error {
		_, err := f.Write(data)
		return err
	})
}

// Create replaces path by what fill writes into an empty file, in the same way as Write.
func Create(path string, perm fs.FileMode, fill func(*os.File) error) (err error) {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+".*.tmp")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
			err = fmt.Errorf("write %s: %w", path, err)
		}
	}()
	if err = fill(f); err != nil {
		return err
	}
	if err = f.Chmod(perm); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	return SyncDir(dir)
}

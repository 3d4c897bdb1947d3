//go:build unix

package atomicfile

import "os"

// SyncDir makes what was created in, or renamed into, a directory last through a loss of power.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

//go:build unix

package train

import (
	"errors"
	"os"
)

// syncDir makes what was created in or renamed into dir durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

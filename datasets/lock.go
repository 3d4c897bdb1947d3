package datasets

import (
	"errors"
	"fmt"
	"os"

	"aural/internal/filelock"
)

// lockFile takes the lock that path stands for, which the kernel frees when the file is closed or the process dies.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	held, err := filelock.Try(f)
	if err == nil && !held {
		err = errors.New("another process holds it")
	}
	if err != nil {
		return nil, fmt.Errorf("lock: %w", errors.Join(err, f.Close()))
	}
	return f, nil
}

//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package runlog

import (
	"errors"
	"os"
	"syscall"
)

// tryFlock takes the kernel's lock on f, which ends with the process. held is false when another process has it. File
// systems without such locks are no error; there the content of the file decides alone.
func tryFlock(f *os.File) (held bool, err error) {
	switch err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); {
	case err == nil:
		return true, nil
	case errors.Is(err, syscall.EWOULDBLOCK):
		return false, nil
	case errors.Is(err, syscall.ENOTSUP), errors.Is(err, syscall.ENOLCK), errors.Is(err, syscall.ENOSYS):
		return true, nil
	default:
		return false, err
	}
}

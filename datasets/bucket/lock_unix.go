//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package bucket

import (
	"errors"
	"os"
	"syscall"
)

// tryLock takes the lock of f, or returns errBusy. The kernel frees it when the process ends.
func tryLock(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	switch {
	case errors.Is(err, syscall.EWOULDBLOCK), errors.Is(err, syscall.EINTR):
		return errBusy
	}
	return err
}

func unlock(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_UN) }

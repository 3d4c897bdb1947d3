//go:build !linux

package runlog

import (
	"errors"
	"os"
	"runtime"
	"syscall"
)

// ownStart returns 0: the start time of a process is not looked up on this system.
func ownStart() uint64 { return 0 }

// processAlive reports whether there is a process pid. It cannot tell a process from a later one with the same number.
func processAlive(pid int, _ uint64) bool {
	if pid <= 0 {
		return false
	}
	p, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	if runtime.GOOS == "windows" {
		return true // FindProcess opens the process there
	}
	err = p.Signal(syscall.Signal(0))
	return err == nil || errors.Is(err, syscall.EPERM)
}

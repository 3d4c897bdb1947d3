package runlog

import (
	"bytes"
	"errors"
	"os"
	"strconv"
	"syscall"
)

// processStart returns the start time of a process in clock ticks since boot, and its state letter. Together with the
// number it names a process even after the number was given to another one. ok is false when there is no such process
// or /proc cannot be read. See proc_pid_stat(5).
func processStart(pid int) (start uint64, state byte, ok bool) {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, 0, false
	}
	// The second field is the command in brackets and may itself hold blanks and brackets.
	fields := bytes.Fields(data[bytes.LastIndexByte(data, ')')+1:])
	if len(fields) < 20 {
		return 0, 0, false
	}
	start, err = strconv.ParseUint(string(fields[19]), 10, 64)
	return start, fields[0][0], err == nil
}

// ownStart is processStart of this process, 0 when it is not known.
func ownStart() uint64 {
	start, _, _ := processStart(os.Getpid())
	return start
}

// processAlive reports whether the process pid that began at start still runs. start 0 stands for an unknown one.
func processAlive(pid int, start uint64) bool {
	if pid <= 0 {
		return false
	}
	if now, state, ok := processStart(pid); ok {
		dead := state == 'Z' || state == 'X' // ended, but its parent has not asked for its status yet
		return !dead && (start == 0 || start == now)
	}
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}

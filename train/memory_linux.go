package train

import (
	"bytes"
	"os"
	"strconv"
)

// residentBytes is the memory of the process that is in RAM, from proc_pid_statm(5).
func residentBytes() (n uint64, ok bool) {
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, false
	}
	fields := bytes.Fields(data)
	if len(fields) < 2 {
		return 0, false
	}
	pages, err := strconv.ParseUint(string(fields[1]), 10, 64)
	return pages * uint64(os.Getpagesize()), err == nil
}

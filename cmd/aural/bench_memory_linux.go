package main

import (
	"bufio"
	"fmt"
	"os"
)

// peakMemory is the most memory of the process that was in RAM at once: VmHWM of proc_pid_status(5), which, unlike getrusage, does not count what
// the program that started it had.
func peakMemory() (bytes int64, ok bool) {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return 0, false
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if n, _ := fmt.Sscanf(lines.Text(), "VmHWM: %d kB", &bytes); n == 1 {
			return bytes << 10, true
		}
	}
	return 0, false
}

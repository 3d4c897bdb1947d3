//go:build unix

package train

import (
	"os"
	"syscall"
)

// stopSignals: a terminal's Ctrl-C, a batch system's end, and what batch systems are told to send some time before the end.
var stopSignals = []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGUSR1}

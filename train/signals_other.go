//go:build !unix

package train

import (
	"os"
	"syscall"
)

// stopSignals: this system has no SIGUSR1.
var stopSignals = []os.Signal{os.Interrupt, syscall.SIGTERM}

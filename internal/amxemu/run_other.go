//go:build !linux || !amd64

package amxemu

import (
	"context"
	"fmt"
	"runtime"
)

// Run returns ErrUnavailable: the emulator needs ptrace of Linux and the registers of amd64.
func Run(context.Context, []string, []string) (Result, error) {
	return Result{}, fmt.Errorf("%w: it needs linux/amd64, this is %s/%s", ErrUnavailable, runtime.GOOS, runtime.GOARCH)
}

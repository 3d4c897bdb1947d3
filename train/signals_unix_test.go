//go:build unix

package train

import (
	"context"
	"errors"
	"syscall"
	"testing"
	"time"
)

// Real signals to this process: each kind asks for a stop, and any second one ends the context.
func TestNotify(t *testing.T) {
	for _, first := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGUSR1} {
		ctx, stop, release := Notify(context.Background())
		if err := syscall.Kill(syscall.Getpid(), first); err != nil {
			t.Fatal(err)
		}
		for asked := false; !asked; time.Sleep(time.Millisecond) {
			_, asked = stop.Asked()
		}
		if ctx.Err() != nil {
			t.Errorf("%v ended the context at once", first)
		}
		if err := syscall.Kill(syscall.Getpid(), syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		<-ctx.Done()
		var abort AbortError
		if !errors.As(context.Cause(ctx), &abort) || abort.Signal != syscall.SIGTERM {
			t.Errorf("after %v the context ended with %v", first, context.Cause(ctx))
		}
		release()
	}
}

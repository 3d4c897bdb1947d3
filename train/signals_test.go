package train

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A second signal does not wait for anything and saves nothing.
func TestAbort(t *testing.T) {
	r := newRegression(t, testBackend(t), 8, false)
	signals := make(chan os.Signal, 2)
	stopped := make(chan struct{})
	ctx, stop, release := watch(context.Background(), signals, func() { close(stopped) })
	defer release()
	r.ran = func(at Position) {
		if at.Update == 2 {
			signals <- os.Interrupt
			signals <- os.Interrupt
			<-ctx.Done()
		}
	}
	run := begin(t)
	err := Run(ctx, r, r.be, testConfig(1000), run, Options{Stop: stop})
	var abort AbortError
	if !errors.As(err, &abort) || abort.Signal != os.Interrupt {
		t.Errorf("got %v, want an AbortError with the signal", err)
	}
	<-stopped
	if left, _ := filepath.Glob(filepath.Join(run.Dir(), "*checkpoint*")); len(left) > 0 {
		t.Errorf("%v was written", left)
	}
}

func TestFirstSignalStops(t *testing.T) {
	signals := make(chan os.Signal, 1)
	ctx, stop, release := watch(context.Background(), signals, func() { t.Error("one signal was taken for two") })
	signals <- os.Interrupt
	for {
		if reason, ok := stop.Asked(); ok {
			if !strings.Contains(reason, "interrupt") {
				t.Errorf("the reason is %q", reason)
			}
			break
		}
		time.Sleep(time.Millisecond)
	}
	if ctx.Err() != nil {
		t.Error("one signal ended the context")
	}
	release()
	if <-ctx.Done(); !errors.Is(context.Cause(ctx), context.Canceled) {
		t.Errorf("release ended the context with %v", context.Cause(ctx))
	}
}

func TestJobEnd(t *testing.T) {
	env := func(value string) func(string) (string, bool) {
		return func(name string) (string, bool) { return value, name == "SLURM_JOB_END_TIME" && value != "" }
	}
	if at, err := JobEnd(env("1795000000")); err != nil || at.Unix() != 1795000000 {
		t.Errorf("got %v, %v", at, err)
	}
	if at, err := JobEnd(env("")); err != nil || !at.IsZero() {
		t.Errorf("outside of a job: %v, %v", at, err)
	}
	for _, bad := range []string{"tomorrow", "-3", "1e9", "NONE"} {
		if _, err := JobEnd(env(bad)); err == nil || !strings.Contains(err.Error(), bad) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

package train

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"time"
)

var (
	// ErrStopped is returned by Run when it ended early on request and left a checkpoint to continue from. Programs exit with 75 then, EX_TEMPFAIL of
	// sysexits.h, which tells a batch system to start the job again.
	ErrStopped = errors.New("stopped early")
	// ErrDiverged is returned by Run when too many updates in a row had no finite loss and gradient. The newest checkpoint was saved after an
	// update that had. Programs exit with 76.
	ErrDiverged = errors.New("training diverged")
)

// AbortError is the cause of a context that a second signal ended.
type AbortError struct{ Signal os.Signal }

func (e AbortError) Error() string { return fmt.Sprintf("aborted by a second signal (%v)", e.Signal) }

// Stop asks a run to end after the update in work. Its methods may be called from any goroutine, and on a nil Stop, which is never asked for.
type Stop struct {
	mu     sync.Mutex
	asked  bool
	reason string
}

// Ask requests the stop. The first reason counts.
func (s *Stop) Ask(reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.asked {
		s.asked, s.reason = true, reason
	}
}

// Asked reports whether somebody asked, and why.
func (s *Stop) Asked() (reason string, asked bool) {
	if s == nil {
		return "", false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reason, s.asked
}

// Notify listens to SIGINT, SIGTERM and, where it exists, SIGUSR1: the first signal asks for a stop, the second ends ctx with an [AbortError] as its
// cause, and a third has its usual effect on the process. A program that wants to end at once exits when ctx ends: what Run writes is never
// half visible. release ends the listening.
func Notify(parent context.Context) (ctx context.Context, stop *Stop, release func()) {
	c := make(chan os.Signal, 2)
	signal.Notify(c, stopSignals...)
	ctx, stop, end := watch(parent, c, func() { signal.Stop(c) })
	return ctx, stop, func() {
		signal.Stop(c)
		end()
	}
}

// watch is Notify over a channel. after is called when the second signal has come.
func watch(parent context.Context, c <-chan os.Signal, after func()) (context.Context, *Stop, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	stop := new(Stop)
	go func() {
		for n := 0; ; n++ {
			select {
			case s := <-c:
				if n > 0 {
					after()
					cancel(AbortError{s})
					return
				}
				stop.Ask("signal: " + s.String())
			case <-ctx.Done():
				return
			}
		}
	}()
	return ctx, stop, func() { cancel(context.Canceled) }
}

// jobEndVariable is set by Slurm to when the job will be killed, in seconds since 1970.
const jobEndVariable = "SLURM_JOB_END_TIME"

// JobEnd tells when the batch job that this process runs in will be ended, the zero time when that is not known. lookup is os.LookupEnv.
func JobEnd(lookup func(string) (string, bool)) (time.Time, error) {
	text, ok := lookup(jobEndVariable)
	if !ok || text == "" {
		return time.Time{}, nil
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil || seconds <= 0 {
		return time.Time{}, fmt.Errorf("train: %s is %q, want seconds since 1970: unset it to train without regard to the end of the job", jobEndVariable, text)
	}
	return time.Unix(seconds, 0), nil
}
